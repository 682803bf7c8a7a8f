package gatehouse

import (
	"context"
	"net/http"
)

// Verifier knows who is calling. A service has one, for it remembers answers and
// keys. It may be used by many goroutines at once.
type Verifier struct {
	introspection *introspection
	tokens        *accessTokens // nil without an issuer
}

// New makes a Verifier. It asks nobody yet; the error is about options that cannot
// be meant.
func New(options Options) (*Verifier, error) {
	s, err := options.settings()
	if err != nil {
		return nil, err
	}
	v := &Verifier{introspection: newIntrospection(s)}
	if s.issuer != "" {
		v.tokens = &accessTokens{settings: s, keys: newKeySet(s)}
	}
	return v, nil
}

// Verify returns who sent a request: by X-API-Key, otherwise Authorization: Bearer,
// otherwise the cookie session_token. The actor is the caller's own to change.
//
// The error is a *Refusal: ErrUnauthenticated when nobody is known to have sent it,
// ErrForbidden when the auth service refuses whoever did, ErrUnavailable when that
// cannot be said, or ctx ended first.
func (v *Verifier) Verify(ctx context.Context, r *http.Request) (*Actor, error) {
	c := credentialsOf(r.Header)
	switch {
	case c.none():
		return nil, unauthenticated("authentication is required")
	case c.tooLong():
		return nil, unauthenticated("the credential is too long")
	case c.brokenKey():
		return nil, unauthenticated("the API key is mistyped or cut off")
	}
	if token := c.onlyJWT(); token != "" && v.tokens != nil {
		return v.tokens.actor(ctx, token)
	}
	return v.introspection.actor(ctx, c)
}
