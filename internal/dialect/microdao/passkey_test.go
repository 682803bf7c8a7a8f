//go:build unix

package microdao_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/softauthn"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const origin = "http://localhost:3000" // the default of passkey.origins

// holder is somebody with an authenticator, before a browser.
type holder struct {
	testing.TB
	*house.House
	authn *softauthn.Authenticator
}

func onBothEngines(t *testing.T, test func(h *holder)) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		test(&holder{t, house.Start(t, house.Options{Engine: engine}), softauthn.New()})
	})
}

func (h *holder) post(path string, body any, headers ...string) house.Answer {
	h.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		h.Fatal(err)
	}
	return h.Do("POST", "microdao", "/auth"+path, string(raw), append(headers, "Content-Type: application/json")...)
}

// begin asks for the options of a ceremony.
func (h *holder) begin(path string, body any, headers ...string) json.RawMessage {
	h.Helper()
	a := h.post(path, body, headers...)
	var in struct{ Options json.RawMessage }
	a.JSON(h.TB, &in)
	if a.Status != 200 || len(in.Options) == 0 {
		h.Fatalf("%s: %d %s", path, a.Status, a.Body)
	}
	return in.Options
}

type members map[string]any

// register goes through the making of a passkey.
func (h *holder) register(email string, headers ...string) house.Answer {
	h.Helper()
	options := h.begin("/passkey/register/start", members{"email": email}, headers...)
	credential, err := h.authn.Create(options, origin)
	if err != nil {
		h.Fatal(err)
	}
	return h.post("/passkey/register/finish", members{"email": email, "credential": json.RawMessage(credential)}, headers...)
}

// assertion is an answer to a request to sign in.
func (h *holder) assertion() json.RawMessage {
	h.Helper()
	credential, err := h.authn.Get(h.begin("/passkey/authenticate/start", members{}), origin)
	if err != nil {
		h.Fatal(err)
	}
	return credential
}

func (h *holder) signIn(credential json.RawMessage) house.Answer {
	h.Helper()
	return h.post("/passkey/authenticate/finish", members{"credential": credential})
}

func (h *holder) want(what string, a house.Answer, status int, words string) {
	h.Helper()
	if a.Status != status || !strings.Contains(a.Body, words) {
		h.Errorf("%s: %d %s, want %d and %q", what, a.Status, a.Body, status, words)
	}
}

// user makes an account with a password and returns a session of it.
func (h *holder) user(email string) (bearer string) {
	h.Helper()
	h.Do("POST", "native", "/api/v1/register", fmt.Sprintf(`{"email":%q,"password":"correct horse 7 staple"}`, email), "Content-Type: application/json")
	a := h.post("/login", members{"email": email, "password": "correct horse 7 staple"})
	h.want("sign in as "+email, a, 200, "session_token")
	return "Authorization: Bearer " + a.Field("session_token")
}

func TestANewcomerComesWithAPasskey(t *testing.T) {
	onBothEngines(t, func(h *holder) {
		h.want("register", h.register("ada@example.org"), 200, `"message":"Passkey registered successfully"`)
		a := h.signIn(h.assertion())
		h.want("sign in", a, 200, `"actor_type":"human"`)
		me := h.Do("GET", "microdao", "/auth/me", "", "Authorization: Bearer "+a.Field("session_token"))
		h.want("me", me, 200, `"roles":["member"]`)
		if !strings.Contains(a.Header.Get("Set-Cookie"), "session_token="+a.Field("session_token")) {
			t.Errorf("cookie %q", a.Header.Get("Set-Cookie"))
		}
	})
}

func TestAMemberAddsAPasskey(t *testing.T) {
	onBothEngines(t, func(h *holder) {
		bearer := h.user("ada@example.org")
		h.want("add", h.register("somebody.else@example.org", bearer), 200, "successfully") // to one's own account, whatever address is sent
		h.want("sign in", h.signIn(h.assertion()), 200, h.Do("GET", "microdao", "/auth/me", "", bearer).Field("actor_id"))
		if _, err := h.authn.Create(h.begin("/passkey/register/start", members{"email": "ada@example.org"}, bearer), origin); err != softauthn.ErrExcluded {
			t.Errorf("a second one on the same authenticator: %v", err)
		}
	})
}

