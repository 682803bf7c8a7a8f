package breach

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the algorithm of the protocol
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/secret"
)

// rangeServer serves ranges from a list of passwords, as the real one does:
// lines end in CRLF, and padding counts 0.
type rangeServer struct {
	*httptest.Server
	seen    map[string]int
	asked   atomic.Int64
	padding int
}

func serve(t *testing.T, seen map[string]int) *rangeServer {
	s := &rangeServer{seen: seen}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /range/{prefix}", func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		prefix := r.PathValue("prefix")
		if len(prefix) != prefixDigits || r.URL.RawQuery != "" {
			t.Errorf("asked for %s", r.URL)
		}
		if r.Header.Get("Add-Padding") != "true" || r.Header.Get("User-Agent") != "gatehouse" {
			t.Errorf("the headers are %v", r.Header)
		}
		for password, count := range s.seen {
			if d := digestOf(password); strings.HasPrefix(d, prefix) {
				_, _ = fmt.Fprintf(w, "%s:%d\r\n", d[prefixDigits:], count)
			}
		}
		for i := range s.padding {
			_, _ = fmt.Fprintf(w, "%035X:0\r\n", i)
		}
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func digestOf(password string) string {
	return fmt.Sprintf("%X", sha1.Sum([]byte(password))) //nolint:gosec // as above
}

func client(t *testing.T, base string) *Client {
	t.Helper()
	c, err := New(base)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const stolen = "Password123!"

func TestCountTellsHowOftenAPasswordWasSeen(t *testing.T) {
	s := serve(t, map[string]int{stolen: 19_872, "пароль123": 7, "padding": 0})
	for _, padding := range []int{0, 1000} {
		s.padding = padding
		for password, want := range map[string]int{stolen: 19_872, "пароль123": 7, "padding": 0, "password123!": 0, "": 0} {
			if got, err := client(t, s.URL+"/").Count(t.Context(), secret.NewText(password)); err != nil || got != want {
				t.Errorf("with %d lines of padding, Count = %d, %v, want %d", padding, got, err, want)
			}
		}
	}
	if s.asked.Load() != 10 {
		t.Errorf("asked %d times, want 10", s.asked.Load())
	}
}

func TestCountWithoutAServiceAsksNobody(t *testing.T) {
	var off *Client
	if n, err := off.Count(t.Context(), secret.NewText(stolen)); n != 0 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
}

// answers is what the other side may do; each names what the error says.
func TestCountOfABadAnswerIsAnErrorThatTellsNothing(t *testing.T) {
	line := digestOf(stolen)[prefixDigits:] + ":5\r\n"
	write := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a page":                  {write(200, "<html>Sign in to the network</html>"), "not a list"},
		"JSON":                    {write(200, `{"count":5}`), "not a list"},
		"no count":                {write(200, line+strings.Repeat("A", 35)+"\r\n"), "not a list"},
		"a negative count":        {write(200, line+strings.Repeat("A", 35)+":-1\r\n"), "not a list"},
		"an endless count":        {write(200, line+strings.Repeat("A", 35)+":99999999999999999999\r\n"), "not a list"},
		"a short suffix":          {write(200, line+"ABC:1\r\n"), "not a list"},
		"a suffix not of digits":  {write(200, line+strings.Repeat("Z", 35)+":1\r\n"), "not a list"},
		"an empty line":           {write(200, line+"\r\n"+line), "not a list"},
		"cut off within a line":   {write(200, line+line[:20]), "not a list"},
		"a line that never ends":  {write(200, strings.Repeat("A", maxAnswer)), "not a list"},
		"too large":               {write(200, strings.Repeat(line, maxAnswer/len(line)+2)), "too large"},
		"not found":               {write(404, ""), "HTTP 404"},
		"too many requests":       {write(429, line), "HTTP 429"},
		"broken":                  {write(503, line), "HTTP 503"},
		"cut off within the body": {cutOff, "broke off"},
		"not HTTP":                {echo, "does not speak HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(c.answer)
			t.Cleanup(s.Close)
			n, err := client(t, s.URL).Count(t.Context(), secret.NewText(stolen))
			if n != 0 || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Count = %d, %v, want an error with %q", n, err, c.want)
			}
			tellsNothing(t, err)
		})
	}
}

