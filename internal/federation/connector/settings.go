package connector

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// Kind is what a provider speaks.
type Kind string

// The two kinds of providers.
const (
	OpenID Kind = "oidc"   // OpenID Connect, found by discovery
	OAuth2 Kind = "oauth2" // plain OAuth 2.0 with an API that tells who it is, such as GitHub's
)

// ClientAuth is how this house proves to the token endpoint who it is.
type ClientAuth string

// The ways to send the client's secret (RFC 6749 §2.3.1). The empty one leaves it
// to discovery, and is ClientSecretBasic where that says nothing.
const (
	ClientSecretBasic ClientAuth = "client_secret_basic"
	ClientSecretPost  ClientAuth = "client_secret_post"
)

// Settings describe one provider.
type Settings struct {
	ID   string // in URLs: a-z, 0-9 and "-", at most 32
	Name string // what people read
	Kind Kind

	Issuer       string // OpenID only
	ClientID     string
	ClientSecret secret.Text
	ClientAuth   ClientAuth
	Scopes       []string // with OpenID, none means openid, email, profile
	Algorithms   []string // of ID tokens; none means what discovery offers of ours

	// Plain OAuth 2.0 only; see GitHub. EmailsURL may be empty.
	AuthorizeURL, TokenURL, UserinfoURL, EmailsURL string

	AllowPrivate bool // the provider may be on a private address, or this machine
	AllowHTTP    bool // it may speak http; without this, only at a loopback address
}

// GitHub returns what is the same for everybody who signs in with GitHub. ID, name
// and scopes can be changed; client id and secret must be added.
func GitHub() Settings {
	return Settings{
		ID: "github", Name: "GitHub", Kind: OAuth2,
		Scopes:       []string{"read:user", "user:email"},
		AuthorizeURL: "https://github.com/login/oauth/authorize",
		TokenURL:     "https://github.com/login/oauth/access_token",
		UserinfoURL:  "https://api.github.com/user",
		EmailsURL:    "https://api.github.com/user/emails",
	}
}

const (
	openidScope = "openid"
	maxURL      = 2048
	maxName     = 200 // bytes: 50 characters in any script
	maxClientID = 255
)

// ours are the algorithms that ID tokens may be signed with. Those that need a
// shared secret, and "none", are missing on purpose: Settings cannot add them.
var ours = []string{"RS256", "ES256", "EdDSA", "PS256", "RS384", "ES384", "PS384", "RS512", "ES512", "PS512"}

var (
	idForm    = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	scopeForm = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,255}$`) // RFC 6749 §3.3
)

// Check returns everything that is wrong with the settings, one line each, which
// names the field and says what a good value looks like. It never shows the secret.
func (s Settings) Check() error {
	problems := []error{
		unless(idForm.MatchString(s.ID), "ID", "1 to 32 of a-z, 0-9 and -, such as google"),
		unless(good(s.Name, maxName), "Name", "what people read on the button, such as Google"),
		unless(s.Kind == OpenID || s.Kind == OAuth2, "Kind", "oidc or oauth2"),
		unless(good(s.ClientID, maxClientID), "ClientID", "the id that the provider gave this house"),
		unless(!s.ClientSecret.Empty() && gate.CleanText(s.ClientSecret.Reveal()), "ClientSecret", "the secret that the provider gave this house"),
		unless(s.ClientAuth == "" || s.ClientAuth == ClientSecretBasic || s.ClientAuth == ClientSecretPost,
			"ClientAuth", "client_secret_basic, client_secret_post or empty"),
	}
	for _, scope := range s.Scopes {
		problems = append(problems, unless(scopeForm.MatchString(scope), "Scopes", "words without spaces, such as openid"))
	}
	switch s.Kind {
	case OpenID:
		problems = append(problems, s.checkOpenID()...)
	case OAuth2:
		problems = append(problems, s.checkPlain()...)
	}
	return errors.Join(problems...)
}

func (s Settings) checkOpenID() []error {
	issuer, ok := s.parse(s.Issuer)
	problems := []error{
		unless(ok && issuer.RawQuery == "" && !issuer.ForceQuery, "Issuer",
			"exactly what the provider calls itself, such as https://id.example.org, without user, query or fragment"),
		unless(len(s.Scopes) == 0 || slices.Contains(s.Scopes, openidScope), "Scopes", "a list with openid in it"),
		unless(s.AuthorizeURL+s.TokenURL+s.UserinfoURL+s.EmailsURL == "", "AuthorizeURL, TokenURL, UserinfoURL, EmailsURL",
			"empty for OpenID providers, because discovery tells them"),
	}
	for _, algorithm := range s.Algorithms {
		problems = append(problems, unless(slices.Contains(ours, algorithm), "Algorithms", "of "+strings.Join(ours, ", ")))
	}
	return problems
}

func (s Settings) checkPlain() []error {
	problems := []error{
		unless(s.Issuer == "", "Issuer", "empty for plain OAuth 2.0, where it is the origin of AuthorizeURL"),
		unless(len(s.Algorithms) == 0, "Algorithms", "empty for plain OAuth 2.0, which has no ID tokens"),
	}
	for _, field := range []struct{ name, url string }{
		{"AuthorizeURL", s.AuthorizeURL}, {"TokenURL", s.TokenURL}, {"UserinfoURL", s.UserinfoURL}, {"EmailsURL", s.EmailsURL},
	} {
		_, ok := s.parse(field.url)
		optional := field.name == "EmailsURL" && field.url == ""
		problems = append(problems, unless(ok || optional, field.name, "a URL such as https://example.org/path, without user or fragment"))
	}
	return problems
}

func unless(ok bool, field, good string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%s must be %s", field, good)
}

// good reports whether a text from outside is there, short enough, clean, and
// without white space around it.
func good(text string, limit int) bool {
	return text != "" && len(text) <= limit && gate.CleanText(text) && strings.TrimSpace(text) == text
}

// parse reads a URL of the provider. Users and passwords are refused because
// errors would show them; http, unless it was allowed or never leaves the machine.
func (s Settings) parse(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	if err != nil || !good(text, maxURL) || u.Opaque != "" || u.Hostname() == "" || u.User != nil || strings.Contains(text, "#") {
		return nil, false
	}
	return u, u.Scheme == "https" || u.Scheme == "http" && (s.AllowHTTP || isLoopback(u.Hostname()))
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

// originOf is scheme, host and port of a URL, "" if it is none.
func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}
