//go:build unix

package nt_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

// NT-PW-2: OpenBao CVE-2025-54998, Vault CVE-2025-6004, Authelia
// CVE-2025-24806, CVE-2026-47203.
func TestNT_PW_2_SpellingDoesNotBuyMoreAttempts(t *testing.T) {
	o := limited("", map[string]string{"limits.login_per_account": "4/5m"})
	onEveryFace(t, o, func(t *testing.T, h *house.House, m mouth) {
		for _, exists := range []bool{true, false} {
			name := fmt.Sprintf("bob%t", exists)
			if exists {
				enter(t, h, m, name+"@example.org")
			}
			spellings := []string{
				name + "@example.org", "BOB" + name[3:] + "@example.org", " " + name + "@example.org", name + "@EXAMPLE.org ",
				"b\uff4fb" + name[3:] + "@example.org", // NFKC maps the full-width o
				name + "@e\uff58ample.org",
			}
			counted := 0
			for _, email := range spellings {
				switch a := h.Post(m.face, m.login, credentials(email, "wrong password")); a.Status {
				case http.StatusUnauthorized:
					counted++
				case http.StatusTooManyRequests, http.StatusUnprocessableEntity:
				default:
					t.Errorf("%q: %d %s", email, a.Status, a.Body)
				}
			}
			if counted > 4 {
				t.Errorf("%s: %d attempts with six spellings, the budget is 4", name, counted)
			}
			want(t, "the budget of "+name, h.Post(m.face, m.login, credentials(name+"@example.org", house.Password)), http.StatusTooManyRequests)
		}
		plus := h.Post(m.face, m.login, credentials("bobtrue+other@example.org", "wrong password"))
		want(t, "another account that looks alike", plus, http.StatusUnauthorized)
	})
}

// NT-PW-3: chi RealIP GHSA-3fxj-6jh8-hvhx, GHSA-9g5q-2w5x-hmxf,
// GHSA-rjr7-jggh-pgcp; Pomerium; caddy-defender CVE-2026-46415.
func TestNT_PW_3_HeadersDoNotBuyMoreAttempts(t *testing.T) {
	tries := 1000
	if testing.Short() {
		tries = 150
	}
	o := limited("", map[string]string{"limits.login_per_ip": "20/1h"})
	onEveryFace(t, o, func(t *testing.T, h *house.House, m mouth) {
		names := []string{"X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP"}
		if n := served(t, tries, func(n int) house.Answer {
			var headers []string
			for _, name := range names {
				headers = append(headers, name+": "+randomIP(), name+": "+randomIP())
			}
			return h.Post(m.face, m.login, credentials(fmt.Sprintf("u%d@example.org", n), "wrong password"), headers...)
		}); n > 20 {
			t.Errorf("%d of %d attempts were served, the budget is 20", n, tries)
		}
	})
}

// NT-PW-3, behind a proxy: what the client wrote into X-Forwarded-For before the
// proxy added its own is not believed, and a /64 is one client.
func TestNT_PW_3_OnlyTheProxysOwnHopIsBelieved(t *testing.T) {
	kinds := []struct {
		name string
		hops func() []string
	}{
		{"made-up hops", func() []string { return []string{randomIP() + ", " + randomIP() + ", 198.51.100.1"} }},
		{"two headers", func() []string { return []string{randomIP(), "198.51.100.2"} }},
		{"one /64", func() []string {
			return []string{fmt.Sprintf("2001:db8:1:2:%x:%x::1", rand.IntN(1<<16), rand.IntN(1<<16))}
		}},
		{"IPv4 in IPv6", func() []string { return []string{[]string{"::ffff:198.51.100.4", "198.51.100.4"}[rand.IntN(2)]} }},
		{"not an address", func() []string { return []string{randomIP() + ", unknown"} }},
	}
	o := limited("", map[string]string{"limits.login_per_ip": "5/1h", "proxy.trusted": "127.0.0.1"})
	onEveryFace(t, o, func(t *testing.T, h *house.House, m mouth) {
		for _, kind := range kinds {
			if n := served(t, 15, func(n int) house.Answer {
				var headers []string
				for _, hop := range kind.hops() {
					headers = append(headers, "X-Forwarded-For: "+hop)
				}
				return h.Post(m.face, m.login, credentials(fmt.Sprintf("u%d@example.org", n), "wrong password"), headers...)
			}); n > 5 {
				t.Errorf("%s: %d attempts were served, the budget is 5", kind.name, n)
			}
		}
		other := h.Post(m.face, m.login, credentials("v@example.org", "wrong password"), "X-Forwarded-For: 203.0.113.5")
		want(t, "somebody else behind the same proxy", other, http.StatusUnauthorized)
	})
}

