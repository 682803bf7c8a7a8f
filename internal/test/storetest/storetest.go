//go:build unix

// Package storetest holds both memories to one contract: what a test in here
// says is true of SQLite and of Postgres alike, or it fails.
//
// It also lends the rooms above (session, limit, jobs, token) a memory to be
// tested with:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
//			db := m.Open(t)
//			…
//		})
//	}
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

// The engines.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Memory is a database of its own for one test, and a clock that stands still
// until the test moves it.
type Memory struct {
	Engine  string
	Clock   *Clock
	Options store.Options // what Open opens; a test may change it

	test   testing.TB // whose end is its end
	opened bool
	raw    *sql.DB
}

// OnBothEngines runs a test once per engine, on a database that has the schema.
func OnBothEngines(t *testing.T, test func(t *testing.T, m *Memory)) {
	t.Helper()
	for _, engine := range []string{SQLite, Postgres} {
		t.Run(engine, func(t *testing.T) { test(t, New(t, engine)) })
	}
}

// New returns a fresh memory. On Postgres the schema is there already.
func New(t testing.TB, engine string) *Memory {
	t.Helper()
	m := Empty(t, engine)
	if engine == Postgres {
		m.Options.DSN = pgtest.Shared(t).Clone(t, "storetest", func(dsn string) error {
			o := m.Options
			o.DSN = dsn
			return store.Migrate(context.Background(), o)
		})
	}
	return m
}

// Empty returns a fresh memory without any schema.
func Empty(t testing.TB, engine string) *Memory {
	t.Helper()
	m := &Memory{Engine: engine, Clock: NewClock(), test: t}
	m.Options = store.Options{
		Engine: engine, DSN: filepath.Join(t.TempDir(), "gatehouse.db"), MaxConnections: 10, AutoMigrate: true,
		AuditKey: []byte("the audit key of a test: 32 byte"), Clock: m.Clock.Now,
	}
	if engine == Postgres {
		m.Options.DSN = pgtest.Shared(t).NewDatabase(t)
	}
	return m
}

// Open opens the memory and waits until it can be used. The second one to open
// it is another process: on Postgres a replica, on SQLite a guest.
func (m *Memory) Open(t testing.TB) *store.DB {
	t.Helper()
	db := m.OpenUnready(t)
	Ready(t, db)
	return db
}

// OpenUnready is Open for a database that cannot be used yet.
func (m *Memory) OpenUnready(t testing.TB) *store.DB {
	t.Helper()
	o := m.Options
	o.Guest = o.Guest || m.opened && m.Engine == SQLite
	m.opened = true
	db := store.Open(o)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// Ready waits until the database can be used.
func Ready(t testing.TB, db *store.DB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	if err := db.Ready(ctx); err != nil {
		t.Fatalf("the database does not get ready: %v", err)
	}
}

// Raw is a way around the store, for tampering and for looking: on Postgres as
// the superuser, whom no row-level security binds.
func (m *Memory) Raw(t testing.TB) *sql.DB {
	t.Helper()
	if m.raw != nil {
		return m.raw
	}
	driver, dsn := "sqlite", "file:"+m.Options.DSN+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"
	if m.Engine == Postgres {
		driver, dsn = "pgx", m.DSNOf(t, pgtest.Superuser)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	m.test.Cleanup(func() { _ = db.Close() })
	m.raw = db
	return db
}

// DSNOf returns the address of a Postgres memory for a role, with our schema in
// its search path.
func (m *Memory) DSNOf(t testing.TB, role string) string {
	t.Helper()
	u, err := url.Parse(m.Options.DSN)
	if err != nil {
		t.Fatal(err)
	}
	dsn := pgtest.Shared(t).DSN(strings.TrimPrefix(u.Path, "/"), role)
	return dsn + "&search_path=gatehouse"
}

// Exec runs SQL around the store.
func (m *Memory) Exec(t testing.TB, query string, args ...any) {
	t.Helper()
	if _, err := m.Raw(t).Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// AddTenant makes another tenant with the built-in roles.
func (m *Memory) AddTenant(t testing.TB, tenant gate.TenantID) {
	t.Helper()
	m.Exec(t, `INSERT INTO tenants (id, created_at) VALUES ($1, 0)`, tenant)
	for _, role := range []gate.Role{gate.RoleUser, gate.RoleAdmin, gate.RoleAgentSystem} {
		m.Exec(t, `INSERT INTO roles (tenant, id, description) VALUES ($1, $2, '')`, tenant, role)
	}
}

// tables are all that belong to tenants; a test compares the list with the
// database.
var tables = []string{
	"agents", "api_keys", "apps", "counters", "credentials", "events", "flows", "identities", "invitations", "limits", "memberships", "node_services", "nodes", "one_time_tokens", "orgs", "outbox",
	"passkeys", "principals", "role_grants", "roles", "sessions", "signing_keys", "users",
}

// alike writes a BOOLEAN as SQLite does.
func alike(value any) any {
	switch value {
	case true:
		return 1
	case false:
		return 0
	}
	return value
}

// Dump returns every row of a tenant as text, one a line, without the columns
// that are random by nature.
func (m *Memory) Dump(t testing.TB, tenant gate.TenantID) string {
	t.Helper()
	var b strings.Builder
	for _, table := range tables {
		rows, err := m.Raw(t).Query(`SELECT * FROM `+table+` WHERE tenant = $1 ORDER BY 2, 3`, tenant)
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		values, pointers := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			pointers[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(pointers...); err != nil {
				t.Fatal(err)
			}
			b.WriteString(table)
			for i, name := range columns {
				if name != "tenant" && !(table == "credentials" && name == "id") {
					fmt.Fprintf(&b, " %s=%v", name, alike(values[i]))
				}
			}
			b.WriteByte('\n')
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// Reset takes everything away from a tenant but its roles.
func (m *Memory) Reset(t testing.TB, tenant gate.TenantID) {
	t.Helper()
	for _, table := range []string{"events", "flows", "limits", "one_time_tokens", "outbox", "signing_keys", "counters", "principals", "orgs"} { // the rest hangs on the last two
		m.Exec(t, `DELETE FROM `+table+` WHERE tenant = $1`, tenant)
	}
}

// Clock stands still until it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows some moment of the past.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)}
}

// Now is a gate.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Forward moves the clock.
func (c *Clock) Forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Write runs fn for the default tenant and fails the test if that fails.
func Write(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Write(context.Background(), gate.DefaultTenant, fn); err != nil {
		t.Fatal(err)
	}
}

// Read is Write for looking.
func Read(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Read(context.Background(), gate.DefaultTenant, fn); err != nil {
		t.Fatal(err)
	}
}

// Race runs n goroutines that start together and waits for all. Each gets its
// number.
func Race(n int, run func(i int)) {
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Go(func() {
			start.Wait()
			run(i)
		})
	}
	start.Done()
	done.Wait()
}
