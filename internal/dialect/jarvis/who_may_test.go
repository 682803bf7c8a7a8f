//go:build unix

package jarvis_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dialect/jarvis"
	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/whomay"
)

// public is what strangers may, with a body that a stranger sends.
var public = []string{
	"GET /health", "GET /version", "GET /.well-known/jwks.json", "GET /auth/setup-status", "GET /api/v0/auth/setup-status",
	"GET /invites/{code}/validate", "POST /auth/logout", "POST /api/v0/auth/logout", "POST /internal/validate-app",
}

// bodies are what each operation is sent; {household} and so on are filled in.
// An operation with a body that is not in here fails the test.
var bodies = map[string]string{
	"register":            `{"email": "ada", "password": "correct horse battery"}`, // refused after who asks was looked at: 422
	"login":               `{"email": "nobody@example.org", "password": "wrong"}`,
	"refresh":             `{"refresh_token": "unknown"}`,
	"logout":              `{"refresh_token": "unknown"}`,
	"setup":               `{"email": "ada@example.org", "password": "correct horse battery"}`,
	"change-password":     `{"current_password": "wrong", "new_password": "correct horse battery staple"}`,
	"switch-household":    `{"household_id": "{household}"}`,
	"DELETE me":           `{"password": "wrong"}`,
	"POST /households":    `{"name": "Another"}`,
	"/households/join":    `{"invite_code": "NOTACODE"}`,
	"PATCH household":     `{"name": "Renamed"}`,
	"POST members":        `{"user_id": 999999}`,
	"PATCH member":        `{"role": "power_user"}`,
	"household nodes":     `{"node_id": "pi-{n}", "household_id": "{household}", "name": "Pi"}`,
	"invites":             `{}`,
	"app-clients":         `{"app_id": "app-{n}", "name": "App"}`,
	"/admin/nodes":        `{"node_id": "admin-pi-{n}", "household_id": "{household}", "name": "Pi"}`,
	"nodes/register":      `{"node_id": "app-pi-{n}", "household_id": "{household}", "name": "Pi"}`,
	"services":            `{"service_id": "recorder"}`,
	"superuser":           `{"is_superuser": false}`,
	"validate-app":        `{"app_id": "nobody", "app_key": "wrong"}`,
	"validate-node":       `{"node_id": "{node}", "node_key": "wrong", "service_id": "recorder"}`,
	"household-access":    `{"user_id": 1, "household_id": "{household}", "required_role": "member"}`,
	"node-household":      `{"node_id": "{node}", "household_id": "{household}"}`,
	"temp-password":       `{}`,
	"PUT /settings/{key}": `{"value": "1"}`,
}

// bodyOf finds the body of an operation.
func bodyOf(t *testing.T, method, path string) string {
	last := path[strings.LastIndex(path, "/")+1:]
	key := last
	switch op := method + " " + path; {
	case op == "DELETE /auth/me" || op == "DELETE /api/v0/auth/me":
		key = "DELETE me"
	case op == "POST /households" || op == "PUT /settings/{key}":
		key = op
	case path == "/households/join" || op == "POST /admin/nodes":
		key = path
	case op == "PATCH /households/{household_id}":
		key = "PATCH household"
	case last == "members":
		key = "POST members"
	case method == "PATCH":
		key = "PATCH member"
	case strings.HasPrefix(path, "/households/") && last == "nodes":
		key = "household nodes"
	case path == "/internal/nodes/register":
		key = "nodes/register"
	case last == "validate-household-access":
		key = "household-access"
	case last == "validate-node-household":
		key = "node-household"
	}
	body, ok := bodies[key]
	if !ok {
		t.Fatalf("%s %s has no body in this test: write one down (%q)", method, path, key)
	}
	return body
}

// world is a home with everybody in it who could ask for something.
type world struct {
	*testing.T
	h      *house.House
	admin  string // the admin token, as a header
	people map[string]house.Tokens
	app    []string // its headers
	n      int
}

const adminToken = "an admin token of thirty-two byte"

var everybody = []string{"anonymous", "node", "user", "other household", "superuser", "app", "admin token", "member", "power user", "admin"}

func newWorld(t *testing.T) *world {
	h := house.Start(t, house.Options{Engine: house.SQLite, Set: map[string]string{
		"jarvis.admin_token": adminToken, "jarvis.limits.enabled": "false", "limits.guesses_per_ip": "off",
		"limits.register_per_ip": "off", "limits.login_per_account": "off", "limits.login_per_account_total": "off", "limits.login_per_ip": "off",
	}})
	w := &world{T: t, h: h, admin: "X-Jarvis-Admin-Token: " + adminToken, people: map[string]house.Tokens{}}
	for i, name := range []string{"superuser", "user", "other household", "member", "power user", "admin", "somebody"} {
		path := "/auth/register"
		if i == 0 {
			path = "/auth/setup"
		}
		a := h.Post(jarvis.Name, path, fmt.Sprintf(`{"email": "p%d@example.org", "password": "correct horse battery"}`, i))
		if a.Status != 201 {
			t.Fatalf("%s: %d %s", name, a.Status, a.Body)
		}
		w.people[name] = house.Tokens{Access: a.Field("access_token"), Refresh: a.Field("refresh_token")}
	}
	a := h.Post(jarvis.Name, "/admin/app-clients", `{"app_id": "recorder", "name": "Recorder"}`, w.admin)
	w.app = []string{"X-Jarvis-App-Id: recorder", "X-Jarvis-App-Key: " + a.Field("key")}
	return w
}

