package gatehouse

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func verifyToken(t testing.TB, v *Verifier, token string) (*Actor, error) {
	t.Helper()
	return v.Verify(t.Context(), requestWith("Authorization", "Bearer "+token))
}

func TestKeysAreFetchedOnceIn5Minutes(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	i.wasAsked(t, 0)
	for range 3 {
		actor, err := verifyToken(t, v, i.token())
		mustKnow(t, actor, err, "user:93")
	}
	i.clock.advance(5*time.Minute - time.Second)
	actor, err := verifyToken(t, v, i.token())
	mustKnow(t, actor, err, "user:93")
	i.wasAsked(t, 1)
	i.clock.advance(time.Second)
	actor, err = verifyToken(t, v, i.token())
	mustKnow(t, actor, err, "user:93")
	i.wasAsked(t, 2)
}

func TestKeysThatWereWithdrawnDoNotCount(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	old := i.token()
	actor, err := verifyToken(t, v, old)
	mustKnow(t, actor, err, "user:93")
	i.rotate("second")
	i.answers(i.keys())
	i.clock.advance(5 * time.Minute)
	_, err = verifyToken(t, v, old)
	mustBe(t, err, ErrUnauthenticated)
}

func TestANewKeyIsFoundAtOnce(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	actor, err := verifyToken(t, v, i.token())
	mustKnow(t, actor, err, "user:93")
	i.rotate("second")
	i.answers(i.keys())
	actor, err = verifyToken(t, v, i.token())
	mustKnow(t, actor, err, "user:93")
	i.wasAsked(t, 2)
}

func TestAFloodOfUnknownKeysCostsOneRequestIn10Seconds(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	flood := func() {
		var group sync.WaitGroup
		for n := range 20 {
			group.Go(func() {
				_, err := verifyToken(t, v, i.tokenFor(i.URL, fmt.Sprint("made-up-", n)))
				mustBe(t, err, ErrUnauthenticated)
			})
		}
		group.Wait()
	}
	_, err := verifyToken(t, v, i.token())
	if err != nil {
		t.Fatal(err)
	}
	flood()
	flood()
	i.wasAsked(t, 2)
	i.clock.advance(10 * time.Second)
	flood()
	i.wasAsked(t, 3)
	actor, err := verifyToken(t, v, i.token())
	mustKnow(t, actor, err, "user:93")
}

func TestThoseWhoNeedKeysAtOnceShareOneRequest(t *testing.T) {
	i := newIssuer(t)
	release, keys := make(chan struct{}), i.keys()
	i.answers(func(w http.ResponseWriter, r *http.Request) {
		<-release
		keys(w, r)
	})
	v := i.verifier(t)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			actor, err := verifyToken(t, v, i.token())
			if err != nil || actor.ID != "user:93" {
				t.Errorf("it is %+v, %v", actor, err)
			}
		})
	}
	waitFor(t, "the request", func() bool { return i.asked.Load() > 0 })
	close(release)
	group.Wait()
	i.wasAsked(t, 1)
}

// Whoever comes while a new key is being looked for waits for it, too.
func TestThoseWhoNeedANewKeyAtOnceAllGetIt(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	if _, err := verifyToken(t, v, i.token()); err != nil {
		t.Fatal(err)
	}
	i.rotate("second")
	keys, release := i.keys(), make(chan struct{})
	i.answers(func(w http.ResponseWriter, r *http.Request) {
		<-release
		keys(w, r)
	})
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			actor, err := verifyToken(t, v, i.token())
			if err != nil || actor.ID != "user:93" {
				t.Errorf("it is %+v, %v", actor, err)
			}
		})
	}
	waitFor(t, "the request", func() bool { return i.asked.Load() == 2 })
	close(release)
	group.Wait()
	i.wasAsked(t, 2)
}

