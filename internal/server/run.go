package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/telemetry/remotelog"
)

// door is one listener.
type door struct {
	name     string
	address  string
	handler  http.Handler
	ops      bool
	listener net.Listener
	server   *http.Server
	unused   sync.Map // connections on which nothing was asked yet
}

const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 60 * time.Second
	maxHeader     = 16 << 10
	drainTimeout  = 10 * time.Second
	logTimeout    = time.Second
	profileTime   = 2 * time.Minute // a CPU profile writes for as long as it was asked to
)

// Listen opens every door, or none.
func (s *Server) Listen() error {
	for _, d := range s.doors {
		listener, err := net.Listen("tcp", d.address)
		if err != nil {
			for _, opened := range s.doors {
				if opened.listener != nil {
					_ = opened.listener.Close()
				}
			}
			return fmt.Errorf("cannot listen on %s for the %s face: %w. Is something else running there? Choose another port with GATEHOUSE_%s_PORT",
				d.address, d.name, errors.Unwrap(err), envName(d.name))
		}
		d.listener = listener
	}
	return nil
}

// Run serves until ctx ends, then closes the house in order: it says that it is
// not ready, lets running requests finish, stops the jobs, closes the store.
func (s *Server) Run(ctx context.Context) error {
	if s.doors[0].listener == nil {
		if err := s.Listen(); err != nil {
			return errors.Join(err, s.house.Close())
		}
	}
	failed := make(chan error, len(s.doors))
	for _, d := range s.doors {
		d.server = s.httpServer(d)
		go func() { failed <- d.server.Serve(d.listener) }()
	}
	working, stopWorking := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWorking()
	var background sync.WaitGroup
	background.Go(func() { s.house.Jobs.Run(working) })
	background.Go(func() { s.house.keyUses.Run(working) })
	background.Go(func() { s.greet(working) })
	background.Go(func() { s.backfill(working) })

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	close(s.stopping)
	s.sendLogs(ctx, (*remotelog.Handler).Flush) // while jarvis-logs can still ask us who we are
	s.drain()
	stopWorking()
	background.Wait()
	s.options.Log.Info("stopped")
	err = errors.Join(err, s.house.Close())
	s.sendLogs(ctx, (*remotelog.Handler).Close)
	return err
}

// sendLogs gives the remote log a moment for what is left. What it cannot send
// is on the console.
func (s *Server) sendLogs(ctx context.Context, how func(*remotelog.Handler, context.Context) error) {
	if s.options.Remote == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logTimeout)
	defer cancel()
	_ = how(s.options.Remote, ctx)
}

// backfill catches up on what settings newly ask for.
func (s *Server) backfill(ctx context.Context) {
	m := s.house.Account.Matrix
	if m == nil || s.house.Ready(ctx) != nil {
		return
	}
	if err := m.Backfill(ctx, gate.DefaultTenant); err != nil {
		s.options.Log.Warn("users without a Matrix account could not be queued; the next start tries again", "error", err)
	}
}

func (s *Server) httpServer(d *door) *http.Server {
	server := &http.Server{
		Handler: d.handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.options.Log.Handler(), slog.LevelDebug),
	}
	server.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			d.unused.Store(c, nil)
		} else {
			d.unused.Delete(c)
		}
	}
	if d.ops {
		server.WriteTimeout = profileTime
	}
	return server
}

// drain lets running requests finish, for a while. Connections that clients
// opened in advance are closed: Shutdown would wait 5 s for their first request.
func (s *Server) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	var open sync.WaitGroup
	for _, d := range s.doors {
		open.Go(func() {
			d.unused.Range(func(c, _ any) bool {
				_ = c.(net.Conn).Close()
				return true
			})
			if err := d.server.Shutdown(ctx); err != nil {
				_ = d.server.Close()
			}
		})
	}
	open.Wait()
}

// Address returns where a face listens, once Listen has succeeded.
func (s *Server) Address(face string) string {
	for _, d := range s.doors {
		if d.name == face && d.listener != nil {
			return d.listener.Addr().String()
		}
	}
	return ""
}

// greet tells the person at the terminal where everything is and, when nobody
// administers the house yet, hands out the link for the first one who will.
func (s *Server) greet(ctx context.Context) {
	out := s.options.Out
	if out == nil {
		return
	}
	b := s.options.Build
	fmt.Fprintf(out, "Gatehouse %s (%s) on %s\n", b.Version, b.Commit, s.config.Database())
	for _, d := range s.doors {
		url := "http://" + browsable(d.listener.Addr().String())
		docs := "docs " + url + "/docs"
		if d.ops {
			docs = "metrics " + url + "/metrics"
		}
		fmt.Fprintf(out, "  %-8s %-28s %s\n", d.name, url, docs)
	}
	if s.house.Ready(ctx) != nil {
		return
	}
	token, err := s.house.Account.NewSetupToken(ctx, gate.DefaultTenant)
	switch {
	case err != nil:
		s.options.Log.Warn("no link for the first administrator could be made", "error", err)
	case token.Empty():
	case s.Address("native") == "":
		fmt.Fprintf(out, "\nThere is no administrator yet. Make one:\n  gatehouse user create --admin you@example.org\n\n")
	default:
		base := s.config.String("public.url")
		if base == "" {
			base = "http://" + browsable(s.Address("native"))
		}
		fmt.Fprintf(out, "\nThere is no administrator yet. This link makes the first one; it works once, for an hour:\n  %s/setup?token=%s\n\n",
			strings.TrimSuffix(base, "/"), token.Reveal())
	}
}

// browsable turns "all interfaces" into an address that a browser understands.
func browsable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("localhost", port)
	}
	return address
}

func envName(face string) string { return strings.ToUpper(face) }