// TestNT_PK_1_AnAccountIsNotTakenOverByItsAddress: the original let anybody who
// knew an address add a passkey to its account.
func TestNT_PK_1_AnAccountIsNotTakenOverByItsAddress(t *testing.T) {
	onBothEngines(t, func(h *holder) {
		h.user("ada@example.org")
		for _, spelling := range []string{"ada@example.org", " ADA@Example.ORG "} {
			h.want(spelling, h.register(spelling), 401, "Sign in before you add a passkey")
		}
		h.want("sign in with it", h.signIn(h.assertion()), 404, "Passkey not found")
		key := h.post("/api-keys", members{}, h.user("ada@example.org")).Field("key")
		h.want("with an API key", h.post("/passkey/register/start", members{"email": "ada@example.org"}, "X-API-Key: "+key), 403, "An API key cannot do that")
		known := h.begin("/passkey/register/start", members{"email": "ada@example.org"})
		unknown := h.begin("/passkey/register/start", members{"email": "eve@example.org"})
		if shape(t, known, "ada") != shape(t, unknown, "eve") {
			t.Errorf("an address with an account begins differently:\n%s\n%s", known, unknown)
		}
	})
}

// shape is options without what is random or was asked.
func shape(t testing.TB, options json.RawMessage, name string) string {
	var all members
	if err := json.Unmarshal(options, &all); err != nil {
		t.Fatal(err)
	}
	user := all["user"].(map[string]any)
	all["challenge"], user["id"] = len(all["challenge"].(string)), len(user["id"].(string))
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), name+"@example.org", "")
}

// TestNT_PK_1_OneAnswerSignsInOnce, however often and at once it is sent.
func TestNT_PK_1_OneAnswerSignsInOnce(t *testing.T) {
	onBothEngines(t, func(h *holder) {
		h.register("ada@example.org")
		for _, kind := range []*softauthn.Authenticator{h.authn, softauthn.NewSynced()} {
			if h.authn != kind {
				h.authn = kind
				h.register("bob@example.org")
			}
			credential, statuses := h.assertion(), make([]int, 50)
			var all sync.WaitGroup
			for i := range statuses {
				all.Go(func() { statuses[i] = h.signIn(credential).Status })
			}
			all.Wait()
			count := map[int]int{}
			for _, status := range statuses {
				count[status]++
			}
			if count[200] != 1 || count[400] != 49 {
				t.Errorf("statuses %v, want one 200 and 49 times 400", count)
			}
		}
	})
}

// TestNT_PK_1_WhatIsWrongIsRefused at the face, too; factor/passkey has the
// whole list.
func TestNT_PK_1_WhatIsWrongIsRefused(t *testing.T) {
	onBothEngines(t, func(h *holder) {
		h.register("ada@example.org")
		back := uint32(0)
		for name, lies := range map[string]softauthn.Lies{
			"another origin":    {Origin: "http://localhost:3001"},
			"a registration":    {Type: "webauthn.create"},
			"another party":     {RPID: "example.org"},
			"nobody there":      {ClearFlags: softauthn.UP},
			"nobody verified":   {ClearFlags: softauthn.UV},
			"counter goes back": {Counter: &back},
			"another's frame":   {CrossOrigin: true},
			"somebody else":     {UserHandle: []byte("somebody else")},
			"another signature": {Signature: func(s []byte) []byte { s[len(s)-1] ^= 1; return s }},
		} {
			h.signIn(h.assertion()) // so that the counter is above 0
			h.authn.Lies = lies
			h.want(name, h.signIn(h.assertion()), 400, "Verification failed")
			h.authn.Lies = softauthn.Lies{}
		}
		credential := h.assertion()
		h.authn.Lies = softauthn.Lies{Challenge: []byte("0123456789012345678901234567890123456789")}
		h.want("a made-up challenge", h.signIn(h.assertion()), 400, "Invalid or expired challenge")
		h.authn.Lies = softauthn.Lies{}
		h.want("and the honest one still works", h.signIn(credential), 200, "session_token")
	})
}

// TestNT_PK_1_ADisabledOwnerIsNotLetIn, nor told why.
func TestNT_PK_1_ADisabledOwnerIsNotLetIn(t *testing.T) {
	onBothEngines(t, func(h *holder) {
		id := h.register("ada@example.org").Field("user_id")
		h.Tx(func(tx *store.Tx) error { _, err := tx.SetDisabled(gate.PrincipalID(id), true); return err })
		h.want("disabled", h.signIn(h.assertion()), 401, "Invalid credentials")
	})
}

// TestNT_PK_1_OnePasskeyHasOneOwner: a credential that is known is not added
// again, to whatever account.
func TestNT_PK_1_OnePasskeyHasOneOwner(t *testing.T) {
	onBothEngines(t, func(h *holder) {
		h.register("ada@example.org")
		id := h.authn.Passkeys[0].ID
		h.authn.Lies = softauthn.Lies{CredentialID: id, AttestedID: id}
		h.want("newcomer", h.register("eve@example.org"), 409, "registered already")
		h.want("member", h.register("bob@example.org", h.user("bob@example.org")), 409, "registered already")
	})
}