func TestOldKeysServeForADayWhenTheIssuerFails(t *testing.T) {
	failures := map[string]http.HandlerFunc{
		"500":         says(500, ""),
		"a page":      says(200, "<html>"),
		"no set":      says(200, `{"keys":{}}`),
		"twice":       says(200, `{"keys":[],"keys":[]}`),
		"a redirect":  says(302, "", "Location", "/keys"),
		"too long":    says(200, `{"keys":[]`+strings.Repeat(" ", maxKeySet)+`}`),
		"ends early":  endsEarly,
		"nothing yet": says(204, ""),
	}
	for name, failure := range failures {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			v := i.verifier(t)
			token := i.token()
			if _, err := verifyToken(t, v, token); err != nil {
				t.Fatal(err)
			}
			i.answers(failure)
			i.clock.advance(5 * time.Minute)
			for range 3 {
				actor, err := verifyToken(t, v, token)
				mustKnow(t, actor, err, "user:93")
			}
			i.wasAsked(t, 2) // and then pauses
			i.clock.advance(24*time.Hour - 5*time.Minute - time.Second)
			actor, err := verifyToken(t, v, token)
			mustKnow(t, actor, err, "user:93")
			i.clock.advance(time.Second)
			_, err = verifyToken(t, v, token)
			mustBe(t, err, ErrUnavailable)
		})
	}
}

func TestAnIssuerThatIsBackIsNoticed(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	if _, err := verifyToken(t, v, i.token()); err != nil {
		t.Fatal(err)
	}
	i.answers(says(500, ""))
	i.clock.advance(5 * time.Minute)
	if _, err := verifyToken(t, v, i.token()); err != nil {
		t.Fatal(err)
	}
	old := i.token()
	i.rotate("second")
	_, err := verifyToken(t, v, i.token()) // nobody can say whether that is a new key
	mustBe(t, err, ErrUnavailable)
	i.answers(i.keys())
	i.clock.advance(10 * time.Second)
	actor, err := verifyToken(t, v, old) // served by the old key, while the new ones are fetched
	mustKnow(t, actor, err, "user:93")
	waitFor(t, "the new keys", func() bool { _, err := verifyToken(t, v, i.token()); return err == nil })
	i.wasAsked(t, 3)
	_, err = verifyToken(t, v, old)
	mustBe(t, err, ErrUnauthenticated)
}

func TestWithoutKeysNothingIsDecided(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{"500": says(500, ""), "an empty set": says(200, `{"keys":[]}`)} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.answers(answer)
			v := i.verifier(t)
			for range 5 {
				_, err := verifyToken(t, v, i.token())
				mustBe(t, err, ErrUnavailable)
			}
			i.wasAsked(t, 1) // and then pauses
			i.answers(i.keys())
			i.clock.advance(time.Second)
			actor, err := verifyToken(t, v, i.token())
			mustKnow(t, actor, err, "user:93")
		})
	}
}

func TestKeysThatMustNotBeUsed(t *testing.T) {
	i := newIssuer(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	public := jwks(jose.JSONWebKey{Key: i.key.Public(), KeyID: "first"})
	for name, set := range map[string]string{
		"with its private part": jwks(jose.JSONWebKey{Key: i.key, KeyID: "first"}),
		"for something else":    strings.Replace(public, `"kty"`, `"use":"enc","kty"`, 1),
		"use is not text":       strings.Replace(public, `"kty"`, `"use":null,"kty"`, 1),
		"only to sign":          strings.Replace(public, `"kty"`, `"key_ops":["sign"],"kty"`, 1),
		"of another algorithm":  jwks(jose.JSONWebKey{Key: i.key.Public(), KeyID: "first", Algorithm: "ES384"}),
		"without a name":        jwks(jose.JSONWebKey{Key: i.key.Public()}),
		"of too few bits":       jwks(jose.JSONWebKey{Key: weak.Public(), KeyID: "first"}),
		"not on the curve":      strings.Replace(public, `"x":"`, `"x":"AAAA`, 1),
		"no object":             `{"keys":["first"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			keys := newServer(t, says(200, set))
			v := newVerifier(t, Options{Issuer: i.URL, JWKSURL: keys.URL, Clock: i.clock.Now, Algorithms: []string{"ES256", "RS256"}})
			for _, token := range []string{i.token(), signed(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: weak, KeyID: "first"}}, i.claims(i.URL))} {
				actor, err := verifyToken(t, v, token)
				if err == nil {
					t.Errorf("it is %+v", actor)
				}
			}
		})
	}
}
