//go:build unix

package proof

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

// The limits of these proofs. They refill so slowly that nothing comes back
// while a test runs.
const (
	perAccount = 10 // from one network
	inTotal    = 30 // from anywhere
	hashSlots  = 2  // guesses that may be under way when a budget runs out
)

func limited(engine house.Engine) house.Options {
	return house.Options{Engine: engine, Set: map[string]string{
		"limits.login_per_account": strconv.Itoa(perAccount) + "/24h", "limits.login_per_account_total": strconv.Itoa(inTotal) + "/24h",
		"password.slots": strconv.Itoa(hashSlots),
	}}
}

// Who wants to guess on after a lock-out only has to wait for the next deploy,
// if the counters live in memory (F27).
func TestProofLockoutSurvivesRestart(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		f := startFleet(t, limited(engine))
		f.at(0).SignUp("ada@example.org")
		guesses, restarts := 0, 0
		for {
			a, err := login(f.at(guesses).Visitor, "ada@example.org", "wrong "+strconv.Itoa(guesses))
			if err == nil && a.Status == http.StatusTooManyRequests {
				break
			}
			must(t, http.StatusUnauthorized, a, err)
			if guesses++; guesses > perAccount {
				t.Fatalf("%d guesses were checked, the limit is %d", guesses, perAccount)
			}
			if guesses%4 == 0 {
				f.restart()
				restarts++
			}
		}
		f.restart()
		for i, spelling := range []string{"ada@example.org", "ADA@example.org", "\uFF41da@EXAMPLE.org"} {
			a, err := login(f.at(i).Visitor, spelling, house.Password)
			if must(t, http.StatusTooManyRequests, a, err).Header.Get("Retry-After") == "" {
				t.Errorf("%s: the refusal does not say when to come back", spelling)
			}
		}
		t.Logf("%d of %d guesses over %d replicas and %d restarts were checked, then the account was locked, also after one more restart", guesses, perAccount, len(f.houses), restarts)
	})
}

// A lock that strangers can put on an account is a weapon against its owner
// (NT-PW-4): from where the owner signed in before, the right password works.
func TestProofOwnerGetsInWhileStrangersGuess(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		f := startFleet(t, limited(engine))
		f.at(0).SignUp("ada@example.org") // from 127.0.0.1
		checked, refused := 0, 0
		for network := 2; network < 12; network++ {
			stranger := f.at(network).From(fmt.Sprintf("127.0.0.%d", network))
			for range perAccount {
				a, err := login(stranger, "ada@example.org", "wrong")
				if err == nil && a.Status == http.StatusTooManyRequests {
					refused++
					continue
				}
				must(t, http.StatusUnauthorized, a, err)
				checked++
			}
		}
		if checked != inTotal {
			t.Errorf("%d guesses from 10 networks were checked, the limit is %d", checked, inTotal)
		}
		f.restart()
		newcomer := f.at(0).From("127.0.0.99")
		a, err := login(newcomer, "ada@example.org", house.Password)
		must(t, http.StatusTooManyRequests, a, err)
		for _, h := range f.houses {
			a, err = login(h.Visitor, "ada@example.org", house.Password)
			must(t, http.StatusOK, a, err)
		}
		t.Logf("strangers on 10 networks: %d guesses checked, %d refused; the owner got in from the known network on %d replicas", checked, refused, len(f.houses))
	})
}

// Whoever believes X-Forwarded-For from anybody has no limits (NT-PW-3).
func TestProofForwardingHeadersDoNotHelp(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		f := startFleet(t, limited(engine))
		f.at(0).SignUp("ada@example.org")
		tries := rounds(1000, 200)
		checked := guess(t, f, tries, 25, randomHeaders)
		if most := perAccount + hashSlots*len(f.houses); checked > most {
			t.Errorf("%d of %d guesses were checked, want at most %d", checked, tries, most)
		}
		t.Logf("%d guesses with random forwarding headers, 25 at once over %d replicas: %d checked, the rest refused", tries, len(f.houses), checked)
	})
}

// One subscriber owns 2^64 IPv6 addresses. Behind a proxy that is trusted, the
// right-most address counts and its /64 is one network.
func TestProofIPv6HoppingDoesNotHelp(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		o := limited(engine)
		o.Set["proxy.trusted"], o.Set["limits.login_per_account_total"] = "127.0.0.1", "off"
		f := startFleet(t, o)
		f.at(0).SignUp("ada@example.org")
		tries := rounds(1000, 200)
		checked := guess(t, f, tries, 25, func() []string {
			return []string{fmt.Sprintf("X-Forwarded-For: %s, 2001:db8:1:2:%x:%x:%x:%x", randomIP(), rand.N(1<<16), rand.N(1<<16), rand.N(1<<16), rand.N(1<<16))}
		})
		if most := perAccount + hashSlots*len(f.houses); checked > most {
			t.Errorf("%d of %d guesses were checked, want at most %d", checked, tries, most)
		}
		t.Logf("%d guesses from addresses of one /64, 25 at once over %d replicas: %d checked, the rest refused", tries, len(f.houses), checked)
	})
}

// guess tries wrong passwords, so many at once, and returns how many were
// checked rather than refused.
func guess(t *testing.T, f *fleet, tries, together int, headers func() []string) (checked int) {
	t.Helper()
	for sent := 0; sent < tries; sent += together {
		for _, o := range atOnce(together, func(i int) (house.Answer, error) {
			return f.at(i).Try(http.MethodPost, "daarion", "/api/auth/login", `{"email":"ada@example.org","password":"wrong"}`, append(headers(), asJSON)...)
		}) {
			switch {
			case o.err == nil && o.Status == http.StatusUnauthorized:
				checked++
			case o.err != nil || o.Status != http.StatusTooManyRequests:
				t.Errorf("%d %s (%v)", o.Status, o.Body, o.err)
			}
		}
	}
	return checked
}

func randomHeaders() []string {
	headers := []string{
		"X-Forwarded-For: " + randomIP(), "X-Forwarded-For: " + randomIP() + ", " + randomIP(), "X-Real-IP: " + randomIP(), "True-Client-IP: " + randomIP(),
		"CF-Connecting-IP: " + randomIP(), "X-Client-IP: " + randomIP(), "Forwarded: for=" + randomIP() + ";proto=https", "X-Cluster-Client-IP: " + randomIP(),
	}
	rand.Shuffle(len(headers), func(i, j int) { headers[i], headers[j] = headers[j], headers[i] })
	return headers[:1+rand.N(len(headers))]
}

func randomIP() string {
	return fmt.Sprintf("%d.%d.%d.%d", 1+rand.N(223), rand.N(256), rand.N(256), 1+rand.N(254))
}
