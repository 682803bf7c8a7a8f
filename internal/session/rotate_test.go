//go:build unix

package session_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/session"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	ada   = gate.PrincipalID("0a0a0a0a-0000-4000-8000-000000000001")
	grace = 10 * time.Second
	ttl   = time.Hour
	day   = 24 * time.Hour
)

var (
	rules  = session.Rules{Absolute: day, Grace: grace, Pepper: []byte("pepper of thirty-two bytes, or so")}
	caller = gate.Caller{Tenant: gate.DefaultTenant, Client: "daarion", IP: "192.0.2.1"}
)

// chain is a session of ada and what a client does with its tokens.
type chain struct {
	*testing.T
	m  *storetest.Memory
	db *store.DB
	id gate.SessionID
}

// on runs a test on both engines with a session whose first token is "first",
// padded to the length of a real one.
func on(t *testing.T, test func(c *chain)) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		c := &chain{T: t, m: m, db: m.Open(t)}
		storetest.Write(t, c.db, func(tx *store.Tx) error {
			user, err := tx.AddUser(gate.User{ID: ada}, gate.Email{})
			s := rules.New(tx.Now(), caller, user.ID)
			c.id = s.ID
			return errors.Join(err, rules.Open(tx, s, token("first"), ttl))
		})
		test(c)
	})
}

func token(name string) secret.Text { return secret.NewText(fmt.Sprintf("%-64s", name)) }

func (c *chain) refresh(presented, successor string) (session.Outcome, error) {
	var out session.Outcome
	err := c.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) (err error) {
		out, err = rules.Rotate(tx, caller, session.Exchange{Session: c.id, Presented: token(presented), Successor: token(successor), TTL: ttl})
		return err
	})
	return out, err
}

// gets wants a refresh to yield a certain token.
func (c *chain) gets(presented, successor, want string) {
	c.Helper()
	out, err := c.refresh(presented, successor)
	if err != nil || out.Stolen || out.Refresh.Reveal() != token(want).Reveal() {
		c.Errorf("%s: got %q, stolen %v, %v, want %s", presented, out.Refresh.Reveal(), out.Stolen, err, want)
	}
}

func (c *chain) refused(presented string, want error) {
	c.Helper()
	if out, err := c.refresh(presented, "never"); !errors.Is(err, want) || !out.Refresh.Empty() {
		c.Errorf("%s: got %q, %v, want %v", presented, out.Refresh.Reveal(), err, want)
	}
}

// stolen wants a refresh to end the session, once, with a record.
func (c *chain) stolen(presented string) {
	c.Helper()
	if out, err := c.refresh(presented, "never"); err != nil || !out.Stolen || !out.Refresh.Empty() {
		c.Errorf("%s: stolen %v, %q, %v", presented, out.Stolen, out.Refresh.Reveal(), err)
	}
	storetest.Read(c.T, c.db, func(tx *store.Tx) error {
		p, err := tx.Presence(c.id)
		reused, err2 := tx.EventsAbout(ada, gate.EventRefreshReused)
		ended, err3 := tx.EventsAbout(ada, gate.EventSessionEnded)
		if p.Session.EndReason != session.EndedByReuse || len(reused) != 1 || len(ended) != 1 {
			c.Errorf("%s: end %q, %d + %d events", presented, p.Session.EndReason, len(reused), len(ended))
		}
		return errors.Join(err, err2, err3)
	})
}

func TestEachTokenYieldsTheNext(t *testing.T) {
	on(t, func(c *chain) {
		c.gets("first", "second", "second")
		c.m.Clock.Forward(ttl - time.Second)
		c.gets("second", "third", "third")
		c.m.Clock.Forward(ttl - time.Second)
		c.gets("third", "fourth", "fourth")
	})
}

func TestASecondTabGetsTheSameSuccessor(t *testing.T) {
	on(t, func(c *chain) {
		c.gets("first", "second", "second")
		c.m.Clock.Forward(grace)
		c.gets("first", "other", "second") // at the last moment
		c.gets("second", "third", "third") // and what both hold works
	})
}

