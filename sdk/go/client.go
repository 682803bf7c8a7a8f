package gatehouse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Client speaks with the auth service: it signs people in and manages API keys.
// It may be used by many goroutines at once.
//
// Its errors are *Refusal. Beside those of a Verifier there is ErrRejected for what
// the auth service does not accept; too many attempts are ErrUnavailable with
// RetryAfter.
type Client struct{ settings settings }

// NewClient makes a Client. Of the options, it uses AuthURL, Timeout, Transport and
// Clock. It asks nobody yet.
func NewClient(options Options) (*Client, error) {
	s, err := options.settings()
	if err != nil {
		return nil, err
	}
	return &Client{settings: s}, nil
}

// Session is what signing in gives.
type Session struct {
	Token     string    // show it as Bearer or as the cookie session_token
	Actor     *Actor    // who signed in
	ExpiresAt time.Time // when the token does
}

// APIKey is an API key as its owner sees it.
type APIKey struct {
	ID          string     `json:"id"`
	Key         string     `json:"key"`         // only from CreateAPIKey: nobody can say it again
	Preview     string     `json:"key_preview"` // its first digits; only from ListAPIKeys
	Description string     `json:"description"`
	Scopes      []string   `json:"scopes"`
	CreatedAt   time.Time  `json:"created_at"`
	ExpiresAt   *time.Time `json:"expires_at"` // nil: never
	LastUsed    *time.Time `json:"last_used"`  // nil: never
	Active      bool       `json:"is_active"`  // neither expired nor deleted
}

// NewAPIKey says what an API key is to be.
type NewAPIKey struct {
	Description string   `json:"description"`
	ExpiresDays int      `json:"expires_days"`     // 0: never
	Scopes      []string `json:"scopes,omitempty"` // nil: everything that its actor may do
}

// Login signs in. ErrUnauthenticated: e-mail address or password is wrong.
func (c *Client) Login(ctx context.Context, email, password string) (*Session, error) {
	body := map[string]string{"email": email, "password": password}
	a, err := c.do(ctx, request{method: http.MethodPost, path: "/auth/login", body: body, password: password})
	if err != nil {
		return nil, err
	}
	object, _ := parseObject(a.body)
	token, _ := object["session_token"].(string)
	expires, _ := object["expires_at"].(string)
	session := &Session{Token: token, Actor: readActor(object["actor"])}
	if session.ExpiresAt, err = time.Parse(time.RFC3339, expires); err != nil || visible(token) == "" || session.Actor == nil {
		return nil, unreadable()
	}
	return session, nil
}

// Me returns who a session token, an API key or a JWT belongs to.
func (c *Client) Me(ctx context.Context, credential string) (*Actor, error) {
	a, err := c.do(ctx, request{method: http.MethodGet, path: "/auth/me", credential: credential})
	if err != nil {
		return nil, err
	}
	return actorIn(a)
}

// Logout ends the session of a session token.
func (c *Client) Logout(ctx context.Context, credential string) error {
	_, err := c.do(ctx, request{method: http.MethodPost, path: "/auth/logout", body: struct{}{}, credential: credential})
	return err
}

// CreateAPIKey makes an API key for the actor of a session token. Its Key is shown
// this once.
func (c *Client) CreateAPIKey(ctx context.Context, credential string, wish NewAPIKey) (*APIKey, error) {
	a, err := c.do(ctx, request{method: http.MethodPost, path: "/auth/api-keys", body: wish, credential: credential})
	if err != nil {
		return nil, err
	}
	var key APIKey
	if json.Unmarshal(a.body, &key) != nil || key.ID == "" || key.Key == "" {
		return nil, unreadable()
	}
	return &key, nil
}

// ListAPIKeys returns the API keys of the actor, the newest first.
func (c *Client) ListAPIKeys(ctx context.Context, credential string) ([]APIKey, error) {
	a, err := c.do(ctx, request{method: http.MethodGet, path: "/auth/api-keys", credential: credential})
	if err != nil {
		return nil, err
	}
	var keys []APIKey
	if json.Unmarshal(a.body, &keys) != nil {
		return nil, unreadable()
	}
	return keys, nil
}

// DeleteAPIKey ends an API key of the actor. ErrRejected with status 404: they have
// none with this id.
func (c *Client) DeleteAPIKey(ctx context.Context, credential, id string) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: "/auth/api-keys/" + url.PathEscape(id), credential: credential})
	return err
}

const maxClientAnswer = 1 << 20 // bytes; a list of keys can be long

// request is one question of a Client.
type request struct {
	method, path string
	credential   string // "" for none
	password     string // in the body; "" for none
	body         any    // nil for none
}

// do sends one request and returns an answer of 200 or 201; others are errors.
func (c *Client) do(ctx context.Context, in request) (answer, error) {
	if visible(in.credential) != in.credential {
		return answer{}, unauthenticated("the credential cannot be one")
	}
	var body bytes.Buffer
	if in.body != nil {
		if err := json.NewEncoder(&body).Encode(in.body); err != nil {
			return answer{}, unavailable(err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, in.method, c.settings.authURL+in.path, &body)
	if err != nil {
		return answer{}, unavailable(errors.New("a request that cannot be made"))
	}
	if in.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	credentials{bearer: in.credential}.present(r.Header)
	a, err := c.settings.http.ask(r, maxClientAnswer)
	if err != nil {
		return answer{}, unavailable(fmt.Errorf("the auth service: %w", err))
	}
	return a, a.refusalOf(in)
}

// refusalOf is the error that an answer to a request is, or nil.
func (a answer) refusalOf(in request) error {
	switch {
	case a.status == http.StatusOK || a.status == http.StatusCreated:
		return nil
	case a.status == http.StatusUnauthorized:
		return unauthenticated(a.detailFor(in, "the credential was refused"))
	case a.status == http.StatusForbidden:
		return forbidden(a.detailFor(in, "this actor may not do that"))
	case a.status >= 400 && a.status < 500 && a.status != http.StatusTooManyRequests:
		return &Refusal{Kind: ErrRejected, Status: a.status, Detail: a.detailFor(in, "the auth service does not accept this")}
	}
	return a.unavailable()
}

// detailFor returns the auth service's own words, if it has some that are short and
// quote no secret. A list of problems is left out: those may quote what was sent.
func (a answer) detailFor(in request, otherwise string) string {
	object, _ := parseObject(a.body)
	words, _ := object["detail"].(string)
	for _, secret := range []string{in.credential, in.password} {
		if secret != "" && strings.Contains(words, secret) {
			return otherwise
		}
	}
	if words == "" || len(words) > maxDetail || strings.ContainsFunc(words, unicode.IsControl) {
		return otherwise
	}
	return words
}

const maxDetail = 300 // bytes

func unreadable() *Refusal {
	return unavailable(errors.New("the auth service gives an answer that cannot be read"))
}
