// Package connector is the client of one upstream identity provider: Gatehouse
// as an OpenID relying party (OpenID Connect Core 1.0, code flow with PKCE), or
// as a client of plain OAuth 2.0 where a provider has nothing better.
//
// It promises that a Profile is what the configured provider says about whoever
// came back with the code, or there is none: issuer, audience, algorithm,
// signature, times, nonce and at_hash of the ID token hold; userinfo is of the
// same subject; an address and whether it was verified come from one document.
// What to make of a profile (whose account it is) is decided elsewhere.
//
// It also promises that a provider can do no more harm than not to answer. No
// call happens before the first use; none takes longer than callTimeout, all of
// one sign-in no longer than totalTimeout; answers are bounded; redirects and
// proxies from the environment are not followed; nothing inside the network is
// dialled unless the operator said so. While a provider is away, callers hear
// that at once instead of waiting.
//
// Every error is one of four kinds, see errors.go. None holds a token, a code, a
// secret, or words of the other side.
package connector

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// Client speaks to one provider. It is safe for concurrent use.
type Client struct {
	settings  Settings
	issuer    string
	clock     gate.Clock
	http      *http.Client
	discovery *kept[metadata]
	keys      *kept[keySet]
}

// New returns a client for the provider, or what Settings.Check says. It asks
// nobody anything: a provider that is down never stops the start.
func New(settings Settings, clock gate.Clock) (*Client, error) {
	if err := settings.Check(); err != nil {
		return nil, fmt.Errorf("identity provider %s: %w", settings.ID, err)
	}
	settings.Scopes = slices.Clone(settings.Scopes)
	settings.Algorithms = slices.Clone(settings.Algorithms)
	if len(settings.Scopes) == 0 && settings.Kind == OpenID {
		settings.Scopes = []string{openidScope, "email", "profile"}
	}
	c := &Client{
		settings: settings,
		issuer:   settings.Issuer,
		clock:    clock,
		http:     newHTTPClient(newDialer(settings.AllowPrivate)),
	}
	if settings.Kind == OAuth2 {
		c.issuer = originOf(settings.AuthorizeURL)
	}
	c.discovery = &kept[metadata]{fetch: c.discover, clock: clock}
	c.keys = &kept[keySet]{fetch: c.fetchKeys, clock: clock}
	return c, nil
}

// ID is the provider's name in URLs.
func (c *Client) ID() string { return c.settings.ID }

// Name is the provider's name for people.
func (c *Client) Name() string { return c.settings.Name }

// Issuer is the Issuer of every profile that comes from this client.
func (c *Client) Issuer() string { return c.issuer }

// named says in an error which provider it is about.
func (c *Client) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("identity provider %s: %w", c.settings.ID, err)
}
