//go:build unix

package storetest

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

func enqueue(b *bench, subject string) (id gate.JobID) {
	b.Helper()
	b.write(func(tx *store.Tx) (err error) { id, err = tx.Enqueue("kind", subject, "payload"); return err })
	return id
}

func lease(b *bench, id gate.JobID) (job store.Job, err error) {
	err = b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) (err error) {
		job, err = tx.LeaseJob(id, tx.Now().Add(30*time.Second))
		return err
	})
	return job, err
}

func due(b *bench) (ids []gate.JobID) {
	b.Helper()
	b.read(func(tx *store.Tx) (err error) { ids, err = tx.DueJobs(100); return err })
	return ids
}

func testEnqueue(b *bench) {
	boom := errors.New("boom")
	err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
		_, err := tx.Enqueue("kind", "never", "")
		return errors.Join(err, gate.ErrConflict.Because(boom))
	})
	b.want("rolled back", err, boom)
	same(b, "nothing was asked for", len(due(b)), 0)
	id := enqueue(b, "ada")
	job, err := lease(b, id)
	b.want("lease", err, nil)
	same(b, "job", job, store.Job{ID: id, Kind: "kind", Subject: "ada", Payload: "payload", Attempts: 1})
}

func testDueJobs(b *bench) {
	first := enqueue(b, "first")
	b.m.Clock.Forward(time.Second)
	second := enqueue(b, "second")
	same(b, "oldest first", due(b), []gate.JobID{first, second})
	b.read(func(tx *store.Tx) error {
		ids, err := tx.DueJobs(1)
		same(b, "limited", ids, []gate.JobID{first})
		return err
	})
	b.write(func(tx *store.Tx) error { return tx.RetryJob(first, b.now().Add(time.Minute), "later") })
	same(b, "put off", due(b), []gate.JobID{second})
	b.m.Clock.Forward(time.Minute)
	same(b, "its time has come", due(b), []gate.JobID{second, first})
}

func testLeaseJob(b *bench) {
	id := enqueue(b, "ada")
	var winners atomic.Int64
	race := func() int64 {
		winners.Store(0)
		Race(50, func(int) {
			if _, err := lease(b, id); err == nil {
				winners.Add(1)
			} else if !errors.Is(err, gate.ErrNotFound) {
				b.Errorf("loser: %v", err)
			}
		})
		return winners.Load()
	}
	same(b, "winners", race(), 1)
	same(b, "a leased one is not due", len(due(b)), 0)
	b.m.Clock.Forward(30*time.Second - time.Millisecond)
	same(b, "winners while it is leased", race(), 0)
	b.m.Clock.Forward(time.Millisecond)
	same(b, "the lease ran out", due(b), []gate.JobID{id})
	same(b, "winners after the lease", race(), 1)
	b.m.Clock.Forward(time.Minute)
	job, err := lease(b, id)
	b.want("lease", err, nil)
	same(b, "attempts are counted", job.Attempts, 3)
}

func jobCounts(b *bench) [2]int64 {
	var c [2]int64
	b.read(func(tx *store.Tx) (err error) { c[0], c[1], err = tx.JobCounts(); return err })
	return c
}

func testFinishJob(b *bench) {
	id := enqueue(b, "ada")
	b.write(func(tx *store.Tx) error { return tx.FinishJob(id) })
	same(b, "counts", jobCounts(b), [2]int64{0, 0})
	b.write(func(tx *store.Tx) error { return tx.RetryJob(id, b.now(), "no") })
	b.write(func(tx *store.Tx) error { return tx.BuryJob(id, "no") })
	same(b, "it stays done", jobCounts(b), [2]int64{0, 0})
	_, err := lease(b, id)
	b.want("lease", err, gate.ErrNotFound)
}

func testRetryJob(b *bench) {
	id := enqueue(b, "ada")
	_, err := lease(b, id)
	b.want("lease", err, nil)
	b.write(func(tx *store.Tx) error { return tx.RetryJob(id, b.now().Add(time.Second), "why") })
	same(b, "not yet", len(due(b)), 0)
	b.m.Clock.Forward(time.Second)
	same(b, "the lease is given back with it", due(b), []gate.JobID{id})
}

func testBuryJob(b *bench) {
	id := enqueue(b, "ada")
	b.write(func(tx *store.Tx) error { return tx.BuryJob(id, "hopeless") })
	same(b, "counts", jobCounts(b), [2]int64{0, 1})
	b.m.Clock.Forward(time.Hour)
	same(b, "never due again", len(due(b)), 0)
	_, err := lease(b, id)
	b.want("lease", err, gate.ErrNotFound)
}

