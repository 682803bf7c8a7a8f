// Package remotelog copies log lines to a jarvis-logs service, in batches, with
// the credentials of an app. The console stays what it was: every line it would
// have had it still has, whatever becomes of the copy.
//
// # The wire
//
// POST {base}/api/v0/logs/batch with the headers X-Jarvis-App-Id and
// X-Jarvis-App-Key, and
//
//	{"logs": [{"timestamp": "2026-01-02T15:04:05.000000Z", "service": "jarvis-auth",
//	           "level": "INFO", "message": "request", "context": {"status": 200}}]}
//
// level is DEBUG, INFO, WARNING, ERROR or CRITICAL; service has 1 to 64
// characters; timestamp and context may be missing. One bad entry refuses the
// whole batch. Answers: 204 stored, an empty batch too; 401 wrong app id or key;
// 422 malformed; 502 its storage or the auth service is away. Whatever else the
// auth service says to the credentials is handed on as it is.
//
// # Why it cannot wait for itself
//
// For every batch jarvis-logs asks this very house, at GET /internal/app-ping,
// whether the credentials are good. So a batch makes a request, and a request
// makes log lines.
//
// No deadlock: whoever logs takes one short lock to put a finished line into the
// queue, and never waits for the sender. The sender holds no lock while it
// talks to jarvis-logs, so the request that comes back is served, and logged,
// while it waits. It waits 2 s at the most.
//
// No loop: Quiet marks that request, which alone carries our own id and key, and
// what is logged for a marked request goes to the console and not to the queue.
// The sender itself writes to the console behind the Handler, never through it.
// So no batch is the cause of another. And were a line to slip through, from
// code that logs without its request's context, it could not multiply: a batch
// waits for 100 lines or a second, so one line more is one more request a
// second at the worst.
package remotelog

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"time"
)

// Config says what is sent where. Everything but Level and the two about the
// config service is required; of URL and ConfigURL, one is.
type Config struct {
	URL            string           // where jarvis-logs is: http://host:7702
	ConfigURL      string           // the config service that knows, when URL is empty
	ConfigURLStyle string           // which addresses it shall give: "", "dockerized" or "remote"
	AppID          string           // who we are; also the name of the service in every record
	AppKey         string           // a secret: it proves who we are
	Level          slog.Level       // the least important lines that are sent
	Clock          func() time.Time // for outages and their pauses

	dial func(ctx context.Context, network, address string) (net.Conn, error) // tests bring their own network
}

// String, GoString, Format and LogValue hide the key.
func (c Config) String() string {
	return fmt.Sprintf("remotelog %s as %s, key [secret]", c.URL+c.ConfigURL, c.AppID)
}

// GoString hides the key from %#v.
func (c Config) GoString() string { return c.String() }

// Format hides the key from every verb of fmt.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue hides the key from slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Handler gives every record to the console's handler, as if it were not there,
// and queues those at Level and above for jarvis-logs. It never waits.
type Handler struct {
	console slog.Handler
	remote  slog.Handler // makes the line and puts it into the queue
	level   slog.Level
	sender  *sender
}

// New returns a Handler and starts its sender. It fails for settings that can
// never work; an error does not quote the key. Close it when all is said.
func New(console slog.Handler, config Config) (*Handler, error) {
	s, err := newSender(console, config)
	if err != nil {
		return nil, err
	}
	go s.run()
	return &Handler{console: console, remote: newEncoder(s.queue, config.AppID), level: config.Level, sender: s}, nil
}

// newEncoder makes the entries of the wire out of what slog knows already:
// everything but its own keys is below "context".
func newEncoder(to io.Writer, service string) slog.Handler {
	options := &slog.HandlerOptions{Level: slog.Level(math.MinInt), ReplaceAttr: toWire}
	return slog.NewJSONHandler(to, options).WithAttrs([]slog.Attr{slog.String("service", service)}).WithGroup("context")
}

// Enabled reports whether the console or jarvis-logs wants the level.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.ships(ctx, level) || h.console.Enabled(ctx, level)
}

func (h *Handler) ships(ctx context.Context, level slog.Level) bool {
	return level >= h.level && !isLocal(ctx)
}

// Handle writes the record to the console and queues it. What the console says
// is what the caller hears; the queue has nothing to say.
func (h *Handler) Handle(ctx context.Context, record slog.Record) error {
	if h.ships(ctx, record.Level) {
		_ = h.remote.Handle(ctx, record)
	}
	if h.console.Enabled(ctx, record.Level) {
		return h.console.Handle(ctx, record)
	}
	return nil
}

// WithAttrs returns a Handler that adds attributes to every record.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{console: h.console.WithAttrs(attrs), remote: h.remote.WithAttrs(attrs), level: h.level, sender: h.sender}
}

// WithGroup returns a Handler that puts what follows below a name.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{console: h.console.WithGroup(name), remote: h.remote.WithGroup(name), level: h.level, sender: h.sender}
}

// Sent is how many lines jarvis-logs has accepted.
func (h *Handler) Sent() uint64 { return h.sender.queue.state().sent }

// Dropped is how many lines jarvis-logs will never have: pushed out of a full
// queue, refused, too long, or left over at the end.
func (h *Handler) Dropped() uint64 { return h.sender.queue.state().dropped }

// Queued is how many lines wait or are on their way. Sent, Dropped and Queued
// together are all lines that were ever meant for jarvis-logs.
func (h *Handler) Queued() uint64 {
	state := h.sender.queue.state()
	return state.logged - state.sent - state.dropped
}

// Flush sends at once what has been logged until now. It gives up when an
// attempt fails or ctx ends; the lines stay queued. Call it before the listener
// closes: without /internal/app-ping, jarvis-logs believes nobody.
func (h *Handler) Flush(ctx context.Context) error { return h.sender.flush(ctx) }

// Close sends what is queued, as far as ctx allows, and ends the sender. The
// third failure in a row is the last one, so an outage that was known before
// delays nobody. Lines that come later are for the console alone, and count as
// dropped. The error says how many lines were lost now.
func (h *Handler) Close(ctx context.Context) error { return h.sender.close(ctx) }
