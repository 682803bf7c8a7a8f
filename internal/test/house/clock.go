//go:build unix

package house

import (
	"sync"
	"time"
)

// Clock is real time that a test can put forward.
type Clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

// Now returns the time on the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// Forward puts the clock forward.
func (c *Clock) Forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}
