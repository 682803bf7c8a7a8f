package server

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/session"
	"github.com/gatehouse/gatehouse/internal/store"
)

// What an operator does with a house that is not serving: migrate it, restore
// it, check its audit trail.

// Migrate brings the database to this program's schema, making it first if that
// is wanted. It returns the gate.Cause when it cannot.
func Migrate(ctx context.Context, c *config.Config, clock gate.Clock, create bool, progress func(done, total int, what string)) error {
	master, err := masterKey(c)
	if err != nil {
		return err
	}
	database := c.Database()
	return store.Migrate(ctx, storeOptions(c, database.DSN, clock, master, func(o *store.Options) {
		o.CreateDatabase, o.Progress = create, progress
	}))
}

// storeOptions are what every way to open the database has in common.
func storeOptions(c *config.Config, dsn string, clock gate.Clock, master []byte, adapt func(*store.Options)) store.Options {
	o := store.Options{
		Engine: c.Database().Engine, DSN: dsn, MigrateDSN: c.MigrationsDSN(), MaxConnections: c.Int("database.max_connections"),
		AutoMigrate: true, Guest: true, Demo: true,
		KeyCheck: hex.EncodeToString(secret.Derive(master, "key-check")[:8]), AuditKey: secret.Derive(master, "audit"),
		Clock: clock, Log: slog.New(slog.DiscardHandler),
	}
	adapt(&o)
	return o
}

// longWork bounds what has to read or write a whole table.
const longWork = time.Hour

// Restored says what Restore did.
type Restored struct {
	File          string `json:"file"`
	Kept          string `json:"kept,omitempty"` // where the database went that was there before
	SessionsEnded int64  `json:"sessions_ended"`
}

// Restore puts a backup in place of the SQLite database. The backup is brought
// up to date and disarmed (its sessions ended) as a file of its own before it
// takes the place: a failure leaves everything as it was.
func Restore(ctx context.Context, c *config.Config, clock gate.Clock, backup string) (Restored, error) {
	database := c.Database()
	if database.Engine != config.EngineSQLite {
		return Restored{}, errors.New("this database is not SQLite: use pg_restore for Postgres; docs/runbooks/backup-and-restore.md says how to end the sessions of the backup")
	}
	master, err := existingMasterKey(c)
	if errors.Is(err, os.ErrNotExist) {
		return Restored{}, fmt.Errorf("a backup needs the master key it was made with. Put that one at %s, or set GATEHOUSE_MASTER_KEY, then restore", masterKeyPath(c))
	} else if err != nil {
		return Restored{}, err
	}
	report := Restored{File: backup}
	report.Kept, err = store.Replace(ctx, database.Path, backup, clock(), func(copied string) error {
		options := storeOptions(c, copied, clock, master, func(*store.Options) {})
		if err := store.Migrate(ctx, options); err != nil {
			return err
		}
		db := store.Open(options)
		defer db.Close()
		if err := db.Ready(ctx); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, longWork)
		defer cancel()
		return db.Write(ctx, gate.DefaultTenant, func(tx *store.Tx) (err error) {
			report.SessionsEnded, err = session.EndEverything(tx, gate.OperatorCaller(gate.DefaultTenant))
			return err
		})
	})
	if err != nil {
		return Restored{}, fmt.Errorf("nothing was changed: %w", err)
	}
	return report, nil
}

// VerifyAudit walks the hash chains of the audit trail.
func (h *House) VerifyAudit(ctx context.Context) (checked int64, breaks []store.AuditBreak, err error) {
	ctx, cancel := context.WithTimeout(ctx, longWork)
	defer cancel()
	err = h.DB.Read(ctx, gate.DefaultTenant, func(tx *store.Tx) (err error) {
		checked, breaks, err = tx.VerifyEvents()
		return err
	})
	return checked, breaks, err
}

// ErrNoDatabaseYet is Inspect's answer when the first start is still to come.
var ErrNoDatabaseYet = errors.New("there is no database yet")

// Inspect opens the house without changing anything: no migration, no new
// database, no new key. It returns the gate.Cause when it cannot be used, or
// ErrNoDatabaseYet.
func Inspect(ctx context.Context, c *config.Config, clock gate.Clock) (*House, error) {
	if database := c.Database(); database.Engine == config.EngineSQLite {
		if _, err := os.Stat(database.Path); errors.Is(err, os.ErrNotExist) {
			return nil, ErrNoDatabaseYet
		}
	}
	master, missing := existingMasterKey(c)
	if missing != nil && !errors.Is(missing, os.ErrNotExist) {
		return nil, missing
	}
	options := storeOptions(c, c.Database().DSN, clock, master, func(o *store.Options) {
		if o.AutoMigrate, o.Demo = false, false; missing != nil {
			o.KeyCheck = "" // without a key, look no further than the schema
		}
	})
	if err := store.Migrate(ctx, options); err != nil { // with AutoMigrate off it only looks
		return nil, err
	}
	if missing != nil {
		return nil, gate.CauseWrongMasterKey.With(missing)
	}
	db := store.Open(options)
	if err := db.Ready(ctx); err != nil {
		return nil, joinClose(err, db)
	}
	return &House{DB: db}, nil
}

// Administrators counts the active ones.
func (h *House) Administrators(ctx context.Context) (n int64, err error) {
	err = h.DB.Read(ctx, gate.DefaultTenant, func(tx *store.Tx) (err error) {
		n, err = tx.ActiveHolders(gate.RoleAdmin, "")
		return err
	})
	return n, err
}

// Waiting counts the work in the outbox: what is to be done, and what was given up.
func (h *House) Waiting(ctx context.Context) (waiting, dead int64, err error) {
	err = h.DB.Read(ctx, gate.DefaultTenant, func(tx *store.Tx) (err error) {
		waiting, dead, err = tx.JobCounts()
		return err
	})
	return waiting, dead, err
}
