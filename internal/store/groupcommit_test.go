package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// bus is a group with a table t of unique numbers, and a second look at it.
type bus struct {
	*testing.T
	group  *group
	reader *sql.DB
}

func newBus(t *testing.T) *bus {
	t.Helper()
	file := "file:" + filepath.Join(t.TempDir(), "t.db") + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)"
	writer, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Exec(`CREATE TABLE t (n INTEGER UNIQUE)`); err != nil {
		t.Fatal(err)
	}
	b := &bus{t, newGroup(&sqliteBatch{db: writer}), reader}
	t.Cleanup(func() {
		b.group.stop()
		_, _ = reader.Close(), writer.Close()
	})
	return b
}

func insert(n int) work {
	return func(ctx context.Context, q querier) error {
		_, err := q.ExecContext(ctx, `INSERT INTO t (n) VALUES ($1)`, n)
		return err
	}
}

func (b *bus) count() (n int) {
	b.Helper()
	if err := b.reader.QueryRow(`SELECT COUNT(*) FROM t`).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

// hold occupies the writer until release is called, so that others queue up.
func (b *bus) hold() (release func()) {
	running, let, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- b.group.submit(context.Background(), "main", func(context.Context, querier) error {
			close(running)
			<-let
			return nil
		})
	}()
	<-running
	return func() {
		close(let)
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
}

// queue submits each work in a goroutine of its own and waits until all queue.
func (b *bus) queue(works ...work) (results func() []error) {
	errs := make([]error, len(works))
	var done sync.WaitGroup
	for i, run := range works {
		done.Go(func() { errs[i] = b.group.submit(context.Background(), "main", run) })
	}
	b.waitFor(len(works))
	return func() []error { done.Wait(); return errs }
}

func (b *bus) waitFor(queued int) {
	for len(b.group.requests) < queued { // the writer is held: they can only arrive
	}
}

func TestWhoWaitsTogetherCommitsTogether(t *testing.T) {
	b := newBus(t)
	release := b.hold()
	var works []work
	seen := make([]int, 50)
	for i := range seen {
		works = append(works, func(ctx context.Context, q querier) error {
			seen[i] = b.count() // through another connection: what is committed
			return insert(i)(ctx, q)
		})
	}
	results := b.queue(works...)
	release()
	for i, err := range results() {
		if err != nil || seen[i] != 0 {
			t.Errorf("request %d: %v; %d rows were committed before it, want none", i, err, seen[i])
		}
	}
	if n := b.count(); n != len(works) {
		t.Errorf("%d rows", n)
	}
}

func TestOnesFailureUndoesOnlyItsOwn(t *testing.T) {
	boom := errors.New("boom")
	failures := map[string]work{
		"an error": func(ctx context.Context, q querier) error { return errors.Join(insert(100)(ctx, q), boom) },
		"a panic":  func(ctx context.Context, q querier) error { _ = insert(100)(ctx, q); panic("boom") },
		"a mistake of ours": func(ctx context.Context, q querier) error {
			_ = insert(100)(ctx, q)
			var nothing []int
			return fmt.Errorf("never reached: %d", nothing[100])
		},
		"a statement": func(ctx context.Context, q querier) error { _ = insert(100)(ctx, q); return insert(100)(ctx, q) },
		"bad SQL": func(ctx context.Context, q querier) error {
			_ = insert(100)(ctx, q)
			_, err := q.ExecContext(ctx, `NONSENSE`)
			return err
		},
	}
	for name, fail := range failures {
		t.Run(name, func(t *testing.T) {
			b := newBus(t)
			release := b.hold()
			results := b.queue(insert(1), fail, insert(2), fail, insert(3))
			release()
			failed := 0
			for _, err := range results() {
				if err != nil {
					failed++
				}
			}
			if n := b.count(); failed != 2 || n != 3 {
				t.Errorf("%d failed and %d rows are there, want 2 and 3", failed, n)
			}
		})
	}
}

func TestWhoGivesUpInTheQueueIsNotExecuted(t *testing.T) {
	b := newBus(t)
	release := b.hold()
	ctx, cancel := context.WithCancel(context.Background())
	gaveUp := make(chan error, 1)
	go func() { gaveUp <- b.group.submit(ctx, "main", insert(1)) }()
	b.waitFor(1)
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	results := b.queue(insert(2))
	release()
	if err := results()[0]; err != nil {
		t.Error(err)
	}
	if n := b.count(); n != 1 {
		t.Errorf("%d rows, want only the other's", n)
	}
}

func TestWhoGivesUpWhileRunningLearnsTheOutcome(t *testing.T) {
	b := newBus(t)
	ctx, cancel := context.WithCancel(context.Background())
	err := b.group.submit(ctx, "main", func(ctx context.Context, q querier) error {
		cancel()
		return insert(1)(ctx, q)
	})
	if n := b.count(); err != nil || n != 1 {
		t.Errorf("%v, %d rows: it happened, so it has to be said", err, n)
	}
}

// TestALostTransactionIsTriedAgain: when the whole transaction goes down under
// a request, the innocent ones are told to try again and nothing is half done.
func TestALostTransactionIsTriedAgain(t *testing.T) {
	b := newBus(t)
	release := b.hold()
	results := b.queue(insert(1), func(ctx context.Context, q querier) error {
		_, err := q.ExecContext(ctx, `ROLLBACK`)
		return err
	}, insert(2))
	release()
	e := &sqliteEngine{}
	told := 0
	for _, err := range results() {
		if err != nil && e.retryable(err) {
			told++
		}
	}
	if n := b.count(); told != 3-n {
		t.Errorf("%d rows are there, %d were told to try again, of 3", n, told)
	}
	if err := b.group.submit(context.Background(), "main", insert(3)); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

func TestNobodyWaitsForAGroupThatStopped(t *testing.T) {
	b := newBus(t)
	release := b.hold()
	results := b.queue(insert(1), insert(2))
	stopped := make(chan struct{})
	go func() { b.group.stop(); close(stopped) }()
	<-b.group.quit
	release()
	done := 0
	for _, err := range results() {
		if err == nil {
			done++
		}
	}
	<-stopped
	if n := b.count(); n != done {
		t.Errorf("%d rows, but %d were told so", n, done)
	}
	b.group = newGroup(b.group.batch) // for the cleanup
}
