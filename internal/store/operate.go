package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// Migrate opens the database, brings it to SchemaVersion, and closes it again.
// It returns the gate.Cause when it cannot. Unlike Open it tries once.
func Migrate(ctx context.Context, opts Options) error {
	db := &DB{opts: opts, feed: newFeed(opts.Clock), lanes: &lanes{}}
	db.state.Store(&state{cause: gate.CauseStarting})
	e, err := db.check(ctx)
	if err != nil {
		err = causeOf(e, opts.Engine, err)
	}
	if e != nil {
		err = errors.Join(err, e.close())
	}
	return err
}

// Replace puts a copy of a backup in place of a SQLite database that nobody
// serves, after prepare has made the copy fit. It returns where the previous
// database went, if there was one.
func Replace(ctx context.Context, file, backup string, now time.Time, prepare func(copied string) error) (kept string, err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", err
	}
	unlock, err := lockFile(file + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	copied := file + ".restoring"
	defer removeSQLite(copied)
	removeSQLite(copied)
	if err := copyFile(backup, copied); err != nil {
		return "", err
	}
	if err := integrity(ctx, copied); err != nil {
		return "", fmt.Errorf("%s is not a usable backup: %w", backup, err)
	}
	if err := prepare(copied); err != nil {
		return "", err
	}
	if err := checkpoint(ctx, copied); err != nil {
		return "", err
	}
	if _, err := os.Stat(file); err == nil {
		if err := checkpoint(ctx, file); err != nil {
			return "", err
		}
		kept = file + ".before-" + now.UTC().Format("20060102-150405")
		if err := os.Link(file, kept); err != nil { // at every moment there is a database
			return "", err
		}
		_, _ = os.Remove(file+"-wal"), os.Remove(file+"-shm")
	}
	return kept, os.Rename(copied, file)
}

func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Sync(), target.Close())
}

func integrity(ctx context.Context, file string) error {
	return withFile(ctx, file, func(db *sql.DB) error {
		var verdict string
		if err := db.QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&verdict); err != nil {
			return err
		}
		if verdict != "ok" {
			return errors.New("the integrity check says: " + verdict)
		}
		var tables int
		err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_master WHERE name IN ('`+versionTable+`', 'principals')`).Scan(&tables)
		if err == nil && tables != 2 {
			err = errors.New("it is not a Gatehouse database")
		}
		return err
	})
}

// checkpoint moves everything from the write-ahead log into the file itself.
func checkpoint(ctx context.Context, file string) error {
	return withFile(ctx, file, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
		return err
	})
}

func withFile(_ context.Context, file string, do func(*sql.DB) error) error {
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	return errors.Join(do(db), db.Close())
}

func removeSQLite(file string) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(file + suffix)
	}
}
