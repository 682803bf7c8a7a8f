package connector

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse/gatehouse/internal/secret"
)

const (
	theClient   = "gatehouse client+1" // with signs that show how it is encoded
	theSecret   = "s3cret+/% of this house, at least 32 bytes"
	theRedirect = "https://house.example/callback"
	theAccess   = "access-token-of-the-test"
	theRefresh  = "refresh-token-of-the-test"
	theState    = "state-of-the-test"
	theNonce    = "nonce-of-the-test"
	theVerifier = "verifier-of-the-test-verifier-of-the-test-1"
	theCode     = "code-of-the-test"
)

// clock is a time that tests put forward.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var (
	rsaKey      = sync.OnceValue(func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k })
	anotherKey  = sync.OnceValue(func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k })
	ellipticKey = sync.OnceValue(func() *ecdsa.PrivateKey { k, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader); return k })
)

// provider is an identity provider that keeps to the standards until a test makes
// it do otherwise. It is the foreign party, and speaks HTTP.
type provider struct {
	*httptest.Server
	t     *testing.T
	clock *clock

	mu       sync.Mutex
	asked    map[string]int              // requests by path
	instead  map[string]http.HandlerFunc // in place of what is at a path
	metadata map[string]any
	keys     []jose.JSONWebKey
	userinfo string               // what userinfo answers
	claims   func(map[string]any) // changes the claims of ID tokens
	sign     func(claims map[string]any) string
	auth     ClientAuth // what the token endpoint takes
}

func serve(t *testing.T) *provider {
	p := &provider{t: t, clock: newClock(), asked: map[string]int{}, instead: map[string]http.HandlerFunc{}, auth: ClientSecretBasic}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, p.metadata) })
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, jose.JSONWebKeySet{Keys: p.keys}) })
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+theAccess {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write([]byte(p.userinfo))
	})
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked[r.URL.Path]++
		handler, special := p.instead[r.URL.Path]
		p.mu.Unlock()
		if special {
			handler(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	p.metadata = map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"jwks_uri": p.URL + "/keys", "userinfo_endpoint": p.URL + "/userinfo", "end_session_endpoint": p.URL + "/end",
		"id_token_signing_alg_values_supported": []string{"HS256", "RS256", "ES256", "none"},
	}
	p.keys = []jose.JSONWebKey{publicKey("one", rsaKey())}
	p.sign = func(claims map[string]any) string { return signed("RS256", "one", rsaKey(), claims) }
	p.userinfo = `{"sub":"subject-1","email":"ada@example.org","email_verified":true,"name":"Ada Lovelace"}`
	return p
}

func publicKey(kid string, key crypto.Signer) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key.Public(), KeyID: kid, Use: "sig"}
}

func reply(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document)
}

// token keeps to RFC 6749 and 7636 as a strict provider would.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	id, pass, basic := r.BasicAuth()
	if basic {
		id, _ = url.QueryUnescape(id)
		pass, _ = url.QueryUnescape(pass)
	}
	if p.auth == ClientSecretPost {
		id, pass = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	switch {
	case basic != (p.auth == ClientSecretBasic) || id != theClient || pass != theSecret:
		reply(w, 401, map[string]string{"error": "invalid_client", "error_description": pass})
	case r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("code") != theCode ||
		r.PostFormValue("redirect_uri") != theRedirect || r.PostFormValue("code_verifier") != theVerifier:
		reply(w, 400, map[string]string{"error": "invalid_grant", "error_description": r.PostFormValue("code")})
	default:
		reply(w, 200, map[string]any{
			"access_token": theAccess, "refresh_token": theRefresh, "token_type": "bearer", "expires_in": 3600,
			"scope": "openid email", "id_token": p.sign(p.goodClaims()),
		})
	}
}

func (p *provider) goodClaims() map[string]any {
	now := p.clock.Now().Unix()
	claims := map[string]any{
		"iss": p.URL, "sub": "subject-1", "aud": theClient, "exp": now + 300, "iat": now, "nonce": theNonce,
		"email": "ada@example.org", "email_verified": true, "name": "Ada Lovelace", "preferred_username": "ada",
		"picture": "https://example.org/ada.png", "locale": "en-GB", "at_hash": atHash(theAccess),
	}
	if p.claims != nil {
		p.claims(claims)
	}
	return claims
}

func atHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// signed makes a token with any header and key.
func signed(algorithm, kid string, key any, claims any) string {
	payload, _ := json.Marshal(claims)
	return signedBytes(algorithm, kid, key, payload)
}

func signedBytes(algorithm, kid string, key any, payload []byte) string {
	options := (&jose.SignerOptions{}).WithType("JWT")
	if kid != "" {
		options = options.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(algorithm), Key: key}, options)
	if err != nil {
		panic(err)
	}
	token, _ := signer.Sign(payload)
	text, _ := token.CompactSerialize()
	return text
}

// do replaces what is at a path; a nil handler brings back what was there.
func (p *provider) do(path string, handler http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.instead[path] = handler; handler == nil {
		delete(p.instead, path)
	}
}

func (p *provider) requests(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

func (p *provider) settings() Settings {
	return Settings{
		ID: "test", Name: "Test", Kind: OpenID, Issuer: p.URL, ClientID: theClient, ClientSecret: secret.NewText(theSecret),
		AllowPrivate: true, AllowHTTP: true,
	}
}

// plainSettings are those for GitHub, at this provider.
func (p *provider) plainSettings() Settings {
	s := GitHub()
	s.ClientID, s.ClientSecret, s.AllowPrivate = theClient, secret.NewText(theSecret), true
	s.AuthorizeURL, s.TokenURL, s.UserinfoURL, s.EmailsURL = p.URL+"/authorize", p.URL+"/token", p.URL+"/user", p.URL+"/user/emails"
	return s
}

func (p *provider) client() *Client { return p.clientWith(p.settings()) }

func (p *provider) clientWith(s Settings) *Client {
	p.t.Helper()
	c, err := New(s, p.clock.Now)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func start() Start {
	return Start{State: theState, Nonce: theNonce, Verifier: secret.NewText(theVerifier), RedirectURI: theRedirect}
}

func theAnswer() Answer {
	return Answer{Code: secret.NewText(theCode), RedirectURI: theRedirect, Nonce: theNonce, Verifier: secret.NewText(theVerifier)}
}

// finish ends a sign-in, and sees that no error tells a secret.
func finish(t *testing.T, c *Client, a Answer) (Profile, error) {
	t.Helper()
	profile, err := c.Finish(context.Background(), a)
	tellsNothing(t, err)
	if err != nil && profile.Subject+profile.Email+profile.Tokens.Access.Reveal() != "" {
		t.Errorf("an error, and yet a profile of %q", profile.Subject)
	}
	return profile, err
}

func tellsNothing(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, hidden := range []string{theSecret, url.QueryEscape(theSecret), theAccess, theRefresh, theVerifier, theCode, theNonce, "eyJ", "ada@"} {
		if strings.Contains(err.Error(), hidden) {
			t.Errorf("the error tells %q: %v", hidden, err)
		}
	}
}
