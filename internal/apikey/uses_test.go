//go:build unix

package apikey_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/gate"
)

// lines is a log that a test reads while others write to it.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// running starts a record of uses; stop ends it and waits.
func (d *drawer) running() (uses *apikey.Uses, log *lines, stop func()) {
	log = &lines{}
	uses = apikey.NewUses(d.db, slog.New(slog.NewTextHandler(log, nil)))
	run, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); uses.Run(run) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	d.Cleanup(stop)
	return uses, log, stop
}

// within waits until it is so.
func (d *drawer) within(what string, limit time.Duration, so func() bool) {
	d.Helper()
	for deadline := time.Now().Add(limit); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.Errorf("%s: not so after %v", what, limit)
			return
		}
	}
}

// TestAUseIsWrittenWithinASecond, and one that is told late takes nothing back.
func TestAUseIsWrittenWithinASecond(t *testing.T) {
	onBothEngines(t, func(d *drawer) {
		first, one := d.make(d.ada, apikey.Wish{})
		second, two := d.make(d.bob, apikey.Wish{})
		uses, log, _ := d.running()
		now := d.m.Clock.Now()
		uses.Note(gate.DefaultTenant, "unknown", now) // its key may have gone meanwhile
		uses.Note(gate.DefaultTenant, first.ID, now)
		d.within("the first use", time.Second, func() bool { return d.stored(one).UsedAt.Equal(now) })
		later := now.Add(time.Minute)
		for range 1000 { // at once, in one go
			uses.Note(gate.DefaultTenant, second.ID, now)
			uses.Note(gate.DefaultTenant, first.ID, later)
		}
		d.within("later uses", time.Second, func() bool { return d.stored(one).UsedAt.Equal(later) && d.stored(two).UsedAt.Equal(now) })
		uses.Note(gate.DefaultTenant, first.ID, now)
		uses.Note(gate.DefaultTenant, second.ID, later)
		d.within("the other key's", time.Second, func() bool { return d.stored(two).UsedAt.Equal(later) })
		if used := d.stored(one).UsedAt; !used.Equal(later) {
			d.Errorf("it went back to %v", used)
		}
		if text := log.String(); text != "" {
			d.Errorf("it complains: %s", text)
		}
	})
}

// TestTheLastUsesAreWrittenAtTheEnd, before the process goes: whatever it is
// doing when it is told to. Several times, because it may be told in the middle.
func TestTheLastUsesAreWrittenAtTheEnd(t *testing.T) {
	onBothEngines(t, func(d *drawer) {
		key, shown := d.make(d.ada, apikey.Wish{})
		now := d.m.Clock.Now()
		for range 20 {
			uses, log, stop := d.running()
			now = now.Add(time.Hour)
			uses.Note(gate.DefaultTenant, key.ID, now)
			stop()
			if used := d.stored(shown).UsedAt; !used.Equal(now) {
				d.Fatalf("it ended, and the last use is of %v, not of %v\n%s", used, now, log)
			}
		}
	})
}

// TestWhatCannotBeWrittenIsForgotten and logged without a key in it: an outage
// makes no queue, and stops nobody.
func TestWhatCannotBeWrittenIsForgotten(t *testing.T) {
	onBothEngines(t, func(d *drawer) {
		key, shown := d.make(d.ada, apikey.Wish{})
		uses, log, stop := d.running()
		if err := d.db.Close(); err != nil {
			d.Fatal(err)
		}
		for n := 1; n <= 2; n++ { // it goes on after the first
			uses.Note(gate.DefaultTenant, key.ID, d.m.Clock.Now())
			d.within("a line in the log", 5*time.Second, func() bool { return strings.Count(log.String(), "last used could not be noted") >= n })
		}
		stop()
		if n := strings.Count(log.String(), "\n"); n != 2 {
			d.Errorf("%d lines, want one for each time: what could not be written was kept\n%s", n, log)
		}
		for _, hidden := range []string{shown.Reveal(), key.Preview} {
			if strings.Contains(log.String(), hidden) {
				d.Errorf("the log shows %q", hidden)
			}
		}
	})
}

// TestAFloodOfUsesIsBounded: what nobody writes does not fill the memory, and
// what comes after it is written.
func TestAFloodOfUsesIsBounded(t *testing.T) {
	onBothEngines(t, func(d *drawer) {
		late, lateKey := d.make(d.ada, apikey.Wish{})
		after, afterKey := d.make(d.bob, apikey.Wish{})
		uses := apikey.NewUses(d.db, slog.New(slog.DiscardHandler))
		for i := range 10_000 {
			uses.Note(gate.DefaultTenant, gate.APIKeyID(time.Duration(i).String()), d.m.Clock.Now())
		}
		uses.Note(gate.DefaultTenant, late.ID, d.m.Clock.Now()) // one too many
		run, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() { defer close(done); uses.Run(run) }()
		defer func() { cancel(); <-done }()
		d.within("what comes after the flood", 30*time.Second, func() bool {
			uses.Note(gate.DefaultTenant, after.ID, d.m.Clock.Now())
			return !d.stored(afterKey).UsedAt.IsZero()
		})
		if used := d.stored(lateKey).UsedAt; !used.IsZero() {
			d.Errorf("the ten thousand and first was kept, used at %v", used)
		}
	})
}
