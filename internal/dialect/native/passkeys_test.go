//go:build unix

package native_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dialect/native"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/passkeys"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/softauthn"
	"github.com/gatehouse/gatehouse/internal/test/transcript"
)

// withAnAuthenticator shows what no file can: answers that have to be signed.
func withAnAuthenticator(t *testing.T, engine house.Engine, contract *transcript.Contract) {
	for name, story := range map[string]func(h *holder){
		"a passkey comes and goes":         aPasskeyComesAndGoes,
		"what is no answer to a challenge": whatIsNoAnswerToAChallenge,
		"passkeys that are not accepted":   passkeysThatAreNotAccepted,
		"as many as there may be":          asManyPasskeysAsThereMayBe,
		"whom a passkey does not let in":   whomAPasskeyDoesNotLetIn,
	} {
		t.Run(name, func(t *testing.T) {
			story(newHolder(t, house.Options{Engine: engine}, contract))
		})
	}
}

func aPasskeyComesAndGoes(h *holder) {
	ada := h.user("ada@example.org")
	id := h.add(ada, "My phone")
	kept := h.list(ada)
	if len(kept) != 1 || kept[0].ID != id || kept[0].Label != "My phone" || len(kept[0].Transports) != 2 || kept[0].AAGUID == "" || kept[0].BackedUp || kept[0].UsedAt != "" {
		h.Errorf("%+v", kept)
	}
	for _, label := range []string{"My old phone", "", "Ключ 🔑"} {
		h.want("rename", h.rename(ada, id, label), http.StatusNoContent, "")
		if kept = h.list(ada); kept[0].Label != label {
			h.Errorf("it is called %q, want %q", kept[0].Label, label)
		}
	}
	entered := h.byPasskey()
	if me, who := h.ask(http.MethodGet, "/api/v1/me", "", entered).Field("id"), h.ask(http.MethodGet, "/api/v1/me", "", ada).Field("id"); me != who {
		h.Errorf("the passkey let in %q, want %q", me, who)
	}
	if kept = h.list(entered); kept[0].UsedAt == "" {
		h.Error("nobody noted that it was used")
	}
	h.want("remove", h.remove(entered, id), http.StatusNoContent, "")
	if kept = h.list(ada); len(kept) != 0 {
		h.Errorf("after removal: %+v", kept)
	}
	h.want("sign in with it", h.signIn(h.signed()), http.StatusUnauthorized, "passkey_unknown")
	h.want("remove it again", h.remove(ada, id), http.StatusNotFound, "passkey_not_found")

	h.device = softauthn.NewSynced()
	h.want("one of a telephone", h.keep(ada, "", h.begun(ada)), http.StatusCreated, "")
	if kept = h.list(ada); len(kept) != 1 || !kept[0].BackedUp {
		h.Errorf("a passkey that is on other devices: %+v", kept)
	}
}

// whatIsNoAnswerToAChallenge: to one that was answered, to somebody else's, to
// one of another ceremony, to one of long ago.
func whatIsNoAnswerToAChallenge(h *holder) {
	h.device = softauthn.NewSynced() // its counter stays at zero: only the challenge tells one answer from another
	ada, bob := h.user("ada@example.org"), h.user("bob@example.org")
	fresh := h.begun(ada)
	h.want("somebody else's", h.keep(bob, "", fresh), http.StatusBadRequest, "challenge_invalid")
	h.want("her own", h.keep(ada, "", fresh), http.StatusCreated, "")
	h.want("again", h.keep(ada, "", fresh), http.StatusBadRequest, "challenge_invalid")

	signed := h.signed()
	h.want("sign in", h.signIn(signed), http.StatusOK, "")
	h.want("again", h.signIn(signed), http.StatusBadRequest, "challenge_invalid")
	options := h.ask(http.MethodPost, passkeyRoutes+"/options", "", ada).Body
	other, err := h.device.Get([]byte(`{"rpId":"localhost","challenge":"`+challengeOf(h, options)+`"}`), origin)
	if err != nil {
		h.Fatal(err)
	}
	h.want("one for adding, to sign in", h.signIn(other), http.StatusBadRequest, "challenge_invalid")
}

func challengeOf(h *holder, options string) string {
	return (house.Answer{Body: options}).Field("challenge")
}

