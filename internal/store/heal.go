package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
)

const (
	lookEvery    = 2 * time.Second // while all is well
	retryFirst   = 200 * time.Millisecond
	retryAtMost  = 2 * time.Second // so that healing takes less than 5 s
	checkTimeout = 3 * time.Second
	complainEach = 30 * time.Second
)

// heal keeps the state true: it opens the database, migrates it, checks it, and
// goes on checking until the DB is closed. A cause is logged when it appears,
// then every half minute, and once more when it is gone.
func (db *DB) heal() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var (
		healthy    bool
		listening  bool
		complained time.Time
		pause      = retryFirst
	)
	for {
		engine, err := db.check(ctx)
		now := db.opts.Clock()
		if err == nil {
			if !listening {
				listening = true
				db.healer.Go(func() { engine.listen(ctx, db.feed) })
			}
			if !healthy {
				healthy = true
				db.settle(&state{engine: engine})
				db.opts.Log.Info("the database is ready", "engine", db.opts.Engine, "schema", SchemaVersion)
			}
			pause = lookEvery
		} else {
			cause := causeOf(engine, db.opts.Engine, err)
			previous := db.Health()
			if healthy || !cause.Is(previous) || now.Sub(complained) >= complainEach {
				complained = now
				db.opts.Log.Error("the database cannot be used", "cause", cause.Code, "what", cause.Summary, "fix", cause.Fix, "error", cause.Detail)
			}
			if healthy {
				pause = retryFirst
			}
			healthy = false
			if pool, ok := engine.(*postgresEngine); ok && cause.Is(gate.CauseUnreachable) {
				// Its connections may be dead without knowing it, and each would
				// cost a timeout to find out. The next look opens a new pool.
				engine = nil
				go pool.close() //nolint:errcheck // nobody needs to know
			}
			db.settle(&state{engine: engine, cause: cause})
			pause = min(2*pause, retryAtMost)
		}
		select {
		case <-time.After(pause):
		case <-db.wake:
			if healthy { // one look now; a broken one keeps its rhythm
				pause = retryFirst
			}
		case <-db.closed:
			return
		}
	}
}

// check returns the engine, opened if need be, and why it cannot be used.
func (db *DB) check(ctx context.Context) (engine, error) {
	e := db.state.Load().engine
	if e == nil {
		opened, err := db.openEngine(ctx)
		if err != nil {
			return nil, err
		}
		e = opened
	}
	if db.Health() != nil { // a migration may take its time; a look may not
		if err := db.migrate(ctx, e); err != nil {
			return e, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	version, err := schemaVersion(ctx, e)
	switch {
	case err != nil:
		return e, err
	case version > SchemaVersion:
		return e, gate.CauseSchemaNewer
	case version < SchemaVersion:
		return e, gate.CauseSchemaOutdated
	}
	if err := db.checkMasterKey(ctx, e); err != nil {
		return e, err
	}
	return e, db.checkDemo(ctx, e)
}

func (db *DB) openEngine(ctx context.Context) (engine, error) {
	if db.opts.Engine == "sqlite" {
		e, err := openSQLite(ctx, db.opts.DSN, db.opts.Guest)
		if err != nil {
			return nil, err
		}
		return e, nil
	}
	if db.opts.CreateDatabase {
		if err := createPostgres(ctx, db.opts.DSN); err != nil && pgCode(err) != "42P04" { // exists already
			return nil, err
		}
	}
	e, err := openPostgres(db.opts.DSN, db.opts.MaxConnections)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// checkMasterKey compares the key check value in the database with ours, or
// leaves ours there if we are the first. With another key nothing sealed could
// be read, and new things would be sealed so that the others could not.
func (db *DB) checkMasterKey(ctx context.Context, e engine) error {
	if db.opts.KeyCheck == "" {
		return nil
	}
	var stored string
	const read = `SELECT value FROM meta WHERE name = 'key_check'`
	err := e.schema().QueryRowContext(ctx, read).Scan(&stored)
	if isNoRows(err) {
		_, err = e.schema().ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ('key_check', $1) ON CONFLICT (name) DO NOTHING`, db.opts.KeyCheck)
		if err == nil {
			err = e.schema().QueryRowContext(ctx, read).Scan(&stored)
		}
	}
	if err == nil && stored != db.opts.KeyCheck {
		err = gate.CauseWrongMasterKey
	}
	return err
}

// checkDemo keeps a server that means it away from a database whose people have
// a password that everybody knows.
func (db *DB) checkDemo(ctx context.Context, e engine) error {
	if db.opts.Demo {
		return nil
	}
	var marked int
	err := e.schema().QueryRowContext(ctx, `SELECT COUNT(*) FROM meta WHERE name = 'demo'`).Scan(&marked)
	if err == nil && marked > 0 {
		err = gate.CauseDemo
	}
	return err
}

// MarkDemo makes this a database that only Options.Demo serves.
func (tx *Tx) MarkDemo() error {
	_, err := tx.exec(`INSERT INTO meta (name, value) VALUES ('demo', 'furnished') ON CONFLICT (name) DO NOTHING`)
	return err
}

func causeOf(e engine, name string, err error) *gate.Cause {
	var cause *gate.Cause
	switch {
	case errors.As(err, &cause):
		return cause
	case e != nil && e.cause(err) != nil:
		return e.cause(err)
	case name == "sqlite" && sqliteCause(err) != nil:
		return sqliteCause(err)
	case name == "postgres" && postgresCause(err) != nil:
		return postgresCause(err)
	}
	return gate.CauseUnreachable.With(err)
}

// settle publishes a new state and, the first time that it is good, opens the
// door for those who wait in Ready.
func (db *DB) settle(st *state) {
	db.state.Store(st)
	if st.cause != nil {
		return
	}
	select {
	case <-db.ready:
	default:
		close(db.ready)
	}
}

// lookNow asks the healer to check at once.
func (db *DB) lookNow() {
	select {
	case db.wake <- struct{}{}:
	default:
	}
}

func isNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }
