package connector

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// Tokens are what the provider gave for the code.
type Tokens struct {
	Access  secret.Text
	Refresh secret.Text // empty if there is none
	ID      secret.Text // empty with plain OAuth 2.0
	Expires time.Time   // of the access token; zero if the provider does not say
	Scope   string      // as the provider says; "" means what was asked for
}

const (
	stepToken   = "token endpoint"
	maxScope    = 4096
	maxLifetime = 10 * 365 * 24 * time.Hour
)

// exchange trades the code for tokens (RFC 6749 §4.1.3). It is not x/oauth2's
// Exchange, which asks the wall clock, tells the format of an answer by its content
// type, and quotes whole answers, tokens and all, in its errors.
func (c *Client) exchange(ctx context.Context, m metadata, a Answer) (Tokens, error) {
	form := url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {a.Code.Reveal()},
		"redirect_uri":  {a.RedirectURI},
		"code_verifier": {a.Verifier.Reveal()},
	}
	basic := c.clientAuth(m) == ClientSecretBasic
	if !basic {
		form.Set("client_id", c.settings.ClientID)
		form.Set("client_secret", c.settings.ClientSecret.Reveal())
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Token, strings.NewReader(form.Encode()))
	if err != nil {
		return Tokens{}, fail(ErrMisconfigured, stepToken, "the address cannot be used")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic { // RFC 6749 §2.3.1: both are encoded before they are put together
		request.SetBasicAuth(url.QueryEscape(c.settings.ClientID), url.QueryEscape(c.settings.ClientSecret.Reveal()))
	}
	answer, err := c.send(stepToken, request, maxTokens)
	if err != nil {
		return Tokens{}, err
	}
	return c.readTokens(answer)
}

// clientAuth is what was set, or what the provider takes.
func (c *Client) clientAuth(m metadata) ClientAuth {
	switch {
	case c.settings.ClientAuth != "":
		return c.settings.ClientAuth
	case !slices.Contains(m.ClientAuths, string(ClientSecretBasic)) && slices.Contains(m.ClientAuths, string(ClientSecretPost)):
		return ClientSecretPost
	}
	return ClientSecretBasic
}

type tokenAnswer struct {
	Access  string    `json:"access_token"`
	Type    string    `json:"token_type"`
	Refresh string    `json:"refresh_token"`
	ID      string    `json:"id_token"`
	Expires jsonValue `json:"expires_in"`
	Scope   string    `json:"scope"`
	Error   string    `json:"error"`
}

func (c *Client) readTokens(a answer) (Tokens, error) {
	var said tokenAnswer
	err := a.decode(&said)
	switch {
	case a.status != http.StatusOK || err == nil && said.Error != "": // GitHub answers 200 to everything
		return Tokens{}, tokenProblem(a.status, said.Error)
	case err != nil:
		return Tokens{}, err
	}
	if err := a.isJSON(); err != nil {
		return Tokens{}, err
	}
	switch {
	case !sendable(said.Access):
		return Tokens{}, fail(ErrUntrusted, stepToken, "there is no access token that could be used")
	case !strings.EqualFold(said.Type, "Bearer"):
		return Tokens{}, fail(ErrUntrusted, stepToken, "the access token is not a bearer token") // RFC 6749 §7.1
	}
	tokens := Tokens{Access: secret.NewText(said.Access), ID: secret.NewText(said.ID), Expires: c.expiry(said.Expires)}
	if sendable(said.Refresh) {
		tokens.Refresh = secret.NewText(said.Refresh)
	}
	if len(said.Scope) <= maxScope && gate.CleanText(said.Scope) {
		tokens.Scope = said.Scope
	}
	return tokens, nil
}

// tokenProblem tells the kinds of refusals apart by their codes (RFC 6749 §5.2,
// and what GitHub has instead). Only codes that are known are repeated.
func tokenProblem(status int, code string) error {
	kind, reason := ErrMisconfigured, "HTTP "+strconv.Itoa(status)
	switch code {
	case "invalid_grant", "bad_verification_code":
		kind = ErrRefused
	case "temporarily_unavailable", "server_error", "slow_down":
		kind = ErrUnavailable
	case "invalid_client", "incorrect_client_credentials", "unauthorized_client", "invalid_request", "invalid_scope",
		"unsupported_grant_type", "redirect_uri_mismatch":
	default:
		return fail(kind, stepToken, reason+", without a code that is known")
	}
	return fail(kind, stepToken, reason+", "+code)
}

// expiry reads expires_in, which some providers send as text.
func (c *Client) expiry(value jsonValue) time.Time {
	seconds, err := strconv.ParseFloat(strings.Trim(string(value), `"`), 64)
	if err != nil || !(seconds > 0 && seconds <= maxLifetime.Seconds()) {
		return time.Time{}
	}
	return c.clock().Add(time.Duration(seconds) * time.Second)
}

// sendable reports whether a token can stand in a header (RFC 6749 §A.12).
func sendable(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}
