//go:build unix

package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

func testAddSession(b *bench) {
	b.user(ada, "ada")
	s := b.session(session1, ada, "192.0.2.1")
	err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return tx.AddSession(s, digest("x"), b.now()) })
	b.want("twice", err, gate.ErrConflict)
	s.ID, s.Principal = session2, nay
	if err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return tx.AddSession(s, digest("x"), b.now()) }); err == nil {
		b.Error("a session of nobody was stored")
	}
}

func testPresence(b *bench) {
	u := b.user(ada, "ada")
	s := b.session(session1, ada, "192.0.2.1")
	b.read(func(tx *store.Tx) error {
		p, err := tx.Presence(session1)
		same(b, "presence", p, store.Presence{Session: s, User: u})
		_, none := tx.Presence(noone)
		b.want("no session", none, gate.ErrNotFound)
		return err
	})
}

func testEndSession(b *bench) {
	b.user(ada, "ada")
	b.session(session1, ada, "192.0.2.1")
	b.m.Clock.Forward(time.Minute)
	won := make([]bool, 20)
	Race(len(won), func(i int) {
		err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) (err error) {
			won[i], err = tx.EndSession(session1, fmt.Sprint(i))
			return err
		})
		b.want("racer", err, nil)
	})
	same(b, "ended by", count(won), 1)
	b.read(func(tx *store.Tx) error {
		p, err := tx.Presence(session1)
		same(b, "ended at", p.Session.EndedAt, b.now())
		same(b, "live", p.Session.Live(b.now()), false)
		return err
	})
	b.write(func(tx *store.Tx) error {
		ended, err := tx.EndSession(noone, "x")
		same(b, "no session", ended, false)
		return err
	})
}

// live says which of the sessions have not ended.
func live(b *bench, ids ...gate.SessionID) (out []gate.SessionID) {
	b.read(func(tx *store.Tx) (err error) {
		for _, id := range ids {
			p, e := tx.Presence(id)
			if err = errors.Join(err, e); p.Session.EndedAt.IsZero() {
				out = append(out, id)
			}
		}
		return err
	})
	return out
}

const session3 = gate.SessionID("01890000-0000-7000-8000-000000000003")

func threeSessions(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	b.session(session1, ada, "192.0.2.1")
	b.session(session2, ada, "192.0.2.2")
	b.session(session3, bob, "192.0.2.3")
}

func testEndSessionsOf(b *bench) {
	threeSessions(b)
	for _, step := range []struct {
		except gate.SessionID
		ended  int64
		live   []gate.SessionID
	}{{session2, 1, []gate.SessionID{session2, session3}}, {session2, 0, []gate.SessionID{session2, session3}}, {"", 1, []gate.SessionID{session3}}} {
		b.write(func(tx *store.Tx) error {
			n, err := tx.EndSessionsOf(ada, step.except, "test")
			same(b, "ended", n, step.ended)
			return err
		})
		same(b, "live", live(b, session1, session2, session3), step.live)
	}
}

func testEndAllSessions(b *bench) {
	threeSessions(b)
	for _, want := range []int64{3, 0} {
		b.write(func(tx *store.Tx) error {
			n, err := tx.EndAllSessions("test")
			same(b, "ended", n, want)
			return err
		})
	}
	same(b, "live", len(live(b, session1, session2, session3)), 0)
}

func testSeenFrom(b *bench) {
	threeSessions(b)
	b.write(func(tx *store.Tx) error { _, err := tx.EndSession(session1, "logout"); return err })
	b.read(func(tx *store.Tx) error {
		for ip, want := range map[string]bool{"192.0.2.1": true, "192.0.2.2": true, "192.0.2.3": false, "192.0.2.9": false} {
			seen, err := tx.SeenFrom(ada, ip)
			b.want(ip, err, nil)
			same(b, "ada from "+ip, seen, want)
		}
		return nil
	})
}

// rotate exchanges a token of session1 for another that lasts an hour.
func rotate(b *bench, from, to string) (won bool) {
	b.Helper()
	b.write(func(tx *store.Tx) (err error) {
		won, err = tx.RotateRefresh(session1, store.Rotation{Presented: digest(from), Successor: digest(to), Sealed: "sealed " + to, ExpiresAt: b.now().Add(time.Hour)})
		return err
	})
	return won
}

func testChain(b *bench) {
	b.user(ada, "ada")
	b.session(session1, ada, "192.0.2.1")
	b.read(func(tx *store.Tx) error {
		c, err := tx.Chain(session1)
		same(b, "a new one", c, store.Chain{Digest: digest("first").String(), ExpiresAt: b.now().Add(time.Hour)})
		_, none := tx.Chain(noone)
		b.want("of no session", none, gate.ErrNotFound)
		return err
	})
	b.m.Clock.Forward(time.Minute)
	rotate(b, "first", "second")
	b.read(func(tx *store.Tx) error {
		c, err := tx.Chain(session1)
		same(b, "a link further", c, store.Chain{
			Digest: digest("second").String(), ExpiresAt: b.now().Add(time.Hour), Previous: digest("first").String(), Sealed: "sealed second", RefreshedAt: b.now(),
		})
		return err
	})
}