func testJobCounts(b *bench) {
	enqueue(b, "one")
	enqueue(b, "two")
	gone := enqueue(b, "three")
	b.write(func(tx *store.Tx) error { return tx.BuryJob(gone, "hopeless") })
	same(b, "waiting, dead", jobCounts(b), [2]int64{2, 1})
}

// testUsersNeverAsked: who has an account, or ever had a job however it ended,
// is not asked again.
func testUsersNeverAsked(b *bench) {
	linked := gate.PrincipalID("0c0c0c0c-0000-4000-8000-000000000004")
	for id, name := range map[gate.PrincipalID]string{ada: "ada", bob: "bob", eve: "eve", linked: "linked"} {
		b.user(id, name)
	}
	b.write(func(tx *store.Tx) error { return tx.SetMatrixUserID(linked, "@linked:example.org") })
	dead := enqueue(b, string(bob))
	b.write(func(tx *store.Tx) error { return tx.BuryJob(dead, "why") })
	never := func(kind string, limit int) (ids []gate.PrincipalID) {
		b.read(func(tx *store.Tx) (err error) { ids, err = tx.UsersNeverAsked(kind, limit); return err })
		slices.Sort(ids)
		return ids
	}
	same(b, "of this kind", never("kind", 10), []gate.PrincipalID{ada, eve})
	same(b, "of another kind", never("other", 10), []gate.PrincipalID{ada, bob, eve})
	same(b, "limited", len(never("kind", 1)), 1)
}

// Five, and one more each second.
var bucket = store.Bucket{Name: "test", Burst: 5, Interval: time.Second}

func take(b *bench) (taken bool) {
	b.Helper()
	b.write(func(tx *store.Tx) (err error) { taken, err = tx.TakeFrom(bucket); return err })
	return taken
}

func wait(b *bench) time.Duration {
	b.Helper()
	var waits map[string]time.Duration
	b.read(func(tx *store.Tx) (err error) { waits, err = tx.Waits([]store.Bucket{bucket}); return err })
	return waits[bucket.Name]
}

func empty(b *bench) {
	b.Helper()
	for i := range bucket.Burst {
		same(b, "wait before it is empty", wait(b), 0)
		same(b, "take "+string(rune('1'+i)), take(b), true)
	}
	same(b, "take from an empty one", take(b), false)
}

func testTakeFrom(b *bench) {
	empty(b)
	b.m.Clock.Forward(bucket.Interval - time.Millisecond)
	same(b, "a moment too early", take(b), false)
	b.m.Clock.Forward(time.Millisecond)
	same(b, "one came back", take(b), true)
	same(b, "just one", take(b), false)
	b.m.Clock.Forward(time.Hour)
	empty(b) // never more than the burst, however long it rested
}

// TestParallelTakersNeverGetMoreThanTheBurst: of fifty, five.
func TestParallelTakersNeverGetMoreThanTheBurst(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		b := &bench{t, m, m.Open(t)}
		for range 5 {
			won := make([]bool, 50)
			Race(len(won), func(i int) {
				err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) (err error) {
					won[i], err = tx.TakeFrom(bucket)
					return err
				})
				b.want("taker", err, nil)
			})
			same(b, "taken", count(won), bucket.Burst)
			m.Clock.Forward(time.Minute)
		}
	})
}

func testWaits(b *bench) {
	empty(b)
	same(b, "an empty one", wait(b), time.Second)
	b.m.Clock.Forward(300 * time.Millisecond)
	same(b, "a little later", wait(b), 700*time.Millisecond)
	same(b, "asking changes nothing", wait(b), 700*time.Millisecond)
	b.m.Clock.Forward(wait(b))
	same(b, "who waits as told gets one", take(b), true)
	b.read(func(tx *store.Tx) error {
		waits, err := tx.Waits([]store.Bucket{{Name: "untouched", Burst: 1, Interval: time.Second}})
		same(b, "never taken from", len(waits), 0)
		none, err2 := tx.Waits(nil)
		same(b, "of none", len(none), 0)
		return errors.Join(err, err2)
	})
}

func testRefill(b *bench) {
	empty(b)
	b.write(func(tx *store.Tx) error { return tx.Refill(bucket.Name) })
	empty(b)
}

// TestARestartForgivesNothing: limits are in the database, not in the process.
func TestARestartForgivesNothing(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		db := m.OpenUnready(t)
		Ready(t, db)
		empty(&bench{t, m, db})
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		b := &bench{t, m, m.Open(t)}
		same(b, "after reopening", take(b), false)
	})
}

