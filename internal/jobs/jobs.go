// Package jobs does the work that transactions left in the outbox: at least
// once, by one worker at a time, again after a crash, more and more seldom
// while it fails. It also sweeps up what has expired. What a kind of work
// means is its handler's business; the server says which handler serves which
// kind.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Handler does one job. It finishes the job itself (Tx.FinishJob), in the
// transaction that stores the result. An error that is a gate.ErrConflict is
// final; after any other the job is tried again, not before its RetryAfter.
type Handler func(ctx context.Context, tenant gate.TenantID, job store.Job) error

// Runner is the worker of this process.
type Runner struct {
	DB       *store.DB
	Clock    gate.Clock
	Log      *slog.Logger
	Tenant   gate.TenantID
	Handlers map[string]Handler

	working sync.WaitGroup
}

const (
	pollEvery  = time.Second
	sweepEvery = time.Minute
	lease      = 30 * time.Second
	perJob     = 10 * time.Second // less than the lease: nobody else starts meanwhile
	atOnce     = 4
	backoffMax = 30 * time.Second
	keepEnded  = 90 * 24 * time.Hour
	sweepBatch = 500
)

// Run works until ctx ends, then waits for what it has begun.
func (r *Runner) Run(ctx context.Context) {
	defer r.working.Wait()
	poll, sweep := time.NewTicker(pollEvery), time.NewTicker(sweepEvery)
	defer poll.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-poll.C:
			r.drain(ctx)
		case <-sweep.C:
			r.sweep(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// drain does everything that is due, as long as any of it can be taken on: when
// the database can be read but not written, the next poll is early enough.
func (r *Runner) drain(ctx context.Context) {
	if len(r.Handlers) == 0 || r.DB.Health() != nil {
		return
	}
	for progress := true; progress && ctx.Err() == nil; {
		var due []gate.JobID
		err := r.DB.Read(ctx, r.Tenant, func(tx *store.Tx) (err error) {
			due, err = tx.DueJobs(100)
			return err
		})
		if err != nil || len(due) == 0 {
			return
		}
		slots := make(chan struct{}, atOnce)
		var batch sync.WaitGroup
		var taken atomic.Bool
		for _, id := range due {
			slots <- struct{}{}
			batch.Go(func() {
				defer func() { <-slots }()
				if leased, _ := r.do(ctx, id); leased {
					taken.Store(true)
				}
			})
		}
		batch.Wait()
		progress = taken.Load()
	}
}

// RunNow does a job at once, in the background, and waits for it at most so
// long. It reports whether the job succeeded in time; if not, it goes on, and
// if it fails, it is tried again later.
func (r *Runner) RunNow(ctx context.Context, id gate.JobID, wait time.Duration) bool {
	done := make(chan bool, 1)
	r.working.Go(func() {
		_, ok := r.do(context.WithoutCancel(ctx), id)
		done <- ok
	})
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case ok := <-done:
		return ok
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// do reports whether the job could be taken on, and whether it succeeded.
func (r *Runner) do(ctx context.Context, id gate.JobID) (leased, done bool) {
	ctx, cancel := context.WithTimeout(ctx, perJob)
	defer cancel()
	var job store.Job
	err := r.DB.Write(ctx, r.Tenant, func(tx *store.Tx) (err error) {
		job, err = tx.LeaseJob(id, tx.Now().Add(lease))
		return err
	})
	if err != nil { // somebody else has it, or the database is away
		return false, false
	}
	handle, known := r.Handlers[job.Kind]
	if !known {
		err = errors.New("this process has no handler for it")
	} else if err = protect(ctx, handle, r.Tenant, job); err == nil {
		return true, true
	}
	r.failed(context.WithoutCancel(ctx), job, err)
	return true, false
}

// protect turns a panic into a failure like any other.
func protect(ctx context.Context, handle Handler, tenant gate.TenantID, job store.Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in the handler: %v", p)
		}
	}()
	return handle(ctx, tenant, job)
}

func (r *Runner) failed(ctx context.Context, job store.Job, reason error) {
	final := errors.Is(reason, gate.ErrConflict)
	r.Log.Warn("a job failed", "job", job.ID, "kind", job.Kind, "attempt", job.Attempts, "final", final, "error", reason)
	err := r.DB.Write(ctx, r.Tenant, func(tx *store.Tx) error {
		if final {
			return tx.BuryJob(job.ID, gate.Clip(reason.Error(), 500))
		}
		return tx.RetryJob(job.ID, tx.Now().Add(backoff(job.Attempts, reason)), gate.Clip(reason.Error(), 500))
	})
	if err != nil { // then the lease runs out by itself
		r.Log.Warn("a failed job could not be put back", "job", job.ID, "error", err)
	}
}

// backoff doubles with every attempt; the other side may ask for more.
func backoff(attempts int64, reason error) time.Duration {
	wait := min(backoffMax, time.Second<<min(attempts, 10))
	var asked *gate.Error
	if errors.As(reason, &asked) {
		wait = max(wait, asked.RetryAfter)
	}
	return wait
}

func (r *Runner) sweep(ctx context.Context) {
	for ctx.Err() == nil && r.DB.Health() == nil {
		var removed int64
		err := r.DB.Write(ctx, r.Tenant, func(tx *store.Tx) (err error) {
			removed, err = tx.Sweep(keepEnded, sweepBatch)
			return err
		})
		if err != nil {
			r.Log.Warn("sweeping failed", "error", err)
		}
		if err != nil || removed == 0 {
			return
		}
	}
}
