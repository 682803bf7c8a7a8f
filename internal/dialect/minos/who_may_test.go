//go:build unix

package minos_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dialect/minos"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/whomay"
)

// bodies are what each operation is sent. An operation with a body that is not in
// here is sent none, and shows in the table as 422.
var bodies = map[string]string{
	"register":        `{"email": "bad", "password": "correct horse battery"}`,
	"login":           `{"username": "nobody", "password": "wrong"}`,
	"refresh":         `{"refresh_token": "unknown"}`,
	"profile":         `{"username": "name-{n}"}`,
	"change-password": `{"current_password": "wrong", "new_password": "correct horse battery staple"}`,
}

// people make somebody new for each question, since some questions end a session.
type people struct {
	*testing.T
	h *house.House
	n int
}

// headers are what somebody shows: an account made for this question.
func (p *people) headers(who string) []string {
	if who == "anonymous" {
		return nil
	}
	p.n++
	ctx, accounts, email := p.Context(), p.h.Server.House().Account, fmt.Sprintf("p%d@example.org", p.n)
	register := func() house.Answer {
		a := p.h.Post(minos.Name, "/api/v1/auth/register", `{"email": "`+email+`", "password": "correct horse battery"}`)
		if a.Status != 200 {
			p.Fatalf("%s: %d %s", who, a.Status, a.Body)
		}
		return a
	}
	a, login := register(), `{"email": "`+email+`", "password": "correct horse battery"}`
	user := gate.PrincipalID(a.Field("user_id"))
	var err error
	switch role := strings.TrimPrefix(who, "disabled "); role {
	case "provider", "renter", "admin":
		err = accounts.GrantRole(ctx, house.Operator, user, gate.Role(role))
		a = p.h.Post(minos.Name, "/api/v1/auth/login", login) // roles are in the token
	}
	if strings.HasPrefix(who, "disabled ") && err == nil {
		err = accounts.SetDisabled(ctx, house.Operator, user, true)
	}
	if err != nil {
		p.Fatal(who, err)
	}
	if who == "refresh token" { // is never an access token
		return []string{"Authorization: Bearer " + a.Field("refresh_token")}
	}
	return []string{"Authorization: Bearer " + a.Field("access_token")}
}

// TestWhoMayDoWhat asks for every operation as everybody.
func TestWhoMayDoWhat(t *testing.T) {
	p := &people{T: t, h: house.Start(t, house.Options{Engine: house.SQLite, Set: map[string]string{"limits.guesses_per_ip": "off"}})}
	p.headers("admin") // who stays, because the last administrator cannot be disabled
	whomay.Table{
		House: p.h, Face: minos.Name, Least: 13,
		Everybody: []string{"anonymous", "refresh token", "disabled admin", "user", "renter", "provider", "admin"},
		Strangers: []string{"anonymous", "refresh token", "disabled admin"},
		Public:    []string{"GET /", "GET /health", "GET /version", "GET /.well-known/jwks.json"},
		Ask: func(who, method, path string) house.Answer {
			body := ""
			if method != "GET" {
				body = strings.ReplaceAll(bodies[path[strings.LastIndex(path, "/")+1:]], "{n}", fmt.Sprint(p.n))
			}
			return p.h.Do(method, minos.Name, path, body, append(p.headers(who), "Content-Type: application/json")...)
		},
	}.Check(t)
}
