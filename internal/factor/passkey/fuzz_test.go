package passkey_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"github.com/gatehouse/gatehouse/internal/factor/passkey"
	"github.com/gatehouse/gatehouse/internal/test/softauthn"
)

var reasons = []string{
	passkey.Malformed, passkey.WrongType, passkey.WrongChallenge, passkey.Expired, passkey.WrongOrigin, passkey.CrossOrigin,
	passkey.WrongParty, passkey.NotPresent, passkey.NotVerified, passkey.BackupState, passkey.WrongAlgorithm, passkey.BadKey,
	passkey.BadAttestation, passkey.WrongCredential, passkey.WrongUser, passkey.WrongSignature, passkey.CounterWentBack,
}

// known fails unless the error says one of the reasons and nothing else.
func known(t *testing.T, err error) {
	t.Helper()
	var e *passkey.Error
	if !errors.As(err, &e) || !slices.Contains(reasons, e.Reason) {
		t.Fatalf("refused as %v", err)
	}
}

// authenticators are those that make seeds: of every algorithm, of both kinds,
// and some that lie.
func authenticators() (all []*softauthn.Authenticator) {
	for _, algorithm := range []int{softauthn.ES256, softauthn.RS256, softauthn.EdDSA, softauthn.ES384} {
		key, phone := softauthn.New(), softauthn.NewSynced()
		phone.Terse = true
		for _, a := range []*softauthn.Authenticator{key, phone} {
			a.Algorithm = algorithm
			all = append(all, a)
		}
	}
	for _, l := range []softauthn.Lies{
		{Extensions: []byte{0xa1, 0x61, 'a', 0x01}},
		{Format: "packed", Statement: map[string]any{"alg": -7, "sig": []byte{1}}},
		{Format: "compound", Statement: []any{map[string]any{"fmt": "none", "attStmt": map[string]any{}}}},
		{Origin: "null", CrossOrigin: true, TopOrigin: "null", NoUserHandle: true},
	} {
		a := softauthn.New()
		a.Lies = l
		all = append(all, a)
	}
	return all
}

// FuzzFinishRegistration: whatever a browser sends is registered or refused in
// one of our words, never a panic.
func FuzzFinishRegistration(f *testing.F) {
	for _, a := range authenticators() {
		raw, _ := create(f, a)
		f.Add(raw)
	}
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := passkey.ReadRegistration(raw)
		if err != nil {
			known(t, err)
			return
		}
		if c, err := passkey.FinishRegistration(party, raw, r.Challenge); err != nil {
			known(t, err)
		} else {
			usable(t, c)
		}
	})
}

// FuzzAttestationObject is FuzzFinishRegistration from behind JSON and base64,
// through which the fuzzer would not find its way.
func FuzzAttestationObject(f *testing.F) {
	for _, a := range authenticators() {
		raw, _ := create(f, a)
		edit(f, raw, func(c, r map[string]any) { f.Add(unb64(f, c["id"]), unb64(f, r["attestationObject"])) })
	}
	client := b64([]byte(`{"type":"webauthn.create","challenge":"AAAA","origin":"` + origin + `"}`))
	f.Fuzz(func(t *testing.T, id, object []byte) {
		raw := []byte(`{"id":"` + b64(id) + `","rawId":"` + b64(id) + `","type":"public-key","response":{"clientDataJSON":"` + client +
			`","attestationObject":"` + b64(object) + `"}}`)
		if c, err := passkey.FinishRegistration(party, raw, make([]byte, 3)); err != nil {
			known(t, err)
		} else {
			usable(t, c)
		}
	})
}

// usable fails unless what was registered can be stored, found and used: an
// assertion that nobody signed is refused for that, and not for the key.
func usable(t *testing.T, c passkey.Credential) {
	t.Helper()
	rpID := sha256.Sum256([]byte(party.ID))
	data := append(rpID[:], softauthn.UP|softauthn.UV, 0, 0, 0, 0)
	client := b64([]byte(`{"type":"webauthn.get","origin":"` + origin + `"}`))
	a, err := passkey.ReadAssertion([]byte(`{"id":"` + b64(c.ID) + `","rawId":"` + b64(c.ID) + `","type":"public-key","response":{"clientDataJSON":"` + client +
		`","authenticatorData":"` + b64(data) + `","signature":"AA"}}`))
	if err == nil {
		_, err = a.Verify(party, c, nil)
	}
	var e *passkey.Error
	if !errors.As(err, &e) || e.Reason != passkey.WrongSignature || len(c.ID) > 1023 || len(c.PublicKey) > 2048 || len(c.AAGUID) != 36 ||
		len(c.Transports) > 8 || !c.UserVerified || c.BackedUp && !c.BackupEligible {
		t.Fatalf("registered %+v; used without a signature: %v", c, err)
	}
}

// FuzzReadAssertion: whatever a browser sends is read or refused, never a panic;
// and a passkey of somebody else lets nobody in.
func FuzzReadAssertion(f *testing.F) {
	var stored passkey.Credential
	for _, a := range authenticators() {
		if a.Algorithm == softauthn.ES384 {
			continue
		}
		told := a.Lies
		a.Lies = softauthn.Lies{}
		stored = enrol(f, a)
		a.Lies = told
		f.Add(get(f, a))
	}
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"","signature":""}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := passkey.ReadAssertion(raw)
		if err != nil {
			known(t, err)
			return
		}
		if len(a.CredentialID) == 0 || len(a.CredentialID) > 1023 || len(a.UserHandle) > 64 {
			t.Fatalf("read %+v", a)
		}
		c := stored
		c.ID = a.CredentialID // so that something more than the id is looked at
		if _, err := a.Verify(party, c, ada.Handle); err != nil {
			known(t, err)
		} else if !bytes.Equal(a.CredentialID, stored.ID) {
			t.Fatal("let in with a passkey of somebody else")
		}
	})
}
