package store

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// Feed tells whether something read from the store may still be believed. Who
// keeps an answer takes a Mark before reading, and asks Fresh before using the
// answer again. Changes made by this process count at their commit; changes of
// other processes arrive within a fraction of a second, and while the feed
// cannot hear them, nothing is fresh: a replica that is cut off refuses rather
// than guesses.
type Feed struct {
	clock     gate.Clock
	lastHeard atomic.Pointer[time.Time]
	seq       atomic.Uint64 // counts changes; written under mu

	mu        sync.RWMutex
	since     map[subject]uint64 // the seq of its last change
	forgotten uint64             // marks before this one are stale, whatever the subject
}

// Mark is a moment in the life of a Feed.
type Mark uint64

// subject is what changes: a principal, a session, an org.
type subject struct{ tenant, id string }

// everything is the id of the subject of a change that concerns a whole tenant.
const everything = "*"

const (
	// deafAfter bounds how long a change of another process can go unheard.
	deafAfter = 800 * time.Millisecond
	// maxSubjects bounds the memory of a storm of changes.
	maxSubjects = 100_000
)

func newFeed(clock gate.Clock) *Feed {
	f := &Feed{clock: clock, since: map[subject]uint64{}}
	f.lastHeard.Store(&time.Time{})
	return f
}

// Mark returns the present moment.
func (f *Feed) Mark() Mark { return Mark(f.seq.Load()) }

// Fresh reports whether none of the subjects has changed since the mark, as far
// as can be known right now.
func (f *Feed) Fresh(mark Mark, tenant gate.TenantID, principal gate.PrincipalID, session gate.SessionID) bool {
	return f.FreshAll(mark, tenant, string(principal), string(session))
}

// FreshAll is Fresh for an answer that depends on other subjects, orgs for one.
func (f *Feed) FreshAll(mark Mark, tenant gate.TenantID, subjects ...string) bool {
	// In this order: whoever ends a silence counts a change before noting that
	// it heard, so who sees the latter sees the former.
	if f.clock().Sub(*f.lastHeard.Load()) > deafAfter {
		return false
	}
	m := uint64(mark)
	if f.seq.Load() == m {
		return true // nothing at all has changed
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	if m < f.forgotten {
		return false
	}
	for _, id := range subjects {
		if f.since[subject{string(tenant), id}] > m {
			return false
		}
	}
	return true
}

// publish notes changes of subjects, each as "tenant/id".
func (f *Feed) publish(subjects []string) {
	if len(subjects) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.seq.Add(1)
	if len(f.since)+len(subjects) > maxSubjects {
		f.forget()
		return
	}
	for _, s := range subjects {
		tenant, id, _ := strings.Cut(s, "/")
		if id == everything {
			f.forget()
			return
		}
		f.since[subject{tenant, id}] = now
	}
}

// heard notes that everything which other processes had committed by the time
// of asking has been received. After a silence, what happened meanwhile is
// unknown.
func (f *Feed) heard(asked time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if asked.Sub(*f.lastHeard.Load()) > deafAfter {
		f.forget()
	}
	f.lastHeard.Store(&asked)
}

// reset makes everything read so far stale.
func (f *Feed) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget()
}

// forget makes every mark so far stale. It needs mu.
func (f *Feed) forget() {
	f.forgotten = f.seq.Add(1)
	clear(f.since)
}
