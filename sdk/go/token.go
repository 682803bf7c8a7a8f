package gatehouse

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// leeway is by how much clocks may differ.
const leeway = 30 * time.Second

// accessTokens verifies access tokens that are JWTs (RFC 9068), without asking
// anybody for more than keys.
type accessTokens struct {
	settings settings
	keys     *keySet
}

// actor returns who a token speaks for. It is ErrUnauthenticated for a token that
// is not of our issuer, for us, now; ErrUnavailable when the issuer's keys cannot
// be fetched.
func (t *accessTokens) actor(ctx context.Context, token string) (*Actor, error) {
	if len(token) > maxCredential || !hasFormOfJWT(token) {
		return nil, unauthenticated("the token cannot be read")
	}
	header, refusal := t.header(token)
	if refusal != nil {
		return nil, refusal
	}
	jws, err := jose.ParseSignedCompact(token, t.settings.algorithms)
	if err != nil {
		return nil, unauthenticated("the token cannot be read")
	}
	key, err := t.keys.find(ctx, header.kid, header.algorithm)
	if err != nil {
		return nil, asRefusal(err)
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return nil, unauthenticated("the token's signature is wrong")
	}
	claims, err := parseObject(payload)
	if err != nil {
		return nil, unauthenticated("the token's claims cannot be read")
	}
	return t.actorIn(claims)
}

type tokenHeader struct {
	algorithm jose.SignatureAlgorithm
	kid       string
}

// header reads the header before anything else does, and refuses what another
// reader could understand differently.
func (t *accessTokens) header(token string) (tokenHeader, *Refusal) {
	text, ok := decodedParts(token)
	if !ok {
		return tokenHeader{}, unauthenticated("the token cannot be read")
	}
	header, err := parseObject(text)
	if err != nil {
		return tokenHeader{}, unauthenticated("the token's header cannot be read")
	}
	kind, _ := header["typ"].(string)
	algorithm, _ := header["alg"].(string)
	kid, _ := header["kid"].(string)
	_, hasCritical := header["crit"]
	switch {
	case !strings.EqualFold(kind, "at+jwt") && !strings.EqualFold(kind, "application/at+jwt"):
		return tokenHeader{}, unauthenticated("the token is not an access token")
	case !slices.Contains(t.settings.algorithms, jose.SignatureAlgorithm(algorithm)):
		return tokenHeader{}, unauthenticated("the token is signed with an algorithm that is not allowed")
	case kid == "":
		return tokenHeader{}, unauthenticated("the token does not name its key")
	case hasCritical:
		return tokenHeader{}, unauthenticated("the token demands an extension that nobody knows")
	}
	return tokenHeader{algorithm: jose.SignatureAlgorithm(algorithm), kid: kid}, nil
}

// decodedParts returns the header, if all three parts are spelt in the one right
// way: go-jose ignores the bits that the last digit of base64 has too many.
func decodedParts(token string) (header []byte, ok bool) {
	for i, part := range strings.SplitN(token, ".", 3) {
		text, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil {
			return nil, false
		}
		if i == 0 {
			header = text
		}
	}
	return header, true
}

func (t *accessTokens) actorIn(claims map[string]any) (*Actor, error) {
	now := t.settings.clock()
	issuer, _ := claims["iss"].(string)
	subject, _ := claims["sub"].(string)
	expires, hasExpiry := moment(claims["exp"])
	switch {
	case issuer != t.settings.issuer:
		return nil, unauthenticated("the token is of another issuer")
	case !isFor(claims["aud"], t.settings.audience):
		return nil, unauthenticated("the token is for somebody else")
	case subject == "":
		return nil, unauthenticated("the token has no subject")
	case !hasExpiry:
		return nil, unauthenticated("the token does not say when it expires")
	case !now.Before(expires.Add(leeway)):
		return nil, unauthenticated("the token has expired")
	}
	for _, name := range []string{"nbf", "iat"} {
		claim, has := claims[name]
		begins, ok := moment(claim)
		if has && (!ok || now.Add(leeway).Before(begins)) {
			return nil, unauthenticated("the token is not valid yet")
		}
	}
	actor := readActor(claims["actor"])
	if actor == nil {
		return nil, unauthenticated("the token does not say who acts")
	}
	return actor, nil
}

// isFor reports whether an audience, one text or a list of them, has us.
func isFor(claim any, audience string) bool {
	if text, ok := claim.(string); ok {
		return text == audience
	}
	list, ok := readTexts[string](claim)
	return ok && slices.Contains(list, audience)
}

// moment reads a NumericDate (RFC 7519 §2): seconds, maybe with a fraction.
func moment(claim any) (time.Time, bool) {
	seconds, ok := claim.(float64)
	const end = 253402300800 // the year 10000; beyond, a time would overflow
	if !ok || seconds < 0 || seconds >= end {
		return time.Time{}, false
	}
	whole := int64(seconds)
	return time.Unix(whole, int64((seconds-float64(whole))*float64(time.Second))), true
}
