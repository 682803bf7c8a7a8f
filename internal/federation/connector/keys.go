package connector

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse/gatehouse/internal/secret"
)

const (
	stepKeys    = "keys"
	renewAfter  = 10 * time.Second // how often unknown keys may cause a request
	maxKeys     = 100
	leastRSA    = 2048
	mostRSA     = 8192 // a larger modulus only costs time
	maxExponent = 1<<31 - 1
)

// keySet are the provider's public signing keys.
type keySet []jose.JSONWebKey

// fetchKeys asks for the keys. Of those it does not know, whatever is wrong with
// them, it takes no notice (RFC 7517 §5). Our own cache stands in place of go-oidc's
// RemoteKeySet, which asks again for every unknown key id, however often, and has
// nothing while the provider is away.
func (c *Client) fetchKeys(ctx context.Context) (keySet, error) {
	m, known := c.discovery.peek()
	if !known {
		return nil, fail(ErrUnavailable, stepKeys, "their address is not known yet")
	}
	a, err := c.get(ctx, stepKeys, m.Keys, secret.Text{})
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []jsonValue `json:"keys"`
	}
	if err := a.decode(&set); err != nil {
		return nil, err
	}
	if len(set.Keys) > maxKeys {
		return nil, fail(ErrUnavailable, stepKeys, "there are too many")
	}
	var keys keySet
	for _, document := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(document) == nil && (key.Use == "" || key.Use == "sig") {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// verify returns the payload if one of the keys made the signature. A token that
// names a key is held to that; one that names none, or a set without names, is
// tried with all that fit.
func (k keySet) verify(token *jose.JSONWebSignature) ([]byte, bool) {
	header := token.Signatures[0].Header
	for _, key := range k {
		named := key.KeyID == header.KeyID || key.KeyID == "" || header.KeyID == ""
		if !named || key.Algorithm != "" && key.Algorithm != header.Algorithm || !fits(key.Key, header.Algorithm) {
			continue
		}
		if payload, err := token.Verify(key.Key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// fits reports whether a key is a public one of the kind and size that the algorithm
// is for (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1).
func fits(key any, algorithm string) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		bits := key.N.BitLen()
		return (strings.HasPrefix(algorithm, "RS") || strings.HasPrefix(algorithm, "PS")) &&
			bits >= leastRSA && bits <= mostRSA && key.E <= maxExponent
	case *ecdsa.PublicKey:
		curve := map[string]string{"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm]
		return curve == key.Curve.Params().Name
	case ed25519.PublicKey:
		return algorithm == "EdDSA"
	}
	return false
}

// signature verifies one token's signature, as go-oidc asks for it. go-oidc
// flattens errors to text, so why it failed is kept aside.
type signature struct {
	keys       *kept[keySet]
	algorithms []jose.SignatureAlgorithm
	err        error
}

var errSignature = errors.New("the signature does not hold")

// VerifySignature implements oidc.KeySet. Only the compact form is taken; the other
// one can have several signatures and unprotected headers.
func (s *signature) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, s.algorithms)
	if err != nil {
		return nil, errSignature
	}
	keys, err := s.keys.get(ctx)
	if err != nil {
		s.err = err
		return nil, err
	}
	if payload, ok := keys.verify(jws); ok {
		return payload, nil
	}
	// The provider may have new keys since, and may have given them an old name.
	if keys, err = s.keys.renew(ctx, renewAfter); err != nil {
		s.err = err
		return nil, err
	}
	if payload, ok := keys.verify(jws); ok {
		return payload, nil
	}
	return nil, errSignature
}
