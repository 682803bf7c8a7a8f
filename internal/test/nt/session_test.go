//go:build unix

package nt_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// signOut ends a session as a client of the face does.
func signOut(t *testing.T, h *house.House, m mouth, tokens house.Tokens) {
	t.Helper()
	if m.face == "native" {
		want(t, "logout", h.Do(http.MethodPost, m.face, "/api/v1/logout", "", tokens.Bearer()), http.StatusNoContent)
		return
	}
	want(t, "logout", h.Post(m.face, "/api/auth/logout", refreshBody(tokens.Refresh)), http.StatusOK)
}

// NT-TOK-10: nhost GHSA-7hgr-xvrr-xpw3, Better Auth GHSA-2vg6-77g8-24mp.
func TestNT_TOK_10_NoSessionSurvivesASecurityEvent(t *testing.T) {
	deeds := map[string]func(t *testing.T, h *house.House, m mouth, who house.Tokens){
		"a new password": func(t *testing.T, h *house.House, _ mouth, who house.Tokens) {
			if err := h.Server.House().Account.SetPassword(t.Context(), house.Operator, gate.PrincipalID(who.UserID), secret.NewText("another password")); err != nil {
				t.Fatal(err)
			}
		},
		"disabling": func(t *testing.T, h *house.House, _ mouth, who house.Tokens) {
			if err := h.Server.House().Account.SetDisabled(t.Context(), house.Operator, gate.PrincipalID(who.UserID), true); err != nil {
				t.Fatal(err)
			}
		},
		"logout": signOut,
		"theft": func(t *testing.T, h *house.House, m mouth, who house.Tokens) {
			second := renew(t, h, m, who)
			renew(t, h, m, second)
			want(t, "a spent refresh token", h.Post(m.face, m.refresh, refreshBody(who.Refresh)), http.StatusUnauthorized)
		},
	}
	for name, deed := range deeds {
		t.Run(name, func(t *testing.T) {
			house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
				c := replicas(t, house.Options{Engine: engine})
				for _, m := range mouths {
					who, asker := enter(t, c.at(0), m, m.face+"@example.org"), enter(t, c.at(0), m, m.face+"-asker@example.org")
					for _, h := range c { // so that every replica has it in its cache
						want(t, "before", h.Get(m.face, m.me, who.Bearer()), http.StatusOK)
						introspect(h, m, asker, who.Access)
					}
					deed(t, c.at(0), m, who)
					start := time.Now()
					for n, h := range c {
						within(t, time.Second, fmt.Sprintf("%s at replica %d: me", m.face, n), func() bool {
							return h.Get(m.face, m.me, who.Bearer()).Status == http.StatusUnauthorized
						})
						within(t, time.Second, "introspection", func() bool {
							return strings.Contains(introspect(h, m, asker, who.Access).Body, `"active":false`)
						})
						want(t, "refresh", h.Post(m.face, m.refresh, refreshBody(who.Refresh)), http.StatusUnauthorized)
					}
					if took := time.Since(start); took > 2*time.Second {
						t.Errorf("it took %s until it was seen everywhere", took)
					}
				}
			})
		})
	}
}

// NT-TOK-11: authentik CVE-2025-64708, Vault CVE-2021-32923, Authelia
// GHSA-x883-2vmg-xwf7.
func TestNT_TOK_11_NothingOutlivesItsExpiry(t *testing.T) {
	clock := &house.Clock{}
	o := house.Options{Clock: clock.Now, Set: map[string]string{
		"daarion.access.ttl": "60s", "native.access.ttl": "60s", "daarion.refresh.ttl": "600s", "native.refresh.ttl": "600s", "session.lifetime": "20m",
	}}
	onEveryFace(t, o, func(t *testing.T, h *house.House, m mouth) {
		tokens := enter(t, h, m, "ada@example.org")
		want(t, "me", h.Get(m.face, m.me, tokens.Bearer()), http.StatusOK)
		clock.Forward(61 * time.Second)
		want(t, "me after the access token's time", h.Get(m.face, m.me, tokens.Bearer()), http.StatusUnauthorized)
		asker := again(t, h, m, "ada@example.org", house.Password)
		if a := introspect(h, m, asker, tokens.Access); !strings.Contains(a.Body, `"active":false`) {
			t.Errorf("introspection after the access token's time: %s", a.Body)
		}
		clock.Forward(601 * time.Second)
		want(t, "refresh after the refresh token's time", h.Post(m.face, m.refresh, refreshBody(asker.Refresh)), http.StatusUnauthorized)

		carried := again(t, h, m, "ada@example.org", house.Password)
		for range 2 {
			clock.Forward(590 * time.Second)
			carried = renew(t, h, m, carried)
		}
		want(t, "just before the session's end", h.Get(m.face, m.me, carried.Bearer()), http.StatusOK)
		clock.Forward(21 * time.Second)
		want(t, "me after the session's end", h.Get(m.face, m.me, carried.Bearer()), http.StatusUnauthorized)
		want(t, "refresh after the session's end", h.Post(m.face, m.refresh, refreshBody(carried.Refresh)), http.StatusUnauthorized)
	})
}
