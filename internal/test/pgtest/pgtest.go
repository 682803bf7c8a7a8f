//go:build unix

// Package pgtest runs a real Postgres for tests, so that what we believe about
// the engine is checked against the engine.
//
// Each Server is a cluster of its own in a temporary folder, listens on a unix
// socket and on a free loopback port, and dies with the test process. It needs
// the programs initdb and postgres and nothing else; when they are missing, the
// test fails and says what to do. Nothing is ever skipped.
//
// A test package shares one Server, and each of its tests has its own database:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		dsn := pgtest.Shared(t).NewDatabase(t)
//		…
//	}
//
// Tests that stop, crash or suspend a server start one for themselves.
package pgtest

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The two roles. Owner owns the databases that tests get; it may neither make
// databases and roles nor bypass row-level security.
const (
	Superuser = "postgres"
	Owner     = "gatehouse"
)

// Durable is a setting for Start: a commit reaches the disk before it is
// acknowledged. Without it tests are quicker, and a crash of Postgres (though
// not of the machine) still loses nothing that was acknowledged.
const Durable = "fsync=on"

// Server is one Postgres cluster.
type Server struct {
	Host     string // always a loopback address
	Port     int
	Password string // of both roles, for TCP; the socket asks for none

	dir      string // cluster, socket and log
	bin      string
	settings []string

	mu      sync.Mutex
	running *process // nil when stopped

	databases databases
}

// Start makes a new cluster and starts it. Settings are as in postgresql.conf,
// such as Durable or "max_connections=20". Close removes it.
func Start(settings ...string) (*Server, error) {
	bin, err := findPrograms(debian)
	if err != nil {
		return nil, err
	}
	sweep(filepath.Join(os.TempDir(), folder+"*"))
	dir, err := os.MkdirTemp("", folder)
	if err != nil {
		return nil, err
	}
	s := &Server{Host: "127.0.0.1", Password: rand.Text(), dir: dir, bin: bin, settings: settings}
	if err := s.create(); err != nil {
		return nil, errors.Join(fmt.Errorf("pgtest: %w", err), s.Close())
	}
	return s, nil
}

// folder begins the name of every server's folder. It is short, for the path of
// a unix socket has little room.
const folder = "gatehouse-pg-"

func (s *Server) create() error {
	if err := giveAway(s.dir); err != nil {
		return err
	}
	initdb := s.command("initdb", "--pgdata="+s.data(), "--username="+Superuser, "--encoding=UTF8", "--locale=C",
		"--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", "--no-instructions")
	initdb.Stdout, initdb.Stderr = nil, nil
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	if err := s.startOnFreePort(); err != nil {
		return err
	}
	return s.Exec(fmt.Sprintf(`ALTER ROLE %s PASSWORD '%s'; CREATE ROLE %s LOGIN PASSWORD '%s'`,
		Superuser, s.Password, Owner, s.Password))
}

// startOnFreePort tries thrice, because another process can take a port between
// our finding it free and Postgres listening there.
func (s *Server) startOnFreePort() (err error) {
	for range 3 {
		if s.Port, err = freePort(s.Host); err != nil {
			return err
		}
		if err = s.Restart(); err == nil {
			return nil
		}
	}
	return err
}

func freePort(host string) (int, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// debian holds a folder for each version of Postgres, not on the PATH.
const debian = "/usr/lib/postgresql"

// findPrograms returns the folder that holds both initdb and postgres: where
// PATH leads, or the newest version's.
func findPrograms(versions string) (string, error) {
	folders, _ := filepath.Glob(versions + "/*/bin") // its only error is a bad pattern
	slices.SortFunc(folders, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
	if initdb, err := exec.LookPath("initdb"); err == nil {
		folders = append([]string{filepath.Dir(initdb)}, folders...)
	}
	for _, bin := range folders {
		_, err1 := exec.LookPath(filepath.Join(bin, "initdb"))
		_, err2 := exec.LookPath(filepath.Join(bin, "postgres"))
		if err1 == nil && err2 == nil {
			return bin, nil
		}
	}
	return "", fmt.Errorf("pgtest: Postgres is missing: there is no folder with the programs initdb and postgres "+
		"on the PATH or at %s/*/bin; \"make deps\" installs them (Debian: apt-get install postgresql)", versions)
}

// version is the 15 of …/15/bin.
func version(bin string) float64 {
	v, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(bin)), 64)
	return v
}

// DSN returns the URL of a database for a role, over TCP.
func (s *Server) DSN(database, role string) string {
	return (&url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(role, s.Password),
		Host:     net.JoinHostPort(s.Host, strconv.Itoa(s.Port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}).String()
}

// SocketDSN returns the URL of a database for a role, over the unix socket.
func (s *Server) SocketDSN(database, role string) string {
	query := url.Values{"host": {s.dir}, "port": {strconv.Itoa(s.Port)}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database, RawQuery: query.Encode()}).String()
}

// shared is the server of this test binary.
var shared struct {
	start  sync.Once
	server *Server
	err    error
}

// Shared returns the server that all tests of a package share, and starts it
// for the first of them. Its package needs a TestMain that calls Main.
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.start.Do(func() { shared.server, shared.err = Start() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// Main runs the tests of a package and then removes the shared server.
func Main(m *testing.M) {
	m.Run() // the caller of TestMain exits with its result
	if shared.server == nil {
		return
	}
	if err := shared.server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
	}
}

// Close stops the server and removes everything it had.
func (s *Server) Close() error {
	err := s.Stop()
	return errors.Join(err, os.RemoveAll(s.dir))
}

// sweep removes what servers left behind whose test process was killed. Theirs
// died with it; the hour is for those that are about to start.
func sweep(pattern string) {
	leftovers, _ := filepath.Glob(pattern)
	for _, dir := range leftovers {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < time.Hour || alive(dir) {
			continue
		}
		_ = os.RemoveAll(dir) // another user's stays
	}
}

func alive(dir string) bool {
	sockets, _ := filepath.Glob(filepath.Join(dir, ".s.PGSQL.*[0-9]"))
	for _, socket := range sockets {
		if conn, err := net.DialTimeout("unix", socket, time.Second); err == nil {
			_ = conn.Close()
			return true
		}
	}
	return false
}
