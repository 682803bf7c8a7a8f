package passkey_test

import (
	"bytes"
	"maps"
	"testing"

	"github.com/gatehouse/gatehouse/internal/factor/passkey"
	"github.com/gatehouse/gatehouse/internal/test/softauthn"
)

// number is an odd one of so many bits, as COSE writes it.
func number(bits int) []byte {
	n := bytes.Repeat([]byte{0xff}, (bits+7)/8)
	n[0] >>= (8 - bits%8) % 8
	return n
}

func TestNT_PK_1_KeysThatAreNoneAreNotRegistered(t *testing.T) {
	ones, zeros := bytes.Repeat([]byte{1}, 32), make([]byte, 32)
	for name, tt := range map[string]struct {
		algorithm int
		cose      map[int]any // nil leaves a member out
		reason    string
	}{
		"P-384, not offered":            {softauthn.ES384, nil, passkey.WrongAlgorithm},
		"no algorithm":                  {softauthn.ES256, map[int]any{3: nil}, passkey.WrongAlgorithm},
		"RSA with SHA-1":                {softauthn.RS256, map[int]any{3: -65535}, passkey.WrongAlgorithm},
		"RSA-PSS":                       {softauthn.RS256, map[int]any{3: -37}, passkey.WrongAlgorithm},
		"secp256k1":                     {softauthn.ES256, map[int]any{3: -47, -1: 8}, passkey.WrongAlgorithm},
		"a MAC":                         {softauthn.ES256, map[int]any{1: 4, 3: 5, -1: ones}, passkey.WrongAlgorithm},
		"an algorithm by name":          {softauthn.ES256, map[int]any{3: "ES256"}, passkey.Malformed},
		"an algorithm beyond 64 bits":   {softauthn.ES256, map[int]any{3: uint64(1<<64 - 7)}, passkey.Malformed},
		"off the curve":                 {softauthn.ES256, map[int]any{-2: ones}, passkey.BadKey},
		"the point (0, 0)":              {softauthn.ES256, map[int]any{-2: zeros, -3: zeros}, passkey.BadKey},
		"beyond the field":              {softauthn.ES256, map[int]any{-2: number(256), -3: number(256)}, passkey.BadKey},
		"a short x":                     {softauthn.ES256, map[int]any{-2: ones[:31]}, passkey.BadKey},
		"a long x":                      {softauthn.ES256, map[int]any{-2: append(zeros[:1:1], ones...)}, passkey.BadKey},
		"no y":                          {softauthn.ES256, map[int]any{-3: nil}, passkey.BadKey},
		"a compressed point":            {softauthn.ES256, map[int]any{-3: true}, passkey.BadKey},
		"P-384 by its number":           {softauthn.ES256, map[int]any{-1: 2}, passkey.BadKey},
		"no curve":                      {softauthn.ES256, map[int]any{-1: nil}, passkey.BadKey},
		"a curve that says RS256":       {softauthn.ES256, map[int]any{3: softauthn.RS256}, passkey.BadKey},
		"a curve that says EdDSA":       {softauthn.ES256, map[int]any{3: softauthn.EdDSA}, passkey.BadKey},
		"RSA that says ES256":           {softauthn.RS256, map[int]any{3: softauthn.ES256}, passkey.BadKey},
		"Ed25519 that says ES256":       {softauthn.EdDSA, map[int]any{3: softauthn.ES256}, passkey.BadKey},
		"an unknown type":               {softauthn.ES256, map[int]any{1: 99}, passkey.BadKey},
		"no type":                       {softauthn.ES256, map[int]any{1: nil}, passkey.BadKey},
		"RSA of 1024 bits":              {softauthn.RS256, map[int]any{-1: number(1024)}, passkey.BadKey},
		"RSA of 2047 bits":              {softauthn.RS256, map[int]any{-1: number(2047)}, passkey.BadKey},
		"RSA of 1024, with zeros":       {softauthn.RS256, map[int]any{-1: append(make([]byte, 128), number(1024)...)}, passkey.BadKey},
		"RSA of 8193 bits":              {softauthn.RS256, map[int]any{-1: number(8193)}, passkey.BadKey},
		"RSA of 24000 bits":             {softauthn.RS256, map[int]any{-1: number(24000)}, passkey.Malformed},
		"RSA with an even modulus":      {softauthn.RS256, map[int]any{-1: append(number(2048), 0)}, passkey.BadKey},
		"RSA without a modulus":         {softauthn.RS256, map[int]any{-1: nil}, passkey.BadKey},
		"RSA with exponent 1":           {softauthn.RS256, map[int]any{-2: []byte{1}}, passkey.BadKey},
		"RSA with exponent 2":           {softauthn.RS256, map[int]any{-2: []byte{2}}, passkey.BadKey},
		"RSA with an even exponent":     {softauthn.RS256, map[int]any{-2: []byte{1, 0, 0}}, passkey.BadKey},
		"RSA with exponent 2^31 + 1":    {softauthn.RS256, map[int]any{-2: []byte{0x80, 0, 0, 1}}, passkey.BadKey},
		"RSA with a very long exponent": {softauthn.RS256, map[int]any{-2: number(200)}, passkey.BadKey},
		"RSA without an exponent":       {softauthn.RS256, map[int]any{-2: nil}, passkey.BadKey},
		"a short Ed25519":               {softauthn.EdDSA, map[int]any{-2: ones[:31]}, passkey.BadKey},
		"Ed25519 on another curve":      {softauthn.EdDSA, map[int]any{-1: 1}, passkey.BadKey},
		"X25519":                        {softauthn.EdDSA, map[int]any{-1: 4}, passkey.BadKey},
		"a key with 4 KiB of more":      {softauthn.ES256, map[int]any{-70000: make([]byte, 4096)}, passkey.Malformed},
	} {
		a := softauthn.New()
		a.Algorithm, a.Lies.COSE = tt.algorithm, maps.Clone(tt.cose)
		raw, challenge := create(t, a)
		_, err := passkey.FinishRegistration(party, raw, challenge)
		refused(t, name, err, tt.reason)
	}
}

func TestNT_PK_1_AStoredKeyIsLookedAtAgain(t *testing.T) {
	a := softauthn.New()
	c := enrol(t, a)
	for reason, key := range map[string][]byte{
		passkey.Malformed:      nil,
		passkey.WrongAlgorithm: {0xa1, 0x01, 0x02},
		passkey.BadKey:         {0xa2, 0x01, 0x02, 0x03, 0x26},
	} {
		c.PublicKey = key
		_, err := signIn(get(t, a), c)
		refused(t, "a stored key that is none", err, reason)
	}
}
