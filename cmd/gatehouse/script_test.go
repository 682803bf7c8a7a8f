//go:build unix

package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gatehouse": main})
}

// TestTranscripts plays testdata/*.txtar: the command line as its user sees it.
// Beside testscript's own commands a transcript has
//
//	freeport NAME…             sets each variable to a free port
//	postgres KIND NAME         sets the variable to the URL of a database: empty,
//	                           missing, wrongpassword, norights, unreachable
//	http STATUS METHOD URL […] asks; the answer is standard output
//	save NAME MEMBER           sets the variable to a member of the JSON in stdout
//	until STATUS URL           waits until a GET is answered so
//	terminate                  sends SIGTERM to what runs in the background
//	sqlite FILE SQL            changes a database behind our back
//	mode FILE PERMISSIONS      fails if the file can be read by others
func TestTranscripts(t *testing.T) {
	postgres := &cluster{t: t}
	t.Cleanup(postgres.close)
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			for name, value := range map[string]string{
				"GATEHOUSE_HOST": "127.0.0.1", "GATEHOUSE_OPS_ADDRESS": "off",
				"GATEHOUSE_PASSWORD_ARGON2_MEMORY": "8192", "GATEHOUSE_PASSWORD_ARGON2_PASSES": "1",
			} {
				env.Setenv(name, value)
			}
			for _, face := range config.Faces() {
				env.Setenv("GATEHOUSE_"+strings.ToUpper(face.Name)+"_PORT", "0")
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"freeport": freeport, "postgres": postgres.command, "http": ask, "save": save, "until": until,
			"terminate": terminate, "sqlite": change, "mode": mode,
		},
	})
}

func freeport(ts *testscript.TestScript, _ bool, names []string) {
	for _, name := range names {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		ts.Setenv(name, strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
		ts.Check(listener.Close())
	}
}

// cluster is a Postgres that starts when the first transcript needs it.
type cluster struct {
	t      *testing.T
	once   sync.Once
	server *pgtest.Server
	err    error
}

func (c *cluster) close() {
	if c.server != nil {
		if err := c.server.Close(); err != nil {
			c.t.Error(err)
		}
	}
}

func (c *cluster) command(ts *testscript.TestScript, _ bool, args []string) {
	c.once.Do(func() { c.server, c.err = pgtest.Start() })
	ts.Check(c.err)
	kind, name := args[0], args[1]
	switch kind {
	case "empty":
		ts.Setenv(name, c.server.NewDatabase(c.t))
	case "missing":
		ts.Setenv(name, c.server.DSN("missing_"+strings.ToLower(ts.Name()), pgtest.Superuser))
	case "wrongpassword":
		ts.Setenv(name, strings.Replace(c.server.NewDatabase(c.t), c.server.Password, "not-the-password", 1))
	case "unreachable":
		ts.Setenv(name, strings.Replace(c.server.DSN("house", pgtest.Owner), ":"+strconv.Itoa(c.server.Port)+"/", ":1/", 1))
	case "norights":
		ts.Check(c.server.Exec("CREATE ROLE visitor LOGIN PASSWORD '" + c.server.Password + "'"))
		address, err := url.Parse(c.server.NewDatabase(c.t))
		ts.Check(err)
		address.User = url.UserPassword("visitor", c.server.Password)
		ts.Setenv(name, address.String())
	default:
		ts.Fatalf("postgres: what is %q?", kind)
	}
}

var client = &http.Client{Timeout: 10 * time.Second}

// ask is http STATUS METHOD URL [Header: value]… [BODY].
func ask(ts *testscript.TestScript, _ bool, args []string) {
	body := ""
	if last := args[len(args)-1]; len(args) > 3 && strings.HasPrefix(last, "{") {
		body, args = last, args[:len(args)-1]
	}
	request, err := http.NewRequest(args[1], args[2], strings.NewReader(body))
	ts.Check(err)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, header := range args[3:] {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n", text)
	if strconv.Itoa(response.StatusCode) != args[0] {
		ts.Fatalf("%s %s: %s %s", args[1], args[2], response.Status, text)
	}
}

func save(ts *testscript.TestScript, _ bool, args []string) {
	var members map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &members))
	text, ok := members[args[1]].(string)
	if !ok {
		ts.Fatalf("there is no text %q in the answer", args[1])
	}
	ts.Setenv(args[0], text)
}

// until waits for a server that starts, or for a change that it has to notice.
func until(ts *testscript.TestScript, _ bool, args []string) {
	last := "no answer"
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		request, err := http.NewRequest(http.MethodGet, args[1], nil)
		ts.Check(err)
		for _, header := range args[2:] {
			name, value, _ := strings.Cut(header, ": ")
			request.Header.Set(name, value)
		}
		response, err := client.Do(request)
		if err != nil {
			last = err.Error()
			continue
		}
		_ = response.Body.Close()
		if last = response.Status; strings.HasPrefix(last, args[0]) {
			return
		}
	}
	ts.Fatalf("%s: still %s", args[1], last)
}

func terminate(ts *testscript.TestScript, _ bool, _ []string) {
	for _, cmd := range ts.BackgroundCmds() {
		if err := cmd.Process.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
			ts.Check(err)
		}
	}
}

func change(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = db.Exec(args[1])
	ts.Check(errors.Join(err, db.Close()))
}

func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s", args[0], got)
	}
}