func testRotateRefresh(b *bench) {
	b.user(ada, "ada")
	b.session(session1, ada, "192.0.2.1")
	same(b, "first", rotate(b, "first", "second"), true)
	same(b, "again", rotate(b, "first", "third"), false)
	same(b, "unknown", rotate(b, "never", "third"), false)
	same(b, "the successor", rotate(b, "second", "third"), true)
	same(b, "one before the previous", rotate(b, "first", "fourth"), false)
	disable := func(disabled bool) {
		b.write(func(tx *store.Tx) error { _, err := tx.SetDisabled(ada, disabled); return err })
	}
	disable(true)
	same(b, "the principal may not act", rotate(b, "third", "fourth"), false)
	disable(false)
	b.m.Clock.Forward(time.Hour)
	same(b, "expired at its very moment", rotate(b, "third", "fourth"), false)

	b.session(session2, ada, "192.0.2.1")
	b.write(func(tx *store.Tx) error { _, err := tx.EndSession(session2, "logout"); return err })
	for what, session := range map[string]gate.SessionID{"the session has ended": session2, "no session": noone} {
		b.write(func(tx *store.Tx) error {
			won, err := tx.RotateRefresh(session, store.Rotation{Presented: digest("first"), Successor: digest("x"), ExpiresAt: b.now().Add(time.Hour)})
			same(b, what, won, false)
			return err
		})
	}
}

// TestAnExpiredSessionIsNotRefreshed, whatever its token says.
func TestAnExpiredSessionIsNotRefreshed(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		b := &bench{t, m, m.Open(t)}
		b.user(ada, "ada")
		s := gate.Session{ID: session1, Principal: ada, CreatedAt: b.now(), ExpiresAt: b.now().Add(time.Hour)}
		b.write(func(tx *store.Tx) error { return tx.AddSession(s, digest("first"), b.now().Add(1000*time.Hour)) })
		m.Clock.Forward(time.Hour)
		same(b, "rotated", rotate(b, "first", "second"), false)
	})
}

// TestOneOfFiftyRotates is the race that check-then-set loses.
func TestOneOfFiftyRotates(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 10
	}
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		b := &bench{t, m, m.Open(t)}
		b.user(ada, "ada")
		b.session(session1, ada, "192.0.2.1")
		presented := "first"
		for round := range rounds {
			won := make([]bool, 50)
			Race(len(won), func(i int) {
				successor := digest(fmt.Sprint(round, " ", i))
				err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) (err error) {
					won[i], err = tx.RotateRefresh(session1, store.Rotation{Presented: digest(presented), Successor: successor, ExpiresAt: b.now().Add(time.Hour)})
					return err
				})
				b.want("racer", err, nil)
			})
			if same(b, "winners", count(won), 1); t.Failed() {
				return
			}
			presented = fmt.Sprint(round, " ", slices.Index(won, true))
		}
	})
}

func useOnce(b *bench, token, purpose string) (subject string, err error) {
	err = b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) (err error) {
		subject, err = tx.UseOneTimeToken(digest(token), purpose)
		return err
	})
	return subject, err
}

func addOnce(b *bench, token, purpose, subject string) {
	b.Helper()
	b.write(func(tx *store.Tx) error {
		return tx.AddOneTimeToken(digest(token), purpose, subject, b.now().Add(time.Hour))
	})
}

func testAddOneTimeToken(b *bench) {
	addOnce(b, "old", "reset", "ada")
	addOnce(b, "other subject", "reset", "bob")
	addOnce(b, "other purpose", "verify", "ada")
	addOnce(b, "new", "reset", "ada")
	for _, c := range []struct {
		token, purpose string
		want           error
	}{{"old", "reset", gate.ErrNotFound}, {"other subject", "reset", nil}, {"other purpose", "verify", nil}, {"new", "reset", nil}} {
		_, err := useOnce(b, c.token, c.purpose)
		b.want(c.token, err, c.want)
	}
}

func testUseOneTimeToken(b *bench) {
	addOnce(b, "link", "reset", "ada")
	_, err := useOnce(b, "link", "verify")
	b.want("for another purpose", err, gate.ErrNotFound)
	won := make([]bool, 50)
	Race(len(won), func(i int) {
		subject, err := useOnce(b, "link", "reset")
		if won[i] = err == nil; won[i] && subject != "ada" || err != nil && !errors.Is(err, gate.ErrNotFound) {
			b.Errorf("racer: %q %v", subject, err)
		}
	})
	same(b, "used", count(won), 1)
	addOnce(b, "late", "reset", "ada")
	b.m.Clock.Forward(time.Hour)
	_, err = useOnce(b, "late", "reset")
	b.want("expired at its very moment", err, gate.ErrNotFound)
}

func testForgetOneTimeTokens(b *bench) {
	addOnce(b, "one", "reset", "ada")
	addOnce(b, "two", "verify", "bob")
	b.write(func(tx *store.Tx) error { return tx.ForgetOneTimeTokens() })
	for token, purpose := range map[string]string{"one": "reset", "two": "verify"} {
		_, err := useOnce(b, token, purpose)
		b.want(token, err, gate.ErrNotFound)
	}
}

func testOneTimeTokenGood(b *bench) {
	good := func(token, purpose string) (good bool) {
		b.read(func(tx *store.Tx) (err error) { good, err = tx.OneTimeTokenGood(digest(token), purpose); return err })
		return good
	}
	addOnce(b, "link", "reset", "ada")
	same(b, "fresh", good("link", "reset"), true)
	same(b, "looked at, not used up", good("link", "reset"), true)
	same(b, "for another purpose", good("link", "verify"), false)
	same(b, "unknown", good("other", "reset"), false)
	_, err := useOnce(b, "link", "reset")
	b.want("use", err, nil)
	same(b, "used", good("link", "reset"), false)
	addOnce(b, "late", "reset", "ada")
	b.m.Clock.Forward(time.Hour)
	same(b, "expired", good("late", "reset"), false)
}