// cutOff promises more than it sends.
func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, digestOf(stolen)[prefixDigits:]+":5\r\n")
}

// echo repeats the question in a place that net/http would quote.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 "+r.URL.Path+"\r\n\r\n")
	_ = conn.Close()
}

func tellsNothing(t *testing.T, err error) {
	t.Helper()
	digest := digestOf(stolen)
	for _, hidden := range []string{stolen, digest[:prefixDigits], digest[prefixDigits:]} {
		if strings.Contains(strings.ToUpper(err.Error()), strings.ToUpper(hidden)) {
			t.Errorf("the error tells %q: %v", hidden, err)
		}
	}
}

func TestCountFollowsNoRedirect(t *testing.T) {
	s := serve(t, map[string]int{stolen: 5})
	away := httptest.NewServer(http.RedirectHandler(s.URL+"/range/"+digestOf(stolen)[:prefixDigits], http.StatusFound))
	t.Cleanup(away.Close)
	if n, err := client(t, away.URL).Count(t.Context(), secret.NewText(stolen)); n != 0 || err == nil || s.asked.Load() != 0 {
		t.Errorf("Count = %d, %v; the other server was asked %d times", n, err, s.asked.Load())
	}
}

// A service may be slow before its answer and within it.
func TestCountOfASlowServiceEnds(t *testing.T) {
	release := make(chan struct{})
	for name, begin := range map[string]func(http.ResponseWriter){
		"before the answer": func(http.ResponseWriter) {},
		"within the answer": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, digestOf(stolen)[prefixDigits:])
			_ = http.NewResponseController(w).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				begin(w)
				select {
				case <-release:
				case <-r.Context().Done():
				}
			}))
			t.Cleanup(s.Close)
			c := client(t, s.URL)
			if c.http.Timeout != callTimeout {
				t.Errorf("the limit is %v, want %v", c.http.Timeout, callTimeout)
			}
			c.http.Timeout = 50 * time.Millisecond
			n, err := c.Count(t.Context(), secret.NewText(stolen))
			if n != 0 || err == nil || !strings.Contains(err.Error(), "no answer in time") {
				t.Errorf("Count = %d, %v", n, err)
			}
			c.http.Timeout = callTimeout
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := c.Count(ctx, secret.NewText(stolen)); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
		})
	}
	close(release)
}

func TestCountWithNobodyThere(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	if _, err := client(t, s.URL).Count(t.Context(), secret.NewText(stolen)); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error %v", err)
	}
}

func TestNewRefusesURLsThatCannotBeMeant(t *testing.T) {
	for _, base := range []string{
		"", "example.org", "ftp://example.org", "https://", "https://user:pass@example.org",
		"https://example.org?x=1", "https://example.org#x", "https://exa mple.org", "://",
	} {
		if _, err := New(base); err == nil || strings.Contains(err.Error(), "pass@") {
			t.Errorf("New(%q): %v", base, err)
		}
	}
}

// What is written about a client shows its URL, and never a password.
func TestNothingIsWrittenToTheLog(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	s := serve(t, map[string]int{stolen: 5})
	_, _ = client(t, s.URL).Count(t.Context(), secret.NewText(stolen))
	if log.Len() > 0 {
		t.Errorf("the log has %s", log.String())
	}
}

// FuzzFind: whatever the other side answers, reading it does not panic, and a
// password is only found where its suffix stands in a line.
func FuzzFind(f *testing.F) {
	suffix := digestOf(stolen)[prefixDigits:]
	f.Add([]byte(suffix + ":5\r\n"))
	f.Add([]byte(strings.ToLower(suffix) + ":5\n" + suffix + ":7"))
	f.Add([]byte(suffix + ":0\r\nABC"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		n, err := find(answer, suffix)
		if n < 0 || n > 0 && (err != nil || !bytes.Contains(bytes.ToUpper(answer), []byte(suffix+":"))) {
			t.Errorf("found %d times, %v", n, err)
		}
	})
}
