// Package store is the memory of the house: one file per table, one SQL text
// for two engines, and no rules.
//
// # How to use it
//
// A verb passes a function to DB.Read or DB.Write and gets a Tx, which belongs
// to one tenant and one fixed moment (Tx.Now). Write may run the function
// again (a serialization failure, a lost connection), so it must have no effect
// outside the Tx. Nothing slow belongs inside: SQLite has one writer.
//
// # How to extend it
//
// A new table is a new file schema/NNNN_name.sql and a new Go file with methods
// on Tx. Write SQL that both engines read: $1 placeholders, BIGINT
// milliseconds, TEXT ids, stored canonical forms; no triggers, now(), SELECT *,
// arrays or FOR UPDATE. Every statement names its tenant. What must happen once
// is one conditional UPDATE … RETURNING, never a read followed by a write. A
// change that can make a credential invalid calls Tx.changed, so that cached
// answers die with the commit.
//
// # What it promises
//
// An error from a method is one of the gate catalogue (ErrNotFound,
// ErrConflict, ErrDatabaseUnavailable, ErrTimeout) or internal. A database that
// is missing, refusing or away is ErrDatabaseUnavailable with a gate.Cause, and
// the DB heals itself within seconds of the cause going away.
package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// Options say which database to open and how.
type Options struct {
	Engine         string // "sqlite" or "postgres"
	DSN            string // a file, or a Postgres connection string
	MaxConnections int
	AutoMigrate    bool
	MigrateDSN     string // Postgres: the same database for a role that may make tables, "" for one role
	CreateDatabase bool   // Postgres: create the database when it is missing
	Guest          bool   // SQLite: a server may have the file open, too
	Demo           bool   // open one that was furnished as a demo, too
	KeyCheck       string // identifies the master key; see checkMasterKey
	AuditKey       []byte // keys the hash chain of events
	Clock          gate.Clock
	Log            *slog.Logger
	Progress       func(done, total int, what string) // migrations, may be nil
}

// DB is an open database, or one that is being waited for.
type DB struct {
	opts  Options
	feed  *Feed
	lanes *lanes

	state  atomic.Pointer[state]
	wake   chan struct{} // asks the healer to look at once
	ready  chan struct{} // closed at the first success
	closed chan struct{}
	once   sync.Once
	healer sync.WaitGroup
}

// state is replaced as a whole: either an engine that works, or the cause why
// none does. The engine of a broken state is kept, to be probed and reused.
type state struct {
	engine engine
	cause  *gate.Cause
}

// deadline bounds every transaction whose caller brought no earlier one.
const deadline = 5 * time.Second

// Open returns at once. A healer connects, migrates and checks in the
// background and keeps doing so for the life of the DB; until it succeeds,
// every Read and Write is refused with the cause.
func Open(opts Options) *DB {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	db := &DB{
		opts: opts, feed: newFeed(opts.Clock), lanes: &lanes{},
		wake: make(chan struct{}, 1), ready: make(chan struct{}), closed: make(chan struct{}),
	}
	db.state.Store(&state{cause: gate.CauseStarting})
	db.healer.Go(db.heal)
	return db
}

// Ready waits until the database can be used, or returns why it cannot yet.
func (db *DB) Ready(ctx context.Context) error {
	select {
	case <-db.ready:
		return nil
	case <-ctx.Done():
		return db.unavailable()
	}
}

// Health returns nil while the database can be used, else the cause.
func (db *DB) Health() *gate.Cause { return db.state.Load().cause }

// Feed tells which principals and sessions changed; see Feed.
func (db *DB) Feed() *Feed { return db.feed }

// Close waits for the healer and closes the engine.
func (db *DB) Close() error {
	db.once.Do(func() { close(db.closed) })
	db.healer.Wait()
	st := db.state.Swap(&state{cause: gate.CauseUnreachable})
	if st.engine == nil {
		return nil
	}
	return st.engine.close()
}

// Read runs fn on a consistent snapshot. It is tried again once when the
// connection it happened to get was dead.
func (db *DB) Read(ctx context.Context, tenant gate.TenantID, fn func(*Tx) error) error {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	return db.attempt(func(e engine) error {
		return e.read(ctx, tenant, func(ctx context.Context, q querier) error {
			return fn(db.newTx(ctx, e, q, tenant))
		})
	})
}

