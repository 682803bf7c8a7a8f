package connector

import (
	"context"
	"errors"

	"github.com/gatehouse/gatehouse/internal/secret"
)

// Answer is what the browser brought back from the provider, and what was kept of
// the Start, which the caller found by the state and for this provider.
type Answer struct {
	Code        secret.Text
	Issuer      string // the parameter iss (RFC 9207), "" if there was none
	RedirectURI string
	Nonce       string
	Verifier    secret.Text
}

const (
	stepUserinfo = "userinfo"
	maxCode      = 8 << 10
)

var errAnswer = errors.New("a sign-in ends with the redirect URI, the PKCE verifier and, with OpenID, the nonce that it began with")

// Finish trades the code for tokens and says who signed in. It may be called once
// for a code. Errors are of all four kinds; the code is sent to nobody when the
// answer names another issuer.
func (c *Client) Finish(ctx context.Context, a Answer) (Profile, error) {
	ctx, cancel := context.WithTimeout(ctx, totalTimeout)
	defer cancel()
	if a.RedirectURI == "" || !goodVerifier(a.Verifier) || a.Nonce == "" && c.settings.Kind == OpenID {
		return Profile{}, c.named(errAnswer)
	}
	profile, err := c.finish(ctx, a)
	return profile, c.named(err)
}

func (c *Client) finish(ctx context.Context, a Answer) (Profile, error) {
	if code := a.Code.Reveal(); !good(code, maxCode) {
		return Profile{}, fail(ErrRefused, "code", "missing, or none that a provider would make")
	}
	m, err := c.about(ctx)
	if err != nil {
		return Profile{}, err
	}
	if err := c.checkIssuer(m, a.Issuer); err != nil {
		return Profile{}, err
	}
	tokens, err := c.exchange(ctx, m, a)
	if err != nil {
		return Profile{}, err
	}
	if c.settings.Kind == OAuth2 {
		return c.askPlain(ctx, tokens)
	}
	return c.identify(ctx, m, tokens, a.Nonce)
}

// identify makes a profile of the ID token and, if that lacks the address or the
// name, of userinfo.
func (c *Client) identify(ctx context.Context, m metadata, tokens Tokens, nonce string) (Profile, error) {
	raw, claims, err := c.verify(ctx, m, tokens, nonce)
	if err != nil {
		return Profile{}, err
	}
	subject, ok := subjectOf(claims)
	if !ok {
		return Profile{}, fail(ErrUntrusted, stepIDToken, "it names nobody (sub)")
	}
	p := Profile{Issuer: c.issuer, Subject: subject, Claims: boundedClaims(raw), Tokens: tokens}
	p.complete(claims, false)

	addressIsKnown := claims.has("email")
	if m.Userinfo == "" || addressIsKnown && p.Name != "" {
		return p, nil
	}
	more, err := c.userinfo(ctx, m, tokens, subject)
	switch {
	case err == nil:
		p.complete(more, addressIsKnown)
	case !addressIsKnown || errors.Is(err, ErrUntrusted):
		return Profile{}, err
	}
	return p, nil // a name is not worth failing for
}

// userinfo returns what the provider says of the subject (OpenID Connect Core 1.0
// §5.3). An answer about anybody else means that somebody is at work. It is not
// go-oidc's, which takes "true" in quotes for true and leaves the subject to us.
func (c *Client) userinfo(ctx context.Context, m metadata, tokens Tokens, subject string) (document, error) {
	d, _, err := c.ask(ctx, stepUserinfo, m.Userinfo, tokens.Access)
	if err != nil {
		return nil, err
	}
	if about, ok := subjectOf(d); !ok || about != subject {
		return nil, fail(ErrUntrusted, stepUserinfo, "it is about somebody else than the ID token (sub)")
	}
	return d, nil
}

// ask returns a document that tells about the owner of the token.
func (c *Client) ask(ctx context.Context, step, address string, bearer secret.Text) (document, []byte, error) {
	a, err := c.get(ctx, step, address, bearer)
	if err != nil {
		return nil, nil, err
	}
	if err := a.isJSON(); err != nil {
		return nil, nil, err
	}
	d, ok := readDocument(a.body)
	if !ok {
		return nil, nil, fail(ErrUnavailable, step, "the answer is not a JSON object that can be read in one way only")
	}
	return d, a.body, nil
}
