//go:build unix

package proof

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

// standing is what a client knows of something it asked for.
type standing int

const (
	asked        standing = iota // no answer: it may have happened or not
	acknowledged                 // it happened, whatever comes
	leaving                      // a logout was asked for
	left                         // and acknowledged
)

// entry is one account in the journal of a client, with one session.
type entry struct {
	email   string
	account standing
	session standing
	tokens  house.Tokens // the last that were acknowledged
}

// journal is what all clients know between two kills.
type journal struct {
	t *testing.T

	mu      sync.Mutex
	entries []*entry
	acked   map[string]int
	lost    *int // requests that got no answer
}

// note counts an answer. It reports whether there was a good one: without any,
// the process is dead and the client stops.
func (j *journal) note(deed string, want int, a house.Answer, err error) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case err != nil:
		*j.lost++
	case a.Status == want:
		j.acked[deed]++
		return true
	default:
		j.t.Errorf("%s under load: %d %s", deed, a.Status, a.Body)
	}
	return false
}

func (j *journal) add(e *entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, e)
}

// client works until the process is dead: it makes accounts, unless it has one
// already, and comes and goes with each for a while.
func (j *journal) client(v house.Visitor, name, known string) {
	for n := 0; ; n++ {
		email := known
		if email == "" || n > 0 {
			email = fmt.Sprintf("%s-%d@example.org", name, n)
			made := &entry{email: email}
			j.add(made)
			a, err := register(v, email)
			if !j.note("registrations", http.StatusCreated, a, err) {
				return
			}
			made.account = acknowledged
		}
		for range 1 + rand.N(3) {
			if !j.visit(v, &entry{email: email, account: acknowledged}) {
				return
			}
		}
	}
}

// visit signs in, refreshes some times and, every other time, leaves.
func (j *journal) visit(v house.Visitor, e *entry) bool {
	j.add(e)
	a, err := login(v, e.email, house.Password)
	if !j.note("logins", http.StatusOK, a, err) {
		return false
	}
	e.session, e.tokens = acknowledged, tokensIn(a)
	for range rand.N(8) {
		a, err = refresh(v, e.tokens.Refresh)
		if !j.note("refreshes", http.StatusOK, a, err) {
			return false
		}
		e.tokens = tokensIn(a)
	}
	if rand.N(2) == 0 {
		return true
	}
	e.session = leaving
	a, err = logout(v, e.tokens.Refresh)
	if !j.note("logouts", http.StatusOK, a, err) {
		return false
	}
	e.session = left
	return true
}

func tokensIn(a house.Answer) house.Tokens {
	return house.Tokens{Access: a.Field("access_token"), Refresh: a.Field("refresh_token")}
}

// check holds what the house says now against what the clients know.
func (e *entry) check(t *testing.T, v house.Visitor) {
	if e.account == asked { // trying again is safe, and settles it
		if a, err := register(v, e.email); err != nil || a.Status != http.StatusCreated && a.Status != http.StatusBadRequest {
			t.Errorf("%s: registering again: %d %s (%v)", e.email, a.Status, a.Body, err)
		}
		e.account = acknowledged
	}
	if a, err := login(v, e.email, house.Password); err != nil || a.Status != http.StatusOK {
		t.Errorf("%s cannot sign in: %d %s (%v)", e.email, a.Status, a.Body, err)
	}
	e.checkSession(t, v)
}

// checkSession holds the session against what its client knows; what was in
// doubt is settled by it.
func (e *entry) checkSession(t *testing.T, v house.Visitor) {
	if e.session == asked {
		return
	}
	a, err := me(v, e.tokens.Access)
	b, err2 := refresh(v, e.tokens.Refresh)
	if err != nil || err2 != nil {
		t.Errorf("%s: %v, %v", e.email, err, err2)
		return
	}
	in, out := a.Status == http.StatusOK && b.Status == http.StatusOK, a.Status == http.StatusUnauthorized && b.Status == http.StatusUnauthorized
	switch {
	case e.session == acknowledged && !in:
		t.Errorf("%s was logged out: me %d %s, refresh %d %s", e.email, a.Status, a.Body, b.Status, b.Body)
	case e.session == left && !out:
		t.Errorf("%s is back: me %d %s, refresh %d %s", e.email, a.Status, a.Body, b.Status, b.Body)
	case !in && !out:
		t.Errorf("%s is half out: me %d %s, refresh %d %s", e.email, a.Status, a.Body, b.Status, b.Body)
	}
	if in {
		e.session, e.tokens = acknowledged, tokensIn(b)
	} else {
		e.session = left
	}
}

// checkAll checks entries, some at a time.
func checkAll(entries []*entry, check func(*entry)) {
	todo := make(chan *entry)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for e := range todo {
				check(e)
			}
		})
	}
	for _, e := range entries {
		todo <- e
	}
	close(todo)
	workers.Wait()
}