func testAddSigningKey(b *bench) {
	won := make([]bool, 20)
	Race(len(won), func(i int) {
		key := store.SigningKey{ID: "k" + string(rune('a'+i)), Algorithm: "EdDSA", Public: "p", Private: "s"}
		err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) (err error) {
			won[i], err = tx.AddSigningKey(key)
			return err
		})
		b.want("racer", err, nil)
	})
	same(b, "keys made", count(won), 1)
	b.write(func(tx *store.Tx) error {
		added, err := tx.AddSigningKey(store.SigningKey{ID: "other", Algorithm: "ES256"})
		same(b, "another algorithm", added, true)
		return err
	})
}

func testSigningKeys(b *bench) {
	b.read(func(tx *store.Tx) error {
		keys, err := tx.SigningKeys()
		same(b, "none yet", len(keys), 0)
		return err
	})
	var want []store.SigningKey
	for _, algorithm := range []string{"ES256", "EdDSA"} {
		b.m.Clock.Forward(time.Second)
		k := store.SigningKey{ID: "k" + algorithm, Algorithm: algorithm, Public: "p", Private: "s", CreatedAt: b.now()}
		b.write(func(tx *store.Tx) error { _, err := tx.AddSigningKey(k); return err })
		want = append([]store.SigningKey{k}, want...)
	}
	b.read(func(tx *store.Tx) error {
		keys, err := tx.SigningKeys()
		same(b, "newest first", keys, want)
		return err
	})
}

// testSweep: what is dead goes, what lives or must be remembered stays.
func testSweep(b *bench) {
	const keep = 24 * time.Hour
	b.user(ada, "ada")
	b.session(session1, ada, "192.0.2.1") // lasts a day
	id := enqueue(b, "done")
	waiting := enqueue(b, "waiting")
	dead := enqueue(b, "dead")
	b.write(func(tx *store.Tx) error {
		return errors.Join(
			tx.AddOneTimeToken(digest("short"), "reset", "ada", b.now().Add(time.Hour)),
			tx.AddOneTimeToken(digest("long"), "verify", "ada", b.now().Add(40*time.Hour)),
			tx.AddFlow(digest("short"), digest("chrome"), gate.Flow{ExpiresAt: b.now().Add(time.Hour)}),
			tx.AddFlow(digest("back"), digest("chrome"), gate.Flow{Principal: ada, ExpiresAt: b.now().Add(time.Hour)}),
			tx.AddFlow(digest("long"), digest("chrome"), gate.Flow{ExpiresAt: b.now().Add(40 * time.Hour)}),
			tx.FinishJob(id), tx.BuryJob(dead, "why"), tx.Record(gate.Event{Name: "test"}))
	})
	take(b)
	same(b, "flows that came back", [2]bool{b.useFlow("back"), b.useFlow("long")}, [2]bool{true, true})
	sweep := func(limit int) (n int64) {
		b.write(func(tx *store.Tx) (err error) { n, err = tx.Sweep(keep, limit); return err })
		return n
	}
	same(b, "nothing is dead yet", sweep(10), 0)
	b.m.Clock.Forward(time.Hour)
	same(b, "the bucket", sweep(10), 1) // what expires at this very moment is no use, and not yet dead
	b.m.Clock.Forward(time.Millisecond)
	same(b, "link and flow, one of each", sweep(1), 2)
	same(b, "the other flow", sweep(1), 1)
	same(b, "flows that are left", b.rows("flows"), 1)
	b.m.Clock.Forward(23 * time.Hour) // the session expired, and is kept a day; the job is kept a day
	same(b, "the finished job", sweep(10), 1)
	same(b, "still remembered", len(live(b, session1)), 1)
	b.m.Clock.Forward(16 * time.Hour)
	same(b, "the other link and flow", sweep(10), 2)
	b.m.Clock.Forward(9 * time.Hour)
	same(b, "the session", sweep(10), 1)
	b.read(func(tx *store.Tx) error {
		_, err := tx.Presence(session1)
		b.want("gone", err, gate.ErrNotFound)
		_, err = tx.User(ada)
		events, err2 := tx.Events(time.Time{}, 10)
		same(b, "audit is not swept", len(events), 1)
		return errors.Join(err, err2)
	})
	same(b, "work that waits or failed is not swept", jobCounts(b), [2]int64{1, 1})
	same(b, "what waits", due(b), []gate.JobID{waiting})
}
