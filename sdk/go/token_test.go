package gatehouse

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func TestEveryAlgorithmThatCanBeAllowed(t *testing.T) {
	i := newIssuer(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[jose.SignatureAlgorithm]any{
		jose.ES256: i.key, jose.ES384: p384, jose.ES512: p521, jose.EdDSA: edKey,
		jose.RS256: rsaKey, jose.RS384: rsaKey, jose.RS512: rsaKey, jose.PS256: rsaKey, jose.PS384: rsaKey, jose.PS512: rsaKey,
	}
	if len(keys) != len(asymmetric) {
		t.Fatalf("%d algorithms are tried, of %d", len(keys), len(asymmetric))
	}
	for algorithm, key := range keys {
		t.Run(string(algorithm), func(t *testing.T) {
			jwk := jose.JSONWebKey{Key: key, KeyID: "k"}
			i.answers(says(200, jwks(jwk.Public())))
			token := signed(jose.SigningKey{Algorithm: algorithm, Key: jwk}, i.claims(i.URL))

			allowed := newVerifier(t, Options{Issuer: i.URL, Clock: i.clock.Now, Algorithms: []string{string(algorithm)}})
			actor, err := verifyToken(t, allowed, token)
			mustKnow(t, actor, err, "user:93")

			others := []string{"ES256"}
			if algorithm == jose.ES256 {
				others = []string{"RS256", "EdDSA"}
			}
			_, err = verifyToken(t, newVerifier(t, Options{Issuer: i.URL, Clock: i.clock.Now, Algorithms: others}), token)
			mustBe(t, err, ErrUnauthenticated)
		})
	}
}

func TestTheAudienceIsTheIssuerUnlessAnotherIsSet(t *testing.T) {
	i := newIssuer(t)
	v := newVerifier(t, Options{Issuer: i.URL, Audience: "https://api.example", Clock: i.clock.Now})
	actor, err := verifyToken(t, v, i.tokenFor("https://api.example", "first"))
	mustKnow(t, actor, err, "user:93")
	_, err = verifyToken(t, v, i.token())
	mustBe(t, err, ErrUnauthenticated)
}

func TestAJWTIsVerifiedHereOnlyAloneAndWithAnIssuer(t *testing.T) {
	i := newIssuer(t)
	auth := newServer(t, says(200, strings.Replace(ada, "user:93", "user:7", 1)))
	here := newVerifier(t, Options{AuthURL: auth.URL, Issuer: i.URL, Clock: i.clock.Now})
	there := newVerifier(t, Options{AuthURL: auth.URL, Clock: i.clock.Now})
	bearer := []string{"Authorization", "Bearer " + i.token()}
	for _, c := range []struct {
		name    string
		v       *Verifier
		headers []string
		want    string
	}{
		{"bearer", here, bearer, "user:93"},
		{"cookie", here, []string{"Cookie", "session_token=" + i.token()}, "user:93"},
		{"without an issuer", there, bearer, "user:7"},
		{"beside a cookie", here, append([]string{"Cookie", "session_token=x"}, bearer...), "user:7"},
		{"beside an API key", here, append([]string{"X-API-Key", "dk_00000000000000000000000000000000000000000003xMPgs"}, bearer...), "user:7"},
		{"two cookies", here, []string{"Cookie", "session_token=" + i.token() + "; session_token=x"}, "user:7"},
		{"not a JWT", here, []string{"Authorization", "Bearer " + opaque}, "user:7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			actor, err := c.v.Verify(t.Context(), requestWith(c.headers...))
			mustKnow(t, actor, err, c.want)
		})
	}
}

func TestDeepJSONIsRefusedAndDoesNotHurt(t *testing.T) {
	i := newIssuer(t)
	deep := strings.Repeat(`[`, 10_000)
	key := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: "first"}}
	_, err := verifyToken(t, i.verifier(t), signed(key, deep))
	mustBe(t, err, ErrUnauthenticated)
}
