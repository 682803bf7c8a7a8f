package remotelog

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// These use the real network, and wait for what happens there, never for time.

func remote(t *testing.T, config Config) (*Handler, *console) {
	t.Helper()
	config.AppID, config.AppKey, config.Level, config.Clock = testID, testKey, slog.LevelDebug, time.Now
	out := &console{}
	h, err := New(slog.NewTextHandler(out, nil), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = h.Close(ctx)
	})
	return h, out
}

func TestBurstWhileTheRemoteHangs(t *testing.T) {
	stuck := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else nobody notices that the client goes
		select {
		case stuck <- struct{}{}:
		default:
		}
		<-r.Context().Done()
	}))
	defer server.Close()
	defer server.CloseClientConnections()
	h, out := remote(t, Config{URL: server.URL})
	log := slog.New(h)
	lines, writers := 100_000, 2
	if testing.Short() {
		lines = 20_000 // still twice what the queue holds
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)

	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range lines / writers {
				log.Info("request", "status", 200, "took", time.Millisecond)
			}
		})
	}
	all.Wait() // Handle has returned a hundred thousand times
	<-stuck    // and all the while somebody hung

	if got := out.count("\n") - out.count("jarvis-logs"); got != lines {
		t.Errorf("the console has %d lines", got)
	}
	if sent, dropped, queued := h.Sent(), h.Dropped(), h.Queued(); sent != 0 || dropped+queued != uint64(lines) || queued < maxLines || queued > maxLines+batchLines {
		t.Errorf("sent %d, dropped %d, queued %d", sent, dropped, queued)
	}
	out.mu.Lock()
	out.lines = bytes.Buffer{} // only the queue shall count
	out.mu.Unlock()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 2*maxBytes {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}

func TestOverTheRealNetwork(t *testing.T) {
	service := &standin{t: t}
	server := httptest.NewServer(service)
	defer server.Close()
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // which nobody asked for
	h, out := remote(t, Config{URL: server.URL + "/"})
	log := slog.New(h)
	for range 3 {
		log.Info("line")
		if err := h.Flush(within(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
		server.CloseClientConnections()
	}
	if h.Sent() != 3 || len(service.got()) != 3 || out.count("jarvis-logs") != 0 {
		t.Errorf("%d are sent, %d have arrived\n%s", h.Sent(), len(service.got()), out)
	}
}

func TestNobodyListensAndThenSomebodyDoes(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	h, out := remote(t, Config{URL: "http://" + address})
	slog.New(h).Info("line")
	if err := h.Flush(within(t, 10*time.Second)); err == nil || !strings.Contains(out.String(), "connection refused") {
		t.Errorf("Flush says %v, and the console\n%s", err, out)
	}
	listener, err = net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	service := &standin{t: t}
	server := &http.Server{Handler: service}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	if err := h.Flush(within(t, 10*time.Second)); err != nil || len(service.got()) != 1 {
		t.Errorf("%v, %d have arrived", err, len(service.got()))
	}
}

func TestTheConfigServiceSaysWhere(t *testing.T) {
	service := &standin{t: t}
	logs := httptest.NewServer(service)
	defer logs.Close()
	tests := []struct {
		name, answer string
		status       int
		reason       string // empty: it is found
	}{
		{"found", `{"services":[{"name":"jarvis-auth","url":"http://wrong"},{"name":"jarvis-logs","url":"` + logs.URL + `/","port":7702}]}`, 200, ""},
		{"by its short name", `{"services":[{"name":"logs","url":"` + logs.URL + `"}]}`, 200, ""},
		{"unknown", `{"services":[]}`, 200, "does not know jarvis-logs"},
		{"not http", `{"services":[{"name":"logs","url":"mqtt://x"}]}`, 200, "must look like"},
		{"no JSON", `oops`, 200, "gives no list"},
		{"unwell", `{}`, 503, "answers 503"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/services" || r.URL.RawQuery != "style=dockerized" || r.Header.Get("X-Jarvis-App-Key") != "" {
					t.Errorf("asked for %s, with %v", r.URL, r.Header)
				}
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.answer))
			}))
			defer registry.Close()
			h, out := remote(t, Config{ConfigURL: registry.URL + "/", ConfigURLStyle: "dockerized"})
			slog.New(h).Info("line")
			err := h.Flush(within(t, 10*time.Second))
			if found := err == nil; found != (test.reason == "") || !strings.Contains(out.String(), test.reason) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestStylesOfAddresses(t *testing.T) {
	tests := []struct{ configURL, style, want string }{
		{"http://config:7700", "", ""},
		{"http://host.docker.internal:7700", "", "?style=dockerized"},
		{"http://config:7700", "Dockerized", "?style=dockerized"},
		{"http://10.0.0.5:7700", "remote", "?remote_host=10.0.0.5&style=remote"},
		{"http://127.0.0.1:7700", "remote", "?style=remote"},
		{"http://localhost:7700", "remote", "?style=remote"},
	}
	for _, test := range tests {
		s := &sender{config: Config{ConfigURL: test.configURL, ConfigURLStyle: test.style}}
		if got := s.style(); got != test.want {
			t.Errorf("%s as %q: %q, want %q", test.configURL, test.style, got, test.want)
		}
	}
}
