//go:build unix

package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

func record(b *bench, name string) {
	b.Helper()
	b.write(func(tx *store.Tx) error {
		return tx.Record(gate.Event{
			Name: name, Actor: ada, Subject: bob, Session: session1, Client: "daarion", IP: "192.0.2.1", Request: "r",
			Detail: map[string]string{"reason": name, "a": "b"},
		})
	})
}

func events(b *bench) (out []gate.Event) {
	b.Helper()
	b.read(func(tx *store.Tx) (err error) { out, err = tx.Events(time.Time{}, 1000); return err })
	return out
}

func verify(b *bench) (checked int64, breaks []store.AuditBreak) {
	b.Helper()
	b.read(func(tx *store.Tx) (err error) { checked, breaks, err = tx.VerifyEvents(); return err })
	return checked, breaks
}

func testRecord(b *bench) {
	record(b, "one")
	got := events(b)
	if len(got) != 1 {
		b.Fatalf("%d events", len(got))
	}
	want := gate.Event{
		ID: got[0].ID, At: b.now(), Name: "one", Actor: ada, Subject: bob, Session: session1, Client: "daarion", IP: "192.0.2.1", Request: "r",
		Detail: map[string]string{"reason": "one", "a": "b"},
	}
	same(b, "event", got[0], want)
}

func testEvents(b *bench) {
	for _, name := range []string{"one", "two", "three"} {
		b.m.Clock.Forward(time.Second)
		record(b, name)
	}
	names := func(since time.Time, limit int) (out []string) {
		b.read(func(tx *store.Tx) error {
			list, err := tx.Events(since, limit)
			for _, e := range list {
				out = append(out, e.Name)
			}
			return err
		})
		return out
	}
	same(b, "oldest first", names(time.Time{}, 10), []string{"one", "two", "three"})
	same(b, "limited", names(time.Time{}, 2), []string{"one", "two"})
	same(b, "since", names(b.now().Add(-time.Second), 10), []string{"two", "three"})
}

func testEventsAbout(b *bench) {
	record(b, "one")
	record(b, "two")
	record(b, "one")
	b.read(func(tx *store.Tx) error {
		list, err := tx.EventsAbout(bob, "one")
		same(b, "of that name", len(list), 2)
		none, err2 := tx.EventsAbout(ada, "one")
		same(b, "about somebody else", len(none), 0)
		return errors.Join(err, err2)
	})
}

// testVerifyEvents tampers with the table as someone who has the database, but
// not the audit key, could.
func testVerifyEvents(b *bench) {
	for i := range 5 {
		record(b, fmt.Sprint("event ", i)) // one after the other: one lane
	}
	checked, breaks := verify(b)
	same(b, "checked", checked, 5)
	same(b, "breaks", len(breaks), 0)
	for _, column := range []string{"name", "actor", "subject", "session", "client", "ip", "request", "detail", "id", "hash"} {
		for _, value := range []string{"tampered", "{}"} {
			b.tampered(column+" = "+value, `UPDATE events SET `+column+` = '`+value+`' WHERE seq = 3`)
		}
	}
	b.tampered("at", `UPDATE events SET at = at + 1 WHERE seq = 3`)
	b.tampered("the first one is gone", `DELETE FROM events WHERE seq = 1`)
	b.tampered("one from the middle is gone", `DELETE FROM events WHERE seq = 3`)
	b.tampered("two have changed places", `UPDATE events SET seq = 99 WHERE seq = 2`, `UPDATE events SET seq = 2 WHERE seq = 3`, `UPDATE events SET seq = 3 WHERE seq = 99`)
	const columns = `tenant, lane, seq, id, at, name, actor, subject, session, client, ip, request, detail, hash`
	b.tampered("one was added", `INSERT INTO events (`+columns+`) SELECT tenant, lane, 6, 'x', at, name, actor, subject, session, client, ip, request, detail, hash FROM events WHERE seq = 5`)
	b.tampered("a chain was added", `INSERT INTO events (`+columns+`) SELECT tenant, 'lane', seq, 'x', at, name, actor, subject, session, client, ip, request, detail, hash FROM events WHERE seq = 1`)
	b.tampered("moved to a chain of its own", `UPDATE events SET lane = 'lane', seq = 1 WHERE seq = 5`)
}

// tampered changes the table, wants that to be found, and puts everything back.
func (b *bench) tampered(what string, statements ...string) {
	b.Helper()
	b.m.Exec(b, `CREATE TABLE kept AS SELECT * FROM events`)
	for _, s := range statements {
		b.m.Exec(b, s)
	}
	err := b.db.Read(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
		_, breaks, err := tx.VerifyEvents()
		if err == nil && len(breaks) == 0 {
			b.Errorf("%s: not found", what)
		}
		return err
	})
	b.want(what, err, nil)
	b.m.Exec(b, `DELETE FROM events`)
	b.m.Exec(b, `INSERT INTO events SELECT * FROM kept`)
	b.m.Exec(b, `DROP TABLE kept`)
	if _, breaks := verify(b); len(breaks) != 0 {
		b.Fatalf("%s: the table was not put back: %v", what, breaks)
	}
}

// TestChainsStayWholeUnderTwoReplicas: many writers, two processes, some of whose
// transactions fail.
func TestChainsStayWholeUnderTwoReplicas(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		replicas := []*store.DB{m.Open(t), m.Open(t)}
		boom := gate.ErrConflict.Because(errors.New("boom"))
		Race(20, func(i int) {
			for n := range 10 {
				err := replicas[i%2].Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
					for range n%3 + 1 {
						if err := tx.Record(gate.Event{Name: "test", Request: fmt.Sprint(i, n)}); err != nil {
							return err
						}
					}
					if n%5 == 4 {
						return boom
					}
					return nil
				})
				if (n%5 == 4) != errors.Is(err, boom) || n%5 != 4 && err != nil {
					t.Errorf("writer %d, event %d: %v", i, n, err)
				}
			}
		})
		b := &bench{t, m, replicas[0]}
		checked, breaks := verify(b)
		same(b, "breaks", len(breaks), 0)
		same(b, "events", checked, int64(20*(1+2+3+1+3+1+2+3))) // n = 4 and 9 were rolled back
	})
}

// TestDeedAndRecordAreOne: no deed without its record, no record without its deed.
func TestDeedAndRecordAreOne(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		b := &bench{t, m, m.Open(t)}
		before := m.Dump(t, gate.DefaultTenant)
		for what, fail := range map[string]func() error{
			"refused": func() error { return gate.ErrConflict },
			"failed":  func() error { return errors.New("boom") },
		} {
			err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
				if _, err := tx.AddUser(gate.User{ID: ada}, email(t, "ada@example.org")); err != nil {
					return err
				}
				if err := tx.Record(gate.Event{Name: gate.EventUserCreated, Subject: ada}); err != nil {
					return err
				}
				return fail()
			})
			if err == nil {
				t.Errorf("%s: no error", what)
			}
			same(b, what, m.Dump(t, gate.DefaultTenant), before)
		}
		if checked, breaks := verify(b); checked != 0 || len(breaks) != 0 {
			t.Errorf("%d events, %v", checked, breaks)
		}
	})
}
