package connector

import (
	"context"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse/gatehouse/internal/secret"
)

const (
	stepIDToken = "ID token"
	leeway      = 60 * time.Second // by which clocks may differ
)

// verify checks an ID token (OpenID Connect Core 1.0 §3.1.3.7) and returns its
// claims. go-oidc pins algorithm, issuer and audience and computes at_hash. We read
// the claims once more, because it takes Google's issuer in two forms, members twice
// and in other letters, and tokens from 5 minutes in the future or without iat; and
// it leaves azp and nonce to us.
func (c *Client) verify(ctx context.Context, m metadata, tokens Tokens, nonce string) ([]byte, document, error) {
	check := &signature{keys: c.keys}
	for _, algorithm := range m.Algorithms {
		check.algorithms = append(check.algorithms, jose.SignatureAlgorithm(algorithm))
	}
	verifier := oidc.NewVerifier(c.issuer, check, &oidc.Config{
		ClientID:             c.settings.ClientID,
		SupportedSigningAlgs: m.Algorithms,
		SkipExpiryCheck:      true, // see checkTimes
		Now:                  c.clock,
	})
	token, err := verifier.Verify(ctx, tokens.ID.Reveal())
	switch {
	case check.err != nil:
		return nil, nil, check.err
	case err != nil: // its text quotes the token
		return nil, nil, fail(ErrUntrusted, stepIDToken, "missing or malformed, of an algorithm, issuer or audience that is not expected, or its signature does not hold")
	}
	var raw rawClaims
	if token.Claims(&raw) != nil {
		return nil, nil, fail(ErrUntrusted, stepIDToken, "it holds no claims")
	}
	claims, ok := readDocument(raw)
	if !ok {
		return nil, nil, fail(ErrUntrusted, stepIDToken, "its claims are not JSON that can be read in one way only")
	}
	if reason := c.wrongClaims(claims, nonce); reason != "" {
		return nil, nil, fail(ErrUntrusted, stepIDToken, reason)
	}
	if _, there := claims["at_hash"]; there && token.VerifyAccessToken(tokens.Access.Reveal()) != nil {
		return nil, nil, fail(ErrUntrusted, stepIDToken, "at_hash is of another access token")
	}
	return raw, claims, nil
}

// rawClaims gets hold of the claims as they were signed.
type rawClaims []byte

// UnmarshalJSON keeps a copy.
func (r *rawClaims) UnmarshalJSON(document []byte) error {
	*r = slices.Clone(document)
	return nil
}

// wrongClaims says what is wrong with the claims, "" if nothing.
func (c *Client) wrongClaims(claims document, nonce string) string {
	issuer, _ := claims.text("iss")
	audience, ok := claims.audience()
	party, named := claims.text("azp")
	_, present := claims["azp"]
	said, _ := claims.text("nonce")
	switch {
	case issuer != c.issuer:
		return "another issuer"
	case !ok || !slices.Contains(audience, c.settings.ClientID):
		return "for somebody else (aud)"
	case len(audience) > 1 && !present:
		return "for several, and it does not say to whom it was given (azp)"
	case present && (!named || party != c.settings.ClientID):
		return "given to somebody else (azp)"
	case nonce == "" || !secret.Equal(secret.NewText(said), secret.NewText(nonce)):
		return "of another sign-in (nonce)"
	}
	return c.wrongTimes(claims)
}

// wrongTimes checks exp and iat, which are demanded, and nbf.
func (c *Client) wrongTimes(claims document) string {
	now := c.clock()
	expires, hasExpiry := claims.moment("exp")
	issued, hasIssued := claims.moment("iat")
	begins, hasBegin := claims.moment("nbf")
	_, saysBegin := claims["nbf"]
	switch {
	case !hasExpiry || !now.Before(expires.Add(leeway)):
		return "it has expired, or does not say when it will (exp)"
	case !hasIssued || issued.After(now.Add(leeway)):
		return "made in the future, or it does not say when (iat)"
	case saysBegin && (!hasBegin || begins.After(now.Add(leeway))):
		return "not valid yet (nbf)"
	}
	return ""
}
