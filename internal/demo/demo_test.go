//go:build unix

package demo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/demo"
	"github.com/gatehouse/gatehouse/internal/factor/password"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var ctx = context.Background()

func furnish(t *testing.T, db *store.DB) error {
	t.Helper()
	hasher, err := password.NewHasher(password.Params{MemoryKiB: 8192, Passes: 1, Lanes: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return demo.Furnish(ctx, db, hasher)
}

// residents are the addresses of all users, and what they are.
func residents(t *testing.T, db *store.DB) string {
	t.Helper()
	var all []string
	storetest.Read(t, db, func(tx *store.Tx) error {
		users, err := tx.Users(0, 100)
		for _, u := range users {
			all = append(all, u.Email+":"+string(u.Kind))
		}
		return err
	})
	return strings.Join(all, " ")
}

const cast = "admin@daarion.city:user user@daarion.city:user sofia@agents.daarion.city:agent"

func TestPeopleMoveInOnce(t *testing.T) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		m.Options.Demo = true
		db := m.Open(t)
		for range 2 { // the second time nothing happens
			if err := furnish(t, db); err != nil {
				t.Fatal(err)
			}
			if got := residents(t, db); got != cast {
				t.Errorf("there live %s", got)
			}
		}
		storetest.Read(t, db, func(tx *store.Tx) error {
			events, err := tx.EventsAbout("", gate.EventDemo)
			if len(events) != 1 {
				t.Errorf("%d events of it, want 1", len(events))
			}
			return err
		})
	})
}

// TestWhatWasFurnishedIsServedAsADemoOnly: whoever forgets that it is one would
// let in people whose password everybody knows.
func TestWhatWasFurnishedIsServedAsADemoOnly(t *testing.T) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		m.Options.Demo = true
		db := m.Open(t)
		if err := furnish(t, db); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		m.Options.Demo = false
		refused := m.OpenUnready(t)
		var err error
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			err = refused.Read(ctx, gate.DefaultTenant, func(*store.Tx) error { return nil })
			if !errors.Is(err, gate.CauseStarting) || time.Now().After(deadline) {
				break
			}
		}
		if !errors.Is(err, gate.ErrDatabaseUnavailable) || !errors.Is(err, gate.CauseDemo) {
			t.Errorf("not as a demo: %v", err)
		}
		if err := refused.Close(); err != nil {
			t.Fatal(err)
		}
		m.Options.Demo = true
		if got := residents(t, m.Open(t)); got != cast {
			t.Errorf("as a demo: %s", got)
		}
	})
}

// TestNobodyMovesInWithOthers, and a house that was refused is no demo.
func TestNobodyMovesInWithOthers(t *testing.T) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		db := m.Open(t)
		email, _ := gate.ParseEmail("ada@example.org")
		storetest.Write(t, db, func(tx *store.Tx) error {
			_, err := tx.AddUser(gate.User{ID: gate.PrincipalID(secret.RandomID())}, email)
			return err
		})
		err := furnish(t, db)
		if !errors.Is(err, gate.CauseInhabited) || gate.CauseInhabited.Fix == "" {
			t.Errorf("beside ada: %v", err)
		}
		if got := residents(t, db); got != "ada@example.org:user" {
			t.Errorf("there live %s", got)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if got := residents(t, m.Open(t)); got != "ada@example.org:user" { // which is not as a demo
			t.Errorf("opened again, there live %s", got)
		}
	})
}

// TestWhoComesLaterIsNoneOfTheDemo: then it is not furnished again.
func TestWhoComesLaterIsNoneOfTheDemo(t *testing.T) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		m.Options.Demo = true
		db := m.Open(t)
		if err := furnish(t, db); err != nil {
			t.Fatal(err)
		}
		email, _ := gate.ParseEmail("eve@example.org")
		storetest.Write(t, db, func(tx *store.Tx) error {
			_, err := tx.AddUser(gate.User{ID: gate.PrincipalID(secret.RandomID())}, email)
			return err
		})
		if err := furnish(t, db); !errors.Is(err, gate.CauseInhabited) {
			t.Errorf("with eve: %v", err)
		}
	})
}
