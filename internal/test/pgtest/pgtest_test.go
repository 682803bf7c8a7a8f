//go:build unix

package pgtest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv("PGTEST_ORPHAN"); folder != "" {
		orphan(folder)
	}
	pgtest.Main(m)
}

func TestDatabase(t *testing.T) {
	server := pgtest.Shared(t)
	dsn := server.NewDatabase(t)
	if other := server.NewDatabase(t); other == dsn {
		t.Fatalf("two tests got the same database, %s", dsn)
	}
	conn := connect(t, dsn)
	run(t, conn, "CREATE SCHEMA gatehouse")
	run(t, conn, "CREATE TABLE gatehouse.things (id TEXT)")

	var user string
	var mighty bool
	err := conn.QueryRow(t.Context(), `SELECT rolname, rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole
		FROM pg_roles WHERE rolname = current_user`).Scan(&user, &mighty)
	if err != nil || user != pgtest.Owner || mighty {
		t.Errorf("the test acts as %q, more than an owner: %v (%v)", user, mighty, err)
	}
	if got := setting(t, conn, "fsync"); got != "off" {
		t.Errorf("fsync is %s", got)
	}
}

func TestPasswordIsAskedOverTCP(t *testing.T) {
	server := pgtest.Shared(t)
	dsn := strings.Replace(server.DSN("postgres", pgtest.Superuser), server.Password, "wrong", 1)
	_, err := pgx.Connect(t.Context(), dsn)
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "28P01" {
		t.Fatalf("a wrong password was answered with %v", err)
	}
	connect(t, server.SocketDSN("postgres", pgtest.Superuser))
}

func TestClone(t *testing.T) {
	prepared := 0
	prepare := func(dsn string) error {
		prepared++
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		_, err = conn.Exec(ctx, "CREATE TABLE things AS SELECT 7 AS n")
		return err
	}
	for range 2 {
		conn := connect(t, pgtest.Shared(t).Clone(t, "Things", prepare))
		run(t, conn, "UPDATE things SET n = n + 1") // Owner owns what was prepared
		var n int
		if err := conn.QueryRow(t.Context(), "SELECT n FROM things").Scan(&n); err != nil || n != 8 {
			t.Errorf("the copy holds %d (%v), want 8", n, err)
		}
	}
	if prepared != 1 {
		t.Errorf("the template was prepared %d times", prepared)
	}
}

func TestStopCrashSuspend(t *testing.T) {
	server := start(t, pgtest.Durable)
	dsn := server.NewDatabase(t)
	conn := connect(t, dsn)
	run(t, conn, "CREATE TABLE things (n INT)")
	if got := setting(t, conn, "fsync"); got != "on" {
		t.Errorf("fsync is %s although Durable was asked for", got)
	}
	for name, end := range map[string]func() error{"stop": server.Stop, "crash": server.Crash} {
		run(t, connect(t, dsn), "INSERT INTO things VALUES (1)")
		if err := end(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := pgx.Connect(t.Context(), dsn); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("after %s the address answers %v, want it to refuse", name, err)
		}
		if err := server.Restart(); err != nil {
			t.Fatalf("restart after %s: %v", name, err)
		}
	}
	conn = connect(t, dsn)
	var n int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM things").Scan(&n); err != nil || n != 2 {
		t.Errorf("%d rows are left (%v), want 2", n, err)
	}

	if err := server.Suspend(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := conn.Exec(ctx, "SELECT 1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a suspended server answered %v", err)
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	run(t, connect(t, dsn), "SELECT 1")
	if err := errors.Join(server.Suspend(), server.Close()); err != nil {
		t.Errorf("a suspended server cannot be closed: %v", err)
	}
}

// Postgres must not outlive a test process that could not clean up.
func TestServerDiesWithTheTest(t *testing.T) {
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Log("only Linux kills the children of a killed process: nothing to see here")
		return
	}
	folder := tempDirForAll(t)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "PGTEST_ORPHAN="+folder, "TMPDIR="+folder)
	var said bytes.Buffer
	child.Stdout, child.Stderr = &said, &said
	if err := child.Run(); err == nil {
		t.Fatal("the child was to kill itself")
	}
	port, err := os.ReadFile(filepath.Join(folder, "port"))
	if err != nil {
		t.Fatalf("the child started no server: %s", said.String())
	}
	dsn := "postgres://127.0.0.1:" + string(port) + "/postgres?sslmode=disable&connect_timeout=1"
	for range 100 {
		if _, err = pgx.Connect(t.Context(), dsn); errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("Postgres still answers: %v", err)
}

// tempDirForAll is t.TempDir for any user, so that Postgres may have its own in it.
func tempDirForAll(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "pgtest-")
	if err == nil {
		err = os.Chmod(folder, 0o711)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

// orphan is the child of TestServerDiesWithTheTest.
func orphan(folder string) {
	server, err := pgtest.Start()
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	_ = os.WriteFile(filepath.Join(folder, "port"), []byte(strconv.Itoa(server.Port)), 0o600)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func BenchmarkNewDatabase(b *testing.B) {
	server := pgtest.Shared(b)
	for b.Loop() {
		server.NewDatabase(b)
	}
}

func start(t *testing.T, settings ...string) *pgtest.Server {
	t.Helper()
	server, err := pgtest.Start(settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	})
	return conn
}

func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func setting(t *testing.T, conn *pgx.Conn, name string) (value string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
