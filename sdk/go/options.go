package gatehouse

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Options say how to verify. The zero value is good: it asks the auth service that
// the environment names.
type Options struct {
	// AuthURL is where the auth service is. Otherwise the environment's
	// AUTH_SERVICE_URL, otherwise http://localhost:7011.
	AuthURL string
	// Issuer issues JWTs, which are then verified here, with its keys. Otherwise
	// the environment's GATEHOUSE_ISSUER; without any, the auth service is asked
	// about JWTs, too.
	Issuer string
	// Audience is whom JWTs must be for. Otherwise the issuer.
	Audience string
	// JWKSURL is where the issuer's keys are. Otherwise
	// {issuer}/.well-known/jwks.json.
	JWKSURL string
	// Algorithms of signatures of JWTs, of ES256, ES384, ES512, RS256, RS384,
	// RS512, PS256, PS384, PS512 and EdDSA. Otherwise ES256 alone.
	Algorithms []string
	// Timeout is for one answer of the auth service or the issuer, connecting
	// included. Otherwise 5 s.
	Timeout time.Duration
	// Transport makes the requests. Otherwise one like http.DefaultTransport.
	Transport http.RoundTripper
	// Clock says what time it is, for tests. Otherwise time.Now.
	Clock func() time.Time
}

const (
	defaultAuthURL = "http://localhost:7011"
	defaultTimeout = 5 * time.Second
)

var asymmetric = []jose.SignatureAlgorithm{
	jose.ES256, jose.ES384, jose.ES512, jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.EdDSA,
}

// settings are options that were checked, with every default in its place.
type settings struct {
	authURL    string
	issuer     string // "" when the auth service is asked about JWTs, too
	audience   string
	jwksURL    string
	algorithms []jose.SignatureAlgorithm
	http       asker
	clock      func() time.Time
}

func (o Options) settings() (s settings, err error) {
	if s.authURL, err = httpURL("AuthURL", cmp.Or(o.AuthURL, os.Getenv("AUTH_SERVICE_URL"), defaultAuthURL)); err != nil {
		return s, err
	}
	if s.issuer = cmp.Or(o.Issuer, os.Getenv("GATEHOUSE_ISSUER")); s.issuer != "" {
		if err := o.forTokens(&s); err != nil {
			return s, err
		}
	}
	if o.Timeout < 0 {
		return s, fmt.Errorf("gatehouse: Timeout is negative: %v", o.Timeout)
	}
	s.clock = o.Clock
	if s.clock == nil {
		s.clock = time.Now
	}
	s.http = newAsker(o.Transport, cmp.Or(o.Timeout, defaultTimeout), s.clock)
	return s, nil
}

func (o Options) forTokens(s *settings) (err error) {
	issuer, err := httpURL("Issuer", s.issuer)
	if err != nil {
		return err
	}
	if s.jwksURL, err = httpURL("JWKSURL", cmp.Or(o.JWKSURL, issuer+"/.well-known/jwks.json")); err != nil {
		return err
	}
	s.audience = cmp.Or(o.Audience, s.issuer)
	for _, name := range o.Algorithms {
		algorithm := jose.SignatureAlgorithm(name)
		if !slices.Contains(asymmetric, algorithm) {
			return fmt.Errorf("gatehouse: Algorithms has %q, which is not one of %v", name, asymmetric)
		}
		s.algorithms = append(s.algorithms, algorithm)
	}
	if len(s.algorithms) == 0 {
		s.algorithms = []jose.SignatureAlgorithm{jose.ES256}
	}
	return nil
}

// httpURL checks an address and returns it without a slash at its end. What is in
// it is not in the error: it may have a password.
func httpURL(name, text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("gatehouse: %s must be an http or https address without user, password, query and fragment", name)
	}
	return strings.TrimRight(text, "/"), nil
}
