//go:build unix

package microdao_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/dialect/microdao"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/whomay"
)

// bodies are what each operation is sent, by how its address ends. An operation
// with a body that is not in here is sent none, and shows in the table as 422.
var bodies = map[string]string{
	"/login":               `{"email": "nobody@example.org", "password": "wrong"}`,
	"/refresh":             `{"refresh_token": "unknown"}`,
	"/api-keys":            `{}`,
	"/register/start":      `{"email": "newcomer@example.org"}`,
	"/register/finish":     `{"email": "newcomer@example.org", "credential": {}}`,
	"/authenticate/start":  `{}`,
	"/authenticate/finish": `{"credential": {}}`,
}

var addresses = map[string]string{"user": "user@daarion.city", "admin": "admin@daarion.city", "agent": "sofia@agents.daarion.city"}

// people come with a new session for each question, since some questions end
// one, and with keys that last.
type people struct {
	*city
	keys map[string]string
	n    int
}

// headers are what somebody shows.
func (p *people) headers(who string) []string {
	p.TB.Helper()
	switch who {
	case "anonymous":
		return nil
	case "refresh token":
		a := p.Post(microdao.Name, "/auth/login", `{"email":"user@daarion.city","password":"any"}`)
		return []string{"Authorization: Bearer " + a.Field("refresh_token")}
	case "disabled user":
		return []string{"Authorization: Bearer " + p.disabled()}
	}
	if key := p.keys[who]; key != "" {
		return []string{"X-API-Key: " + key}
	}
	return []string{"Authorization: Bearer " + p.session(addresses[who])}
}

// disabled is a session of somebody new who was disabled.
func (p *people) disabled() string {
	p.TB.Helper()
	p.n++
	email := fmt.Sprintf("p%d@example.org", p.n)
	id := gate.PrincipalID(p.SignUp(email).UserID)
	session := p.Post(microdao.Name, "/auth/login", `{"email":"`+email+`","password":"`+house.Password+`"}`).Field("session_token")
	if err := p.Server.House().Account.SetDisabled(p.TB.Context(), house.Operator, id, true); err != nil || session == "" {
		p.TB.Fatal(session, err)
	}
	return session
}

// service is a key of a service, which only operators make.
func (p *people) service() string {
	p.TB.Helper()
	agents := p.Server.House().Agents
	_, err := agents.Create(p.TB.Context(), house.Operator, gate.Agent{Kind: gate.KindApp, Name: "llm-proxy", Title: "LLM proxy"})
	if err != nil {
		p.TB.Fatal(err)
	}
	wish := apikey.Wish{Prefix: secret.MicroDAOKey, Scopes: apikey.Everything()}
	_, shown, err := agents.CreateKey(p.TB.Context(), house.Operator, gate.KindApp, "llm-proxy", wish)
	if err != nil {
		p.TB.Fatal(err)
	}
	return shown.Reveal()
}

// TestWhoMayDoWhat asks for every operation as everybody.
func TestWhoMayDoWhat(t *testing.T) {
	h := house.Start(t, house.Options{Engine: house.SQLite, Demo: true, Set: map[string]string{"limits.guesses_per_ip": "off"}})
	p := &people{city: &city{t, h}}
	user, admin, sofia := p.session(addresses["user"]), p.session(addresses["admin"]), p.session(addresses["agent"])
	p.keys = map[string]string{
		"key": p.key(user, `{}`), "key for nothing": p.key(user, `{"scopes":[]}`), "admin's key": p.key(admin, `{}`), "agent's key": p.key(sofia, `{}`),
		"service's key": p.service(),
	}
	public := []string{"GET /health", "GET /version", "GET /.well-known/jwks.json"}
	for _, prefix := range []string{"", "/auth"} {
		public = append(public, "POST "+prefix+"/passkey/register/start", "POST "+prefix+"/passkey/authenticate/start")
	}
	whomay.Table{
		House: h, Face: microdao.Name, Least: 25,
		Everybody: []string{
			"anonymous", "refresh token", "disabled user", "key for nothing", "key", "admin's key", "agent's key", "service's key",
			"user", "admin", "agent",
		},
		Strangers: []string{"anonymous", "refresh token", "disabled user"},
		Public:    public,
		Ask: func(who, method, path string) house.Answer {
			body := ""
			for end, sent := range bodies {
				if method == "POST" && strings.HasSuffix(path, end) {
					body = sent
				}
			}
			return p.Do(method, microdao.Name, path, body, append(p.headers(who), "Content-Type: application/json")...)
		},
	}.Check(t)
}
