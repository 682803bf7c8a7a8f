//go:build unix

package storetest

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

// OpenReady is Open for tests that close it themselves.
func (m *Memory) OpenReady(t testing.TB) *store.DB {
	t.Helper()
	db := store.Open(m.Options)
	Ready(t, db)
	return db
}

func ping(db *store.DB) error {
	return db.Read(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { _, err := tx.Users(0, 1); return err })
}

// eventually waits for a cause, and wants requests to be refused with it.
func eventually(t *testing.T, db *store.DB, want *gate.Cause) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for cause := db.Health(); cause == nil || !want.Is(cause); cause = db.Health() {
		if time.Now().After(deadline) {
			t.Fatalf("cause: got %v, want %s", cause, want.Code)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := ping(db); !errors.Is(err, gate.ErrDatabaseUnavailable) || !errors.Is(err, want) {
		t.Errorf("a request gets %v, want %s", err, want.Code)
	}
}

// heals wants requests to be served within five seconds.
func heals(t *testing.T, db *store.DB) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for err := ping(db); err != nil; err = ping(db) {
		if time.Now().After(deadline) {
			t.Fatalf("not healed within five seconds: %v (%v)", err, db.Health())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func superuser(t *testing.T, database, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", pgtest.Shared(t).DSN(database, pgtest.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// TestPostgresHealsWhenItsCauseGoesAway: each cause has its own name, and goes
// by itself when an operator has done what its words say.
func TestPostgresHealsWhenItsCauseGoesAway(t *testing.T) {
	for _, c := range []struct {
		name   string
		want   *gate.Cause
		break_ func(t *testing.T, m *Memory) (mend func())
	}{
		{"the database is missing", gate.CauseDatabaseMissing, func(t *testing.T, m *Memory) func() {
			m.Options.DSN = pgtest.Shared(t).DSN("not_yet_there", pgtest.Owner)
			t.Cleanup(func() { superuser(t, "postgres", `DROP DATABASE IF EXISTS not_yet_there WITH (FORCE)`) })
			return func() { superuser(t, "postgres", `CREATE DATABASE not_yet_there OWNER gatehouse`) }
		}},
		{"the password is wrong", gate.CauseWrongPassword, func(t *testing.T, m *Memory) func() {
			u, _ := url.Parse(m.Options.DSN)
			superuser(t, "postgres", `CREATE ROLE forgetful LOGIN PASSWORD 'old'; GRANT gatehouse TO forgetful`)
			t.Cleanup(func() { superuser(t, "postgres", `DROP ROLE forgetful`) })
			u.User = url.UserPassword("forgetful", "new")
			m.Options.DSN = u.String()
			return func() { superuser(t, "postgres", `ALTER ROLE forgetful PASSWORD 'new'`) }
		}},
		{"the role may not create", gate.CauseNoRights, func(t *testing.T, m *Memory) func() {
			m.Options.DSN = pgtest.Shared(t).NewDatabase(t)
			u, _ := url.Parse(m.Options.DSN)
			database := strings.TrimPrefix(u.Path, "/")
			superuser(t, database, `ALTER DATABASE `+database+` OWNER TO postgres`)
			return func() { superuser(t, database, `GRANT CREATE ON DATABASE `+database+` TO gatehouse`) }
		}},
		{"the rows may not be read", gate.CauseNoRights, func(t *testing.T, m *Memory) func() {
			m.Exec(t, `ALTER TABLE meta OWNER TO postgres`)
			m.Options.KeyCheck = "key"
			return func() { m.Exec(t, `ALTER TABLE meta OWNER TO gatehouse`) }
		}},
		{"the master key is another", gate.CauseWrongMasterKey, func(t *testing.T, m *Memory) func() {
			m.Exec(t, `INSERT INTO meta (name, value) VALUES ('key_check', 'theirs')`)
			m.Options.KeyCheck = "ours"
			return func() { m.Exec(t, `UPDATE meta SET value = 'ours'`) }
		}},
		{"a demo was here", gate.CauseDemo, func(t *testing.T, m *Memory) func() {
			m.Exec(t, `INSERT INTO meta (name, value) VALUES ('demo', 'furnished')`)
			return func() { m.Exec(t, `DELETE FROM meta WHERE name = 'demo'`) }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := New(t, Postgres)
			mend := c.break_(t, m)
			db := m.OpenUnready(t)
			eventually(t, db, c.want)
			mend()
			heals(t, db)
		})
	}
}

// own starts a server for a test that stops it, and makes a memory on it.
func own(t *testing.T) (*pgtest.Server, *Memory) {
	t.Helper()
	server, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	m := &Memory{Engine: Postgres, Clock: NewClock(), test: t}
	m.Options = store.Options{
		Engine: Postgres, DSN: server.NewDatabase(t), MaxConnections: 10, AutoMigrate: true, AuditKey: []byte("key"), Clock: time.Now,
	}
	return server, m
}

// TestPostgresComesBack: stopped, crashed, suspended under load. Meanwhile
// requests are told to come back, and nothing else; then they are served again.
func TestPostgresComesBack(t *testing.T) {
	t.Parallel()
	server, m := own(t)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	db := m.OpenUnready(t)
	eventually(t, db, gate.CauseUnreachable)
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	heals(t, db)
	for _, outage := range []struct {
		name        string
		begin, mend func() error
	}{
		{"restart", server.Restart, func() error { return nil }},
		{"crash", server.Crash, server.Restart},
		{"suspend", server.Suspend, server.Resume},
	} {
		stop := load(t, outage.name, db)
		if err := outage.begin(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond) // long enough to be noticed by some, in any state
		if err := outage.mend(); err != nil {
			t.Fatal(err)
		}
		heals(t, db)
		stop()
	}
	b := &bench{t, m, db}
	if checked, breaks := verify(b); checked == 0 || len(breaks) != 0 {
		t.Errorf("audit after the outages: %d events, %v", checked, breaks)
	}
}

// load writes and reads until it is stopped, and wants no errors but those that
// say "try again".
func load(t *testing.T, during string, db *store.DB) (stop func()) {
	var stopping atomic.Bool
	var done sync.WaitGroup
	for i := range 6 {
		done.Go(func() {
			for !stopping.Load() {
				run := db.Read
				if i%2 == 0 {
					run = db.Write
				}
				err := run(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
					if _, err := tx.Users(0, 1); err != nil || i%2 == 1 {
						return err
					}
					return tx.Record(gate.Event{Name: "test"})
				})
				if err != nil && gate.AsError(err).Kind != gate.Unavailable {
					t.Errorf("during %s: %v", during, err)
				}
			}
		})
	}
	return func() { stopping.Store(true); done.Wait() }
}

// TestADeadConnectionDoesNotKeepTheHealerWaiting: a network that swallows
// packets says nothing on old connections for ever, while new ones work.
func TestADeadConnectionDoesNotKeepTheHealerWaiting(t *testing.T) {
	t.Parallel()
	m := New(t, Postgres)
	u, err := url.Parse(m.Options.DSN)
	if err != nil {
		t.Fatal(err)
	}
	swamp := newSwamp(t, u.Host)
	u.Host = swamp.Addr().String()
	m.Options.DSN = u.String()
	db := m.Open(t)
	for range 2 { // so that connections wait in the pool
		Race(10, func(int) { _ = ping(db) })
	}
	swamp.swallow()
	eventually(t, db, gate.CauseUnreachable)
	heals(t, db)
}

// swamp is a network in front of a server.
type swamp struct {
	net.Listener
	age atomic.Int64 // connections of an earlier age are lost
}

func newSwamp(t *testing.T, server string) *swamp {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	s := &swamp{Listener: listener}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			t.Cleanup(func() { _ = client.Close(); _ = upstream.Close() })
			age := s.age.Load()
			go s.pipe(upstream, client, age)
			go s.pipe(client, upstream, age)
		}
	}()
	return s
}

func (s *swamp) swallow() { s.age.Add(1) }

func (s *swamp) pipe(to, from net.Conn, age int64) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if s.age.Load() != age {
			_, _ = io.Copy(io.Discard, from)
			return // and the other side never hears of it
		}
		if n > 0 {
			_, _ = to.Write(buffer[:n])
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}

// TestASecondServerIsRefusedOneSQLiteFile until the first is gone; the command
// line is a guest and may come at any time.
func TestASecondServerIsRefusedOneSQLiteFile(t *testing.T) {
	t.Parallel()
	m := New(t, SQLite)
	first := m.OpenReady(t)
	second := store.Open(m.Options)
	t.Cleanup(func() { _ = second.Close() })
	eventually(t, second, gate.CauseInUse)
	m.opened = true
	guest := m.Open(t)
	b := &bench{t, m, guest}
	b.user(ada, "ada")
	if err := ping(first); err != nil {
		t.Errorf("the server beside a guest: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	heals(t, second)
}

// TestSQLiteHealsWhenItsCauseGoesAway is about files and folders. Permissions
// would not stop root, so things stand in the way instead.
func TestSQLiteHealsWhenItsCauseGoesAway(t *testing.T) {
	for name, c := range map[string]struct {
		want   *gate.Cause
		break_ func(t *testing.T, m *Memory) (mend func() error)
	}{
		"a file where the folder should be": {gate.CauseFile, func(t *testing.T, m *Memory) func() error {
			folder := filepath.Join(t.TempDir(), "data")
			m.Options.DSN = filepath.Join(folder, "gatehouse.db")
			if err := os.WriteFile(folder, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return func() error { return os.Remove(folder) }
		}},
		"a folder where the file should be": {gate.CauseFile, func(t *testing.T, m *Memory) func() error {
			if err := os.Mkdir(m.Options.DSN, 0o700); err != nil {
				t.Fatal(err)
			}
			return func() error { return os.Remove(m.Options.DSN) }
		}},
		"the file is no database": {gate.CauseFile, func(t *testing.T, m *Memory) func() error {
			if err := os.WriteFile(m.Options.DSN, []byte(strings.Repeat("not a database ", 500)), 0o600); err != nil {
				t.Fatal(err)
			}
			return func() error { return os.Remove(m.Options.DSN) }
		}},
		"the master key is another": {gate.CauseWrongMasterKey, func(t *testing.T, m *Memory) func() error {
			if err := m.OpenReady(t).Close(); err != nil {
				t.Fatal(err)
			}
			m.Exec(t, `INSERT INTO meta (name, value) VALUES ('key_check', 'theirs')`)
			m.Options.KeyCheck = "ours"
			return func() error { _, err := m.Raw(t).Exec(`UPDATE meta SET value = 'ours'`); return err }
		}},
		"a demo was here": {gate.CauseDemo, func(t *testing.T, m *Memory) func() error {
			if err := m.OpenReady(t).Close(); err != nil {
				t.Fatal(err)
			}
			m.Exec(t, `INSERT INTO meta (name, value) VALUES ('demo', 'furnished')`)
			return func() error { _, err := m.Raw(t).Exec(`DELETE FROM meta WHERE name = 'demo'`); return err }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := New(t, SQLite)
			mend := c.break_(t, m)
			db := m.OpenUnready(t)
			eventually(t, db, c.want)
			if err := mend(); err != nil {
				t.Fatal(err)
			}
			heals(t, db)
		})
	}
}
