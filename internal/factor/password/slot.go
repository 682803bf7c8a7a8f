package password

import (
	"context"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// waitersPerSlot bounds the queue. At 30 ms a hash it is about what can be
// served within two seconds; who would wait longer is better told at once.
const waitersPerSlot = 64

// Slot is the right to hash, until Release. It belongs to one goroutine. What
// must still hold just before the work (a limit, say) is looked at while
// holding it.
type Slot struct{ h *Hasher }

// Slot waits for a slot. It returns gate.ErrBusy when too many wait already or
// MaxWait is over, and gate.ErrTimeout when ctx is. The caller must Release
// what it got.
func (h *Hasher) Slot(ctx context.Context) (*Slot, error) {
	if err := ctx.Err(); err != nil {
		return nil, gate.ErrTimeout.Because(err)
	}
	select {
	case h.slots <- struct{}{}:
		return &Slot{h}, nil
	default:
	}

	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > int64(waitersPerSlot*cap(h.slots)) {
		return nil, gate.ErrBusy
	}
	timer := time.NewTimer(h.MaxWait)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}: // waiters are served in the order they came
		return &Slot{h}, nil
	case <-timer.C:
		return nil, gate.ErrBusy
	case <-ctx.Done():
		return nil, gate.ErrTimeout.Because(ctx.Err())
	}
}

// Release gives the slot back. Only the first call counts, so a deferred one
// and an early one go together. To hash with a released slot is a mistake in
// the program, and panics.
func (s *Slot) Release() {
	if s.h != nil {
		<-s.h.slots
		s.h = nil
	}
}