// Write runs fn in a transaction that has either happened completely when Write
// returns nil, or not at all. fn may run several times.
func (db *DB) Write(ctx context.Context, tenant gate.TenantID, fn func(*Tx) error) error {
	return db.write(ctx, tenant, fn, func(ctx context.Context, e engine, run work) error { return e.write(ctx, tenant, run) })
}

// WriteRow is Write for hot deeds that write rows of one principal or
// session only, named by row, and read nothing. They may share a transaction
// with others of their kind, which on Postgres is the difference between one
// and many commits; on SQLite every transaction is shared.
func (db *DB) WriteRow(ctx context.Context, tenant gate.TenantID, row string, fn func(*Tx) error) error {
	return db.write(ctx, tenant, fn, func(ctx context.Context, e engine, run work) error { return e.writeRow(ctx, tenant, row, run) })
}

func (db *DB) write(ctx context.Context, tenant gate.TenantID, fn func(*Tx) error, run func(context.Context, engine, work) error) error {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	return db.attempt(func(e engine) error {
		var tx *Tx
		err := run(ctx, e, func(ctx context.Context, q querier) error {
			tx = db.newTx(ctx, e, q, tenant)
			return fn(tx)
		})
		if tx != nil {
			db.lanes.giveBack(tx, err)
			if err == nil {
				db.feed.publish(tx.changes)
			}
		}
		return err
	})
}

func (db *DB) newTx(ctx context.Context, e engine, q querier, tenant gate.TenantID) *Tx {
	now := db.opts.Clock().UTC().Truncate(time.Millisecond)
	return &Tx{ctx: ctx, q: q, tenant: tenant, now: now, db: db, notify: e.notify}
}

// attempt runs once and, if that failed in a way which cannot have changed
// anything, up to three times more. Driver errors become gate errors here.
func (db *DB) attempt(run func(engine) error) error {
	for try := 0; ; try++ {
		st := db.state.Load()
		if st.cause != nil {
			return db.unavailable()
		}
		err := run(st.engine)
		if err == nil || isGateError(err) {
			return err
		}
		if try < 3 && st.engine.retryable(err) {
			continue
		}
		return db.explain(st.engine, err)
	}
}

// explain turns a driver's error into one of the catalogue, and asks the healer
// to look when it means that the database may be gone.
func (db *DB) explain(e engine, err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		db.lookNow()
		return gate.ErrTimeout.Because(err)
	}
	if db.isClosed() {
		return gate.ErrDatabaseUnavailable.Because(gate.CauseStopping.With(err))
	}
	if cause := e.cause(err); cause != nil {
		db.lookNow()
		return gate.ErrDatabaseUnavailable.Because(cause)
	}
	if e.unique(err) {
		return gate.ErrConflict.Because(err)
	}
	return gate.ErrInternal.Because(err)
}

func (db *DB) isClosed() bool {
	select {
	case <-db.closed:
		return true
	default:
		return false
	}
}

func (db *DB) unavailable() error {
	cause := db.Health()
	if cause == nil {
		cause = gate.CauseStarting
	}
	return gate.ErrDatabaseUnavailable.Because(cause)
}

func isGateError(err error) bool {
	var e *gate.Error
	return errors.As(err, &e)
}

func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, deadline)
}

// querier is what *sql.DB, *sql.Tx and *sql.Conn have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// engine is what differs between the two memories. Errors leave it as the
// driver made them; retryable, unique and cause say what they mean.
type engine interface {
	read(ctx context.Context, tenant gate.TenantID, run work) error
	write(ctx context.Context, tenant gate.TenantID, run work) error
	writeRow(ctx context.Context, tenant gate.TenantID, row string, run work) error

	// notify tells other processes that the subject changed, in the
	// transaction of q; listen hears it from them, and blocks.
	notify(ctx context.Context, q querier, subject string) error
	listen(ctx context.Context, feed *Feed)

	retryable(err error) bool    // nothing happened, and trying again may help
	unique(err error) bool       // a unique index said no
	cause(err error) *gate.Cause // the database itself is the problem

	schema() *sql.DB                      // for migrations and checks, not for rows of tenants
	prepare(ctx context.Context) error    // what has to exist before the first migration
	mayPrepare(ctx context.Context) error // would prepare be refused? changes nothing
	dialect() goose.Dialect
	close() error
}

// work is what runs inside a transaction of an engine.
type work func(ctx context.Context, q querier) error
