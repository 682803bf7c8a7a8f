package remotelog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

const (
	batchAge     = time.Second            // how long a line waits for company
	firstPause   = 500 * time.Millisecond // after a failure; doubles with each further one
	longestPause = 30 * time.Second
	probeEvery   = 3 * time.Second  // during a long pause
	giveUpAfter  = 10 * time.Minute // of 5xx for one batch: perhaps it is the batch
	lastTries    = 3                // failures in a row that end Close
	refusalPause = time.Second      // between batches when one after the other is refused
)

// sender takes batches from the queue and delivers them, one at a time.
type sender struct {
	config  Config
	queue   *queue
	client  *http.Client
	console slog.Handler // for what it has to say: never through Handler

	hurry   chan struct{} // has an item when waiting shall end now
	closing chan struct{}
	closed  sync.Once
	done    chan struct{}
	life    context.Context // ends requests when Close has no more time
	end     context.CancelFunc

	// Only run and what it calls use these.
	found     string // where the config service said jarvis-logs is
	failures  int    // in a row
	refusals  int    // in a row
	lostAt    time.Time
	lostSoFar uint64 // lines that had been dropped when all was well the last time
	probed    bool   // the attempt under way was suggested by a good probe
	fruitless bool   // good probes are followed by failures: something behind jarvis-logs is away
}

func newSender(console slog.Handler, config Config) (*sender, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	s := &sender{
		config: config, queue: newQueue(), client: newClient(config), console: console,
		hurry: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
	}
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// run delivers until Close, and then what is left.
func (s *sender) run() {
	defer close(s.done)
	defer s.end()
	for {
		lines := s.gather()
		if len(lines) == 0 {
			return
		}
		if !s.deliver(lines) {
			s.queue.abandon()
			return
		}
	}
}

// gather waits for a batch that is worth sending. It returns none when the
// sender is closing and nothing is left.
func (s *sender) gather() [][]byte {
	for {
		if lines, _ := s.queue.waiting(); lines > 0 {
			break
		}
		select {
		case <-s.queue.wake:
		case <-s.closing:
			return s.queue.take()
		}
	}
	age := time.NewTimer(batchAge)
	defer age.Stop()
	for {
		if _, full := s.queue.waiting(); full {
			return s.queue.take()
		}
		select {
		case <-s.queue.wake:
		case <-age.C:
			return s.queue.take()
		case <-s.hurry:
			return s.queue.take()
		case <-s.closing:
			return s.queue.take()
		}
	}
}

// deliver tries until the batch is accepted or refused. It returns false when
// nothing more shall be tried.
func (s *sender) deliver(lines [][]byte) bool {
	body, began := batch(lines), s.config.Clock()
	for {
		o := s.post(body)
		switch {
		case o.accepted():
			s.queue.settle(len(lines), true)
			s.back()
			return true
		case o.refused(), o.status >= 500 && s.config.Clock().Sub(began) >= giveUpAfter:
			s.queue.settle(len(lines), false)
			return s.refused(o)
		}
		s.lost(o)
		if !s.pause() {
			s.queue.settle(len(lines), false)
			return false
		}
	}
}

// pause waits for the time of the next attempt, which comes early when a probe
// is accepted. It returns false when there shall be none.
func (s *sender) pause() bool {
	closing := s.closing
	if s.isClosing() {
		if s.failures >= lastTries {
			return false
		}
		closing = nil // heard already
	}
	next, probe := time.NewTimer(s.backoff()), time.NewTicker(probeEvery)
	defer next.Stop()
	defer probe.Stop()
	for {
		select {
		case <-s.life.Done():
			return false
		case <-next.C:
			return true
		case <-s.hurry:
			return true
		case <-closing:
			return true
		case <-probe.C:
			if !s.fruitless && s.post(batch(nil)).accepted() {
				s.probed = true
				return true
			}
		}
	}
}

// backoff is how long to wait after so many failures in a row: between half of
// a doubling time and all of it. The clock's microseconds are random enough for
// replicas not to come back in step; nobody gains anything by guessing them.
func (s *sender) backoff() time.Duration {
	full := firstPause << min(s.failures-1, 6)
	full = min(full, longestPause)
	part := time.Duration(s.config.Clock().Nanosecond() / 1000 % 1000)
	return full/2 + full/2*part/1000
}

func (s *sender) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// lost notes a failure, and says so if it is the first.
func (s *sender) lost(o outcome) {
	s.failures++
	s.fruitless = o.status != 0 && (s.fruitless || s.probed)
	s.probed = false
	if o.status == 0 {
		s.found = "" // perhaps it has moved
	}
	if s.lostAt.IsZero() {
		s.lostAt = s.config.Clock()
		s.say(slog.LevelWarn, "jarvis-logs takes no log lines; they wait for it", slog.String("reason", o.String()))
	}
	s.queue.failed()
}

// back notes a success, and says so if it is the first after failures.
func (s *sender) back() {
	s.failures, s.refusals, s.probed, s.fruitless = 0, 0, false, false
	before := s.lostSoFar
	s.lostSoFar = s.queue.state().dropped
	if s.lostAt.IsZero() {
		return
	}
	away := s.config.Clock().Sub(s.lostAt).Round(time.Second)
	s.lostAt = time.Time{}
	s.say(slog.LevelInfo, "jarvis-logs takes log lines again", slog.Duration("away", away),
		slog.Uint64("dropped", s.lostSoFar-before))
}

// refused notes a batch that nobody will ever take, and says so if all was well
// before. When it happens again and again it slows down. It returns false when
// Close has no more time.
func (s *sender) refused(o outcome) bool {
	if s.refusals++; s.refusals == 1 && s.lostAt.IsZero() {
		s.say(slog.LevelWarn, "jarvis-logs refuses log lines; such batches are dropped", slog.String("reason", o.String()))
	}
	if s.refusals == 1 {
		return true
	}
	wait := time.NewTimer(refusalPause)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-s.hurry:
	case <-s.closing:
	case <-s.life.Done():
		return false
	}
	return true
}

// say writes to the console alone.
func (s *sender) say(level slog.Level, message string, attrs ...slog.Attr) {
	ctx := context.Background()
	if !s.console.Enabled(ctx, level) {
		return
	}
	record := slog.NewRecord(s.config.Clock(), level, message, 0)
	record.AddAttrs(attrs...)
	_ = s.console.Handle(ctx, record)
}

func (s *sender) flush(ctx context.Context) error {
	start := s.queue.state()
	for {
		now := s.queue.state()
		if now.sent+now.dropped >= start.logged {
			return nil
		}
		if now.failures > start.failures {
			return errors.New("jarvis-logs takes no log lines now")
		}
		select {
		case s.hurry <- struct{}{}:
		default:
		}
		select {
		case <-now.changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.done:
			return nil
		}
	}
}

func (s *sender) close(ctx context.Context) error {
	before := s.queue.state().dropped
	s.queue.close()
	s.closed.Do(func() { close(s.closing) })
	select {
	case <-s.done:
	case <-ctx.Done():
		s.end()
		<-s.done
	}
	if lost := s.queue.state().dropped - before; lost > 0 {
		return fmt.Errorf("%d log lines did not reach jarvis-logs", lost)
	}
	return nil
}
