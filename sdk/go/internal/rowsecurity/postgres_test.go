//go:build unix

package rowsecurity

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// socket is the folder with the socket of the Postgres that TestMain started.
var socket string

func TestMain(m *testing.M) {
	stop, err := startPostgres()
	if err != nil {
		fmt.Fprintln(os.Stderr, "these tests need Postgres:", err)
		os.Exit(1)
	}
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// startPostgres makes a cluster in a temporary folder, which listens on a socket
// there and nowhere else, until stop.
func startPostgres() (stop func() error, err error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	if socket, err = os.MkdirTemp("", "gatehouse-sdk-"); err != nil {
		return nil, err
	}
	remove := func() error { return os.RemoveAll(socket) }
	if uid, gid, ok := nobody(); ok {
		if err := os.Chown(socket, int(uid), int(gid)); err != nil {
			return nil, errors.Join(err, remove())
		}
	}
	data := filepath.Join(socket, "data")
	initdb := command(bin, "initdb", "--pgdata="+data, "--username=postgres", "--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), remove())
	}
	postgres := command(bin, "postgres", "-D", data, "-c", "listen_addresses=", "-c", "unix_socket_directories="+socket, "-c", "fsync=off")
	if err := postgres.Start(); err != nil {
		return nil, errors.Join(err, remove())
	}
	stop = func() error {
		err := postgres.Process.Signal(syscall.SIGINT)
		return errors.Join(err, postgres.Wait(), remove())
	}
	if err := awaitPostgres(); err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
}

func awaitPostgres() error {
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = prepare(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("postgres was not ready in time: %w", err)
}

// prepare makes a role that row security counts for (it does not for a superuser),
// and a table of which everybody sees what is theirs.
func prepare() error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, address("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, `
		CREATE ROLE app LOGIN;
		CREATE TABLE notes (id int PRIMARY KEY, user_id text NOT NULL);
		INSERT INTO notes VALUES (1, '93'), (2, '93'), (3, '7'), (4, '');
		ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
		CREATE POLICY own ON notes USING (user_id = NULLIF(current_setting('app.current_user_id', true), ''));
		GRANT SELECT ON notes TO app;`)
	return err
}

func address(role string) string {
	query := url.Values{"host": {socket}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", User: url.User(role), Path: "/postgres", RawQuery: query.Encode()}).String()
}

// programs is the folder with initdb and postgres: Debian keeps one for each
// version, not on the PATH.
func programs() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // its only error is a bad pattern
	if initdb, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(initdb))
	}
	for _, bin := range slices.Backward(folders) {
		_, err1 := exec.LookPath(filepath.Join(bin, "initdb"))
		_, err2 := exec.LookPath(filepath.Join(bin, "postgres"))
		if err1 == nil && err2 == nil {
			return bin, nil
		}
	}
	return "", errors.New("initdb and postgres are neither on the PATH nor in /usr/lib/postgresql/*/bin (Debian: apt-get install postgresql)")
}

func command(bin, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(bin, program), args...)
	cmd.Dir = socket
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	if uid, gid, ok := nobody(); ok {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	}
	return cmd
}

// nobody is whom Postgres runs as when we are root, which it refuses to be.
func nobody() (uid, gid uint32, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return 65534, 65534, true
	}
	id, err1 := strconv.ParseUint(u.Uid, 10, 32)
	group, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return uint32(id), uint32(group), err1 == nil && err2 == nil
}
