// Command bench prints how much of the speed of the bare JOSE library is left when
// a JWT is verified with the SDK: one as fast as the other is 1. What both do is
// check the signature of the same token and parse its claims.
//
//	go run ./internal/bench
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	gatehouse "github.com/gatehouse/gatehouse/sdk/go"
)

const (
	rounds   = 41  // of each, in turn, so that a busy machine is busy for both
	perRound = 500 // verifications
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	issuer := serveKey(key)
	defer issuer.Close()
	token, err := mint(key, issuer.URL)
	if err != nil {
		return err
	}
	withSDK, err := sdk(issuer.URL, token)
	if err != nil {
		return err
	}
	bare := bareJOSE(key, token)

	var ours, theirs, ratios []float64
	for range rounds {
		a, err := timed(withSDK)
		if err != nil {
			return err
		}
		b, err := timed(bare)
		if err != nil {
			return err
		}
		ours, theirs, ratios = append(ours, a), append(theirs, b), append(ratios, b/a)
	}
	fmt.Printf("SDK        %6.1f µs per request\n", median(ours))
	fmt.Printf("bare JOSE  %6.1f µs per token\n", median(theirs))
	fmt.Printf("ratio      %6.2f (bare / SDK, median of %d rounds; the goal is at least 0.9)\n", median(ratios), rounds)
	return nil
}

func serveKey(key *ecdsa.PrivateKey) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	}))
}

func mint(key *ecdsa.PrivateKey, issuer string) (string, error) {
	signing := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}
	signer, err := jose.NewSigner(signing, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		return "", err
	}
	now := time.Now()
	return jwt.Signed(signer).Claims(map[string]any{
		"iss": issuer, "aud": issuer, "sub": "93", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": rand.Text(), "sid": rand.Text(),
		"actor": gatehouse.Actor{
			ID: "user:93", Type: gatehouse.Human, MicroDAOs: []string{"microdao:daarion", "microdao:7"},
			Roles: []gatehouse.Role{gatehouse.Member, gatehouse.MicroDAOOwner}, UserID: "93",
		},
	}).Serialize()
}

// sdk does everything that a service does for a request.
func sdk(issuer, token string) (func() error, error) {
	verifier, err := gatehouse.New(gatehouse.Options{Issuer: issuer})
	if err != nil {
		return nil, err
	}
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	verify := func() error {
		_, err := verifier.Verify(context.Background(), request)
		return err
	}
	return verify, verify() // which has the key now
}

// bareJOSE checks neither issuer nor audience nor time.
func bareJOSE(key *ecdsa.PrivateKey, token string) func() error {
	return func() error {
		parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			return err
		}
		var claims struct {
			jwt.Claims
			Actor gatehouse.Actor `json:"actor"`
		}
		return parsed.Claims(&key.PublicKey, &claims)
	}
}

// timed returns microseconds per call.
func timed(call func() error) (float64, error) {
	start := time.Now()
	for range perRound {
		if err := call(); err != nil {
			return 0, err
		}
	}
	return float64(time.Since(start).Microseconds()) / perRound, nil
}

func median(values []float64) float64 { return slices.Sorted(slices.Values(values))[len(values)/2] }
