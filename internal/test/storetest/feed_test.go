//go:build unix

package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

// listening waits until the feed hears, and returns a mark that is fresh.
func listening(t *testing.T, db *store.DB) store.Mark {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		if mark := db.Feed().Mark(); db.Feed().Fresh(mark, gate.DefaultTenant, ada, session1) {
			return mark
		}
		if time.Now().After(deadline) {
			t.Fatal("the feed hears nothing")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func fresh(db *store.DB, mark store.Mark) bool {
	return db.Feed().Fresh(mark, gate.DefaultTenant, ada, session1)
}

func stale(t *testing.T, what string, within time.Duration, db *store.DB, mark store.Mark) {
	t.Helper()
	deadline := time.Now().Add(within)
	for fresh(db, mark) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: still believed after %v", what, within)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// changes are the deeds after which nothing that was known about ada or her
// session may be believed.
var changes = map[string]func(tx *store.Tx) error{
	"disable": func(tx *store.Tx) error { _, err := tx.SetDisabled(ada, true); return err },
	"enable":  func(tx *store.Tx) error { _, err := tx.SetDisabled(ada, false); return err },
	"grant":   func(tx *store.Tx) error { _, err := tx.GrantRole(ada, gate.RoleAdmin); return err },
	"revoke":  func(tx *store.Tx) error { _, err := tx.RevokeRole(ada, gate.RoleAdmin); return err },
	"matrix":  func(tx *store.Tx) error { return tx.SetMatrixUserID(ada, "@ada:example.org") },
	"end":     func(tx *store.Tx) error { _, err := tx.EndSession(session1, "test"); return err },
	"end all": func(tx *store.Tx) error { _, err := tx.EndSessionsOf(ada, "", "test"); return err },
	"join":    func(tx *store.Tx) error { _, err := tx.AddMember(home, ada, gate.OrgMember); return err },
	"promote": func(tx *store.Tx) error { _, err := tx.SetMemberRole(home, ada, gate.OrgAdmin); return err },
	"leave":   func(tx *store.Tx) error { _, err := tx.RemoveMember(home, ada); return err },
	"no org":  func(tx *store.Tx) error { _, err := tx.RemoveOrg(work); return err },
}

var changesInOrder = []string{"disable", "enable", "grant", "revoke", "matrix", "end", "end all", "join", "promote", "leave", "no org"}

// TestAChangeIsBelievedAtItsCommit: at once in the process that makes it, but
// not before the commit, and not after a rollback; within a second elsewhere.
func TestAChangeIsBelievedAtItsCommit(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		m.Options.Clock = time.Now
		here, there := m.Open(t), m.Open(t)
		b := &bench{t, m, here}
		b.user(ada, "ada")
		b.session(session1, ada, "192.0.2.1")
		b.session(session2, ada, "192.0.2.1")
		b.org(home, "Home")
		b.org(work, "Work", ada)
		for _, name := range changesInOrder {
			time.Sleep(300 * time.Millisecond) // so that the echo of the one before has died away
			mark, theirs := listening(t, here), listening(t, there)
			err := here.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
				return errors.Join(changes[name](tx), gate.ErrForbidden)
			})
			if !errors.Is(err, gate.ErrForbidden) || !fresh(here, mark) {
				t.Errorf("%s, rolled back: %v, fresh %v", name, err, fresh(here, mark))
			}
			b.write(func(tx *store.Tx) error {
				err := changes[name](tx)
				if !fresh(here, mark) {
					t.Errorf("%s: not believed before the commit already", name)
				}
				return err
			})
			if fresh(here, mark) {
				t.Errorf("%s: the process that did it still believes the old", name)
			}
			stale(t, name, time.Second, there, theirs)
		}
		mark := listening(t, here)
		if !here.Feed().Fresh(mark, other, ada, session1) || !here.Feed().Fresh(mark, gate.DefaultTenant, bob, session3) {
			t.Error("others are not concerned")
		}
	})
}

// TestWhoCannotHearDoesNotGuess: while the server says nothing, nothing that was
// read before is believed.
func TestWhoCannotHearDoesNotGuess(t *testing.T) {
	t.Parallel()
	server, m := own(t)
	db := m.Open(t)
	mark := listening(t, db)
	if err := server.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gatehouse'`); err != nil {
		t.Fatal(err)
	}
	if err := server.Suspend(); err != nil {
		t.Fatal(err)
	}
	stale(t, "deaf", 1100*time.Millisecond, db, mark)
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	heals(t, db)
	if next := listening(t, db); fresh(db, mark) || next == mark {
		t.Error("what was read before the silence is believed again")
	}
}

// TestALostNoticeMakesEverythingStale: SQLite keeps the last thousand; who comes
// by more seldom has missed some.
func TestALostNoticeMakesEverythingStale(t *testing.T) {
	t.Parallel()
	m := New(t, SQLite)
	m.Options.Clock = time.Now
	db := m.Open(t)
	mark := listening(t, db)
	m.Exec(t, `INSERT INTO changes (seq, subject) VALUES (5000, 'main/somebody else')`)
	stale(t, "gap", time.Second, db, mark)
	mark = listening(t, db)
	m.Exec(t, `INSERT INTO changes (seq, subject) VALUES (5001, 'main/somebody else')`)
	time.Sleep(600 * time.Millisecond)
	if !fresh(db, mark) {
		t.Error("no gap, and somebody else's change")
	}
}
