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

// TestRowsThatShareATransactionKeepTheirOwnFate: of many writers at once, two
// tenants, some of whom fail, panic or wait for a row, each gets what a
// transaction of its own would have got.
func TestRowsThatShareATransactionKeepTheirOwnFate(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		b := &bench{t, m, m.Open(t)}
		m.AddTenant(t, other)
		tenants := []gate.TenantID{gate.DefaultTenant, other}
		for round := range 20 {
			Race(40, func(i int) {
				tenant, name := tenants[i%2], fmt.Sprint(round, " ", i)
				taken := false
				defer func() {
					if p := recover(); p != nil && i%5 != 4 {
						t.Errorf("%s: %v", name, p)
					}
				}()
				err := b.db.WriteRow(context.Background(), tenant, name, func(tx *store.Tx) (err error) {
					if tx.Tenant() != tenant {
						t.Errorf("%s: tenant %s, want %s", name, tx.Tenant(), tenant)
					}
					taken, err = tx.TakeFrom(store.Bucket{Name: name, Burst: 1, Interval: time.Hour})
					switch {
					case err == nil && i%5 == 3:
						return gate.ErrForbidden
					case err == nil && i%5 == 4:
						panic("boom")
					}
					return err
				})
				if failed := i%5 >= 3; failed != (err != nil) || !taken || i%5 == 3 && !errors.Is(err, gate.ErrForbidden) {
					t.Errorf("%s: %v, taken %v", name, err, taken)
				}
			})
		}
		for tenant, want := range map[gate.TenantID]int{gate.DefaultTenant: 20 * 12, other: 20 * 12} {
			var rows int
			if err := m.Raw(t).QueryRow(`SELECT COUNT(*) FROM limits WHERE tenant = $1`, tenant).Scan(&rows); err != nil || rows != want {
				t.Errorf("tenant %s: %d rows, want %d (%v)", tenant, rows, want, err)
			}
		}
	})
}

// TestOneOfFiftyRotatesInASharedTransaction is the race of TestOneOfFiftyRotates
// on the road that refreshes really take.
func TestOneOfFiftyRotatesInASharedTransaction(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		replicas := []*store.DB{m.Open(t), m.Open(t)}
		b := &bench{t, m, replicas[0]}
		b.user(ada, "ada")
		b.session(session1, ada, "192.0.2.1")
		presented := "first"
		for round := range 10 {
			won := make([]bool, 50)
			Race(len(won), func(i int) {
				successor := digest(fmt.Sprint(round, " ", i))
				err := replicas[i%2].WriteRow(context.Background(), gate.DefaultTenant, string(session1), func(tx *store.Tx) (err error) {
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

// TestWhatTravelsWithTheCommitHappensOnceOrNotAtAll: the last statements of a
// shared transaction are sent with its COMMIT. One of them failing in SQL must
// leave nobody's half, and nobody's twice.
func TestWhatTravelsWithTheCommitHappensOnceOrNotAtAll(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		b := &bench{t, m, m.Open(t)}
		b.user(ada, "ada")
		b.session(session1, ada, "192.0.2.1")
		const rounds, racers = 20, 30
		for round := range rounds {
			Race(racers, func(i int) {
				name := fmt.Sprint(round, " ", i)
				opened := gate.Session{ID: gate.SessionID(name), Principal: ada, ExpiresAt: b.now().Add(time.Hour)}
				var want error
				switch i % 5 {
				case 3:
					opened.Principal, want = "nobody", gate.ErrNotFound
				case 4:
					opened.ID, want = session1, gate.ErrConflict
				}
				err := b.db.WriteRow(context.Background(), gate.DefaultTenant, name, func(tx *store.Tx) error {
					if opened.Principal == ada { // who writes nothing in the end has written nothing before
						if _, err := tx.TakeFrom(store.Bucket{Name: name, Burst: 1, Interval: time.Hour}); err != nil {
							return err
						}
					}
					return tx.Last().AddSession(opened, digest(name), b.now().Add(time.Hour))
				})
				b.want(name, err, want)
			})
		}
		for table, want := range map[string]int{"limits": rounds * racers * 3 / 5, "sessions": 1 + rounds*racers*3/5} {
			var rows int
			if err := m.Raw(t).QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&rows); err != nil || rows != want {
				t.Errorf("%s: %d rows, want %d (%v)", table, rows, want, err)
			}
		}
	})
}

// testLast: who shares with nobody may read after the last statement, and is
// undone when it fails all the same.
func testLast(b *bench) {
	b.user(ada, "ada")
	b.session(session1, ada, "192.0.2.1")
	end := func(then error) error {
		return b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
			_, err := tx.Last().EndSession(session1, "test")
			_, err2 := tx.Presence(session1)
			return errors.Join(err, err2, then)
		})
	}
	b.want("undone", end(gate.ErrForbidden), gate.ErrForbidden)
	same(b, "still live", len(live(b, session1)), 1)
	b.want("done", end(nil), nil)
	same(b, "ended", len(live(b, session1)), 0)
}
