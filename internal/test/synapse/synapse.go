//go:build unix

// Package synapse runs a real Synapse homeserver for a test, so that what we
// believe about its API is checked against Synapse and not against ourselves.
//
// Synapse is a Python program: the first test on a machine installs it (about
// 230 MB, half a minute) into the user's cache folder, every later one starts it
// from there in some seconds. Tests that use it carry the build tag "interop",
// so that the quick suite needs no Python. Nothing is ever skipped: what is
// missing fails the test and says what to install.
package synapse

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/gatehouse/gatehouse/internal/secret"
)

// Server is one homeserver with its own database. It dies with the test.
type Server struct {
	URL                string // of the client and the admin API
	ServerName         string // the part of a Matrix user id after the colon
	RegistrationSecret string

	Dir, Database string // its files
	Port          int
	Limited       bool // keeps Synapse's own rate limits

	t      testing.TB
	python string
	cmd    *exec.Cmd
	exited chan struct{}
}

const readyWithin = time.Minute

// Start installs Synapse if need be and starts a new, empty homeserver that
// limits nobody's rate.
func Start(t testing.TB) *Server {
	t.Helper()
	return start(t, false)
}

// StartLimited is Start with the rate limits that Synapse has by itself.
func StartLimited(t testing.TB) *Server {
	t.Helper()
	return start(t, true)
}

func start(t testing.TB, limited bool) *Server {
	t.Helper()
	python, err := install()
	if err != nil {
		t.Fatalf("Synapse cannot be installed: %v", err)
	}
	port := freePort(t)
	dir := t.TempDir()
	s := &Server{
		URL:                "http://127.0.0.1:" + strconv.Itoa(port),
		ServerName:         "daarion.space",
		RegistrationSecret: secret.RandomID(),
		Dir:                dir,
		Database:           filepath.Join(dir, "homeserver.db"),
		Port:               port,
		Limited:            limited,
		t:                  t,
		python:             python,
	}
	s.configure()
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("the end of Synapse's log:\n%s", tail(s.log()))
		}
	})
	s.Start()
	return s
}

// Start starts the homeserver again after Stop, with the accounts it had.
func (s *Server) Start() {
	s.t.Helper()
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(s.python, "-m", "synapse.app.homeserver", "--config-path", s.config())
	cmd.Dir, cmd.Env = s.Dir, cleanEnv()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = dieWithTest()
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("start Synapse: %v", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	s.cmd, s.exited = cmd, exited
	s.waitUntilReady()
}

// Stop kills the homeserver, as a power cut would. Its address refuses
// connections until Start.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.exited
	s.cmd = nil
}

// Suspend makes the homeserver hang: it accepts connections and says nothing.
func (s *Server) Suspend() { s.signal(syscall.SIGSTOP) }

// Resume ends a Suspend.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	if s.cmd == nil {
		s.t.Fatal("Synapse is not running")
	}
	if err := s.cmd.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) waitUntilReady() {
	s.t.Helper()
	client := &http.Client{Timeout: time.Second}
	for deadline := time.Now().Add(readyWithin); time.Now().Before(deadline); {
		response, err := client.Get(s.URL + "/_matrix/client/versions")
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-s.exited:
			s.t.Fatal("Synapse ended instead of starting")
		case <-time.After(50 * time.Millisecond):
		}
	}
	s.t.Fatalf("Synapse did not answer within %v", readyWithin)
}

func (s *Server) log() string    { return filepath.Join(s.Dir, "homeserver.log") }
func (s *Server) config() string { return filepath.Join(s.Dir, "homeserver.yaml") }

//go:embed homeserver.yaml.tmpl
var configTemplate string

func (s *Server) configure() {
	s.t.Helper()
	var config bytes.Buffer
	if err := template.Must(template.New("homeserver.yaml").Parse(configTemplate)).Execute(&config, s); err != nil {
		s.t.Fatal(err)
	}
	key := "ed25519 a_test " + base64.RawStdEncoding.EncodeToString(secret.Bytes(32)) + "\n"
	for name, content := range map[string][]byte{s.config(): config.Bytes(), filepath.Join(s.Dir, "signing.key"): []byte(key)} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// freePort returns a port that was free a moment ago, which has to do: Synapse
// cannot choose one itself, and it has to keep it over a restart. It lies below
// those that systems give to connections, of which the tests beside this one
// make many while Synapse starts.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 15_000 + rand.N(15_000)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatal("no free port from 15000 to 30000")
	return 0
}
