package remotelog

import (
	"bytes"
	"sync"
)

const (
	maxLines     = 10_000  // that wait
	maxBytes     = 8 << 20 // that wait
	maxLine      = 64 << 10
	batchLines   = 100
	batchBytes   = 256 << 10
	perLineBytes = 64 // what a line costs besides its text
)

// queue holds finished lines until the sender takes them. A full one pushes out
// its oldest lines: when jarvis-logs comes back, what is happening now is worth
// more there than how an hour ago began, and its storage refuses what is old.
// The console has both.
type queue struct {
	wake chan struct{} // has an item when there is something new to look at

	mu     sync.Mutex
	ring   [maxLines][]byte
	first  int // of the lines that wait
	count  int
	bytes  int
	closed bool
	counts counts
}

// counts is what has become of all lines so far.
type counts struct {
	logged, sent, dropped uint64
	failures              uint64        // attempts that delivered nothing
	changed               chan struct{} // closed at the next change of sent or failures
}

func newQueue() *queue {
	return &queue{wake: make(chan struct{}, 1), counts: counts{changed: make(chan struct{})}}
}

// Write takes a line from the encoder, which uses its bytes again.
func (q *queue) Write(line []byte) (int, error) {
	q.add(bytes.TrimSuffix(line, []byte("\n")))
	return len(line), nil
}

func (q *queue) add(line []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.counts.logged++
	if q.closed || len(line) > maxLine {
		q.counts.dropped++
		return
	}
	cost := len(line) + perLineBytes
	for q.count == maxLines || q.bytes+cost > maxBytes {
		q.pop()
		q.counts.dropped++
	}
	q.ring[(q.first+q.count)%maxLines] = bytes.Clone(line)
	q.count++
	q.bytes += cost
	if q.count == 1 || q.batchReady() {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
}

func (q *queue) pop() []byte {
	line := q.ring[q.first]
	q.ring[q.first] = nil
	q.first = (q.first + 1) % maxLines
	q.count--
	q.bytes -= len(line) + perLineBytes
	return line
}

func (q *queue) batchReady() bool { return q.count >= batchLines || q.bytes >= batchBytes }

// take removes the next batch. Until settle, its lines are on their way.
func (q *queue) take() (lines [][]byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for size := 0; q.count > 0 && len(lines) < batchLines; {
		size += len(q.ring[q.first])
		if size > batchBytes && len(lines) > 0 {
			break
		}
		lines = append(lines, q.pop())
	}
	return lines
}

// settle says what became of the batch that was taken.
func (q *queue) settle(lines int, accepted bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if accepted {
		q.counts.sent += uint64(lines)
	} else {
		q.counts.dropped += uint64(lines)
	}
	q.announce()
}

// failed says that an attempt delivered nothing.
func (q *queue) failed() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.counts.failures++
	q.announce()
}

func (q *queue) announce() {
	close(q.counts.changed)
	q.counts.changed = make(chan struct{})
}

func (q *queue) state() counts {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.counts
}

// waiting says how many lines wait, and whether they fill a batch.
func (q *queue) waiting() (lines int, full bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count, q.batchReady()
}

// close refuses whatever comes from now on.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// abandon drops whatever still waits.
func (q *queue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.count > 0 {
		q.pop()
		q.counts.dropped++
	}
	q.announce()
}