// place is a household of its own for one question, so that no answer depends on
// what was asked before.
func (w *world) place() map[string]string {
	w.n++
	home := w.as("admin", "POST", "/households", `{"name": "Home"}`, 201).Field("id")
	for name, role := range map[string]string{"member": "member", "power user": "power_user"} {
		code := w.as("admin", "POST", "/households/"+home+"/invites", `{"default_role": "`+role+`"}`, 201).Field("code")
		w.as(name, "POST", "/households/join", `{"invite_code": "`+code+`"}`, 200)
	}
	node := fmt.Sprintf("pi-of-%d", w.n)
	key := w.as("admin", "POST", "/households/"+home+"/nodes", `{"node_id": "`+node+`", "household_id": "`+home+`", "name": "Pi"}`, 201).Field("node_key")
	invite := w.as("admin", "POST", "/households/"+home+"/invites", `{}`, 201)
	var number struct{ ID int64 }
	invite.JSON(w, &number)
	return map[string]string{
		"household": home, "node": node, "node_key": key, "code": invite.Field("code"), "invite": fmt.Sprint(number.ID), "n": fmt.Sprint(w.n),
	}
}

func (w *world) as(who, method, path, body string, want int) house.Answer {
	w.Helper()
	a := w.h.Do(method, jarvis.Name, path, body, append(w.headers(who, nil), "Content-Type: application/json")...)
	if want != 0 && a.Status != want {
		w.Fatalf("%s %s as %s: %d %s, want %d", method, path, who, a.Status, a.Body, want)
	}
	return a
}

// headers are what somebody shows. A node has no door here: it shows what it has
// as an app would.
func (w *world) headers(who string, at map[string]string) []string {
	switch who {
	case "anonymous":
		return nil
	case "app":
		return w.app
	case "admin token":
		return []string{w.admin}
	case "node":
		return []string{"X-Jarvis-App-Id: " + at["node"], "X-Jarvis-App-Key: " + at["node_key"], "X-Node-Id: " + at["node"], "X-Node-Key: " + at["node_key"]}
	}
	return []string{w.people[who].Bearer()}
}

// The ids of the world's plain member, and of somebody who asks nothing and may
// lose their sessions.
const memberNumber, somebodyNumber = "4", "7"

// TestWhoMayDoWhat asks for every operation as everybody, each time in a home of
// its own.
func TestWhoMayDoWhat(t *testing.T) {
	w := newWorld(t)
	whomay.Table{
		House: w.h, Face: jarvis.Name, Least: 60, Everybody: everybody, Strangers: []string{"anonymous", "node"}, Public: public, Ask: w.question,
	}.Check(t)
}

// question asks one thing in a fresh place.
func (w *world) question(who, method, path string) house.Answer {
	at := w.place()
	defer w.as("admin", "DELETE", "/households/"+at["household"], "", 0) // nobody can be in more than a hundred
	number := somebodyNumber
	if strings.HasPrefix(path, "/households/") {
		number = memberNumber
	}
	fill := func(text string) string {
		for name, value := range map[string]string{
			"{household_id}": at["household"], "{household}": at["household"], "{user_id}": number, "{invite_id}": at["invite"], "{code}": at["code"],
			"{app_id}": "nobody", "{node_id}": at["node"], "{node}": at["node"], "{service_id}": "recorder", "{email}": "nobody@example.org",
			"{key}": "auth.algorithm", "{n}": at["n"],
		} {
			text = strings.ReplaceAll(text, name, value)
		}
		return text
	}
	body := ""
	if method == "POST" || method == "PUT" || method == "PATCH" || strings.HasSuffix(path, "/me") && method == "DELETE" {
		if !bodiless(path) {
			body = fill(bodyOf(w.T, method, path))
		}
	}
	address := fill(path)
	if path == "/internal/users/batch" {
		address += "?user_ids=1"
	}
	return w.h.Do(method, jarvis.Name, address, body, append(w.headers(who, at), "Content-Type: application/json")...)
}

// bodiless operations read nothing.
func bodiless(path string) bool {
	for _, end := range []string{"/rotate", "/revoke", "/rotate-key", "/leave", "/sync-from-env", "/invalidate-cache"} {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return false
}