func passkeysThatAreNotAccepted(h *holder) {
	ada := h.user("ada@example.org")
	elsewhere := softauthn.Lies{Origin: "http://localhost:3001"}
	h.device.Lies = elsewhere
	h.want("made at another origin", h.keep(ada, "", h.begun(ada)), http.StatusBadRequest, "passkey_refused")
	h.device = softauthn.New()
	h.want("an honest one", h.keep(ada, "", h.begun(ada)), http.StatusCreated, "")
	h.device.Lies = elsewhere
	h.want("used at another origin", h.signIn(h.signed()), http.StatusBadRequest, "passkey_refused")
	h.device.Lies = softauthn.Lies{CredentialID: []byte("one that nobody knows")}
	h.want("one that nobody knows", h.signIn(h.signed()), http.StatusUnauthorized, "passkey_unknown")

	known := h.device.Passkeys[0].ID
	for name, bearer := range map[string]string{"herself": ada, "another": h.user("bob@example.org")} {
		h.device = softauthn.New()
		h.device.Lies = softauthn.Lies{CredentialID: known, AttestedID: known}
		h.want("a known one, by "+name, h.keep(bearer, "", h.begun(bearer)), http.StatusConflict, "passkey_taken")
	}
	if kept := h.list(ada); len(kept) != 1 {
		h.Errorf("she has %d, want the honest one", len(kept))
	}
}

// asManyPasskeysAsThereMayBe: what comes before the last is made without HTTP.
func asManyPasskeysAsThereMayBe(h *holder) {
	ada := h.user("ada@example.org")
	id := gate.PrincipalID(h.ask(http.MethodGet, "/api/v1/me", "", ada).Field("id"))
	h.Tx(func(tx *store.Tx) error {
		for n := range passkeys.MaxKept - 1 {
			k := gate.Passkey{ID: gate.PasskeyID(secret.ID()), Principal: id, CredentialID: fmt.Sprintf("credential-%d", n), PublicKey: "none", AAGUID: "none"}
			if _, err := tx.AddPasskey(k); err != nil {
				return err
			}
		}
		return nil
	})
	last := h.add(ada, "The last")
	h.device = softauthn.New()
	h.want("one more", h.keep(ada, "", h.begun(ada)), http.StatusConflict, "passkey_limit")
	h.want("one less", h.remove(ada, last), http.StatusNoContent, "")
	h.device = softauthn.New()
	h.want("and one more", h.keep(ada, "", h.begun(ada)), http.StatusCreated, "")
}

func whomAPasskeyDoesNotLetIn(h *holder) {
	h.device = softauthn.NewSynced()
	ada := h.newcomer("ada@example.org")
	h.want("her last way in", h.remove(ada, h.list(ada)[0].ID), http.StatusConflict, "last_way_in")
	id := gate.PrincipalID(h.ask(http.MethodGet, "/api/v1/me", "", ada).Field("id"))
	for _, disabled := range []bool{true, false} {
		if err := h.Server.House().Account.SetDisabled(h.Context(), house.Operator, id, disabled); err != nil {
			h.Fatal(err)
		}
		if disabled {
			signed := h.signed()
			h.want("disabled", h.signIn(signed), http.StatusForbidden, "account_disabled")
			h.want("with the same answer", h.signIn(signed), http.StatusBadRequest, "challenge_invalid")
		}
	}
	signed := h.signed()
	if err := h.Server.House().DB.Close(); err != nil {
		h.Fatal(err)
	}
	a := h.signIn(signed)
	h.want("without a database", a, http.StatusServiceUnavailable, "database_unavailable")
	if a.Header.Get("Retry-After") == "" {
		h.Error("it does not say when to come back")
	}
}

// TestAChallengeIsNotGoodForEver, neither to add a passkey nor to sign in.
func TestAChallengeIsNotGoodForEver(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		clock := &house.Clock{}
		h := newClockedHolder(t, engine, clock)
		ada := h.user("ada@example.org")
		h.want("in time", h.keep(ada, "", h.begun(ada)), http.StatusCreated, "")
		signed := h.signed()
		h.device = softauthn.New()
		fresh := h.begun(ada)
		clock.Forward(time.Hour)
		ada = h.session("ada@example.org")
		h.want("a passkey made an hour ago", h.keep(ada, "", fresh), http.StatusBadRequest, "challenge_invalid")
		h.want("a signature of an hour ago", h.signIn(signed), http.StatusBadRequest, "challenge_invalid")
	})
}

// TestOnlyPeopleHavePasskeys: an agent that signs in has keys, no hands.
func TestOnlyPeopleHavePasskeys(t *testing.T) {
	h := newHolder(t, house.Options{Engine: house.SQLite, Demo: true}, &transcript.Contract{Face: native.Name})
	a := h.ask(http.MethodPost, "/api/v1/login", `{"email":"sofia@agents.daarion.city","password":"any"}`)
	h.want("an agent signs in", a, http.StatusOK, "")
	sofia := "Authorization: Bearer " + a.Field("access_token")
	h.want("it begins to add one", h.ask(http.MethodPost, passkeyRoutes+"/options", "", sofia), http.StatusForbidden, "forbidden")
	h.want("it adds one", h.keep(sofia, "", []byte(`{}`)), http.StatusForbidden, "forbidden")
	if kept := h.list(sofia); len(kept) != 0 {
		t.Errorf("%+v", kept)
	}
}
