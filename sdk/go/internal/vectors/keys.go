package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"math/big"
)

// The keys below are for tests only. Each is made from its name, so anybody can
// make them; nothing may ever trust them.

type member struct{ name, raw string } // a member of a JSON object, its value as JSON

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// stream is an endless supply of bytes that depend on nothing but a name.
func stream(name string, bytes int) []byte {
	var out []byte
	for i := uint64(0); len(out) < bytes; i++ {
		block := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("gatehouse test key, do not trust: "+name+" "), i))
		out = append(out, block[:]...)
	}
	return out[:bytes]
}

func ecKey(curve elliptic.Curve, name string) *ecdsa.PrivateKey {
	raw := stream(name, (curve.Params().BitSize+7)/8)
	raw[0] &= 0x7f // below the order of the curve
	key, err := ecdsa.ParseRawPrivateKey(curve, raw)
	if err != nil {
		panic(err)
	}
	return key
}

func ecJWK(key *ecdsa.PrivateKey, more ...member) object {
	point, err := key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	size := len(point) / 2
	return append(object{
		{"kty", `"EC"`},
		{"crv", quoted(key.Curve.Params().Name)},
		{"x", quoted(b64(point[1 : 1+size]))},
		{"y", quoted(b64(point[1+size:]))},
	}, more...)
}

func rsaKey(name string) *rsa.PrivateKey {
	p, q := prime(name+" p"), prime(name+" q")
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	d := new(big.Int).ModInverse(big.NewInt(65537), phi)
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: d, Primes: []*big.Int{p, q},
	}
	key.Precompute()
	if err := key.Validate(); err != nil {
		panic(err)
	}
	return key
}

func prime(name string) *big.Int {
	candidate := new(big.Int).SetBytes(stream(name, 128))
	candidate.SetBit(candidate, 1023, 1).SetBit(candidate, 1022, 1).SetBit(candidate, 0, 1)
	for !candidate.ProbablyPrime(20) {
		candidate.Add(candidate, big.NewInt(2))
	}
	return candidate
}

func rsaJWK(key *rsa.PrivateKey, more ...member) object {
	return append(object{{"kty", `"RSA"`}, {"n", quoted(b64(key.N.Bytes()))}, {"e", `"AQAB"`}}, more...)
}

// signES signs without random numbers (RFC 6979), in the form of RFC 7518 §3.4.
func signES(key *ecdsa.PrivateKey, text string) []byte {
	r, s := readDER(signDER(key, text))
	size := (key.Curve.Params().BitSize + 7) / 8
	out := make([]byte, 2*size)
	r.FillBytes(out[:size])
	s.FillBytes(out[size:])
	return out
}

func signDER(key *ecdsa.PrivateKey, text string) []byte {
	sum := sha256.Sum256([]byte(text))
	hash, digest := crypto.SHA256, sum[:]
	if key.Curve == elliptic.P384() {
		sum := sha512.Sum384([]byte(text))
		hash, digest = crypto.SHA384, sum[:]
	}
	der, err := key.Sign(nil, digest, hash)
	if err != nil {
		panic(err)
	}
	return der
}

func signRS256(key *rsa.PrivateKey, text string) []byte {
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		panic(err)
	}
	return signature
}

func readDER(der []byte) (r, s *big.Int) {
	var pair struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &pair); err != nil || len(rest) > 0 {
		panic("a signature that cannot be read")
	}
	return pair.R, pair.S
}
