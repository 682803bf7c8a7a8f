//go:build unix

package jarvis_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dialect/jarvis"
	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/transcript"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestTranscripts plays every endpoint and every refusal on both engines, and
// holds each answer against the documentation.
func TestTranscripts(t *testing.T) {
	contract := transcript.Contract{Face: jarvis.Name}
	transcript.Play(t, jarvis.Name, "testdata/*.http", contract.Check)
	t.Run("what no transcript can show", func(t *testing.T) {
		house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
			thePeers(t, engine, &contract)
			theLimits(t, engine, &contract)
		})
	})
	contract.Complete(t)
}

const password = "correct horse battery"

// guest asks one house, with the contract watching.
type guest struct {
	*house.House
	contract *transcript.Contract
	bearer   string
}

func (g guest) ask(method, path, body string, status int) house.Answer {
	g.T.Helper()
	header := []string{"Content-Type: application/json"}
	if g.bearer != "" {
		header = append(header, "Authorization: Bearer "+g.bearer)
	}
	answer, err := g.Try(method, jarvis.Name, path, body, header...)
	if err != nil {
		g.T.Fatal(err)
	}
	if answer.Status != status {
		g.T.Fatalf("%s %s: %d %s, want %d", method, path, answer.Status, answer.Body, status)
	}
	if g.contract != nil {
		h := http.Header{"Content-Type": {"application/json"}}
		g.contract.Check(g.T.(*testing.T), g.House, transcript.Exchange{Face: jarvis.Name, Method: method, Path: path, Header: h, Body: body, Answer: answer})
	}
	return answer
}

// registered is the guest after registering.
func (g guest) registered(name string) (guest, house.Answer) {
	g.T.Helper()
	answer := g.ask(http.MethodPost, "/auth/register", `{"email":"`+name+`@example.org","password":"`+password+`"}`, http.StatusCreated)
	g.bearer = fmt.Sprint(answer.Field("access_token"))
	return g, answer
}

// thePeers can keep an account from being removed, and are told with its token.
func thePeers(t *testing.T, engine house.Engine, contract *transcript.Contract) {
	status, told := http.StatusInternalServerError, ""
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told = r.Method + " " + r.URL.Path + " " + r.Header.Get("Authorization")
		w.WriteHeader(status)
	}))
	defer peer.Close()
	h := house.Start(t, house.Options{Engine: engine, Set: map[string]string{
		"jarvis.command_center.url": "http://127.0.0.1:1", "jarvis.notifications.url": peer.URL,
	}})
	ada, _ := guest{h, contract, ""}.registered("ada")
	body := `{"password":"` + password + `"}`
	for _, base := range []string{"/auth", "/api/v0/auth"} {
		refused := ada.ask(http.MethodDelete, base+"/me", body, http.StatusBadGateway)
		if refused.Field("detail") != "Could not complete account deletion. Please try again." {
			t.Errorf("it says %s", refused.Body)
		}
	}
	if told != "DELETE /api/v0/me/data Bearer "+ada.bearer {
		t.Errorf("the peer was asked: %s", told)
	}
	ada.ask(http.MethodGet, "/auth/me", "", http.StatusOK)
	status = http.StatusNotFound
	ada.ask(http.MethodDelete, "/auth/me", body, http.StatusNoContent)
}

// theLimits of what one user and one household may have.
func theLimits(t *testing.T, engine house.Engine, contract *transcript.Contract) {
	h := house.Start(t, house.Options{Engine: engine})
	ada, answer := guest{h, contract, ""}.registered("ada")
	eve, ofEve := guest{h, contract, ""}.registered("eve")
	home := fmt.Sprint(answer.Field("household_id"))
	for range 99 {
		eve.ask(http.MethodPost, "/households", `{"name":"Mill"}`, http.StatusCreated)
	}
	eve.ask(http.MethodPost, "/households", `{"name":"Mill"}`, http.StatusConflict)
	invites := "/households/" + home + "/invites"
	code := fmt.Sprint(ada.ask(http.MethodPost, invites, `{}`, http.StatusCreated).Field("code"))
	eve.ask(http.MethodPost, "/households/join", `{"invite_code":"`+code+`"}`, http.StatusConflict)
	number := ofEve.Body[strings.Index(ofEve.Body, `"id":`)+5:]
	number, _, _ = strings.Cut(number, ",")
	ada.ask(http.MethodPost, "/households/"+home+"/members", `{"user_id":`+number+`}`, http.StatusConflict)
	for range 99 {
		ada.ask(http.MethodPost, invites, `{}`, http.StatusCreated)
	}
	ada.ask(http.MethodPost, invites, `{}`, http.StatusConflict)
}

// TestRolesInAnyCase: jarvis-node-setup sends MEMBER. The documentation names
// the lower-case spelling alone, so no transcript shows it.
func TestRolesInAnyCase(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		ada, answer := guest{House: house.Start(t, house.Options{Engine: engine})}.registered("ada")
		made := ada.ask(http.MethodPost, fmt.Sprint("/households/", answer.Field("household_id"), "/invites"), `{"default_role":"MEMBER"}`, http.StatusCreated)
		if made.Field("default_role") != "member" {
			t.Errorf("it says %s", made.Body)
		}
	})
}
