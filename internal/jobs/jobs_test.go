//go:build unix

package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// shop is a runner with one kind of work, and the means to look at it.
type shop struct {
	*testing.T
	*Runner
	m    *storetest.Memory
	runs atomic.Int64
}

func on(t *testing.T, handle func(s *shop, job store.Job) error, test func(s *shop)) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		s := &shop{T: t, m: m}
		s.Runner = &Runner{DB: m.Open(t), Clock: m.Clock.Now, Log: slog.New(slog.DiscardHandler), Tenant: gate.DefaultTenant}
		s.Handlers = map[string]Handler{"work": func(ctx context.Context, _ gate.TenantID, job store.Job) error {
			s.runs.Add(1)
			return handle(s, job)
		}}
		test(s)
	})
}

func finish(s *shop, job store.Job) error {
	return s.DB.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return tx.FinishJob(job.ID) })
}

func (s *shop) enqueue(kind string) (id gate.JobID) {
	s.Helper()
	storetest.Write(s.T, s.DB, func(tx *store.Tx) (err error) { id, err = tx.Enqueue(kind, "ada", ""); return err })
	return id
}

func (s *shop) want(what string, runs, waiting, dead int64) {
	s.Helper()
	storetest.Read(s.T, s.DB, func(tx *store.Tx) error {
		w, d, err := tx.JobCounts()
		if got := s.runs.Load(); got != runs || w != waiting || d != dead {
			s.Errorf("%s: %d runs, %d waiting, %d dead; want %d, %d, %d", what, got, w, d, runs, waiting, dead)
		}
		return err
	})
}

func TestWorkIsDoneOnce(t *testing.T) {
	on(t, finish, func(s *shop) {
		for range 10 {
			s.enqueue("work")
		}
		storetest.Race(4, func(int) { s.drain(context.Background()) }) // as many workers
		s.want("drained", 10, 0, 0)
		s.drain(context.Background())
		s.want("again", 10, 0, 0)
	})
}

func TestFailedWorkIsTriedMoreAndMoreSeldom(t *testing.T) {
	on(t, func(*shop, store.Job) error { return errors.New("boom") }, func(s *shop) {
		s.enqueue("work")
		s.drain(context.Background())
		s.want("at first", 1, 1, 0)
		for attempt, wait := range []time.Duration{2, 4, 8, 16, 30, 30} {
			s.m.Clock.Forward(wait*time.Second - time.Millisecond)
			s.drain(context.Background())
			s.want("too early", int64(attempt+1), 1, 0)
			s.m.Clock.Forward(time.Millisecond)
			s.drain(context.Background())
			s.want("in time", int64(attempt+2), 1, 0)
		}
	})
}

func TestTheOtherSideMayAskForMoreTime(t *testing.T) {
	on(t, func(*shop, store.Job) error { return gate.ErrRateLimited.After(10 * time.Minute) }, func(s *shop) {
		s.enqueue("work")
		s.drain(context.Background())
		s.m.Clock.Forward(10*time.Minute - time.Millisecond)
		s.drain(context.Background())
		s.want("before it said", 1, 1, 0)
		s.m.Clock.Forward(time.Millisecond)
		s.drain(context.Background())
		s.want("when it said", 2, 1, 0)
	})
}

func TestAConflictIsFinal(t *testing.T) {
	on(t, func(*shop, store.Job) error { return errors.Join(gate.ErrConflict, errors.New("taken")) }, func(s *shop) {
		s.enqueue("work")
		s.drain(context.Background())
		s.m.Clock.Forward(time.Hour)
		s.drain(context.Background())
		s.want("buried", 1, 0, 1)
	})
}

// TestWorkOfACrashedProcessIsDoneByAnother when the lease has run out.
func TestWorkOfACrashedProcessIsDoneByAnother(t *testing.T) {
	on(t, finish, func(s *shop) {
		id := s.enqueue("work")
		storetest.Write(s.T, s.DB, func(tx *store.Tx) error { _, err := tx.LeaseJob(id, tx.Now().Add(lease)); return err }) // and dies
		s.m.Clock.Forward(lease - time.Millisecond)
		s.drain(context.Background())
		s.want("while it is leased", 0, 1, 0)
		s.m.Clock.Forward(time.Millisecond)
		s.drain(context.Background())
		s.want("after the lease", 1, 0, 0)
	})
}

func TestUnknownWorkWaitsForWhoKnowsIt(t *testing.T) {
	on(t, finish, func(s *shop) {
		s.enqueue("of a newer version")
		s.drain(context.Background())
		s.want("kept", 0, 1, 0)
	})
}

func TestRunNowWaitsOnlySoLong(t *testing.T) {
	let := make(chan struct{})
	on(t, func(s *shop, job store.Job) error {
		if job.Subject == "ada" {
			<-let
		}
		return finish(s, job)
	}, func(s *shop) {
		id := s.enqueue("work")
		if s.RunNow(context.Background(), id, time.Millisecond) {
			s.Error("it cannot be done yet")
		}
		cancelled, cancel := context.WithCancel(context.Background())
		cancel()
		if s.RunNow(cancelled, id, time.Hour) {
			s.Error("somebody else has it")
		}
		select {
		case let <- struct{}{}: // it went on, whoever left
		case <-time.After(5 * time.Second):
			s.Error("it was given up")
		}
		s.working.Wait()
		s.want("done all the same", 1, 0, 0)
		if s.RunNow(context.Background(), id, time.Hour) {
			s.Error("finished work was done again")
		}
	})
}

func TestRunNowSaysThatItIsDone(t *testing.T) {
	on(t, finish, func(s *shop) {
		if !s.RunNow(context.Background(), s.enqueue("work"), time.Minute) {
			s.Error("it was done in time")
		}
	})
}
