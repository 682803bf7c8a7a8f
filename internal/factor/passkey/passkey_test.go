package passkey_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/factor/passkey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/test/softauthn"
)

const origin = "https://login.example.com"

var (
	party      = passkey.Party{ID: "example.com", Name: "Example", Origins: []string{"https://www.example.com", origin}}
	ada        = passkey.UserEntity{Handle: []byte("handle-of-ada"), Name: "ada@example.com", DisplayName: "Ada"}
	noon       = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	challenger = passkey.NewChallenger([32]byte(bytes.Repeat([]byte{7}, 32)), gate.DefaultTenant)
)

// create lets the authenticator make a passkey for Ada.
func create(t testing.TB, a *softauthn.Authenticator) (raw, challenge []byte) {
	t.Helper()
	challenge = challenger.New(passkey.Register, "ada", noon)
	raw, err := a.Create(marshal(t, passkey.CreationOptions(party, ada, challenge, nil)), origin)
	if err != nil {
		t.Fatal(err)
	}
	return raw, challenge
}

// enrol makes and registers a passkey, and lets its authenticator be as before.
func enrol(t testing.TB, a *softauthn.Authenticator) passkey.Credential {
	t.Helper()
	raw, challenge := create(t, a)
	c, err := passkey.FinishRegistration(party, raw, challenge)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// get lets the authenticator answer to a request to sign in.
func get(t testing.TB, a *softauthn.Authenticator) []byte {
	t.Helper()
	challenge := challenger.New(passkey.Authenticate, "", noon)
	raw, err := a.Get(marshal(t, passkey.RequestOptions(party, challenge)), origin)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// signIn does what a verb does with an answer.
func signIn(raw []byte, stored passkey.Credential) (passkey.Credential, error) {
	a, err := passkey.ReadAssertion(raw)
	if err != nil {
		return passkey.Credential{}, err
	}
	if err := challenger.Check(a.Challenge, passkey.Authenticate, "", noon); err != nil {
		return passkey.Credential{}, err
	}
	return a.Verify(party, stored, ada.Handle)
}

// refused fails unless the error says this reason and nothing else.
func refused(t *testing.T, what string, err error, reason string) {
	t.Helper()
	var e *passkey.Error
	if !errors.As(err, &e) || e.Reason != reason || err.Error() != "passkey: "+reason {
		t.Errorf("%s: %v, not refused for %q", what, err, reason)
	}
}

// edit changes members of an answer that is made.
func edit(t testing.TB, raw []byte, change func(credential, response map[string]any)) []byte {
	t.Helper()
	var credential map[string]any
	if err := json.Unmarshal(raw, &credential); err != nil {
		t.Fatal(err)
	}
	change(credential, credential["response"].(map[string]any))
	return marshal(t, credential)
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unb64(t testing.TB, text any) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text.(string))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAPasskeyIsRegisteredAndUsed(t *testing.T) {
	for name, algorithm := range map[string]int{"ES256": softauthn.ES256, "RS256": softauthn.RS256, "EdDSA": softauthn.EdDSA} {
		t.Run(name, func(t *testing.T) {
			a := softauthn.New()
			a.Algorithm, a.AAGUID = algorithm, [16]byte{0xea, 0x9b, 0x8d, 0x66, 15: 1}
			c := enrol(t, a)
			if !bytes.Equal(c.ID, a.Passkeys[0].ID) || c.AAGUID != "ea9b8d66-0000-0000-0000-000000000001" || c.SignCount != 0 ||
				!c.UserVerified || c.BackupEligible || c.BackedUp || c.AttestationFormat != "none" ||
				!slices.Equal(c.Transports, []string{"hybrid", "internal"}) {
				t.Fatalf("registered as %+v", c)
			}
			for n := range uint32(3) {
				after, err := signIn(get(t, a), c)
				if err != nil {
					t.Fatal(err)
				}
				want := c
				want.SignCount = n + 1
				if !reflect.DeepEqual(after, want) {
					t.Fatalf("after sign-in %d: %+v, want %+v", n+1, after, want)
				}
				c = after
			}
		})
	}
}

func TestOldFrontEndsSendTheLeast(t *testing.T) {
	a := softauthn.NewSynced()
	a.Terse = true
	c := enrol(t, a)
	if c.Transports != nil || !c.BackupEligible || !c.BackedUp {
		t.Errorf("registered as %+v", c)
	}
	for name, change := range map[string]func(credential, response map[string]any){
		"with a user handle":  func(_, _ map[string]any) {},
		"with null":           func(_, r map[string]any) { r["userHandle"] = nil },
		"with an empty one":   func(_, r map[string]any) { r["userHandle"] = "" },
		"without":             func(_, r map[string]any) { delete(r, "userHandle") },
		"with further things": func(c, r map[string]any) { c["device"], r["x"] = "a", []any{map[string]any{"y": nil}} },
		"with padding": func(c, r map[string]any) {
			c["id"] = base64.URLEncoding.EncodeToString(a.Passkeys[0].ID)
			r["signature"] = base64.URLEncoding.EncodeToString(unb64(t, r["signature"]))
		},
	} {
		if _, err := signIn(edit(t, get(t, a), change), c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheChallengeCanBeReadFromARegistration(t *testing.T) {
	raw, challenge := create(t, softauthn.New())
	r, err := passkey.ReadRegistration(raw)
	if err != nil || !bytes.Equal(r.Challenge, challenge) {
		t.Fatalf("read %x, %v", r.Challenge, err)
	}
	if _, err := r.Verify(party); err != nil {
		t.Error(err)
	}
}

// Statements of authenticators that attest uninvited are neither believed nor a
// reason to refuse.
func TestNT_PK_1_NoAttestationIsBelieved(t *testing.T) {
	rubbish := map[string]any{"alg": -7, "sig": []byte("none"), "x5c": []any{[]byte("no certificate")}}
	for format, recorded := range map[string]string{
		"packed": "packed", "tpm": "tpm", "android-key": "android-key", "android-safetynet": "android-safetynet", "fido-u2f": "fido-u2f",
		"apple": "apple", "of.our.own": "none", "<script>": "none", "NONE": "none",
	} {
		a := softauthn.New()
		a.Lies.Format, a.Lies.Statement = format, rubbish
		if c := enrol(t, a); c.AttestationFormat != recorded {
			t.Errorf("%s is recorded as %q", format, c.AttestationFormat)
		}
	}
	a := softauthn.New()
	a.Lies.Statement = rubbish
	raw, challenge := create(t, a)
	_, err := passkey.FinishRegistration(party, raw, challenge)
	refused(t, "none with a statement", err, passkey.BadAttestation)
}

func TestTransportsAreHintsAndNoMore(t *testing.T) {
	raw, challenge := create(t, softauthn.New())
	raw = edit(t, raw, func(_, r map[string]any) {
		r["transports"] = []string{"usb", "", "nfc", "<b>", "usb", "an-unknown-one", "a-transport-with-a-name-beyond-all-reason", "nfc", "ble"}
	})
	c, err := passkey.FinishRegistration(party, raw, challenge)
	if err != nil || !slices.Equal(c.Transports, []string{"an-unknown-one", "nfc", "usb"}) {
		t.Errorf("%q, %v", c.Transports, err)
	}
}

// Known authenticators begin to synchronize passkeys that they made before they
// could: their owners must not be locked out.
func TestAPasskeyMayBecomeEligibleForBackup(t *testing.T) {
	for _, tt := range []struct {
		name                     string
		hadBE, hadBS             bool
		flags                    byte
		eligible, backedUp, good bool
	}{
		{"stays at home", false, false, 0, false, false, true},
		{"becomes eligible", false, false, softauthn.BE, true, false, true},
		{"becomes eligible and backed up", false, false, softauthn.BE | softauthn.BS, true, true, true},
		{"is backed up", true, false, softauthn.BE | softauthn.BS, true, true, true},
		{"is no more backed up", true, true, softauthn.BE, true, false, true},
		{"says no more that it is eligible", true, true, 0, true, false, true},
		{"is backed up without being eligible", true, true, softauthn.BS, false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := softauthn.New()
			c := enrol(t, a)
			c.BackupEligible, c.BackedUp = tt.hadBE, tt.hadBS
			a.Flags |= tt.flags
			after, err := signIn(get(t, a), c)
			if !tt.good {
				refused(t, tt.name, err, passkey.BackupState)
				return
			}
			if err != nil || after.BackupEligible != tt.eligible || after.BackedUp != tt.backedUp {
				t.Errorf("BE %v, BS %v, %v", after.BackupEligible, after.BackedUp, err)
			}
		})
	}
}

func TestCounters(t *testing.T) {
	for _, tt := range []struct {
		name         string
		stored, sent uint32
		good         bool
	}{
		{"does not count", 0, 0, true},
		{"counts", 1, 2, true},
		{"begins to count", 0, 9, true},
		{"jumps", 5, 1<<32 - 1, true},
		{"stands still", 5, 5, false},
		{"goes back", 5, 4, false},
		{"begins again", 5, 0, false},
		{"overflows", 1<<32 - 1, 0, false},
	} {
		t.Run("NT_PK_1 "+tt.name, func(t *testing.T) {
			a := softauthn.New()
			c := enrol(t, a)
			c.SignCount, a.Lies.Counter = tt.stored, &tt.sent
			after, err := signIn(get(t, a), c)
			if !tt.good {
				refused(t, tt.name, err, passkey.CounterWentBack)
			} else if err != nil || after.SignCount != tt.sent {
				t.Errorf("stored as %d, %v", after.SignCount, err)
			}
		})
	}
}