func randomIP() string {
	return fmt.Sprintf("%d.%d.%d.%d", 1+rand.IntN(220), rand.IntN(256), rand.IntN(256), rand.IntN(256))
}

// served counts the attempts that were not limited.
func served(t *testing.T, tries int, try func(n int) house.Answer) (n int) {
	t.Helper()
	for i := range tries {
		a := try(i)
		want(t, "an attempt", a, http.StatusUnauthorized, http.StatusTooManyRequests)
		if a.Status == http.StatusUnauthorized {
			n++
		} else if a.Header.Get("Retry-After") == "" {
			t.Fatal("429 without Retry-After")
		}
	}
	return n
}

// NT-PW-4: Keycloak CVE-2026-9798, ZITADEL CVE-2025-64102, CVE-2024-32868, Vault
// CVE-2025-6015, caddy-security CVE-2024-21500; Keycloak's counters that forget
// (F27).
func TestNT_PW_4_AllFacesReplicasAndRestartsShareOneBudget(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		o := limited(engine, map[string]string{"limits.login_per_account": "6/1h"})
		o.Database, o.DataDir = house.NewDatabase(t, engine), t.TempDir()
		c := cluster{house.Start(t, o)}
		if engine == house.Postgres {
			c = append(c, house.Start(t, o))
		}
		enter(t, c.at(0), mouths[0], "bob@example.org")
		for n := range 6 {
			m := mouths[n%2]
			want(t, "an attempt", c.at(n/2).Post(m.face, m.login, credentials("bob@example.org", "wrong password")), http.StatusUnauthorized)
		}
		locked := func(when string, h *house.House) {
			t.Helper()
			for _, m := range mouths {
				a := h.Post(m.face, m.login, credentials("bob@example.org", house.Password))
				want(t, when+" at "+m.face, a, http.StatusTooManyRequests)
				if a.Header.Get("Retry-After") == "" {
					t.Error("429 without Retry-After")
				}
			}
		}
		for _, h := range c {
			locked("the budget is used up", h)
		}
		for _, h := range c {
			h.Stop()
		}
		locked("after a restart", house.Start(t, o))
	})
}

// NT-PW-4, the other side: strangers cannot use the limit to shut the owner out.
func TestNT_PW_4_StrangersCannotShutOutTheOwner(t *testing.T) {
	o := limited("", map[string]string{"limits.login_per_account": "3/1h", "limits.login_per_account_total": "6/24h"})
	onEveryFace(t, o, func(t *testing.T, h *house.House, m mouth) {
		enter(t, h, m, "bob@example.org")
		for n := range 6 {
			stranger := h.From(fmt.Sprintf("127.0.0.%d", 2+n/3))
			want(t, "a stranger", stranger.Post(m.face, m.login, credentials("bob@example.org", "wrong password")), http.StatusUnauthorized)
		}
		for _, ip := range []string{"127.0.0.2", "127.0.0.9"} {
			want(t, "another stranger", h.From(ip).Post(m.face, m.login, credentials("bob@example.org", house.Password)), http.StatusTooManyRequests)
		}
		want(t, "the owner", h.Post(m.face, m.login, credentials("bob@example.org", house.Password)), http.StatusOK)
	})
}

// NT-PW-4, one account that has two names, and a change of its password.
func TestNT_PW_4_AllNamesOfAnAccountShareOneBudget(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := house.Start(t, house.Options{Engine: engine, Set: map[string]string{"limits.login_per_account": "3/5m"}})
		login := func(name, password string) house.Answer {
			return h.Post("minos", "/api/v1/auth/login", fmt.Sprintf(`{"username": %q, "password": %q}`, name, password))
		}
		in := h.Post("minos", "/api/v1/auth/register", `{"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}`)
		want(t, "register", in, http.StatusOK)
		want(t, "by name", login("ada", "wrong"), http.StatusUnauthorized)
		want(t, "by address", login("Ada@example.org", "wrong"), http.StatusUnauthorized)
		change := h.Post("minos", "/api/v1/auth/change-password", `{"current_password": "wrong", "new_password": "another horse battery"}`,
			"Authorization: Bearer "+in.Field("access_token"))
		want(t, "by changing it", change, http.StatusBadRequest)
		for _, name := range []string{"ada", "ADA", "ada@example.org"} {
			want(t, "too late as "+name, login(name, "correct horse battery"), http.StatusTooManyRequests)
		}
	})
}
