//go:build unix

package house_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestHouse is the main road: register, sign in, be known, refresh, leave, and
// be known no more.
func TestHouse(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		clock := &house.Clock{}
		h := house.Start(t, house.Options{Engine: engine, Clock: clock.Now})
		tokens := h.SignUp("ada@example.org")
		if me := h.Get("daarion", "/api/auth/me", tokens.Bearer()); me.Status != http.StatusOK || me.Field("email") != "ada@example.org" {
			t.Fatalf("me: %d %s", me.Status, me.Body)
		}
		clock.Forward(time.Second)
		refreshed := h.Post("daarion", "/api/auth/refresh", `{"refresh_token":"`+tokens.Refresh+`"}`)
		if refreshed.Status != http.StatusOK || refreshed.Field("refresh_token") == tokens.Refresh {
			t.Fatalf("refresh: %d %s", refreshed.Status, refreshed.Body)
		}
		out := h.Post("daarion", "/api/auth/logout", `{"refresh_token":"`+refreshed.Field("refresh_token")+`"}`)
		if out.Status != http.StatusOK {
			t.Fatalf("logout: %d %s", out.Status, out.Body)
		}
		if me := h.Get("daarion", "/api/auth/me", tokens.Bearer()); me.Status != http.StatusUnauthorized {
			t.Fatalf("me after logout: %d %s", me.Status, me.Body)
		}
	})
}
