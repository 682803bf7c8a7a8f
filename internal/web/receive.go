package web

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

const requestIDHeader = "X-Request-Id"

// receive is what every request passes before any route: limits, identity of
// the request, headers that protect browsers.
func (f *Face) receive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		id := requestID(r)
		if id == "" {
			id = newRequestID()
			r.Header[requestIDHeader] = []string{id}
		}
		h[requestIDHeader] = []string{id}
		h["X-Content-Type-Options"] = nosniff
		h["Referrer-Policy"] = noReferrer
		h["Cache-Control"] = noStore
		if f.Secure {
			h["Strict-Transport-Security"] = oneYear
		}
		if r.ContentLength < 0 || r.ContentLength > MaxBody { // what is declared, net/http holds it to
			r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		}
		if origin := r.Header.Get("Origin"); origin != "" && !f.cors(w, r, origin) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

var (
	nosniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
	noStore    = []string{"no-store"}
	oneYear    = []string{"max-age=31536000"}
)

// cors answers browsers: listed origins may call and read, and a preflight ends
// here. It reports whether the request goes on.
func (f *Face) cors(w http.ResponseWriter, r *http.Request, origin string) bool {
	w.Header().Add("Vary", "Origin")
	listed := slices.Contains(f.Origins, origin)
	if listed {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		if f.SessionCookie != "" {
			w.Header().Set("Access-Control-Allow-Credentials", "true")
		}
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After, "+requestIDHeader)
	}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return true
	}
	if listed {
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-API-Key")
		w.Header().Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
		return false
	}
	f.refuse(w, r, gate.ErrCrossOrigin)
	return false
}

// requestID is the caller's own, if it is one that can be written to a log.
func requestID(r *http.Request) string {
	id := r.Header.Get(requestIDHeader)
	if len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
	}) {
		return ""
	}
	return id
}

// RequestID returns the id under which the request was logged.
func RequestID(w http.ResponseWriter) string { return w.Header().Get(requestIDHeader) }

var (
	processID    = secret.RandomID()[:8]
	requestCount atomic.Uint64
)

// newRequestID is unique, not secret: a random number per process and a count.
func newRequestID() string {
	return processID + "-" + strconv.FormatUint(requestCount.Add(1), 36)
}

// clientIP is the address of the connection, or what a trusted proxy says: the
// right-most address of X-Forwarded-For that is not itself a trusted proxy.
// Nobody else's headers are believed.
func (f *Face) clientIP(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	addr, proxies := peer.Addr().Unmap().WithZone(""), f.Proxies
	if f.OneHop {
		proxies = []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())}
	}
	if !trusted(addr, proxies) {
		return addr.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		if addr = next.Unmap().WithZone(""); f.OneHop || !trusted(addr, proxies) {
			break
		}
	}
	return addr.String()
}

func trusted(addr netip.Addr, proxies []netip.Prefix) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// recorder remembers the status for the log.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController through.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// retryAfter is in whole seconds, rounded up (RFC 9110 §10.2.3).
func retryAfter(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}
