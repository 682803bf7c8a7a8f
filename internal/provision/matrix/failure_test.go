package matrix

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

func TestProvisionFails(t *testing.T) {
	seatOf := func(id string) reply { return says(200, `{"user_id":"`+id+`","access_token":"`+token+`"}`) }
	huge := says(200, `{"nonce":"`+strings.Repeat("x", 2*maxAnswer)+`"}`)
	away := reply{status: 307, body: "{}", header: map[string]string{"Location": loginPath}}
	busy := says(429, `{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests","retry_after_ms":1500}`)
	for name, c := range map[string]struct {
		nonce, register, login reply
		permanent              error
		wait                   time.Duration
	}{
		"someone else's":             {nonceOK, taken, refused, ErrTaken, 0},
		"another user registered":    {nonceOK, seatOf("@daarion_00000000:daarion.space"), done, ErrOtherUser, 0},
		"another user logged in":     {nonceOK, taken, seatOf("@root:daarion.space"), ErrOtherUser, 0},
		"id without server":          {nonceOK, seatOf("@" + adaLocal + ":"), done, ErrOtherUser, 0},
		"id with odd server":         {nonceOK, seatOf("@" + adaLocal + ":a b"), done, ErrOtherUser, 0},
		"id far too long":            {nonceOK, seatOf("@" + adaLocal + ":" + strings.Repeat("a", 255)), done, ErrOtherUser, 0},
		"wrong secret":               {nonceOK, wrongKey, seatOK, nil, 0},
		"forbidden registration":     {nonceOK, refused, seatOK, nil, 0},
		"other bad request":          {nonceOK, says(400, `{"errcode":"M_UNKNOWN","error":"unrecognised nonce"}`), seatOK, nil, 0},
		"taken, but not with 400":    {nonceOK, says(500, taken.body), seatOK, nil, 0},
		"taken, then deactivated":    {nonceOK, taken, says(403, `{"errcode":"M_USER_DEACTIVATED","error":"x"}`), nil, 0},
		"taken, then a proxy's 403":  {nonceOK, taken, says(403, "<h1>Forbidden</h1>"), nil, 0},
		"taken, then no login":       {nonceOK, taken, says(404, `{"errcode":"M_UNRECOGNIZED"}`), nil, 0},
		"taken, then busy":           {nonceOK, taken, busy, nil, 1500 * time.Millisecond},
		"busy, by header":            {nonceOK, reply{429, "", map[string]string{"Retry-After": "7"}}, done, nil, 7 * time.Second},
		"busy for ever":              {nonceOK, says(429, `{"retry_after_ms":1e300}`), done, nil, maxRetryAfter},
		"busy since ever":            {nonceOK, says(429, `{"retry_after_ms":-5}`), done, nil, 0},
		"no nonce":                   {done, seatOK, done, nil, 0},
		"null for a nonce":           {says(200, `null`), seatOK, done, nil, 0},
		"no user id":                 {nonceOK, done, done, nil, 0},
		"not JSON":                   {nonceOK, says(200, "<html>"), done, nil, 0},
		"wrong JSON":                 {nonceOK, says(200, `{"user_id":7}`), done, nil, 0},
		"empty":                      {nonceOK, says(200, ""), done, nil, 0},
		"broken":                     {says(500, "boom"), seatOK, done, nil, 0},
		"proxy without Synapse":      {says(502, "<html>Bad gateway"), seatOK, done, nil, 0},
		"registration not enabled":   {says(404, `{"errcode":"M_UNRECOGNIZED"}`), seatOK, done, nil, 0},
		"huge":                       {huge, seatOK, done, nil, 0},
		"redirect":                   {away, seatOK, seatOK, nil, 0},
		"redirect of a registration": {nonceOK, away, seatOK, nil, 0},
		"echo of the question":       {nonceOK, says(400, `{"errcode":"M_<echo>","error":"<echo>"}`), done, nil, 0},
		"echo in a login":            {nonceOK, taken, says(400, `{"errcode":"M_UNKNOWN","error":"<echo> `+token+`"}`), nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandIn(t, c.nonce, c.register, c.login)
			id, err := s.client(t).Provision(t.Context(), ada, "Ada")
			if err == nil || id != "" {
				t.Fatalf("Provision = %q, %v", id, err)
			}
			if Permanent(err) != (c.permanent != nil) || !errors.Is(err, c.permanent) && c.permanent != nil {
				t.Errorf("error %v, want %v", err, c.permanent)
			}
			if got := RetryAfter(err); got != c.wait {
				t.Errorf("RetryAfter = %v, want %v", got, c.wait)
			}
			if strings.Contains(name, "redirect") && s.sent["POST "+loginPath] != nil {
				t.Error("the redirect was followed")
			}
			tellsNothing(t, err)
		})
	}
}

