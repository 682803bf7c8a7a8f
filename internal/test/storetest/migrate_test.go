//go:build unix

package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

func emptyOnBothEngines(t *testing.T, test func(t *testing.T, m *Memory)) {
	t.Helper()
	for _, engine := range []string{SQLite, Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, Empty(t, engine))
		})
	}
}

func versions(t *testing.T, m *Memory) (rows, newest int64) {
	t.Helper()
	if err := m.Raw(t).QueryRow(`SELECT COUNT(*), MAX(version_id) FROM schema_versions`).Scan(&rows, &newest); err != nil {
		t.Fatal(err)
	}
	return rows, newest
}

// TestAFreshInstallReachesTheNewestSchema, step by step, and doing it again does nothing.
func TestAFreshInstallReachesTheNewestSchema(t *testing.T) {
	emptyOnBothEngines(t, func(t *testing.T, m *Memory) {
		var steps []int
		m.Options.Progress = func(done, total int, _ string) {
			if total != store.SchemaVersion {
				t.Errorf("total %d, want %d", total, store.SchemaVersion)
			}
			steps = append(steps, done)
		}
		for range 2 {
			if err := store.Migrate(context.Background(), m.Options); err != nil {
				t.Fatal(err)
			}
		}
		if len(steps) != store.SchemaVersion+1 || steps[len(steps)-1] != store.SchemaVersion {
			t.Errorf("progress %v", steps)
		}
		if rows, newest := versions(t, m); newest != store.SchemaVersion || rows != store.SchemaVersion+1 { // and one for zero
			t.Errorf("%d rows up to %d", rows, newest)
		}
	})
}

// TestEightMigrateAtOnce: each step is applied once, and nobody is told that it failed.
func TestEightMigrateAtOnce(t *testing.T) {
	emptyOnBothEngines(t, func(t *testing.T, m *Memory) {
		m.Options.Guest = m.Engine == SQLite
		Race(8, func(int) {
			if err := store.Migrate(context.Background(), m.Options); err != nil {
				t.Errorf("migrate: %v", err)
			}
		})
		if rows, newest := versions(t, m); newest != store.SchemaVersion || rows != store.SchemaVersion+1 {
			t.Errorf("%d rows up to %d", rows, newest)
		}
		b := &bench{t, m, m.Open(t)}
		b.user(ada, "ada")
	})
}

// TestANewerSchemaIsLeftAlone: an old program must not write into what it does
// not know.
func TestANewerSchemaIsLeftAlone(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		if err := m.OpenReady(t).Close(); err != nil {
			t.Fatal(err)
		}
		applied := `true`
		if m.Engine == SQLite {
			applied = `1`
		}
		m.Exec(t, `INSERT INTO schema_versions (version_id, is_applied) VALUES ($1, `+applied+`)`, store.SchemaVersion+1)
		if err := store.Migrate(context.Background(), m.Options); !errors.Is(err, gate.CauseSchemaNewer) {
			t.Errorf("migrate: %v", err)
		}
		db := m.OpenUnready(t)
		eventually(t, db, gate.CauseSchemaNewer)
		m.Exec(t, `DELETE FROM schema_versions WHERE version_id > $1`, store.SchemaVersion)
		heals(t, db)
	})
}

// TestAnOldSchemaWaitsForTheOperator when migration is not automatic.
func TestAnOldSchemaWaitsForTheOperator(t *testing.T) {
	emptyOnBothEngines(t, func(t *testing.T, m *Memory) {
		byHand := m.Options
		byHand.Guest = true
		m.Options.AutoMigrate = false
		if err := store.Migrate(context.Background(), m.Options); !errors.Is(err, gate.CauseSchemaOutdated) {
			t.Errorf("migrate: %v", err)
		}
		db := m.OpenUnready(t)
		eventually(t, db, gate.CauseSchemaOutdated)
		if err := store.Migrate(context.Background(), byHand); err != nil {
			t.Fatal(err)
		}
		heals(t, db)
	})
}
