// Package federation sends browsers to upstream providers and takes them back.
// It keeps the flows that are under way, each bound to the browser that began it
// and to the provider it went to, and lets the connector verify what the
// provider says. Whose account that is, account decides.
//
// Nothing that a flow is protected with is stored: of the state and of what the
// browser keeps there are digests, and nonce and PKCE verifier follow from the
// state under a key of the house.
package federation

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/gatehouse/gatehouse/internal/federation/connector"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Provider is an upstream provider, and what its word counts here.
type Provider struct {
	*connector.Client
	TrustEmail   bool // its users own the addresses that it tells, whether or not it says so
	WithoutEmail bool // an account may be opened for somebody whose address it does not tell
	SignUp       bool // it may open accounts
}

// Service conducts flows with the providers of a house.
type Service struct {
	DB        *store.DB
	Providers map[string]Provider // by id
	Key       []byte              // derives nonces and verifiers
	Clock     gate.Clock
}

const (
	// lifetime is how long somebody may take at the provider: to sign in there, to
	// find the second factor, to read what they consent to.
	lifetime = 10 * time.Minute

	// echo is how long the browser that came back may come back again and is told
	// the same: it was impatient, or fetched the page ahead.
	echo = 30 * time.Second

	// patience is how long it waits for the first of the two to get through.
	patience = 12 * time.Second
	glance   = 100 * time.Millisecond
)

// Departure is what a flow begins with.
type Departure struct {
	Provider    string
	Browser     secret.Text      // that it keeps from an earlier flow, empty for none
	Principal   gate.PrincipalID // whose account is to be connected, "" to sign in
	Destination string           // in the face's own words
	RedirectURI string
	Scopes      []string // beside those of the provider's settings
	LoginHint   string
	Prompt      string
}

// Depart returns where to send the browser, and what it has to keep until it is
// back. Flows of one browser share that, so that two tabs do not disturb each
// other.
//
// Refused: gate.ErrProviderUnknown, gate.ErrProviderAway, gate.ErrProviderSetup,
// gate.ErrProviderUntrusted; gate.ErrPrincipalGone for a user who was removed.
func (s *Service) Depart(ctx context.Context, tenant gate.TenantID, d Departure) (address string, browser secret.Text, err error) {
	p, known := s.Providers[d.Provider]
	if !known {
		return "", browser, gate.ErrProviderUnknown
	}
	state := secret.New("fs")
	address, err = p.AuthorizationURL(ctx, connector.Start{
		State: state.Reveal(), Nonce: s.derive("nonce", state), Verifier: secret.NewText(s.derive("verifier", state)),
		RedirectURI: d.RedirectURI, Scopes: d.Scopes, LoginHint: d.LoginHint, Prompt: d.Prompt,
	})
	if err != nil {
		return "", browser, inOurWords(err)
	}
	if browser = d.Browser; !secret.WellFormed("fb", browser) {
		browser = secret.New("fb")
	}
	flow := gate.Flow{Connector: d.Provider, Principal: d.Principal, Destination: d.Destination, ExpiresAt: s.Clock().Add(lifetime)}
	err = s.DB.Write(ctx, tenant, func(tx *store.Tx) error {
		if d.Principal != "" {
			if err := tx.LockMember(d.Principal); errors.Is(err, gate.ErrNotFound) { // removed just now
				return gate.ErrPrincipalGone
			} else if err != nil {
				return err
			}
		}
		return tx.AddFlow(secret.DigestOf(state), secret.DigestOf(browser), flow)
	})
	return address, browser, err
}

// derive makes what only we can make of a state: 43 characters that fit nonces
// and PKCE verifiers (RFC 7636 §4.1).
func (s *Service) derive(purpose string, state secret.Text) string {
	mac := hmac.New(sha256.New, s.Key)
	mac.Write([]byte(purpose + "\x00" + state.Reveal()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// inOurWords says what clients may know of a provider's failure.
func inOurWords(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, connector.ErrUnavailable):
		return gate.ErrProviderAway.Because(err).After(connector.RetryAfter(err))
	case errors.Is(err, connector.ErrRefused):
		return gate.ErrProviderRefused.Because(err)
	case errors.Is(err, connector.ErrUntrusted):
		return gate.ErrProviderUntrusted.Because(err)
	}
	return gate.ErrProviderSetup.Because(err)
}
