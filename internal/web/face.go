// Package web is what all HTTP faces share: routes with their documentation,
// strict decoding, one way to answer and one way to refuse. It knows HTTP and
// the nouns; it knows no rule of the house and no wire format of a dialect.
//
// # Life of a request
//
// Face.Handler takes it in: request id, client address, size limit, security
// headers, panics. The route's function decodes (Decode), calls one verb and
// encodes (Reply), or returns an error. An error is logged here, once, and
// written by the face's own Refuse in the face's own words. What nobody
// classified reaches the client as an internal error without words.
package web

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/telemetry"
	"github.com/gatehouse/gatehouse/internal/web/apidocs"
)

// Face is one HTTP surface.
type Face struct {
	Name        string // "daarion"
	Title       string // for its documentation
	Version     string
	Description string

	Tenant  gate.TenantID
	Log     *slog.Logger
	Clock   gate.Clock
	Metrics *telemetry.Metrics
	Proxies []netip.Prefix // whose X-Forwarded-For is believed
	OneHop  bool           // or that of whoever connects, but only its last address
	Origins []string       // browsers on these origins may call (CORS)
	Secure  bool           // reached by https: browsers shall insist on it

	// SessionCookie is the name of the cookie that a session token may come in,
	// "" for faces without.
	SessionCookie string
	crossOrigin   *http.CrossOriginProtection

	// Refuse writes an error in the face's words.
	Refuse func(w http.ResponseWriter, r *http.Request, e *gate.Error)
	// RefusalBody is an example of what Refuse writes, for the documentation.
	RefusalBody  any
	RefusalMedia string // its media type; empty: application/json
	// Statuses maps refusals to status codes, for Refuse and the documentation.
	Statuses Statuses

	// StrictBodies refuses unknown members and bodies that are not declared to
	// be JSON. Originals that ignored both leave it off.
	StrictBodies bool
}

// MaxBody bounds request bodies; a larger one is refused before it is parsed.
const MaxBody = 64 << 10

// Func answers a request or says why not.
type Func func(w http.ResponseWriter, r *http.Request) error

// Handler returns the face as one handler: its routes, their documentation at
// /openapi.json, /docs and /redoc, and refusals in the face's words for
// everything else.
func (f *Face) Handler(routes []Route) (http.Handler, error) {
	spec, err := f.openAPI(routes)
	if err != nil {
		return nil, err
	}
	if err := f.guardCookies(); err != nil {
		return nil, err
	}
	mux := chi.NewRouter()
	hot := map[string]hotRoute{}
	for _, route := range routes {
		handler := f.handle(route)
		mux.Method(route.Method, route.Path, handler)
		if route.Method == http.MethodGet {
			mux.Method(http.MethodHead, route.Path, handler)
		}
		if route.Hot {
			hot[route.Path] = hotRoute{route.Method, handler}
		}
	}
	apidocs.Mount(mux, f.Title, spec)
	mux.NotFound(f.refusing(gate.ErrRouteNotFound))
	mux.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", strings.Join(allowed(mux, r.URL.Path), ", "))
		f.refusing(gate.ErrMethodNotAllowed)(w, r)
	})
	return f.receive(shortcut(hot, mux)), nil
}

// hotRoute is answered without asking the router, which copies the request.
type hotRoute struct {
	method  string
	handler http.Handler
}

func shortcut(hot map[string]hotRoute, otherwise http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route, ok := hot[r.URL.Path]; ok && route.method == r.Method && r.URL.RawPath == "" {
			route.handler.ServeHTTP(w, r)
			return
		}
		otherwise.ServeHTTP(w, r)
	})
}

// handle runs a route's function, writes its refusal, and counts and logs it.
func (f *Face) handle(route Route) http.Handler {
	timer := f.Metrics.Route(f.Name, route.Method, route.Path)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := f.Clock()
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		err := f.run(route.Serve, rec, r)
		if err != nil {
			f.refuse(rec, r, err)
		}
		took := f.Clock().Sub(start)
		timer.Observe(rec.status, took)
		f.logRequest(r, route, rec.status, took)
	})
}

func (f *Face) run(serve Func, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			f.Metrics.Panic()
			err = panicked{p}
		}
	}()
	return serve(w, r)
}

func (f *Face) refusing(e *gate.Error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { f.refuse(w, r, e) }
}

// refuse logs what the client must not see and lets the face say the rest.
func (f *Face) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := gate.AsError(err)
	if e.Kind == gate.Internal || e.Kind == gate.Unavailable {
		level := slog.LevelError
		if e.Kind == gate.Unavailable {
			level = slog.LevelWarn // the healer complains about the cause itself
		}
		f.Log.LogAttrs(r.Context(), level, "refused", slog.String("request", RequestID(w)), slog.String("face", f.Name),
			slog.String("code", e.Code), slog.Any("error", e.Err))
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", retryAfter(e.RetryAfter))
	}
	f.Refuse(w, r, e)
}

// logRequest writes one line for a request. Good answers of hot routes are
// counted but not written: they would drown everything else.
func (f *Face) logRequest(r *http.Request, route Route, status int, took time.Duration) {
	level := slog.LevelInfo
	if route.Hot && status < 400 {
		level = slog.LevelDebug
	}
	if !f.Log.Enabled(r.Context(), level) {
		return
	}
	f.Log.LogAttrs(r.Context(), level, "request", slog.String("request", requestID(r)), slog.String("face", f.Name),
		slog.String("method", r.Method), slog.String("route", route.Path), slog.Int("status", status),
		slog.Duration("took", took), slog.String("ip", f.clientIP(r)))
}

// Caller is who asks, as far as HTTP can tell: nobody yet, from somewhere.
func (f *Face) Caller(r *http.Request) gate.Caller {
	return gate.Caller{
		Tenant: f.Tenant, Client: f.Name, IP: f.clientIP(r),
		UserAgent: r.UserAgent(), RequestID: requestID(r),
	}
}

func allowed(mux *chi.Mux, path string) []string {
	var methods []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if mux.Match(chi.NewRouteContext(), m, path) {
			methods = append(methods, m)
		}
	}
	return methods
}
