//go:build unix

package microdao_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dialect/microdao"
	"github.com/gatehouse/gatehouse/internal/test/softauthn"
)

// refusedToKeys are what each operation that changes something answers to who
// shows a key, by how its address ends: its body ({key} is the key itself,
// {credential} a passkey or a signature that is good) and its status.
var refusedToKeys = map[string]struct {
	body   string
	status int
}{
	"/login":               {`{"email":"ada@example.org","password":"{key}"}`, http.StatusUnauthorized},
	"/refresh":             {`{"refresh_token":"{key}"}`, http.StatusUnauthorized},
	"/logout":              {``, http.StatusForbidden},
	"/api-keys":            {`{"scopes":["*"]}`, http.StatusForbidden},
	"/api-keys/{key_id}":   {``, http.StatusForbidden},
	"/register/start":      {`{"email":"ada@example.org"}`, http.StatusForbidden},
	"/register/finish":     {`{"email":"ada@example.org","credential":{credential}}`, http.StatusForbidden},
	"/authenticate/start":  {`{}`, http.StatusOK}, // a question, which is the same for everybody
	"/authenticate/finish": {`{"credential":{credential}}`, http.StatusBadRequest},
}

// NT-KEY-4: at the face where keys are at home, one makes no other, no passkey,
// no session and no cookie, however it is shown.
func TestNT_KEY_4_AKeyIsNoSessionAtTheMicroDAOFace(t *testing.T) {
	onBothEngines(t, func(h *holder) {
		t := h.TB
		ada := h.user("ada@example.org")
		h.want("a passkey", h.register("ada@example.org", ada), 200, "successfully")
		device := h.authn
		h.authn = softauthn.New()
		credential, err := h.authn.Create(h.begin("/passkey/register/start", members{"email": "ada@example.org"}, ada), origin)
		if err != nil {
			t.Fatal(err)
		}
		made := func(what, body string) (id, key string) {
			h.Helper()
			a := h.Post(microdao.Name, "/auth/api-keys", body, ada)
			h.want(what, a, 200, `"key":"`)
			return a.Field("id"), a.Field("key")
		}
		id, everything := made("a key for everything", `{"scopes":["*"]}`)
		_, plain := made("a key", `{}`)
		_, nothing := made("a key for nothing", `{"scopes":[]}`)
		count := h.keysOf(ada)

		asked := 0
		for _, op := range h.changes() {
			asked++
			method, path, _ := strings.Cut(op, " ")
			for name, key := range map[string]string{"for everything": everything, "without scopes": plain, "for nothing": nothing} {
				for how, shown := range map[string][]string{
					"as X-API-Key": {"X-API-Key: " + key}, "as bearer": {"Authorization: Bearer " + key}, "as a cookie": {"Cookie: session_token=" + key},
					"beside her session": {"X-API-Key: " + key, ada},
				} {
					as := refusalFor(t, path)
					body := strings.NewReplacer("{key}", key, "{credential}", string(credential)).Replace(as.body)
					a := h.Do(method, microdao.Name, strings.ReplaceAll(path, "{key_id}", id), body, append(shown, "Content-Type: application/json")...)
					if a.Status != as.status || a.Header.Get("Set-Cookie") != "" || a.Field("session_token")+a.Field("key") != "" {
						t.Errorf("%s with a key %s %s: %d %q %s, want %d", op, name, how, a.Status, a.Header.Values("Set-Cookie"), a.Body, as.status)
					}
				}
			}
		}
		if asked < 18 {
			t.Errorf("only %d operations change anything", asked)
		}

		if after := h.keysOf(ada); after != count {
			t.Errorf("she had %d good keys and has %d", count, after)
		}
		h.want("the new passkey, by herself", h.post("/passkey/register/finish", members{"email": "ada@example.org", "credential": json.RawMessage(credential)}, ada), 200, "successfully")
		h.authn = device
		h.want("the old one", h.signIn(h.assertion()), 200, "session_token")
	})
}

// changes are all operations of the face that are no GET.
func (h *holder) changes() (all []string) {
	h.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	h.Get(microdao.Name, "/openapi.json").JSON(h.TB, &doc)
	for path, methods := range doc.Paths {
		for method := range methods {
			if method != "get" {
				all = append(all, strings.ToUpper(method)+" "+path)
			}
		}
	}
	return all
}

// refusalFor finds what is expected of an operation: that of the longest ending.
func refusalFor(t testing.TB, path string) (as struct {
	body   string
	status int
}) {
	t.Helper()
	longest := ""
	for ending, expected := range refusedToKeys {
		if strings.HasSuffix(path, ending) && len(ending) > len(longest) {
			longest, as = ending, expected
		}
	}
	if longest == "" {
		t.Errorf("%s is not in this test", path)
	}
	return as
}

// keysOf counts the keys of somebody that are good.
func (h *holder) keysOf(bearer string) int {
	h.Helper()
	a := h.Get(microdao.Name, "/auth/api-keys", bearer)
	h.want("the keys", a, 200, "is_active")
	return strings.Count(a.Body, `"is_active":true`)
}
