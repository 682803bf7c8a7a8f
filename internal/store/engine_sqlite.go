package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// sqliteEngine is one file: one writer, whose transactions are shared by all
// who write at the same time (groupcommit.go), and a few readers.
type sqliteEngine struct {
	writer  *sql.DB
	reader  *sql.DB
	group   *group
	readers chan *cachedConn // nil until first used
	unlock  func()
}

const sqliteReaders = 4

// openSQLite opens or makes the file. A server holds a lock beside it, so that
// a second server is refused at once; the command line is a guest and only
// waits for its turn to write.
func openSQLite(ctx context.Context, file string, guest bool) (_ *sqliteEngine, err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	unlock := func() {}
	if !guest {
		if unlock, err = lockFile(file + ".lock"); err != nil {
			return nil, err
		}
	}
	if err := ownFile(file); err != nil {
		unlock()
		return nil, err
	}
	pragmas := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}}
	writer, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&"+pragmas.Encode())
	if err == nil {
		writer.SetMaxOpenConns(2) // the group's, and one for the schema
		err = firstConnection(ctx, writer)
	}
	if err != nil {
		unlock()
		return nil, err
	}
	reader, err := sql.Open("sqlite", "file:"+file+"?mode=ro&_pragma=busy_timeout(5000)&_pragma=query_only(1)")
	if err != nil {
		unlock()
		return nil, errors.Join(err, writer.Close())
	}
	e := &sqliteEngine{writer: writer, reader: reader, unlock: unlock, readers: make(chan *cachedConn, sqliteReaders)}
	for range sqliteReaders {
		e.readers <- nil
	}
	e.group = newGroup(&sqliteBatch{db: writer})
	return e, nil
}

// firstConnection opens one. To turn a new file to WAL, SQLite wants it for
// itself and does not wait for others who do the same at that moment.
func firstConnection(ctx context.Context, db *sql.DB) (err error) {
	for range 100 {
		if err = db.PingContext(ctx); sqliteCode(err)&0xff != sqlite3.SQLITE_BUSY {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
	return err
}

// ownFile makes the file for its owner alone; SQLite gives the files beside it
// the same mode.
func ownFile(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (e *sqliteEngine) read(ctx context.Context, _ gate.TenantID, run work) error {
	var conn *cachedConn
	select {
	case conn = <-e.readers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { e.readers <- conn }()
	if conn == nil {
		raw, err := e.reader.Conn(ctx)
		if err != nil {
			return err
		}
		conn = newCachedConn(raw)
	}
	err := conn.snapshot(ctx, run)
	if err != nil && !isGateError(err) {
		// Whatever state it is in now, nobody else shall inherit it.
		conn.discard()
		conn = nil
	}
	return err
}

func (e *sqliteEngine) write(ctx context.Context, tenant gate.TenantID, run work) error {
	return e.group.submit(ctx, tenant, run)
}

// writeRow is write: every transaction is shared here.
func (e *sqliteEngine) writeRow(ctx context.Context, tenant gate.TenantID, _ string, run work) error {
	return e.write(ctx, tenant, run)
}

func (e *sqliteEngine) notify(ctx context.Context, q querier, subject string) error {
	if _, err := q.ExecContext(ctx, `INSERT INTO changes (subject) VALUES ($1)`, subject); err != nil {
		return err
	}
	_, err := q.ExecContext(ctx, `DELETE FROM changes WHERE seq <= (SELECT MAX(seq) FROM changes) - $1`, changesKept)
	return err
}

const (
	changesKept  = 1000
	changesEvery = 250 * time.Millisecond
)

// listen polls for changes that other processes made. With one writer, seq is
// the order of commits, so nothing is missed; a gap means that rows were swept
// before we came by, and then nothing that is cached can be trusted.
func (e *sqliteEngine) listen(ctx context.Context, feed *Feed) {
	ticker := time.NewTicker(changesEvery)
	defer ticker.Stop()
	last := int64(-1) // what was before us does not concern us
	for {
		asked := feed.clock()
		seqs, subjects, err := e.changesAfter(ctx, last)
		if err == nil {
			if last >= 0 && len(seqs) > 0 {
				if seqs[0] > last+1 {
					feed.reset()
				}
				feed.publish(subjects)
			}
			last = max(last, 0)
			if len(seqs) > 0 {
				last = seqs[len(seqs)-1]
			}
			feed.heard(asked)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (e *sqliteEngine) changesAfter(ctx context.Context, last int64) (seqs []int64, subjects []string, err error) {
	err = e.read(ctx, "", func(ctx context.Context, q querier) error {
		rows, err := q.QueryContext(ctx, `SELECT seq, subject FROM changes WHERE seq > $1 ORDER BY seq`, last)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var seq int64
			var subject string
			if err := rows.Scan(&seq, &subject); err != nil {
				return err
			}
			seqs, subjects = append(seqs, seq), append(subjects, subject)
		}
		return rows.Err()
	})
	return seqs, subjects, err
}

func (e *sqliteEngine) retryable(err error) bool { return errors.Is(err, errBatchAborted) }

func (e *sqliteEngine) unique(err error) bool {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return true
	}
	return false
}

func (e *sqliteEngine) cause(err error) *gate.Cause { return sqliteCause(err) }

func sqliteCause(err error) *gate.Cause {
	var cause *gate.Cause
	if errors.As(err, &cause) {
		return cause
	}
	switch sqliteCode(err) & 0xff {
	case sqlite3.SQLITE_FULL:
		return gate.CauseDiskFull.With(err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return gate.CauseInUse.With(err)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT,
		sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return gate.CauseFile.With(err)
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return gate.CauseFile.With(err)
	}
	return nil
}

func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

func (e *sqliteEngine) schema() *sql.DB                  { return e.writer }
func (e *sqliteEngine) dialect() goose.Dialect           { return goose.DialectSQLite3 }
func (e *sqliteEngine) prepare(context.Context) error    { return nil }
func (e *sqliteEngine) mayPrepare(context.Context) error { return nil }

func (e *sqliteEngine) close() error {
	e.group.stop()
	err := errors.Join(e.reader.Close(), e.writer.Close())
	e.unlock()
	return err
}

// Backup writes a consistent copy of the database to a new file while others
// keep working. It is for SQLite; Postgres has pg_dump.
func (db *DB) Backup(ctx context.Context, file string) error {
	if _, ok := db.state.Load().engine.(*sqliteEngine); !ok {
		return errors.New("this database is not SQLite: use pg_dump, as a superuser, for Postgres")
	}
	// Made empty by us, and not by SQLite, it is nobody else's to read.
	target, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists already: choose another name", file)
	} else if err != nil {
		return err
	}
	_ = target.Close()
	// On a connection of its own: the readers are query_only, which refuses VACUUM INTO.
	err = withFile(ctx, db.opts.DSN, func(source *sql.DB) error {
		_, err := source.ExecContext(ctx, `VACUUM INTO $1`, file)
		return err
	})
	if err != nil {
		_ = os.Remove(file)
	}
	return err
}
