package connector

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// Start is what a sign-in begins with. State, nonce and verifier are random and
// new for every sign-in, and are kept where only the same browser can come back to
// them; making and keeping them is the caller's.
type Start struct {
	State       string
	Nonce       string      // not needed for plain OAuth 2.0
	Verifier    secret.Text // PKCE (RFC 7636): 43 to 128 of A-Z a-z 0-9 - . _ ~
	RedirectURI string
	Prompt      string   // such as login, consent, select_account; may be empty
	LoginHint   string   // may be empty; one that is unfit to send is left out
	Scopes      []string // beside those of the settings
}

const maxHint = 320

var errStart = errors.New("a sign-in begins with a state, a redirect URI, a PKCE verifier of 43 to 128 characters and, with OpenID, a nonce")

// AuthorizationURL returns where to send the browser: the code flow, always with
// PKCE S256. Errors are ErrUnavailable, ErrMisconfigured and ErrUntrusted, of
// discovery.
func (c *Client) AuthorizationURL(ctx context.Context, s Start) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, totalTimeout)
	defer cancel()
	if s.State == "" || s.RedirectURI == "" || !goodVerifier(s.Verifier) || s.Nonce == "" && c.settings.Kind == OpenID {
		return "", c.named(errStart)
	}
	m, err := c.about(ctx)
	if err != nil {
		return "", c.named(err)
	}
	return c.authorizationURL(m, s), nil
}

// authorizationURL is not x/oauth2's AuthCodeURL because that sorts the parameters,
// and clients that are in the field expect this order.
func (c *Client) authorizationURL(m metadata, s Start) string {
	parameters := newQuery()
	parameters.add("response_type", "code")
	parameters.add("client_id", c.settings.ClientID)
	parameters.add("state", s.State)
	parameters.addIf("scope", strings.Join(c.scopes(s.Scopes), " "))
	parameters.add("redirect_uri", s.RedirectURI)
	if c.settings.Kind == OpenID {
		parameters.add("nonce", s.Nonce)
	}
	parameters.addIf("prompt", s.Prompt)
	if len(s.LoginHint) <= maxHint && gate.CleanText(s.LoginHint) {
		parameters.addIf("login_hint", s.LoginHint)
	}
	parameters.add("code_challenge_method", "S256")
	parameters.add("code_challenge", oauth2.S256ChallengeFromVerifier(s.Verifier.Reveal()))
	return parameters.after(m.Authorize)
}

// scopes is what is asked for: the sign-in's own first, each once.
func (c *Client) scopes(own []string) []string {
	var all []string
	for _, scope := range slices.Concat(own, c.settings.Scopes) {
		if scopeForm.MatchString(scope) && !slices.Contains(all, scope) {
			all = append(all, scope)
		}
	}
	return all
}

// goodVerifier is RFC 7636 §4.1.
func goodVerifier(verifier secret.Text) bool {
	text := verifier.Reveal()
	return len(text) >= 43 && len(text) <= 128 && !strings.ContainsFunc(text, func(r rune) bool {
		return !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~", r))
	})
}
