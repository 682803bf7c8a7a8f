package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// group lets requests that write at the same time share a transaction. While
// one commit waits for the disk, the next requests queue up; then they run one
// after the other and share a single commit, so a storm of refreshes costs one
// fsync per batch. How one request's failure is kept from the others is the
// engine's business (batch).
type group struct {
	batch    batch
	requests chan *request
	quit     chan struct{}
	done     chan struct{}
}

// batch is a transaction that several requests share.
type batch interface {
	begin(ctx context.Context) error
	// run does every request's work and puts each one's own error into results.
	// What it returns is not nil when the whole transaction is lost.
	run(ctx context.Context, requests []*request, results []error) error
	commit(ctx context.Context) error
	abort(ctx context.Context) // after any failure; what comes next begins afresh
	close()
}

type request struct {
	ctx    context.Context
	tenant gate.TenantID
	run    work
	result chan error
	taken  atomic.Bool // by the group, or by the caller who gave up
}

const maxBatch = 128

// errBatchAborted tells a request that its work went down with the shared
// transaction through no fault of its own. Trying again is safe.
var errBatchAborted = errors.New("the shared transaction was rolled back")

func newGroup(b batch) *group {
	g := &group{batch: b, requests: make(chan *request, maxBatch), quit: make(chan struct{}), done: make(chan struct{})}
	go g.loop()
	return g
}

// submit waits for the commit that includes run. A caller may give up while
// the request is still queued; once it runs, its outcome is awaited.
func (g *group) submit(ctx context.Context, tenant gate.TenantID, run work) error {
	r := &request{ctx: ctx, tenant: tenant, run: run, result: make(chan error, 1)}
	select {
	case g.requests <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-g.quit:
		return sql.ErrConnDone
	}
	select {
	case err := <-r.result:
		return err
	case <-ctx.Done():
		if r.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
	case <-g.done:
		if r.taken.CompareAndSwap(false, true) {
			return sql.ErrConnDone
		}
	}
	return <-r.result
}

func (g *group) stop() {
	close(g.quit)
	<-g.done
}

func (g *group) loop() {
	defer close(g.done)
	for {
		select {
		case first := <-g.requests:
			g.commit(g.gather(first))
		case <-g.quit:
			g.batch.close()
			return
		}
	}
}

// gather takes what is already waiting; it never waits for more.
func (g *group) gather(first *request) []*request {
	batch := make([]*request, 0, maxBatch)
	for r := first; ; {
		if r.taken.CompareAndSwap(false, true) {
			batch = append(batch, r)
		}
		if len(batch) == maxBatch {
			return batch
		}
		select {
		case r = <-g.requests:
		default:
			return batch
		}
	}
}

// commit runs the requests in one transaction and tells everybody the outcome.
// Callers' contexts end nothing in here: both engines answer an interrupted
// statement by losing the whole transaction, everybody's.
func (g *group) commit(requests []*request) {
	if len(requests) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	results := make([]error, len(requests))
	err := g.batch.begin(ctx)
	if err == nil {
		err = g.batch.run(ctx, requests, results)
	}
	if err == nil {
		err = g.batch.commit(ctx)
	}
	if err != nil {
		g.batch.abort(ctx)
	}
	for i, r := range requests {
		if results[i] == nil && err != nil {
			results[i] = err
		}
		r.result <- results[i]
	}
}

// detached is the request's context without its end.
func (r *request) detached() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.ctx), deadline)
}

// protect turns a panic of one request into its error: it must not take the
// writer down with it.
func protect(ctx context.Context, run work, q querier) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v", p)
		}
	}()
	return run(ctx, q)
}
