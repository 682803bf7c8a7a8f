//go:build unix

package nt_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// rounds is how often a race is run.
func rounds() int {
	if testing.Short() {
		return 3
	}
	return 30
}

// NT-TOK-1: Keycloak CVE-2026-1035, Better Auth GHSA-392p-2q2v-4372, fosite
// CVE-2020-15222. Check-then-set let 20 of 50 win.
func TestNT_TOK_1_ParallelRefreshesHaveOneSuccessor(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		c := replicas(t, house.Options{Engine: engine})
		db := raw(t, c.at(0))
		for round := range rounds() {
			m := mouths[round%2]
			tokens := enter(t, c.at(0), m, fmt.Sprintf("u%d@example.org", round))
			successors := map[string]bool{}
			for _, a := range race(t, func(n int) (house.Answer, error) {
				return c.at(n).Try(http.MethodPost, m.face, m.refresh, refreshBody(tokens.Refresh), "Content-Type: application/json")
			}) {
				want(t, "a refresh", a, http.StatusOK)
				successors[a.Field("refresh_token")] = true
			}
			if len(successors) != 1 {
				t.Fatalf("%d successors", len(successors))
			}
			for successor := range successors {
				leaf := secret.DigestOf(secret.NewText(successor)).String()
				if count(t, db, `SELECT COUNT(*) FROM sessions WHERE principal = $1`, tokens.UserID) != 1 ||
					count(t, db, `SELECT COUNT(*) FROM sessions WHERE principal = $1 AND refresh_digest = $2`, tokens.UserID, leaf) != 1 {
					t.Fatal("the successor is not the one live leaf of the one session")
				}
				want(t, "the successor", c.at(1).Post(m.face, m.refresh, refreshBody(successor)), http.StatusOK)
			}
		}
	})
}

// NT-TOK-1, revoke ∥ refresh: once a logout is confirmed, no token of the
// session works, however the race went.
func TestNT_TOK_1_ALogoutWinsAgainstParallelRefreshes(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		c, m := replicas(t, house.Options{Engine: engine}), mouths[0]
		for round := range rounds() {
			tokens := enter(t, c.at(0), m, fmt.Sprintf("u%d@example.org", round))
			issued := []string{tokens.Refresh}
			for n, a := range race(t, func(n int) (house.Answer, error) {
				path := m.refresh
				if n == racers/2 {
					path = "/api/auth/logout"
				}
				return c.at(n).Try(http.MethodPost, m.face, path, refreshBody(tokens.Refresh), "Content-Type: application/json")
			}) {
				if n == racers/2 {
					want(t, "logout", a, http.StatusOK)
				} else if want(t, "a refresh", a, http.StatusOK, http.StatusUnauthorized); a.Status == http.StatusOK {
					issued = append(issued, a.Field("refresh_token"))
				}
			}
			for _, refresh := range issued {
				want(t, "a refresh after the logout", c.at(round).Post(m.face, m.refresh, refreshBody(refresh)), http.StatusUnauthorized)
			}
		}
	})
}

// NT-TOK-2: Keycloak CVE-2026-9802.
func TestNT_TOK_2_ARestartDoesNotReviveASpentToken(t *testing.T) {
	for _, m := range mouths {
		t.Run(m.face, func(t *testing.T) {
			house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
				o := house.Options{Engine: engine, Database: house.NewDatabase(t, engine), DataDir: t.TempDir()}
				h := house.Start(t, o)
				old := enter(t, h, m, "ada@example.org")
				second := h.Post(m.face, m.refresh, refreshBody(old.Refresh)).Field("refresh_token")
				third := h.Post(m.face, m.refresh, refreshBody(second)).Field("refresh_token")
				h.Stop()
				h = house.Start(t, o)
				want(t, "the spent token", h.Post(m.face, m.refresh, refreshBody(old.Refresh)), http.StatusUnauthorized)
				want(t, "the newest token of the family", h.Post(m.face, m.refresh, refreshBody(third)), http.StatusUnauthorized)
				if n := events(t, h, gate.EventRefreshReused); n != 1 {
					t.Errorf("%d events tell of the theft", n)
				}
			})
		})
	}
}

