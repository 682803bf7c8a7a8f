//go:build unix

package nt_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

// NT-PW-5: Okta (October 2024), Spring CVE-2025-22228.
func TestNT_PW_5_NoPasswordIsTruncated(t *testing.T) {
	onEveryFace(t, house.Options{}, func(t *testing.T, h *house.House, m mouth) {
		short := strings.Repeat("a", 72)
		verifier, err := bcrypt.GenerateFromPassword([]byte(short), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		h.Tx(importUser("imported@example.org", string(verifier)))
		for _, more := range []string{"X", "a", strings.Repeat("a", 56)} {
			want(t, "72 bytes and more", h.Post(m.face, m.login, credentials("imported@example.org", short+more)), http.StatusUnauthorized)
		}
		again(t, h, m, "imported@example.org", short)
		want(t, "72 bytes and more, rehashed", h.Post(m.face, m.login, credentials("imported@example.org", short+"X")), http.StatusUnauthorized)

		for _, length := range []int{73, 100, 128} {
			email, password := fmt.Sprintf("own%d@example.org", length), "correct horse battery "+strings.Repeat("b", length-22)
			want(t, "register", h.Post(m.face, m.register, credentials(email, password)), http.StatusCreated)
			want(t, "another last character", h.Post(m.face, m.login, credentials(email, password[1:]+"c")), http.StatusUnauthorized)
			want(t, "one character less", h.Post(m.face, m.login, credentials(email, password[1:])), http.StatusUnauthorized)
			again(t, h, m, email, password)
		}
	})
}

// dear makes one hash cost a second or so, so that a request which hashed can be
// told from one that did not by a factor of hundreds.
var dear = house.Options{Set: map[string]string{"password.argon2.memory": "262144", "password.argon2.passes": "4", "password.slots": "1"}}

// NT-PW-6, by length: the hash of a long password is never computed.
func TestNT_PW_6_ALongPasswordIsRefusedWithoutHashing(t *testing.T) {
	onEveryFace(t, dear, func(t *testing.T, h *house.House, m mouth) {
		for _, length := range []int{5000, 60_000, 1 << 20} {
			for path, good := range map[string][]int{
				m.register: {http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge},
				m.login:    {http.StatusUnauthorized, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge},
			} {
				start := time.Now()
				a, err := h.Try(http.MethodPost, m.face, path, credentials("a@example.org", strings.Repeat("x", length)), "Content-Type: application/json")
				if err != nil {
					t.Fatal(err)
				}
				want(t, fmt.Sprintf("%s with %d bytes", path, length), a, good...)
				if took := time.Since(start); took > 250*time.Millisecond {
					t.Errorf("%s with %d bytes took %s: it hashed", path, length, took)
				}
			}
		}
	})
}

// NT-PW-6, by number: a flood of logins hashes no more at once than there are
// slots. 120 at once would take 1.9 GB.
func TestNT_PW_6_AFloodOfLoginsIsBounded(t *testing.T) {
	requests := 600
	if testing.Short() {
		requests = 120
	}
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := house.Start(t, house.Options{Engine: engine, Set: map[string]string{"password.argon2.memory": "16384", "password.slots": "2"}})
		var peak uint64
		stop := make(chan struct{})
		var watcher, flood sync.WaitGroup
		watcher.Go(func() {
			var stats runtime.MemStats
			for {
				runtime.ReadMemStats(&stats)
				peak = max(peak, stats.HeapAlloc)
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
		for n := range requests {
			m := mouths[n%2]
			flood.Go(func() {
				a, err := h.Try(http.MethodPost, m.face, m.login, credentials("a@example.org", "wrong password"), "Content-Type: application/json")
				switch {
				case err != nil:
					t.Error(err)
				case a.Status == http.StatusUnauthorized:
				case a.Status == http.StatusServiceUnavailable, a.Status == http.StatusTooManyRequests:
					if a.Header.Get("Retry-After") == "" {
						t.Errorf("%d without Retry-After", a.Status)
					}
				default:
					t.Errorf("%d %s", a.Status, a.Body)
				}
			})
		}
		flood.Wait()
		close(stop)
		watcher.Wait()
		if peak > 600<<20 {
			t.Errorf("the heap grew to %d MB", peak>>20)
		}
	})
}

// NT-PW-7, what Postgres refuses with 22021 and SQLite stores and miscounts.
func TestNT_PW_7_NULAndBrokenUTF8AreRefused(t *testing.T) {
	onEveryFace(t, house.Options{}, func(t *testing.T, h *house.House, m mouth) {
		for _, bad := range []string{`a\u0000b`, "a\x00b", "a\xffb", "\xc3\x28", `\ud800`} {
			for what, body := range map[string]string{
				"email":        `{"email":"` + bad + `@example.org","password":"long enough"}`,
				"password":     `{"email":"a@example.org","password":"long enough ` + bad + `"}`,
				"display_name": `{"email":"a@example.org","password":"long enough","display_name":"` + bad + `"}`,
			} {
				wantRefusal(t, fmt.Sprintf("register with %q as %s", bad, what), h.Post(m.face, m.register, body))
				if what != "display_name" {
					wantRefusal(t, fmt.Sprintf("login with %q as %s", bad, what), h.Post(m.face, m.login, body))
				}
			}
			wantRefusal(t, fmt.Sprintf("refresh with %q", bad), h.Post(m.face, m.refresh, refreshBody(bad)))
		}
		if n := count(t, raw(t, h), `SELECT COUNT(*) FROM users`); n != 0 {
			t.Errorf("%d accounts were made", n)
		}
	})
}

// NT-PW-7, one password typed on two devices.
func TestNT_PW_7_APasswordWorksInBothNormalForms(t *testing.T) {
	onEveryFace(t, house.Options{}, func(t *testing.T, h *house.House, m mouth) {
		composed, decomposed := "caf\u00e9 na\u00efve wanders", "cafe\u0301 nai\u0308ve wanders"
		for email, typed := range map[string][2]string{"c@example.org": {composed, decomposed}, "d@example.org": {decomposed, composed}} {
			want(t, "register", h.Post(m.face, m.register, credentials(email, typed[0])), http.StatusCreated)
			again(t, h, m, email, typed[0])
			again(t, h, m, email, typed[1])
		}
	})
}

// NT-PW-7, addresses that some function somewhere takes for each other: there is
// at most one account for each, and never a way into somebody else's.
func TestNT_PW_7_NoAddressLeadsIntoAnothersAccount(t *testing.T) {
	families := [][]string{
		{"kelvin@example.org", "\u212aelvin@example.org", "KELVIN@example.org"},
		{"strasse@example.org", "stra\u00dfe@example.org", "STRASSE@example.org", "stra\u1e9ee@example.org"},
		{"office@example.org", "o\ufb00ice@example.org", "o\ufb03ce@example.org"},
		{"ivan@example.org", "\u0130van@example.org", "\u0131van@example.org", "IVAN@example.org", "i\u0307van@example.org"},
		{"dom@example.org", "dom@ex\u00e4mple.org", "dom@example.org.", "dom@example\u3002org", "dom@exam\u00adple.org", "dom\uff20example.org"},
		{"a@b@example.org", `"a@b"@example.org`, "a@b.example.org"},
	}
	onEveryFace(t, house.Options{}, func(t *testing.T, h *house.House, m mouth) {
		for _, family := range families {
			owner := map[string]string{} // password → user id
			for i, email := range family {
				password := fmt.Sprintf("password number %d", i)
				if a := h.Post(m.face, m.register, credentials(email, password)); a.Status == http.StatusCreated {
					owner[password] = a.Field("user_id") + a.Field("id")
				} else {
					wantRefusal(t, "register "+email, a)
				}
			}
			if len(owner) == 0 {
				t.Errorf("nobody of %q could register", family)
			}
			for password, id := range owner {
				for _, email := range family {
					a := h.Post(m.face, m.login, credentials(email, password))
					if a.Status != http.StatusOK {
						continue
					}
					if in := again(t, h, m, email, password).UserID; in != id {
						t.Errorf("the password of %s signs in as %s through %q", id, in, email)
					}
				}
			}
		}
	})
}
