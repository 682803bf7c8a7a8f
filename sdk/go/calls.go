package gatehouse

import (
	"context"
	"sync"
	"time"
)

// calls lets those who ask the same at the same time share one answer.
type calls[K comparable, V any] struct {
	share time.Duration // a question that is older is asked anew

	mu      sync.Mutex
	running map[K]*call[V]
}

type call[V any] struct {
	since  time.Time
	done   chan struct{} // closed when the answer is there
	answer V
	err    error
}

// do returns the answer to a question that somebody asked a moment ago, or asks.
func (c *calls[K, V]) do(ctx context.Context, key K, now time.Time, ask func(context.Context) (V, error)) (V, error) {
	return c.join(ctx, key, now, ask).wait(ctx)
}

// wait returns the answer. Who no longer waits does not end the question of the
// others.
func (c *call[V]) wait(ctx context.Context) (V, error) {
	select {
	case <-c.done:
		return c.answer, c.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

// current returns the call that is under way, or nil.
func (c *calls[K, V]) current(key K) *call[V] {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running[key]
}

// join returns the call that is under way, or starts one.
func (c *calls[K, V]) join(ctx context.Context, key K, now time.Time, ask func(context.Context) (V, error)) *call[V] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if running, ok := c.running[key]; ok && within(running.since, now, c.share) {
		return running
	}
	started := &call[V]{since: now, done: make(chan struct{})}
	if c.running == nil {
		c.running = map[K]*call[V]{}
	}
	c.running[key] = started
	go func() {
		started.answer, started.err = ask(context.WithoutCancel(ctx))
		c.mu.Lock()
		if c.running[key] == started {
			delete(c.running, key)
		}
		c.mu.Unlock()
		close(started.done)
	}()
	return started
}

// within reports whether less than so much time has passed since. A clock that was
// put back makes everything old.
func within(since, now time.Time, limit time.Duration) bool {
	age := now.Sub(since)
	return age >= 0 && age < limit
}
