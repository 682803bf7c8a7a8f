package gatehouse

import (
	"net/http"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// The ratio of the first two in one run is what go run ./internal/bench prints.

func BenchmarkJWT(b *testing.B) {
	i := newIssuer(b)
	v, r := i.verifier(b), requestWith("Authorization", "Bearer "+i.token())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBareJOSE(b *testing.B) {
	i := newIssuer(b)
	token := i.token()
	b.ReportAllocs()
	for b.Loop() {
		parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			b.Fatal(err)
		}
		var claims struct {
			jwt.Claims
			Actor Actor `json:"actor"`
		}
		if err := parsed.Claims(&i.key.PublicKey, &claims); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIntrospectionRemembered(b *testing.B) {
	auth := newServer(b, says(http.StatusOK, ada))
	v, r := newVerifier(b, Options{AuthURL: auth.URL, Clock: newClock().Now}), requestWith("Authorization", "Bearer "+opaque)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIntrospectionAsked(b *testing.B) {
	auth := newServer(b, says(http.StatusOK, ada))
	clock := newClock()
	v, r := newVerifier(b, Options{AuthURL: auth.URL, Clock: clock.Now}), requestWith("Authorization", "Bearer "+opaque)
	b.ReportAllocs()
	for b.Loop() {
		clock.advance(rememberFor)
		if _, err := v.Verify(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}
