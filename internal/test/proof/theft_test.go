//go:build unix

package proof

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// Of two who hold one token, one is a thief, and nobody can tell which: the
// session ends for both, everywhere (RFC 9700 §4.14; NT-TOK-1, NT-TOK-2).
func TestProofTheftEndsTheFamily(t *testing.T) {
	thefts := []struct {
		name string
		// happens between the rotation of the first token and its replay, and
		// returns every token of the family in the order of issue.
		happens func(t *testing.T, f *fleet, clock *house.Clock, family []house.Tokens) []house.Tokens
	}{
		{"the successor was used", func(t *testing.T, f *fleet, _ *house.Clock, family []house.Tokens) []house.Tokens {
			return append(family, rotate(t, f.at(1), family[1].Refresh))
		}},
		{"the grace is over, the successor unused", func(_ *testing.T, _ *fleet, clock *house.Clock, family []house.Tokens) []house.Tokens {
			clock.Forward(11 * time.Second)
			return family
		}},
		{"the successor was used, then everything restarted", func(t *testing.T, f *fleet, _ *house.Clock, family []house.Tokens) []house.Tokens {
			family = append(family, rotate(t, f.at(1), family[1].Refresh))
			f.restart()
			return family
		}},
	}
	for _, theft := range thefts {
		t.Run(theft.name, func(t *testing.T) {
			house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
				clock := &house.Clock{}
				f := startFleet(t, house.Options{Engine: engine, Clock: clock.Now})
				total := rounds(20, 1)
				var took []time.Duration
				for round := range total {
					first := f.at(0).SignUp(fmt.Sprintf("victim%d@example.org", round))
					family := theft.happens(t, f, clock, []house.Tokens{first, rotate(t, f.at(0), first.Refresh)})
					took = append(took, f.mustEndFamily(round, first, family))
				}
				median, longest := percentiles(took)
				t.Logf("%d thefts over %d replicas, all detected: access dead everywhere after %v (median), %v (longest)", total, len(f.houses), median, longest)
			})
		})
	}
}

func rotate(t *testing.T, h *house.House, token string) (next house.Tokens) {
	t.Helper()
	a, err := refresh(h.Visitor, token)
	must(t, http.StatusOK, a, err).JSON(t, &next)
	return next
}

// mustEndFamily replays the first token of a family and checks that nothing of
// it works any more. It returns how long that took to be true everywhere.
func (f *fleet) mustEndFamily(round int, first house.Tokens, family []house.Tokens) time.Duration {
	t := f.t
	t.Helper()
	for _, h := range f.houses { // so that every replica remembers the tokens as good ones
		for _, tokens := range family {
			a, err := me(h.Visitor, tokens.Access)
			must(t, http.StatusOK, a, err)
		}
	}
	replayed := time.Now()
	a, err := refresh(f.at(round).Visitor, first.Refresh)
	if must(t, http.StatusUnauthorized, a, err).Body != `{"detail":"Session expired or revoked"}` {
		t.Errorf("the replay was answered with %s", a.Body)
	}
	took := f.untilRefused(family, replayed)
	for _, h := range f.houses {
		for i, tokens := range family {
			if a, err := refresh(h.Visitor, tokens.Refresh); err != nil || a.Status != http.StatusUnauthorized {
				t.Errorf("round %d: token %d of the dead family yields %d %s (%v)", round, i, a.Status, a.Body, err)
			}
		}
	}
	if n := f.events(first.UserID, gate.EventRefreshReused); n != 1 {
		t.Errorf("round %d: %d events %s, want 1", round, n, gate.EventRefreshReused)
	}
	if n := f.count(`SELECT COUNT(*) FROM sessions WHERE id = $1 AND end_reason = 'refresh_reuse'`, sessionOf(t, first.Refresh)); n != 1 {
		t.Errorf("round %d: the session did not end as refresh_reuse", round)
	}
	return took
}

// untilRefused waits until /me and introspection of every replica refuse all
// access tokens, and returns how long after the moment that was. A second is
// the promise; more fails the test.
func (f *fleet) untilRefused(family []house.Tokens, since time.Time) time.Duration {
	f.t.Helper()
	for {
		accepted := ""
		for _, h := range f.houses {
			for _, tokens := range family {
				a, err := me(h.Visitor, tokens.Access)
				b, err2 := introspect(h.Visitor, tokens.Access)
				if err != nil || err2 != nil || a.Status != http.StatusUnauthorized || !strings.HasPrefix(b.Body, `{"active":false,`) {
					accepted = fmt.Sprintf("me %d %s (%v), introspect %d %s (%v)", a.Status, a.Body, err, b.Status, b.Body, err2)
				}
			}
		}
		took := time.Since(since)
		if accepted == "" {
			return took
		}
		if took > time.Second {
			f.t.Errorf("still accepted after %v: %s", took, accepted)
			return took
		}
		time.Sleep(2 * time.Millisecond)
	}
}
