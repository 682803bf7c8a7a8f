//go:build unix

package limit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/limit"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var limits = limit.Limits{
	LoginPerAccount: limit.Rate{Count: 5, Per: 5 * time.Minute}, LoginPerAccountTotal: limit.Rate{Count: 100, Per: 24 * time.Hour},
	LoginPerIP: limit.Rate{Count: 20, Per: 5 * time.Minute}, RegisterPerIP: limit.Rate{Count: 3, Per: time.Hour},
}

// guesser tries passwords, all of them wrong.
type guesser struct {
	*testing.T
	m     *storetest.Memory
	db    *store.DB
	known bool // has signed in from there before
}

func on(t *testing.T, test func(g *guesser)) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) { test(&guesser{T: t, m: m, db: m.Open(t)}) })
}

// guess reports whether a guess got through to the password check.
func (g *guesser) guess(email, ip string) bool {
	g.Helper()
	key := email
	if parsed, ok := gate.ParseEmail(email); ok {
		key = parsed.Key
	}
	err := g.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
		budget := limits.Login(key, ip)
		if _, err := budget.Check(tx, func() (bool, error) { return g.known, nil }); err != nil {
			return err
		}
		return budget.Failed(tx)
	})
	if err != nil && !errors.Is(err, gate.ErrRateLimited) && !errors.Is(err, gate.ErrTooManyFailures) {
		g.Fatal(err)
	}
	if err != nil && gate.AsError(err).RetryAfter <= 0 {
		g.Error("refused without saying until when")
	}
	return err == nil
}

// through counts how many of n guesses get through.
func (g *guesser) through(n int, email, ip func(i int) string) (count int) {
	g.Helper()
	for i := range n {
		if g.guess(email(i), ip(i)) {
			count++
		}
	}
	return count
}

func (g *guesser) want(what string, got, want int) {
	g.Helper()
	if got != want {
		g.Errorf("%s: %d got through, want %d", what, got, want)
	}
}

func always(s string) func(int) string { return func(int) string { return s } }

func oneOf(list ...string) func(int) string { return func(i int) string { return list[i%len(list)] } }

func TestSpellingsShareABudget(t *testing.T) {
	on(t, func(g *guesser) {
		spellings := oneOf("bob@example.org", "Bob@example.org", " bob@example.org", "bob@example.org ", "BOB@EXAMPLE.ORG", "ｂob@example.org", "bob@ｅxample.org")
		g.want("seven spellings", g.through(21, spellings, always("192.0.2.1")), 5)
		g.want("an address of its own", g.through(10, always("bob+x@example.org"), always("192.0.2.1")), 5)
	})
}

func TestHoppingInsideANetworkBuysNothing(t *testing.T) {
	for name, ip := range map[string]func(int) string{
		"IPv6 /64":          func(i int) string { return fmt.Sprintf("2001:db8:1:2:%x::%x", i, i+7) },
		"with a zone":       func(i int) string { return fmt.Sprintf("fe80::%x%%eth%d", i, i) },
		"IPv4 in IPv6":      oneOf("192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201"),
		"no address at all": func(i int) string { return fmt.Sprint("garbage ", i) },
	} {
		t.Run(name, func(t *testing.T) {
			on(t, func(g *guesser) {
				g.want("one account", g.through(30, always("bob@example.org"), ip), 5)
				g.want("many accounts", g.through(40, func(i int) string { return fmt.Sprintf("u%d@example.org", i) }, ip), 15) // 20 less the 5
			})
		})
	}
}

func TestAnotherNetworkHasItsOwnBudget(t *testing.T) {
	on(t, func(g *guesser) {
		g.want("first", g.through(10, always("bob@example.org"), always("2001:db8:1:2::1")), 5)
		g.want("neighbour", g.through(10, always("bob@example.org"), always("2001:db8:1:3::1")), 5)
	})
}

// TestNoMoreThanAHundredFromAnywhere: NIST SP 800-63B-4 §3.2.2.
func TestNoMoreThanAHundredFromAnywhere(t *testing.T) {
	on(t, func(g *guesser) {
		botnet := func(i int) string { return fmt.Sprintf("198.51.%d.%d", i/250, i%250) }
		g.want("a botnet", g.through(130, always("bob@example.org"), botnet), 100)
		if g.guess("bob@example.org", "203.0.113.1") {
			t.Error("a new network got through an empty total")
		}
		g.known = true
		g.want("where the owner has signed in before", g.through(10, always("bob@example.org"), always("203.0.113.1")), 5)
	})
}

func TestSuccessForgetsTheAccountsFailuresOnly(t *testing.T) {
	on(t, func(g *guesser) {
		g.want("before", g.through(5, always("bob@example.org"), always("192.0.2.1")), 5)
		storetest.Write(g.T, g.db, func(tx *store.Tx) error { return limits.Login("bob@example.org", "192.0.2.1").Succeeded(tx) })
		g.want("after", g.through(10, always("bob@example.org"), always("192.0.2.1")), 5)
		g.want("the network's budget", g.through(40, func(i int) string { return fmt.Sprintf("u%d@example.org", i) }, always("192.0.2.1")), 10)
	})
}

func TestABudgetComesBackWithTime(t *testing.T) {
	on(t, func(g *guesser) {
		g.want("at first", g.through(10, always("bob@example.org"), always("192.0.2.1")), 5)
		g.m.Clock.Forward(time.Minute)
		g.want("a minute later", g.through(10, always("bob@example.org"), always("192.0.2.1")), 1)
	})
}

func TestRegistrationsAreCountedByNetwork(t *testing.T) {
	on(t, func(g *guesser) {
		registered := 0
		for i := range 10 {
			err := g.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
				return limits.Register(tx, fmt.Sprintf("2001:db8::%x", i))
			})
			if err == nil {
				registered++
			} else if wait := gate.AsError(err).RetryAfter; !errors.Is(err, gate.ErrRateLimited) && !errors.Is(err, gate.ErrTooManyFailures) || wait != 20*time.Minute {
				g.Errorf("%v, wait %v", err, wait)
			}
		}
		g.want("registrations", registered, 3)
		storetest.Write(g.T, g.db, func(tx *store.Tx) error { return limit.Limits{}.Register(tx, "2001:db8::1") })
	})
}
