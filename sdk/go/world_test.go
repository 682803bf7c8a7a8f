package gatehouse

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// clock is a time that tests put forward.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_800_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// server counts its requests and does what a test says for each.
type server struct {
	URL   string
	asked atomic.Int64

	mu     sync.Mutex
	answer http.HandlerFunc
}

func newServer(t testing.TB, answer http.HandlerFunc) *server {
	s := &server{answer: answer}
	listening := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.mu.Lock()
		answer := s.answer
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(listening.Close)
	s.URL = listening.URL
	return s
}

func (s *server) answers(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *server) wasAsked(t testing.TB, times int64) {
	t.Helper()
	if asked := s.asked.Load(); asked != times {
		t.Errorf("asked %d times, want %d", asked, times)
	}
}

func says(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// waitFor waits for something that another goroutine is about to do.
func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for " + what)
		}
	}
}

const ada = `{"actor_id":"user:93","actor_type":"human","microdao_ids":["microdao:daarion","microdao:7"],"roles":["member","microdao_owner"],"user_id":"93","display_name":"Ada"}`

func newVerifier(t testing.TB, options Options) *Verifier {
	t.Helper()
	t.Setenv("AUTH_SERVICE_URL", "")
	t.Setenv("GATEHOUSE_ISSUER", "")
	v, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// request makes one with headers as names and values in turn.
func requestWith(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func mustBe(t testing.TB, err, kind error) *Refusal {
	t.Helper()
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok || !errors.Is(err, kind) {
		t.Fatalf("the error is %v, want %v", err, kind)
	}
	return refusal
}

func mustKnow(t testing.TB, actor *Actor, err error, id string) {
	t.Helper()
	if err != nil || actor == nil || actor.ID != id {
		t.Fatalf("it is %+v, %v; want %s", actor, err, id)
	}
}

// issuer makes tokens, and serves the keys that they can be verified with.
type issuer struct {
	*server
	clock *clock
	key   *ecdsa.PrivateKey
	kid   string
}

func newIssuer(t testing.TB) *issuer {
	i := &issuer{clock: newClock()}
	i.rotate("first")
	i.server = newServer(t, i.keys())
	return i
}

// rotate makes another key, which is not served before keys.
func (i *issuer) rotate(kid string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	i.key, i.kid = key, kid
}

func (i *issuer) keys() http.HandlerFunc {
	return says(http.StatusOK, jwks(jose.JSONWebKey{Key: i.key.Public(), KeyID: i.kid, Algorithm: "ES256", Use: "sig"}))
}

func jwks(keys ...jose.JSONWebKey) string {
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (i *issuer) token() string { return i.tokenFor(i.URL, i.kid) }

func (i *issuer) tokenFor(audience, kid string) string {
	return signed(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: kid}}, i.claims(audience))
}

func (i *issuer) claims(audience string) string {
	claims, err := json.Marshal(map[string]any{
		"iss": i.URL, "aud": audience, "sub": "93", "actor": json.RawMessage(ada),
		"iat": i.clock.Now().Unix(), "exp": i.clock.Now().Add(48 * time.Hour).Unix(),
	})
	if err != nil {
		panic(err)
	}
	return string(claims)
}

func signed(key jose.SigningKey, claims string) string {
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign([]byte(claims))
	if err != nil {
		panic(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return token
}

func (i *issuer) verifier(t testing.TB) *Verifier {
	return newVerifier(t, Options{Issuer: i.URL, Clock: i.clock.Now})
}

// readVectors reads one of the files that the SDKs of all languages share.
func readVectors(t testing.TB, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}
