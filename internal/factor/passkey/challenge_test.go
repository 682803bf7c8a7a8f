package passkey_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/factor/passkey"
	"github.com/gatehouse/gatehouse/internal/gate"
)

func TestAChallengeIsGoodForFiveMinutes(t *testing.T) {
	challenge := challenger.New(passkey.Register, "ada", noon)
	if again := challenger.New(passkey.Register, "ada", noon); len(challenge) != 40 || bytes.Equal(challenge, again) {
		t.Errorf("%d bytes, made twice: %v", len(challenge), bytes.Equal(challenge, again))
	}
	for _, after := range []time.Duration{0, time.Second, 300*time.Second - time.Millisecond} {
		if err := challenger.Check(challenge, passkey.Register, "ada", noon.Add(after)); err != nil {
			t.Errorf("after %s: %v", after, err)
		}
	}
	for _, after := range []time.Duration{300 * time.Second, time.Hour} {
		refused(t, after.String(), challenger.Check(challenge, passkey.Register, "ada", noon.Add(after)), passkey.Expired)
	}
}

func TestNT_PK_1_AChallengeIsForOneCeremonyOnly(t *testing.T) {
	challenge := challenger.New(passkey.Register, "ada", noon)
	key := [32]byte(bytes.Repeat([]byte{7}, 32))
	for name, err := range map[string]error{
		"the other ceremony": challenger.Check(challenge, passkey.Authenticate, "ada", noon),
		"another subject":    challenger.Check(challenge, passkey.Register, "bob", noon),
		"no subject":         challenger.Check(challenge, passkey.Register, "", noon),
		"another tenant":     passkey.NewChallenger(key, "other").Check(challenge, passkey.Register, "ada", noon),
		"another key":        passkey.NewChallenger([32]byte{}, gate.DefaultTenant).Check(challenge, passkey.Register, "ada", noon),
		"nothing":            challenger.Check(nil, passkey.Register, "ada", noon),
		"too short":          challenger.Check(challenge[:39], passkey.Register, "ada", noon),
		"too long":           challenger.Check(append(slices.Clone(challenge), 0), passkey.Register, "ada", noon),
	} {
		refused(t, name, err, passkey.WrongChallenge)
	}
}

func TestNT_PK_1_NoBitOfAChallengeCanBeChanged(t *testing.T) {
	challenge := challenger.New(passkey.Authenticate, "", noon)
	for bit := range 8 * len(challenge) {
		changed := slices.Clone(challenge)
		changed[bit/8] ^= 1 << (bit % 8)
		refused(t, "a changed bit", challenger.Check(changed, passkey.Authenticate, "", noon), passkey.WrongChallenge)
	}
}

// However tenant, ceremony and subject run into each other, they are told apart.
func TestNT_PK_1_NoTwoMeaningsOfAChallengeCollide(t *testing.T) {
	key := [32]byte{1}
	text := "webauthn.createwebauthn.get\x00\x00\x00\x00\x00\x00\x00\x01a"
	type meaning struct {
		tenant  gate.TenantID
		kind    passkey.Ceremony
		subject string
	}
	var all []meaning
	for i := range len(text) + 1 {
		for j := i; j <= len(text); j += 3 {
			all = append(all, meaning{gate.TenantID(text[:i]), passkey.Ceremony(text[i:j]), text[j:]})
		}
	}
	for _, made := range all[:len(all)/4] {
		challenge := passkey.NewChallenger(key, made.tenant).New(made.kind, made.subject, noon)
		for _, asked := range all {
			if err := passkey.NewChallenger(key, asked.tenant).Check(challenge, asked.kind, asked.subject, noon); (err == nil) != (made == asked) {
				t.Fatalf("made for %q, asked for %q: %v", made, asked, err)
			}
		}
	}
}
