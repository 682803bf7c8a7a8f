// Package telemetry sets up what operators look at: logs, metrics and profiles.
// It observes and never decides.
package telemetry

import (
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/pprof"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewLogger returns a logger that writes text or JSON lines.
func NewLogger(w io.Writer, format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// Metrics counts and times requests. A nil *Metrics counts nothing.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	panics   prometheus.Counter
}

// NewMetrics returns metrics for one process, labelled with what it was built
// from.
func NewMetrics(version, commit string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gatehouse_request_duration_seconds", Help: "Time to answer a request, by face, route and status.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"face", "method", "route", "status"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{Name: "gatehouse_panics_total", Help: "Requests that ended in a panic. Anything but 0 is a bug."}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "gatehouse_build_info", Help: "Always 1; the labels say which build runs.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.panics, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Gauge registers a number that is read when somebody looks.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	if m != nil {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
	}
}

// Counter registers a count that is read when somebody looks.
func (m *Metrics) Counter(name, help string, read func() uint64) {
	if m != nil {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(read()) }))
	}
}

// Route is the timer of one route.
type Route struct {
	vec  prometheus.ObserverVec
	seen atomic.Pointer[map[int]prometheus.Observer] // by status; replaced as a whole
}

// Route returns the timer for a route.
func (m *Metrics) Route(face, method, route string) *Route {
	if m == nil {
		return nil
	}
	r := &Route{vec: m.requests.MustCurryWith(prometheus.Labels{"face": face, "method": method, "route": route})}
	r.seen.Store(&map[int]prometheus.Observer{})
	return r
}

// Observe counts one answer.
func (r *Route) Observe(status int, took time.Duration) {
	if r == nil {
		return
	}
	observer, known := (*r.seen.Load())[status]
	if !known {
		observer = r.first(status)
	}
	observer.Observe(took.Seconds())
}

// first makes the histogram of a status that was not answered before, so that
// one for each that could be takes no memory. Whoever loses a race to keep it
// comes here again with the next answer.
func (r *Route) first(status int) prometheus.Observer {
	seen := r.seen.Load()
	more := maps.Clone(*seen)
	more[status] = r.vec.WithLabelValues(strconv.Itoa(status))
	r.seen.CompareAndSwap(seen, &more)
	return more[status]
}

// Panic counts a request that ended in a panic.
func (m *Metrics) Panic() {
	if m != nil {
		m.panics.Inc()
	}
}

// OpsHandler serves /metrics and /debug/pprof. It belongs on a listener of its
// own that only operators reach.
func (m *Metrics) OpsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
