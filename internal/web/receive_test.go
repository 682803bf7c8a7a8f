package web

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/telemetry"
)

// newFace is a face whose refusals are just their codes.
func newFace(log io.Writer) *Face {
	return &Face{
		Name: "sample", Tenant: gate.DefaultTenant, Clock: time.Now, Metrics: telemetry.NewMetrics("test", "test"),
		Log:     slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Origins: []string{"https://app.example.org"}, RefusalBody: sample{},
		Refuse: func(w http.ResponseWriter, _ *http.Request, e *gate.Error) {
			_ = Reply(w, Statuses{}.Of(e), map[string]string{"code": e.Code})
		},
	}
}

func handlerOf(t *testing.T, f *Face, routes ...Route) http.Handler {
	t.Helper()
	h, err := f.Handler(routes)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Rate limits are kept by address: who could choose it would have no limit.
// chi's RealIP (GHSA-3fxj-6jh8-hvhx) believed everybody.
func TestNT_PW_3_OnlyConfiguredProxiesAreBelieved(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	tests := []struct {
		name, peer string
		forwarded  []string // X-Forwarded-For headers
		want       string
	}{
		{"no proxy", "203.0.113.7:5", nil, "203.0.113.7"},
		{"a stranger says it is somebody", "203.0.113.7:5", []string{"198.51.100.1"}, "203.0.113.7"},
		{"a stranger says it is a proxy", "203.0.113.7:5", []string{"10.0.0.1"}, "203.0.113.7"},
		{"a proxy says who it is", "10.0.0.1:5", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a proxy says nothing", "10.0.0.1:5", nil, "10.0.0.1"},
		{"what the client claimed stands on the left", "10.0.0.1:5", []string{"127.0.0.1, 198.51.100.1"}, "198.51.100.1"},
		{"through two proxies", "10.0.0.1:5", []string{"6.6.6.6, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"in several headers", "10.0.0.1:5", []string{"6.6.6.6", "198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
		{"proxies all the way", "10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"rubbish ends the belief", "10.0.0.1:5", []string{"198.51.100.1, rubbish, 10.0.0.2"}, "10.0.0.2"},
		{"only rubbish", "10.0.0.1:5", []string{"rubbish"}, "10.0.0.1"},
		{"with a port, which is no address", "10.0.0.1:5", []string{"198.51.100.1:80"}, "10.0.0.1"},
		{"IPv4 in IPv6 is the same network", "[::ffff:10.0.0.1]:5", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"IPv6", "[fd00::1]:5", []string{"2001:db8::7"}, "2001:db8::7"},
		{"zones are dropped", "[fe80::1%eth0]:5", nil, "fe80::1"},
		{"a zone does not hide a proxy", "10.0.0.1:5", []string{"198.51.100.1, fd00::2%x"}, "198.51.100.1"},
		{"no address at all", "@", []string{"198.51.100.1"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = test.peer
			for _, line := range test.forwarded {
				r.Header.Add("X-Forwarded-For", line)
			}
			for _, never := range []string{"X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip"} {
				r.Header.Set(never, "192.0.2.66")
			}
			r.Header.Set("Forwarded", "for=192.0.2.66")
			if got := (&Face{Proxies: proxies}).clientIP(r); got != test.want {
				t.Errorf("the client is %q, want %q", got, test.want)
			}
			r.RemoteAddr = "203.0.113.7:5"
			if got := (&Face{}).clientIP(r); got != "203.0.113.7" {
				t.Errorf("without configured proxies the client is %q", got)
			}
		})
	}
}

func TestRequestIDsThatCannotForgeALog(t *testing.T) {
	ours := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-z]+$`)
	for _, test := range []struct {
		sent string
		kept bool
	}{
		{"abc-123_X.y", true},
		{strings.Repeat("a", 64), true},
		{strings.Repeat("a", 65), false},
		{"", false},
		{"a b", false},
		{"a\r\nlevel=ERROR", false},
		{"a\"b", false},
		{"ї", false},
		{"<script>", false},
	} {
		var seen string
		var log strings.Builder
		f := newFace(&log)
		h := handlerOf(t, f, Get[sample]("/x", "", func(_ http.ResponseWriter, r *http.Request) error {
			seen = f.Caller(r).RequestID
			return errors.New("cause")
		}))
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		r.Header["X-Request-Id"] = []string{test.sent}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		id := w.Header().Get("X-Request-Id")
		if test.kept != (id == test.sent) || !test.kept && !ours.MatchString(id) {
			t.Errorf("%q became %q", test.sent, id)
		}
		if seen != id || !strings.Contains(log.String(), "request="+id) {
			t.Errorf("%q: the verb knows %q, the client %q, the log:\n%s", test.sent, seen, id, &log)
		}
	}
}

func TestCORSNeverOpensToEverybody(t *testing.T) {
	h := handlerOf(t, newFace(io.Discard), Get[sample]("/x", "", func(w http.ResponseWriter, _ *http.Request) error {
		return Reply(w, http.StatusOK, "x")
	}))
	const listed = "https://app.example.org"
	for _, origin := range []string{
		listed, "https://evil.example", "null", "*", "http://app.example.org", "https://app.example.org:443", "https://app.example.org.evil.example",
		"https://evilapp.example.org", "https://APP.example.org", "https://app.example.org/", "https://app.example.org, https://evil.example",
	} {
		for _, preflight := range []bool{false, true} {
			r := httptest.NewRequest(http.MethodGet, "/x", nil)
			wantStatus := http.StatusOK
			if preflight {
				r.Method, wantStatus = http.MethodOptions, http.StatusForbidden
				r.Header.Set("Access-Control-Request-Method", http.MethodGet)
			}
			r.Header.Set("Origin", origin)
			wantOrigin := ""
			if origin == listed {
				wantOrigin = listed
				if preflight {
					wantStatus = http.StatusNoContent
				}
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != wantOrigin || w.Code != wantStatus {
				t.Errorf("%s preflight=%v: %d, allowed %q; want %d, %q", origin, preflight, w.Code, got, wantStatus, wantOrigin)
			}
			if w.Header().Get("Vary") != "Origin" || w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s preflight=%v: %v", origin, preflight, w.Header())
			}
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/x", nil))
	if w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("nobody asked: %v", w.Header())
	}
}

// counter counts what is read of an endless body.
type counter struct{ read int }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	c.read += len(p)
	return len(p), nil
}

// A large body is refused when the bound is reached, not when its end is.
func TestNT_DOS_1_LargeBodiesAreNotReadToTheEnd(t *testing.T) {
	h := handlerOf(t, newFace(io.Discard),
		PostBy[sample, struct{}]("/json", "", http.StatusOK, func(_ http.ResponseWriter, r *http.Request) error {
			_, err := Decode[sample](&Face{}, r)
			return err
		}),
		PostBy[sample, struct{}]("/form", "", http.StatusOK, func(_ http.ResponseWriter, r *http.Request) error {
			_, err := DecodeForm(r)
			return err
		}).WithForm())
	for path, contentType := range map[string]string{"/json": "application/json", "/form": "application/x-www-form-urlencoded"} {
		for name, declared := range map[string]int64{"declared": 1 << 30, "not declared": -1} {
			body := &counter{}
			r := httptest.NewRequest(http.MethodPost, path, body)
			r.ContentLength = declared
			r.Header.Set("Content-Type", contentType)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusRequestEntityTooLarge || strings.Contains(w.Body.String(), "xx") {
				t.Errorf("%s, %s: %d %.100s", path, name, w.Code, w.Body)
			}
			if body.read > 2*MaxBody {
				t.Errorf("%s, %s: %d bytes were read, the bound is %d", path, name, body.read, MaxBody)
			}
		}
	}
	exactly := `{"email":"a@b.example","password":"12345","x":"` + strings.Repeat("x", MaxBody-49) + `"}`
	for size, want := range map[string]int{exactly: http.StatusOK, exactly + " ": http.StatusRequestEntityTooLarge} {
		r := httptest.NewRequest(http.MethodPost, "/json", strings.NewReader(size))
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%d bytes: %d %s, want %d", len(size), w.Code, w.Body, want)
		}
	}
}

// Panics and errors that nobody classified say nothing, and are logged.
func TestWhatNobodyExpectedSaysNothing(t *testing.T) {
	const canary = "password=hunter2"
	for name, serve := range map[string]Func{
		"error": func(http.ResponseWriter, *http.Request) error { return errors.New(canary) },
		"panic": func(http.ResponseWriter, *http.Request) error { panic(canary) },
		"nil":   func(http.ResponseWriter, *http.Request) error { var p *gate.Error; return errors.New(p.Code) },
	} {
		var log strings.Builder
		h := handlerOf(t, newFace(&log), Get[sample]("/x", "", serve))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/x", nil))
		if w.Code != http.StatusInternalServerError || strings.TrimSpace(w.Body.String()) != `{"code":"internal_error"}` {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if !strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("%s: the log is silent:\n%s", name, &log)
		}
	}
}

func TestEveryAnswerProtectsBrowsers(t *testing.T) {
	h := handlerOf(t, newFace(io.Discard), Get[sample]("/x", "", func(w http.ResponseWriter, _ *http.Request) error {
		return Reply(w, http.StatusOK, "x")
	}))
	for _, request := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/x", nil), httptest.NewRequest(http.MethodPost, "/x", nil),
		httptest.NewRequest(http.MethodGet, "/nothing", nil), httptest.NewRequest(http.MethodHead, "/x", nil),
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request)
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s %s: %s is %q", request.Method, request.URL, name, got)
			}
		}
	}
}

func TestBearerIsNobodysWhenInDoubt(t *testing.T) {
	for _, test := range []struct {
		headers []string
		want    string
	}{
		{[]string{"Bearer abc"}, "abc"},
		{[]string{"bearer abc"}, "abc"},
		{[]string{"BEARER  abc "}, "abc"},
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"Bearer"}, ""},
		{[]string{"Bearer "}, ""},
		{[]string{"Basic abc"}, ""},
		{[]string{"BearerX abc"}, ""},
		{[]string{" Bearer abc"}, ""},
		{[]string{"Bearer abc", "Bearer abc"}, ""},
		{[]string{"", "Bearer abc"}, ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Authorization"] = test.headers
		if got := Bearer(r).Reveal(); got != test.want {
			t.Errorf("%q: %q, want %q", test.headers, got, test.want)
		}
	}
}
