package password

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// full returns a hasher whose slots are all taken.
func full(t *testing.T, slots int) (*Hasher, []*Slot) {
	t.Helper()
	h, err := NewHasher(tiny, slots)
	if err != nil {
		t.Fatal(err)
	}
	taken := make([]*Slot, slots)
	for i := range taken {
		if taken[i], err = h.Slot(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return h, taken
}

func TestSlotsBoundTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := NewHasher(tiny, 3)
		if err != nil {
			t.Fatal(err)
		}
		var now, most, served atomic.Int64
		for range 60 {
			go func() {
				s, err := h.Slot(t.Context())
				if err != nil {
					t.Errorf("no slot: %v", err)
					return
				}
				defer s.Release()
				n := now.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				time.Sleep(30 * time.Millisecond)
				now.Add(-1)
				served.Add(1)
			}()
		}
		time.Sleep(time.Minute)
		if most.Load() != 3 || served.Load() != 60 {
			t.Errorf("%d served, %d at once; want 60, 3 at once", served.Load(), most.Load())
		}
	})
}

func TestWaitersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := full(t, 2)
		var busy atomic.Int64
		for range 2*waitersPerSlot + 10 {
			go func() {
				if _, err := h.Slot(t.Context()); errors.Is(err, gate.ErrBusy) {
					busy.Add(1)
				}
			}()
		}
		synctest.Wait()
		if busy.Load() != 10 {
			t.Errorf("%d were turned away at once, want 10", busy.Load())
		}
		time.Sleep(h.MaxWait)
		synctest.Wait()
		if busy.Load() != 2*waitersPerSlot+10 {
			t.Errorf("%d were turned away in the end, want all", busy.Load())
		}
		if h.waiting.Load() != 0 {
			t.Errorf("%d still counted as waiting", h.waiting.Load())
		}
	})
}

func TestWaitingEnds(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ctx   func(context.Context) (context.Context, context.CancelFunc)
		want  error
		cause error
		after time.Duration
	}{
		{"by MaxWait", context.WithCancel, gate.ErrBusy, nil, 5 * time.Second},
		{"by deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, gate.ErrTimeout, context.DeadlineExceeded, time.Second},
		{"by cancelling", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(2*time.Second, cancel)
			return ctx, cancel
		}, gate.ErrTimeout, context.Canceled, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, taken := full(t, 1)
				start := time.Now()
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				_, err := h.Slot(ctx)
				if !errors.Is(err, tt.want) || tt.cause != nil && !errors.Is(err, tt.cause) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if d := time.Since(start); d != tt.after {
					t.Errorf("after %v, want %v", d, tt.after)
				}
				taken[0].Release()
				if s, err := h.Slot(t.Context()); err != nil {
					t.Errorf("who gave up took the slot along: %v", err)
				} else {
					s.Release()
				}
			})
		})
	}
}

func TestSlotIsReleasedOnce(t *testing.T) {
	h, taken := full(t, 2)
	taken[0].Release()
	taken[0].Release()
	if len(h.slots) != 1 {
		t.Errorf("%d slots are taken, want 1: a second Release gave away another's", len(h.slots))
	}
}

func TestEndedContextGetsNoSlot(t *testing.T) {
	h, taken := full(t, 1)
	taken[0].Release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Slot(ctx); !errors.Is(err, gate.ErrTimeout) {
		t.Errorf("got %v", err)
	}
}
