package remotelog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testID  = "jarvis-auth"
	testKey = "k3y-that-nobody-may-see"
)

// entry is what jarvis-logs takes.
type entry struct {
	Timestamp string         `json:"timestamp"`
	Service   string         `json:"service"`
	Level     string         `json:"level"`
	Message   string         `json:"message"`
	Context   map[string]any `json:"context"`
}

// standin is a server that speaks the wire of jarvis-logs, and can be told to
// misbehave.
type standin struct {
	t *testing.T

	mu       sync.Mutex
	behave   func(w http.ResponseWriter, r *http.Request, logs []entry) bool // true: it has answered itself
	entries  []entry
	requests []time.Time
	probes   int
}

func (s *standin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away
	}
	var batch struct {
		Logs *[]entry `json:"logs"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&batch); err != nil || batch.Logs == nil {
		s.t.Errorf("the body is no batch: %v\n%.200s", err, body)
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/api/v0/logs/batch" || r.Header.Get("Content-Type") != "application/json" {
		s.t.Errorf("%s %s %q", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}
	s.mu.Lock()
	s.requests = append(s.requests, time.Now())
	if len(*batch.Logs) == 0 {
		s.probes++
	}
	behave := s.behave
	s.mu.Unlock()
	if behave != nil && behave(w, r, *batch.Logs) {
		return
	}
	if r.Header.Get("X-Jarvis-App-Id") != testID || r.Header.Get("X-Jarvis-App-Key") != testKey {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	for _, e := range *batch.Logs {
		if !slices.Contains([]string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}, e.Level) || e.Service != testID {
			s.t.Errorf("jarvis-logs would refuse %+v", e)
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
	}
	s.mu.Lock()
	s.entries = append(s.entries, *batch.Logs...)
	s.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func (s *standin) become(behave func(http.ResponseWriter, *http.Request, []entry) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behave = behave
}

func (s *standin) answer(status int) {
	s.become(func(w http.ResponseWriter, _ *http.Request, _ []entry) bool {
		w.WriteHeader(status)
		return true
	})
}

func (s *standin) got() []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.entries)
}

func (s *standin) asked() (times []time.Time, probes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests), s.probes
}

func hang(_ http.ResponseWriter, r *http.Request, _ []entry) bool {
	<-r.Context().Done()
	return true
}

func hangUp(w http.ResponseWriter, _ *http.Request, _ []entry) bool {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
	return true
}

// console is where lines end up that people read.
type console struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines.Write(p)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines.String()
}

func (c *console) count(text string) int { return strings.Count(c.String(), text) }

// pipes is a network in memory, so that in a synctest bubble time passes while
// everybody waits for it.
type pipes struct {
	conns chan net.Conn
	away  chan struct{} // closed: nobody listens
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), away: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.away:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.away) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.away:
		return nil, fmt.Errorf("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// bench is a Handler with everything around it, in a synctest bubble.
type bench struct {
	*standin
	*Handler
	console *console
	log     *slog.Logger

	mu      sync.Mutex
	network *pipes
	server  *http.Server
}

func newBench(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	b := &bench{standin: &standin{t: t}, console: &console{}}
	b.up()
	config := Config{
		URL: "http://jarvis-logs:7702/", AppID: testID, AppKey: testKey, Level: slog.LevelDebug, Clock: time.Now,
		dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			b.mu.Lock()
			now := b.network
			b.mu.Unlock()
			return now.dial(ctx, network, address)
		},
	}
	if change != nil {
		change(&config)
	}
	handler, err := New(slog.NewTextHandler(b.console, &slog.HandlerOptions{Level: slog.LevelInfo}), config)
	if err != nil {
		t.Fatal(err)
	}
	b.Handler, b.log = handler, slog.New(handler)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = handler.Close(ctx)
		b.down()
		if strings.Contains(b.console.String(), testKey) {
			t.Error("the key is on the console")
		}
	})
	return b
}

// up starts the service, down takes it away.
func (b *bench) up() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.network, b.server = newPipes(), &http.Server{Handler: b.standin}
	go func(s *http.Server, l net.Listener) { _ = s.Serve(l) }(b.server, b.network)
}

func (b *bench) down() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.network.Close()
	_ = b.server.Close()
}

// balance checks that no line is unaccounted for.
func (b *bench) balance(logged int) {
	b.t.Helper()
	sent, dropped, queued := b.Sent(), b.Dropped(), b.Queued()
	if sent+dropped+queued != uint64(logged) {
		b.t.Errorf("sent %d + dropped %d + queued %d is not the %d that were logged", sent, dropped, queued, logged)
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}
