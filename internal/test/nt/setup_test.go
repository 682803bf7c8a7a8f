//go:build unix

package nt_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

func claim(h *house.House, token, email string) (house.Answer, error) {
	form := url.Values{"token": {token}, "email": {email}, "password": {house.Password}}
	return h.Try(http.MethodPost, "native", "/setup", form.Encode(), "Content-Type: application/x-www-form-urlencoded")
}

func mustClaim(t *testing.T, what string, h *house.House, token string, status int) {
	t.Helper()
	a, err := claim(h, token, fmt.Sprintf("a%d@example.org", time.Now().UnixNano()))
	if err != nil {
		t.Fatal(err)
	}
	want(t, what, a, status)
}

func administrators(t *testing.T, h *house.House) int64 {
	t.Helper()
	n, err := h.Server.House().Administrators(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// NT-KEY-3: MinIO CVE-2024-24747; NetBird CVE-2025-10678.
func TestNT_KEY_3_AFreshHouseHasNoAccount(t *testing.T) {
	onEveryFace(t, house.Options{}, func(t *testing.T, h *house.House, m mouth) {
		if n := count(t, raw(t, h), `SELECT COUNT(*) FROM principals`); n != 0 {
			t.Errorf("%d accounts after the first start", n)
		}
		for _, name := range []string{"admin@example.org", "admin@localhost.localdomain", "root@example.org", "admin@daarion.space", "user@daarion.space"} {
			for _, password := range []string{"admin", "password", "changeme", "Password123!", "gatehouse", "postgres"} {
				want(t, name, h.Post(m.face, m.login, credentials(name, password)), http.StatusUnauthorized)
			}
		}
	})
}

// NT-KEY-3, the first administrator's link works once, whoever races for it.
func TestNT_KEY_3_OneOfManyClaimsTheSetupLink(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		c := replicas(t, house.Options{Engine: engine})
		token := setupToken(t, c[0])
		if len(c) > 1 {
			setupToken(t, c[1]) // printed, and so the one that counts may be either's
			token = newestToken(t, c)
		}
		made := 0
		for _, a := range race(t, func(n int) (house.Answer, error) { return claim(c.at(n), token, fmt.Sprintf("a%d@example.org", n)) }) {
			if want(t, "a claim", a, http.StatusOK, http.StatusBadRequest); a.Status == http.StatusOK {
				made++
			}
		}
		if n := administrators(t, c[0]); made != 1 || n != 1 {
			t.Errorf("%d claims succeeded, %d administrators", made, n)
		}
		if n := count(t, raw(t, c[0]), `SELECT COUNT(*) FROM users`); n != 1 {
			t.Errorf("%d accounts were made", n)
		}
		mustClaim(t, "the used link", c.at(1), token, http.StatusBadRequest)
	})
}

// newestToken makes a token of which the test knows that it is the newest.
func newestToken(t *testing.T, c cluster) string {
	t.Helper()
	token, err := c[0].Server.House().Account.NewSetupToken(t.Context(), gate.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

// NT-KEY-3 and NT-TOK-11: the link dies after an hour, and with the next one.
func TestNT_KEY_3_TheSetupLinkExpiresAndIsReplaced(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		clock := &house.Clock{}
		o := house.Options{Engine: engine, Database: house.NewDatabase(t, engine), DataDir: t.TempDir(), Clock: clock.Now}
		h := house.Start(t, o)
		first := setupToken(t, h)
		h.Stop()
		h = house.Start(t, o)
		second := setupToken(t, h)
		if first == second {
			t.Fatal("a restart prints the same token")
		}
		mustClaim(t, "the link of before the restart", h, first, http.StatusBadRequest)
		clock.Forward(time.Hour + time.Second)
		mustClaim(t, "after an hour", h, second, http.StatusBadRequest)
		if n := administrators(t, h); n != 0 {
			t.Fatalf("%d administrators", n)
		}
		h.Stop()
		h = house.Start(t, o)
		mustClaim(t, "a new one", h, setupToken(t, h), http.StatusOK)
	})
}

// NT-KEY-3, once there is an administrator no link works, and none is printed.
func TestNT_KEY_3_TheSetupLinkIsDeadOnceThereIsAnAdministrator(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		o := house.Options{Engine: engine, Database: house.NewDatabase(t, engine), DataDir: t.TempDir()}
		h := house.Start(t, o)
		token := setupToken(t, h)
		grant(t, h, h.SignUp("boss@example.org"), gate.RoleAdmin)
		mustClaim(t, "a link that nobody used", h, token, http.StatusBadRequest)
		for _, bad := range []string{"", "x", token[:len(token)-1], token + "x", "gh_setup_" + token} {
			mustClaim(t, "a bad link", h, bad, http.StatusBadRequest)
		}
		if n := administrators(t, h); n != 1 {
			t.Errorf("%d administrators", n)
		}
		h.Stop()
		h = house.Start(t, o)
		if fresh := newestToken(t, cluster{h}); fresh != "" {
			t.Error("there is a new token")
		}
	})
}
