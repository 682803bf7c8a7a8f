package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// postgresBatch shares a transaction without savepoints and sends what several
// requests have to say in one message: all of them run at once, and whenever
// each either waits for a statement or has finished, the statements go to the
// server together (pipelined), the first time with the beginning of the
// transaction before them, and the last time (Tx.Last) with COMMIT behind them. A
// message and its answer cost more than the statements themselves, so this is
// what makes sharing worth while.
//
// A request that fails after it wrote something, or fails in SQL, ends the whole
// transaction; then everybody goes on alone. So does, by itself, one that wants
// to read: few of those who share do.
type postgresBatch struct {
	engine    *postgresEngine
	conn      *sql.Conn
	begun     bool
	committed bool // together with the last statements
}

// errAlone tells a request that it cannot share this transaction, because it
// reads or belongs to another tenant; nothing of it has happened.
var errAlone = fmt.Errorf("%w: this one goes alone", errBatchAborted)

func (b *postgresBatch) begin(ctx context.Context) (err error) {
	if b.conn == nil {
		if b.conn, err = b.engine.pool.Conn(ctx); err != nil {
			b.conn = nil
		}
	}
	b.begun, b.committed = false, false
	return err
}

// statement is one that a member of the batch waits for.
type statement struct {
	query string
	args  []any
	last  bool
	reply chan reply
}

type reply struct {
	rows int64
	err  error
}

// member is the querier of one request in the batch.
type member struct {
	say   chan<- *statement
	wrote bool
	reads bool
	last  bool // nothing is written after the next statement
}

func (m *member) lastStatement() { m.last = true }

// ExecContext hands the statement to the batch and waits for its outcome.
func (m *member) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	s := &statement{query, args, m.last, make(chan reply, 1)}
	m.say <- s
	r := <-s.reply
	m.wrote = m.wrote || r.rows > 0
	return driver.RowsAffected(r.rows), r.err
}

// QueryContext refuses: rows cannot be read while others wait for the same
// connection.
func (m *member) QueryContext(context.Context, string, ...any) (*sql.Rows, error) {
	m.reads = true
	return nil, errAlone
}

func (b *postgresBatch) run(ctx context.Context, requests []*request, results []error) error {
	say, done := make(chan *statement), make(chan error)
	tenant, running := requests[0].tenant, 0
	for i, r := range requests {
		if r.tenant != tenant {
			results[i] = errAlone
			continue
		}
		running++
		go func() {
			own, stop := r.detached()
			defer stop()
			m := &member{say: say}
			err := protect(own, r.run, m)
			results[i] = err
			done <- m.verdict(err)
		}()
	}
	var fatal error
	var waiting []*statement
	for running > 0 {
		select {
		case s := <-say:
			waiting = append(waiting, s)
		case err := <-done:
			running--
			fatal = errors.Join(fatal, err)
		}
		if running > 0 && len(waiting) == running {
			fatal = errors.Join(fatal, b.flush(ctx, tenant, waiting, fatal))
			waiting = waiting[:0]
		}
	}
	return b.outcome(fatal)
}

// outcome tells a transaction that did not happen from one that nobody can tell.
func (b *postgresBatch) outcome(fatal error) error {
	switch {
	case fatal == nil:
		return nil
	case b.committed: // somebody broke the promise of Tx.Last
		return commitError{fatal}
	case errors.As(fatal, new(commitError)):
		return fatal
	}
	return fmt.Errorf("%w: %w", errBatchAborted, fatal)
}

// verdict is what a member's end means for the others: nothing, unless it leaves
// something behind that has to be undone.
func (m *member) verdict(err error) error {
	if err == nil || !m.wrote && (m.reads || isGateError(err)) {
		return nil
	}
	return err
}

// flush sends the statements together and hands out their results. After a
// failure nothing is sent any more.
func (b *postgresBatch) flush(ctx context.Context, tenant gate.TenantID, statements []*statement, failed error) error {
	replies := make([]reply, len(statements))
	if failed == nil {
		failed = b.conn.Raw(func(raw any) error { return b.send(ctx, raw, tenant, statements, replies) })
	}
	for i, s := range statements {
		if failed != nil {
			replies[i] = reply{err: b.outcome(failed)}
		}
		s.reply <- replies[i]
	}
	return failed
}

func (b *postgresBatch) send(ctx context.Context, raw any, tenant gate.TenantID, statements []*statement, replies []reply) error {
	var message pgx.Batch
	begin, last := !b.begun, true
	if b.begun = true; begin {
		message.Queue("BEGIN")
		message.Queue("SELECT set_config('gatehouse.tenant', $1, true)", string(tenant))
	}
	for _, s := range statements {
		message.Queue(s.query, s.args...)
		last = last && s.last
	}
	if last {
		message.Queue("COMMIT")
	}
	answers := native(raw).SendBatch(ctx, &message)
	err := receive(answers, begin, replies)
	if err == nil && last {
		if _, err = answers.Exec(); err == nil {
			b.committed = true
		} else {
			err = commitError{err}
		}
	}
	err = errors.Join(err, answers.Close())
	if last && err != nil && pgCode(err) == "" {
		return commitError{err} // the answer to COMMIT is lost
	}
	return err
}

func receive(answers pgx.BatchResults, begin bool, replies []reply) error {
	if begin {
		for range 2 {
			if _, err := answers.Exec(); err != nil {
				return err
			}
		}
	}
	for i := range replies {
		tag, err := answers.Exec()
		if err != nil {
			return err
		}
		replies[i].rows = tag.RowsAffected()
	}
	return nil
}

func (b *postgresBatch) commit(ctx context.Context) error {
	if !b.begun || b.committed {
		return nil // nobody had anything to say, or it is done
	}
	if _, err := b.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return commitError{err}
	}
	return nil
}

func (b *postgresBatch) abort(ctx context.Context) {
	if b.conn != nil {
		b.engine.rollback(ctx, b.conn)
		_ = b.conn.Close()
		b.conn = nil
	}
}

func (b *postgresBatch) close() {
	if b.conn != nil {
		_ = b.conn.Close()
	}
}
