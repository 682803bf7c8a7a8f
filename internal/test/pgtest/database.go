//go:build unix

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// databases counts the databases made, for their names, and keeps the templates.
type databases struct {
	mu        sync.Mutex
	made      int
	templates map[string]func() (string, error)
}

// Exec runs SQL as the superuser in database "postgres"; several statements are
// separated by semicolons.
func (s *Server) Exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, s.SocketDSN("postgres", Superuser))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql).ReadAll()
	return err
}

// NewDatabase makes an empty database that Owner owns and returns its DSN, over
// TCP. The database is dropped when the test ends.
func (s *Server) NewDatabase(t testing.TB) (dsn string) {
	t.Helper()
	return s.newDatabase(t, "template1")
}

// Clone is NewDatabase with a start: a copy of the database that prepare made of
// an empty one. Prepare runs once per server and template name, and must close
// its connections; a copy takes a fraction of a migration's time.
func (s *Server) Clone(t testing.TB, template string, prepare func(dsn string) error) (dsn string) {
	t.Helper()
	s.databases.mu.Lock()
	once, known := s.databases.templates[template]
	if !known {
		once = sync.OnceValues(func() (string, error) { return s.makeTemplate(template, prepare) })
		if s.databases.templates == nil {
			s.databases.templates = map[string]func() (string, error){}
		}
		s.databases.templates[template] = once
	}
	s.databases.mu.Unlock()
	name, err := once()
	if err != nil {
		t.Fatalf("pgtest: prepare the template %q: %v", template, err)
	}
	return s.newDatabase(t, name)
}

func (s *Server) makeTemplate(template string, prepare func(dsn string) error) (name string, err error) {
	name = s.nextName("template_" + strings.ToLower(template))
	if err := s.createDatabase(name, "template1"); err != nil {
		return "", err
	}
	return name, prepare(s.DSN(name, Owner))
}

func (s *Server) newDatabase(t testing.TB, template string) (dsn string) {
	t.Helper()
	name := s.nextName("test")
	if err := s.createDatabase(name, template); err != nil {
		t.Fatalf("pgtest: create a database: %v", err)
	}
	t.Cleanup(func() {
		if !s.isRunning() {
			return // the test stopped its own server
		}
		if err := s.Exec("DROP DATABASE IF EXISTS " + quote(name) + " WITH (FORCE)"); err != nil {
			t.Errorf("pgtest: drop a database: %v", err)
		}
	})
	return s.DSN(name, Owner)
}

// createDatabase copies files rather than writing every page to the log, which
// takes half the time; servers before version 15 know only that.
func (s *Server) createDatabase(name, template string) error {
	create := fmt.Sprintf("CREATE DATABASE %s OWNER %s TEMPLATE %s", quote(name), quote(Owner), quote(template))
	err := s.Exec(create + " STRATEGY file_copy")
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42601" { // syntax error
		return s.Exec(create)
	}
	return err
}

func (s *Server) nextName(kind string) string {
	s.databases.mu.Lock()
	defer s.databases.mu.Unlock()
	s.databases.made++
	return fmt.Sprintf("%s_%d", kind, s.databases.made)
}

func (s *Server) isRunning() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running != nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
