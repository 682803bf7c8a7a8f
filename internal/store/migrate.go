package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/gatehouse/gatehouse/internal/gate"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// SchemaVersion is the number of the newest migration that this program knows.
const SchemaVersion = 2

const versionTable = "schema_versions"

// migrate brings the schema to SchemaVersion, if that is wanted and needed.
// Any number of processes may try at once; one does the work.
func (db *DB) migrate(ctx context.Context, e engine) error {
	if db.opts.MigrateDSN != "" && db.opts.AutoMigrate {
		if err := db.migrateFor(ctx, e); err != nil {
			return err
		}
	}
	current, err := look(ctx, e)
	switch {
	case err != nil:
		return err
	case current > SchemaVersion:
		return gate.CauseSchemaNewer.With(fmt.Errorf("schema %d, this program knows %d", current, SchemaVersion))
	case current == SchemaVersion:
		return nil
	case !db.opts.AutoMigrate:
		if err := e.mayPrepare(ctx); err != nil { // what would stop the migration, too
			return err
		}
		return gate.CauseSchemaOutdated.With(fmt.Errorf("schema %d, this program needs %d", current, SchemaVersion))
	}
	if err := e.prepare(ctx); err != nil {
		return err
	}
	return db.applyMigrations(ctx, e)
}

// migrateFor migrates as the role that owns the tables, and gives the role of e
// what it needs to work with them.
func (db *DB) migrateFor(ctx context.Context, e engine) error {
	var role string
	if err := e.schema().QueryRowContext(ctx, `SELECT current_user`).Scan(&role); err != nil {
		return err
	}
	owner, err := openPostgres(db.opts.MigrateDSN, 1)
	if err != nil {
		return err
	}
	defer owner.close() //nolint:errcheck // nothing is lost with it
	if err := owner.prepare(ctx); err != nil {
		return err
	}
	if err := db.applyMigrations(ctx, owner); err != nil {
		return err
	}
	return owner.serve(ctx, role)
}

func (db *DB) applyMigrations(ctx context.Context, e engine) error {
	files, err := migrationsFor(e.dialect())
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true)}
	if e.dialect() == goose.DialectPostgres {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(e.dialect(), e.schema(), files, options...)
	if err != nil {
		return err
	}
	for {
		done, total, err := provider.GetVersions(ctx)
		if err != nil {
			return err
		}
		if db.opts.Progress != nil {
			db.opts.Progress(int(done), int(total), "schema")
		}
		if done >= total {
			return nil
		}
		if _, err := provider.UpTo(ctx, done+1); err != nil {
			// SQLite has no session lock: who comes second waits for the file,
			// and then finds the step taken.
			if now, _, again := provider.GetVersions(ctx); again != nil || now <= done {
				return err
			}
		}
	}
}

// migrationsFor lists the files that concern one engine: NNNN_name.sql serves
// both, NNNN_name.<engine>.sql is one half of a pair under the same number.
func migrationsFor(dialect goose.Dialect) (fs.FS, error) {
	files, err := fs.Sub(schemaFiles, "schema")
	if dialect == goose.DialectPostgres {
		return withoutSuffix{files, ".sqlite.sql"}, err
	}
	return withoutSuffix{files, ".postgres.sql"}, err
}

// withoutSuffix hides the other engine's half of a pair.
type withoutSuffix struct {
	fs.FS
	suffix string
}

// ReadDir lists what is not hidden.
func (w withoutSuffix) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return strings.HasSuffix(e.Name(), w.suffix) }), err
}

// look is schemaVersion for who must not wait for ever: a migration may take its
// time, a look may not.
func look(ctx context.Context, e engine) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return schemaVersion(ctx, e)
}

// schemaVersion returns 0 for a database without our tables.
func schemaVersion(ctx context.Context, e engine) (int64, error) {
	var exists bool
	query := `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)`
	if e.dialect() == goose.DialectPostgres {
		query = `SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = '` + postgresSchema + `' AND tablename = $1)`
	}
	if err := e.schema().QueryRowContext(ctx, query, versionTable).Scan(&exists); err != nil || !exists {
		return 0, err
	}
	var version sql.NullInt64
	err := e.schema().QueryRowContext(ctx, `SELECT MAX(version_id) FROM `+versionTable).Scan(&version)
	return version.Int64, err
}