func TestAfterTheGraceASpentTokenIsTheft(t *testing.T) {
	on(t, func(c *chain) {
		c.gets("first", "second", "second")
		c.m.Clock.Forward(grace + time.Millisecond)
		c.stolen("first")
		c.refused("second", gate.ErrSessionEnded)
		c.refused("first", gate.ErrSessionEnded)
	})
}

func TestOnceItsSuccessorWasUsedASpentTokenIsTheft(t *testing.T) {
	on(t, func(c *chain) {
		c.gets("first", "second", "second")
		c.gets("second", "third", "third")
		c.stolen("first") // though its grace is not over
		c.refused("third", gate.ErrSessionEnded)
	})
}

func TestAnExpiredTokenEndsNothing(t *testing.T) {
	on(t, func(c *chain) {
		c.m.Clock.Forward(ttl)
		c.refused("first", gate.ErrRefreshExpired)
		storetest.Read(c.T, c.db, func(tx *store.Tx) error {
			reused, err := tx.EventsAbout(ada, gate.EventRefreshReused)
			if len(reused) != 0 {
				c.Error("an old token is no theft")
			}
			return err
		})
	})
}

func TestNoRefreshOutlivesTheSession(t *testing.T) {
	on(t, func(c *chain) {
		name := "first"
		for i := range 24 {
			c.m.Clock.Forward(ttl - time.Millisecond)
			next := fmt.Sprint("token ", i)
			c.gets(name, next, next)
			name = next
		}
		c.m.Clock.Forward(24 * time.Millisecond) // a day since it was opened
		c.refused(name, gate.ErrRefreshExpired)
	})
}

func TestWhoMayNotActDoesNotRefresh(t *testing.T) {
	on(t, func(c *chain) {
		disable := func(yes bool) {
			storetest.Write(c.T, c.db, func(tx *store.Tx) error { _, err := tx.SetDisabled(ada, yes); return err })
		}
		disable(true)
		c.refused("first", gate.ErrPrincipalGone)
		disable(false)
		c.gets("first", "second", "second")
		disable(true)
		c.refused("first", gate.ErrPrincipalGone) // not even what was given out before
	})
}

func TestAnEndedSessionIsNotRefreshed(t *testing.T) {
	on(t, func(c *chain) {
		storetest.Write(c.T, c.db, func(tx *store.Tx) error {
			p, err := tx.Presence(c.id)
			return errors.Join(err, session.End(tx, caller, p.Session, session.EndedByLogout), session.End(tx, caller, p.Session, session.EndedByDisable))
		})
		c.refused("first", gate.ErrSessionEnded)
		c.id = "01890000-0000-7000-8000-00000000000f"
		c.refused("first", gate.ErrInvalidRefresh)
	})
}

// TestFiftyTabsHoldOneToken: one successor, whoever asks.
func TestFiftyTabsHoldOneToken(t *testing.T) {
	on(t, func(c *chain) {
		got := make([]string, 50)
		storetest.Race(len(got), func(i int) {
			out, err := c.refresh("first", fmt.Sprint("from tab ", i))
			if err != nil || out.Stolen {
				c.Errorf("tab %d: stolen %v, %v", i, out.Stolen, err)
			}
			got[i] = out.Refresh.Reveal()
		})
		for i, successor := range got {
			if successor != got[0] {
				c.Errorf("tab %d holds %q, tab 0 %q", i, successor, got[0])
			}
		}
	})
}

func TestEndEverythingLeavesNothingUsable(t *testing.T) {
	on(t, func(c *chain) {
		storetest.Write(c.T, c.db, func(tx *store.Tx) error {
			n, err := session.EndEverything(tx, caller)
			if n != 1 {
				c.Errorf("%d sessions ended", n)
			}
			return err
		})
		c.refused("first", gate.ErrSessionEnded)
	})
}
