//go:build unix

// Package house starts a whole Gatehouse inside a test: real listeners on
// loopback, a real database, every face. Nothing in it is a stand-in.
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
//			h := house.Start(t, house.Options{Engine: engine})
//			answer := h.Post("daarion", "/api/auth/login", `{…}`)
//			…
//		})
//	}
package house

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/server"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

// Engine is one of the two memories.
type Engine string

// The engines.
const (
	SQLite   Engine = config.EngineSQLite
	Postgres Engine = config.EnginePostgres
)

// OnBothEngines runs a test once per engine; with -short on SQLite alone, whose
// houses open in milliseconds, unless GATEHOUSE_TEST_ENGINES is "both". That the
// engines are alike is for storetest to say, which always has both.
func OnBothEngines(t *testing.T, test func(t *testing.T, engine Engine)) {
	t.Helper()
	engines := []Engine{SQLite, Postgres}
	if testing.Short() && os.Getenv("GATEHOUSE_TEST_ENGINES") != "both" {
		engines = engines[:1]
	}
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) { test(t, engine) })
	}
}

// Secret signs the tokens of faces with a shared secret in tests, unless Options
// say otherwise.
const Secret = "a-test-secret-of-more-than-32-bytes-0123456789"

// Options say what kind of house it is. The zero value is a good one: SQLite,
// defaults, cheap password hashes, limits off, one secret that all faces share
// with other services.
type Options struct {
	Engine   Engine
	Database string            // a URL, to share a database between houses
	DataDir  string            // to share a data folder, and so a master key
	As       string            // stand in for one face
	Set      map[string]string // settings by key
	Environ  []string          // NAME=value
	Clock    gate.Clock        // default: time.Now
	Demo     bool              // people of the demo live in it, as with serve --demo
}

// House is a running Gatehouse.
type House struct {
	Visitor
	Server *server.Server
	Config *config.Config
	Log    *Log // everything it logged and printed
	stop   func()
}

// cheap keeps tests quick: what is tested is never how slow a hash is.
var cheap = map[string]string{
	"password.argon2.memory": "8192", "password.argon2.passes": "1",
	"listen.host": "127.0.0.1", "ops.address": "127.0.0.1:0",
	"limits.login_per_account": "off", "limits.login_per_account_total": "off", "limits.login_per_ip": "off", "limits.register_per_ip": "off",
	"log.level": "debug",
}

// NewDatabase returns the URL of a fresh database, migrated already on Postgres.
func NewDatabase(t testing.TB, engine Engine) string {
	t.Helper()
	if engine == Postgres {
		return pgtest.Shared(t).Clone(t, "house", func(dsn string) error {
			return store.Migrate(context.Background(), store.Options{Engine: "postgres", DSN: dsn, MaxConnections: 2, AutoMigrate: true, Clock: time.Now})
		})
	}
	return "sqlite:///" + filepath.Join(t.TempDir(), "gatehouse.db")
}

// Start starts a house that is stopped when the test ends, and waits until it is
// ready.
func Start(t testing.TB, o Options) *House {
	t.Helper()
	h := StartUnready(t, o)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := h.Server.House().Ready(ctx); err != nil {
		t.Fatalf("the house does not get ready: %v\n%s", err, h.Log)
	}
	if o.Demo {
		if err := h.Server.Demonstrate(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// StartUnready is Start for tests whose database is not there.
func StartUnready(t testing.TB, o Options) *House {
	t.Helper()
	set := o.settle(t)
	c, err := config.Load(config.Options{As: o.As, Environ: o.Environ, Dir: t.TempDir(), Set: set})
	if err != nil {
		t.Fatal(err)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	log := &Log{}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := server.New(c, server.Options{
		Demo:  o.Demo,
		Build: gate.Build{Version: "test", Commit: "0000000", Time: "2026-01-01T00:00:00Z", Schema: store.SchemaVersion},
		Clock: o.Clock, Log: logger, Out: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	h := &House{Visitor: Visitor{t, s.Address, client}, Server: s, Config: c, Log: log, stop: sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the house did not stop cleanly: %v", err)
		}
	})}
	t.Cleanup(h.Stop)
	return h
}

// settle makes up what the options leave open, and returns all settings.
func (o *Options) settle(t testing.TB) map[string]string {
	t.Helper()
	set := maps.Clone(cheap)
	if o.DataDir == "" {
		o.DataDir = t.TempDir()
	}
	if o.Database == "" {
		o.Database = NewDatabase(t, o.Engine)
	}
	set["data.dir"], set["database.url"] = o.DataDir, o.Database
	for _, face := range config.Faces() {
		set["listen."+face.Name+".port"] = "0"
	}
	for _, s := range config.Settings() {
		if o.As == "" && strings.HasSuffix(s.Key, ".jwt.secret") {
			set[s.Key] = Secret
		}
	}
	maps.Copy(set, o.Set)
	for key, value := range set {
		if value == Unset {
			delete(set, key)
		}
	}
	return set
}

// Unset as the value of a setting takes it back to its default.
const Unset = "\x00unset"

// Stop stops the house; doing it again does nothing.
func (h *House) Stop() {
	h.client.CloseIdleConnections() // else the server waits 5 s for requests on those that had none yet
	h.stop()
}

// Tx runs fn in a transaction of the house's own store.
func (h *House) Tx(fn func(tx *store.Tx) error) {
	h.T.Helper()
	if err := h.Server.House().DB.Write(context.Background(), gate.DefaultTenant, fn); err != nil {
		h.T.Fatal(err)
	}
}

// Operator is the caller that may do everything.
var Operator = gate.OperatorCaller(gate.DefaultTenant)

// Log collects what is written to it, from any goroutine.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write appends.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String returns everything so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// End returns the last lines so far, for messages.
func (l *Log) End() string {
	lines := strings.SplitAfter(l.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "")
}