// NT-TOK-2, the grace ends: a token whose answer was lost is good for seconds.
func TestNT_TOK_2_TheGraceEnds(t *testing.T) {
	clock := &house.Clock{}
	onEveryFace(t, house.Options{Clock: clock.Now}, func(t *testing.T, h *house.House, m mouth) {
		old := enter(t, h, m, "ada@example.org")
		next := h.Post(m.face, m.refresh, refreshBody(old.Refresh)).Field("refresh_token")
		if lost := h.Post(m.face, m.refresh, refreshBody(old.Refresh)).Field("refresh_token"); lost != next {
			t.Fatal("within the grace there is another successor")
		}
		clock.Forward(11 * time.Second)
		want(t, "after the grace", h.Post(m.face, m.refresh, refreshBody(old.Refresh)), http.StatusUnauthorized)
		want(t, "its successor, now of a stolen family", h.Post(m.face, m.refresh, refreshBody(next)), http.StatusUnauthorized)
	})
}

// NT-TOK-3: Pocket ID CVE-2026-43983; ZITADEL CVE-2024-46999, CVE-2024-47000,
// CVE-2024-47060.
func TestNT_TOK_3_ARefreshTellsTodaysTruth(t *testing.T) {
	onEveryFace(t, house.Options{}, func(t *testing.T, h *house.House, m mouth) {
		tokens := enter(t, h, m, "ada@example.org")
		grant(t, h, house.Tokens{UserID: enter(t, h, m, "other@example.org").UserID}, gate.RoleAdmin) // so that ada is not the last
		grant(t, h, tokens, gate.RoleAdmin)
		tokens = renew(t, h, m, tokens)
		if roles := rolesOf(t, h, m, tokens); len(roles) != 2 {
			t.Errorf("after the grant: %v", roles)
		}
		accounts := h.Server.House().Account
		if err := accounts.RevokeRole(t.Context(), house.Operator, gate.PrincipalID(tokens.UserID), gate.RoleAdmin); err != nil {
			t.Fatal(err)
		}
		tokens = renew(t, h, m, tokens)
		if roles := rolesOf(t, h, m, tokens); len(roles) != 1 {
			t.Errorf("after the revocation: %v", roles)
		}
		for _, disabled := range []bool{true, false} { // enabling does not bring old sessions back
			if err := accounts.SetDisabled(t.Context(), house.Operator, gate.PrincipalID(tokens.UserID), disabled); err != nil {
				t.Fatal(err)
			}
			want(t, fmt.Sprintf("refresh with disabled=%t", disabled), h.Post(m.face, m.refresh, refreshBody(tokens.Refresh)), http.StatusUnauthorized)
		}
	})
}

func renew(t *testing.T, h *house.House, m mouth, tokens house.Tokens) (renewed house.Tokens) {
	t.Helper()
	a := h.Post(m.face, m.refresh, refreshBody(tokens.Refresh))
	want(t, "refresh", a, http.StatusOK)
	a.JSON(t, &renewed)
	renewed.UserID = tokens.UserID
	return renewed
}

// rolesOf reads what the token itself says, as services do that do not ask.
func rolesOf(t *testing.T, h *house.House, m mouth, tokens house.Tokens) []string {
	t.Helper()
	var claims struct{ Roles []string }
	payload(t, tokens.Access, &claims)
	var me struct{ Roles []string }
	h.Get(m.face, m.me, tokens.Bearer()).JSON(t, &me)
	if fmt.Sprint(len(claims.Roles)) != fmt.Sprint(len(me.Roles)) {
		t.Errorf("the token says %v, the house %v", claims.Roles, me.Roles)
	}
	return claims.Roles
}
