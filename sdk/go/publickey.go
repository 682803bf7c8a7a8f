package gatehouse

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

const minRSABits = 2048

// publicKey is a key of an issuer that signs tokens.
type publicKey struct {
	kid       string
	algorithm jose.SignatureAlgorithm // "" if it does not say
	key       any
}

// readKeys reads a JWK Set (RFC 7517 §5), without those keys that we cannot or must
// not use.
func readKeys(text []byte) ([]publicKey, error) {
	set, err := parseObject(text)
	if err != nil {
		return nil, errors.New("the issuer's key set cannot be read")
	}
	list, ok := set["keys"].([]any)
	if !ok {
		return nil, errors.New("the issuer's answer is no key set")
	}
	var keys []publicKey
	for _, item := range list {
		if key, ok := readKey(item); ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func readKey(value any) (publicKey, bool) {
	object, _ := value.(map[string]any)
	if !isForSignatures(object) {
		return publicKey{}, false
	}
	text, err := json.Marshal(object)
	if err != nil {
		return publicKey{}, false
	}
	var jwk jose.JSONWebKey
	if jwk.UnmarshalJSON(text) != nil || !jwk.Valid() || jwk.KeyID == "" {
		return publicKey{}, false
	}
	return publicKey{kid: jwk.KeyID, algorithm: jose.SignatureAlgorithm(jwk.Algorithm), key: jwk.Key}, true
}

// isForSignatures is false also for keys with a private part: whoever can read one
// can sign with it.
func isForSignatures(jwk map[string]any) bool {
	for _, private := range []string{"d", "k", "p", "q", "dp", "dq", "qi", "priv"} {
		if _, has := jwk[private]; has {
			return false
		}
	}
	if use, has := jwk["use"]; has && use != "sig" {
		return false
	}
	operations, has := jwk["key_ops"]
	list, _ := operations.([]any)
	return !has || slices.Contains(list, any("verify"))
}

// signs reports whether a signature of an algorithm can be this key's.
func (k publicKey) signs(algorithm jose.SignatureAlgorithm) bool {
	if k.algorithm != "" && k.algorithm != algorithm {
		return false
	}
	switch algorithm {
	case jose.ES256:
		return k.isOnCurve(elliptic.P256())
	case jose.ES384:
		return k.isOnCurve(elliptic.P384())
	case jose.ES512:
		return k.isOnCurve(elliptic.P521())
	case jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512:
		key, ok := k.key.(*rsa.PublicKey)
		return ok && key.N.BitLen() >= minRSABits
	case jose.EdDSA:
		_, ok := k.key.(ed25519.PublicKey)
		return ok
	}
	return false
}

func (k publicKey) isOnCurve(curve elliptic.Curve) bool {
	key, ok := k.key.(*ecdsa.PublicKey)
	return ok && key.Curve == curve
}
