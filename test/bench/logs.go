//go:build unix

package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	logsClients = 4 // who sign in at once: enough to keep two hash slots busy
	logsLonger  = 6 // rounds are so many times as long as others: a minute of each side
)

// logs: what signing in takes while jarvis-logs is ill, against the same program
// while it is well. Nothing of it may be missing on the console.
func logs(b *bench) ([]row, error) {
	var rows []row
	for _, ill := range []struct {
		what   string
		become func(*logService)
	}{
		{"down", (*logService).stop},
		{"hanging", func(s *logService) { s.serve(hang) }},
		{"answering 500", func(s *logService) { s.serve(status(http.StatusInternalServerError)) }},
	} {
		r, err := b.logsRow(ill.what, ill.become)
		if err != nil {
			return nil, fmt.Errorf("jarvis-logs %s: %w", ill.what, err)
		}
		rows = append(rows, r...)
	}
	return rows, nil
}

func (b *bench) logsRow(what string, fall func(*logService)) ([]row, error) {
	remote, err := newLogService()
	if err != nil {
		return nil, err
	}
	defer remote.stop()
	name := "logs-" + strings.ReplaceAll(what, " ", "-")
	house, err := b.startAs("jarvis", "/health", name, "", "GATEHOUSE_JARVIS_LOGS_URL=http://"+remote.address, "GATEHOUSE_JARVIS_APP_KEY="+benchAdminToken,
		"GATEHOUSE_JARVIS_LIMITS_ENABLED=false")
	if err != nil {
		return nil, err
	}
	defer house.stop()
	if err := register(house.address, logsClients); err != nil {
		return nil, err
	}
	var well, ill []time.Duration
	for range b.rounds {
		for _, side := range []struct {
			become func(*logService)
			took   *[]time.Duration
		}{{recovered, &well}, {fall, &ill}} {
			side.become(remote)
			took, err := signIns(house.address, logsLonger*b.each)
			if err != nil {
				return nil, err
			}
			*side.took = append(*side.took, took...)
		}
	}
	house.stop()
	printed, err := b.printed(name, "route=/auth/login")
	if err != nil {
		return nil, err
	}
	ratio := percentile(ill, 99).Seconds() / percentile(well, 99).Seconds()
	made := len(well) + len(ill)
	return []row{
		{
			what: "sign-in, p99, jarvis-logs " + what, ours: fmt.Sprint(percentile(ill, 99).Round(100 * time.Microsecond)),
			bare: fmt.Sprint(percentile(well, 99).Round(100 * time.Microsecond)), ratio: ratio, goal: "<= 1.10", met: ratio <= 1.10,
		},
		{what: "  its lines on the console, of sign-ins", ours: fmt.Sprint(printed), bare: fmt.Sprint(made), ratio: float64(printed) / float64(made), goal: "1.00", met: printed == made},
	}, nil
}

// register makes so many users, whose passwords the sign-ins use.
func register(address string, count int) error {
	c, err := dial(address)
	if err != nil {
		return err
	}
	defer c.raw.Close()
	for i := range count {
		status, body, err := c.ask(request("POST", "/auth/register", credentials(i)))
		if err = errors.Join(err, expect(http.StatusCreated, status, body)); err != nil {
			return err
		}
	}
	return nil
}

// signIns tells how long each took.
func signIns(address string, length time.Duration) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	_, err := rate(address, logsClients, length, func(client int, c *conn) error {
		start := time.Now()
		status, body, err := c.ask(request("POST", "/auth/login", credentials(client)))
		mu.Lock()
		defer mu.Unlock()
		all = append(all, time.Since(start))
		return errors.Join(err, expect(http.StatusOK, status, body))
	})
	return all, err
}

// percentile sorts what it is given.
func percentile(took []time.Duration, p int) time.Duration {
	slices.Sort(took)
	return took[len(took)*p/100]
}

// printed counts the lines of a program's log that have the text.
func (b *bench) printed(name, text string) (n int, err error) {
	raw, err := os.ReadFile(filepath.Join(b.folder, name+".log"))
	for line := range strings.Lines(string(raw)) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n, err
}

// logService stands where jarvis-logs would: on one port, in one state after the
// other.
type logService struct {
	address string
	server  *http.Server
}

func newLogService() (*logService, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &logService{address: fmt.Sprintf("127.0.0.1:%d", port)}
	recovered(s)
	return s, nil
}

// recovered is the service as it should be.
func recovered(s *logService) { s.serve(status(http.StatusNoContent)) }

func (s *logService) serve(handler http.HandlerFunc) {
	s.stop()
	s.server = &http.Server{Handler: handler, ReadHeaderTimeout: time.Second}
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		panic(err) // a port that was ours a moment ago
	}
	go func(server *http.Server) { _ = server.Serve(listener) }(s.server)
}

func (s *logService) stop() {
	if s.server != nil {
		_ = s.server.Close()
	}
	s.server = nil
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// hang answers nothing for as long as the other side waits.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
