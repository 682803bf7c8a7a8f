package connector

import (
	"context"
	"sync"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
)

const (
	freshFor   = time.Hour      // used without a question
	staleFor   = 24 * time.Hour // used while a newer one cannot be had
	leastPause = time.Second    // after a first failure
	mostPause  = time.Minute    // after many
)

// kept is a document of the provider that is fetched when it is first used, and
// then remembered. However many use it, there is one request at a time, and while
// the provider fails none but one after each pause.
type kept[T any] struct {
	fetch func(context.Context) (T, error)
	clock gate.Clock

	mu       sync.Mutex
	value    T
	known    bool      // there is a value
	at       time.Time // since when
	tried    time.Time // when a request was last begun
	failures int       // since the last success
	failedAt time.Time
	err      error // of the last request, nil after a success
	running  *flight[T]
}

// flight is a request under way. Its value and error may be read when done is closed.
type flight[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// get returns the document. One that is no longer fresh is fetched anew in the
// background; only without one that is good enough does anybody wait. After a
// failure everybody gets its error at once, until the pause is over.
func (k *kept[T]) get(ctx context.Context) (T, error) {
	k.mu.Lock()
	now := k.clock()
	if k.known && lately(now, k.at, freshFor) {
		defer k.mu.Unlock()
		return k.value, nil
	}
	f := k.start(ctx, now)
	if k.known && lately(now, k.at, staleFor) || f == nil {
		defer k.mu.Unlock()
		return k.orFailure(now)
	}
	k.mu.Unlock()
	return f.wait(ctx)
}

// renew returns a document that was asked for no longer ago than the interval, or
// what there is if the provider fails. It reports the failure, too.
func (k *kept[T]) renew(ctx context.Context, interval time.Duration) (T, error) {
	k.mu.Lock()
	now := k.clock()
	f := k.running
	if f == nil && !lately(now, k.tried, interval) {
		f = k.start(ctx, now)
	}
	if f == nil {
		defer k.mu.Unlock()
		return k.value, k.failure(now)
	}
	k.mu.Unlock()
	return f.wait(ctx)
}

// peek returns the document if there is one, however old, and asks nobody.
func (k *kept[T]) peek() (T, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.value, k.known
}

// start begins a request, or joins the one that is under way. It returns nil
// during the pause after a failure. The request outlives the caller, for whom
// others may wait, too.
func (k *kept[T]) start(ctx context.Context, now time.Time) *flight[T] {
	if k.running != nil {
		return k.running
	}
	if k.failures > 0 && lately(now, k.failedAt, k.pause()) {
		return nil
	}
	f := &flight[T]{done: make(chan struct{})}
	k.running, k.tried = f, now
	go k.run(context.WithoutCancel(ctx), f)
	return f
}

func (k *kept[T]) run(ctx context.Context, f *flight[T]) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	f.value, f.err = k.fetch(ctx)

	k.mu.Lock()
	defer k.mu.Unlock()
	k.running, k.err = nil, f.err
	if f.err == nil {
		k.value, k.known, k.at, k.failures = f.value, true, k.clock(), 0
	} else {
		k.failures, k.failedAt = k.failures+1, k.clock()
	}
	close(f.done)
}

func (f *flight[T]) wait(ctx context.Context) (T, error) {
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var none T
		return none, connectionProblem("waiting", ctx.Err())
	}
}

// orFailure returns the document unless it is too old, and then why there is none.
func (k *kept[T]) orFailure(now time.Time) (T, error) {
	if k.known && lately(now, k.at, staleFor) {
		return k.value, nil
	}
	var none T
	return none, k.failure(now)
}

// failure is the error of the last request, with the rest of the pause.
func (k *kept[T]) failure(now time.Time) error {
	last, ok := k.err.(*failure) //nolint:errorlint // only fetch makes it
	if !ok {
		return k.err
	}
	again := *last
	again.retryAfter = max(k.failedAt.Add(k.pause()).Sub(now), 0)
	return &again
}

// pause is the time in which nobody asks after a failure: it doubles with every
// one, and is never shorter than the provider wants, within bounds.
func (k *kept[T]) pause() time.Duration {
	pause := leastPause << min(max(k.failures-1, 0), 10)
	if last, ok := k.err.(*failure); ok { //nolint:errorlint // as above
		pause = max(pause, last.retryAfter)
	}
	return min(pause, mostPause)
}

// lately reports whether it is less than d since then. A clock that was put back
// must not make anything last for ever, so the future is not lately.
func lately(now, then time.Time, d time.Duration) bool {
	age := now.Sub(then)
	return age >= 0 && age < d
}
