//go:build unix

package proof

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// deed is a way to take access back, or to change what it is good for.
type deed struct {
	name    string
	command []string // of the command line, for SQLite
	input   string
	do      func(h *house.House, id gate.PrincipalID) error // on another replica, for Postgres
	role    bool                                            // access stays, with other roles
}

var ctx = context.Background()

func deeds() []deed {
	return []deed{
		{name: "disable", command: []string{"user", "disable"}, do: func(h *house.House, id gate.PrincipalID) error {
			return h.Server.House().Account.SetDisabled(ctx, house.Operator, id, true)
		}},
		{name: "password", command: []string{"user", "set-password", "--password-stdin"}, input: "another horse battery", do: func(h *house.House, id gate.PrincipalID) error {
			return h.Server.House().Account.SetPassword(ctx, house.Operator, id, secret.NewText("another horse battery"))
		}},
		{name: "role", command: []string{"user", "grant"}, role: true, do: func(h *house.House, id gate.PrincipalID) error {
			return h.Server.House().Account.GrantRole(ctx, house.Operator, id, gate.RoleAgentSystem)
		}},
	}
}

// An access token outlives what it was given for by half an hour, unless every
// replica asks (NT-TOK-10, F22). The command line is a process of its own.
func TestProofAccessIsTakenBack(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		f := startFleet(t, house.Options{Engine: engine})
		house.Program(t)
		var mu sync.Mutex
		took := map[string][]time.Duration{}
		total := rounds(100, 2)
		for round := range total {
			var deeds sync.WaitGroup
			for name, wait := range f.takeBack(round) {
				deeds.Go(func() {
					d := wait()
					mu.Lock()
					defer mu.Unlock()
					took[name] = append(took[name], d)
				})
			}
			deeds.Wait()
		}
		for _, name := range []string{"logout", "disable", "password", "role"} {
			median, longest := percentiles(took[name])
			t.Logf("%-8s %d times, seen on %d replicas after %v (median), %v (longest; the promise is 1s)", name, total, len(f.houses), median, longest)
		}
	})
}

// takeBack prepares one user for each deed. Each function does its deed and
// returns how long after it was acknowledged somebody still did not see it.
func (f *fleet) takeBack(round int) map[string]func() time.Duration {
	leaving := f.known(fmt.Sprintf("logout%d@example.org", round))
	todo := map[string]func() time.Duration{"logout": func() time.Duration {
		a, err := logout(f.at(round).Visitor, leaving.Refresh)
		if err != nil || a.Status != http.StatusOK {
			f.t.Errorf("logout: %d %s (%v)", a.Status, a.Body, err)
		}
		return f.untilRefused([]house.Tokens{leaving}, time.Now())
	}}
	for _, d := range deeds() {
		email := fmt.Sprintf("%s%d@example.org", d.name, round)
		tokens := f.known(email)
		todo[d.name] = func() time.Duration {
			f.do(d, round, email, tokens)
			if d.role {
				return f.untilRole(tokens, string(gate.RoleAgentSystem), time.Now())
			}
			return f.untilRefused([]house.Tokens{tokens}, time.Now())
		}
	}
	return todo
}

// known signs a user up and lets every replica remember the access token.
func (f *fleet) known(email string) house.Tokens {
	f.t.Helper()
	tokens := f.at(0).SignUp(email)
	for _, h := range f.houses {
		for range 2 {
			a, err := me(h.Visitor, tokens.Access)
			must(f.t, http.StatusOK, a, err)
			a, err = introspect(h.Visitor, tokens.Access)
			must(f.t, http.StatusOK, a, err)
		}
	}
	return tokens
}

func (f *fleet) do(d deed, round int, email string, tokens house.Tokens) {
	if f.options.Engine == house.Postgres {
		if err := d.do(f.at(round), gate.PrincipalID(tokens.UserID)); err != nil {
			f.t.Errorf("%s: %v", d.name, err)
		}
		return
	}
	args := append(d.command, email)
	if d.role {
		args = append(args, string(gate.RoleAgentSystem))
	}
	if r := house.Command(f.t, f.options, d.input, args...); r.Code != 0 {
		f.t.Errorf("gatehouse %v: exit %d: %s", args, r.Code, r.Errors)
	}
}

// untilRole waits until every replica shows the role in /me, in introspection
// and in the access tokens that a refresh yields (NT-TOK-3).
func (f *fleet) untilRole(tokens house.Tokens, role string, since time.Time) time.Duration {
	for {
		missing := ""
		for _, h := range f.houses {
			a, err := me(h.Visitor, tokens.Access)
			b, err2 := introspect(h.Visitor, tokens.Access)
			c, err3 := refresh(h.Visitor, tokens.Refresh)
			if err != nil || err2 != nil || err3 != nil || c.Status != http.StatusOK {
				f.t.Errorf("me: %v, introspect: %v, refresh: %d %s (%v)", err, err2, c.Status, c.Body, err3)
				return time.Since(since)
			}
			tokens = tokensIn(c)
			for where, text := range map[string]string{"/me": a.Body, "introspection": b.Body, "the refreshed token": string(payload(f.t, tokens.Access))} {
				if !strings.Contains(text, role) {
					missing = where
				}
			}
		}
		took := time.Since(since)
		if missing == "" {
			return took
		}
		if took > time.Second {
			f.t.Errorf("%s does not show the new role after %v", missing, took)
			return took
		}
		time.Sleep(2 * time.Millisecond)
	}
}