func tellsNothing(t *testing.T, err error) {
	t.Helper()
	for _, hidden := range []string{testKey, "d770f061621a90a097297f559fe319e9", "abb14fa53cbf6415ef7fffd5ae88ba53538bd336", token} {
		if strings.Contains(err.Error(), hidden) {
			t.Errorf("the error tells a secret: %v", err)
		}
	}
}

// A server that echoes the question in a place that net/http would quote.
func TestProvisionMalformedAnswer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, nonceOK.body)
			return
		}
		raw, _ := io.ReadAll(r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = conn.Write(append([]byte("HTTP/1.1 "), append(raw, "\r\n\r\n"...)...))
		_ = conn.Close()
	}))
	t.Cleanup(s.Close)
	c, err := New(s.URL, secret.NewText(testKey))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Provision(t.Context(), ada, "Ada")
	if err == nil || Permanent(err) {
		t.Fatalf("error %v", err)
	}
	tellsNothing(t, err)
}

func TestProvisionSlow(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(release) })
	c, err := New(s.URL, secret.NewText(testKey))
	if err != nil {
		t.Fatal(err)
	}
	if c.http.Timeout != callTimeout {
		t.Errorf("timeout %v, want %v", c.http.Timeout, callTimeout)
	}
	c.http.Timeout = 30 * time.Millisecond
	if _, err := c.Provision(t.Context(), ada, "Ada"); err == nil || Permanent(err) || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("by the client's own limit: %v", err)
	}
	c.http.Timeout = callTimeout
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := c.Provision(ctx, ada, "Ada"); err == nil || Permanent(err) {
		t.Errorf("by the caller's limit: %v", err)
	}
	cancelled, cancelNow := context.WithCancel(t.Context())
	cancelNow()
	if _, err := c.Provision(cancelled, ada, "Ada"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestProvisionNobodyThere(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	c, err := New(s.URL, secret.NewText(testKey))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Provision(t.Context(), ada, "Ada"); err == nil || Permanent(err) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error %v", err)
	}
}

// A plain-HTTP Synapse behind an https URL, and a certificate nobody trusts.
func TestProvisionTLS(t *testing.T) {
	plain := newStandIn(t, nonceOK, seatOK, done)
	sealed := httptest.NewTLSServer(http.NotFoundHandler())
	sealed.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(sealed.Close)
	for _, url := range []string{strings.Replace(plain.URL, "http:", "https:", 1), sealed.URL} {
		c, err := New(url, secret.NewText(testKey))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Provision(t.Context(), ada, "Ada"); err == nil || Permanent(err) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestProvisionRefusesOddUsers(t *testing.T) {
	s := newStandIn(t, nonceOK, seatOK, done)
	for _, user := range []gate.PrincipalID{"", "admin", "0D7C1E9E-8F0B-4A0E-9B43-3A2F6D0C9A11", "{0d7c1e9e-8f0b-4a0e-9b43-3a2f6d0c9a11}"} {
		if _, err := s.client(t).Provision(t.Context(), user, "Ada"); err == nil {
			t.Errorf("user %q accepted", user)
		}
	}
	if len(s.calls) != 0 {
		t.Errorf("Synapse was asked: %v", s.calls)
	}
}

// Neither connections nor goroutines stay behind, however a call ends.
func TestProvisionLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	huge := says(200, strings.Repeat("x", 16*maxAnswer))
	for _, register := range []reply{seatOK, taken, huge, wrongKey} {
		s := newStandIn(t, nonceOK, register, seatOK)
		for range 5 {
			_, _ = s.client(t).Provision(t.Context(), ada, "Ada")
		}
		s.Close()
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}
