//go:build unix

package nt_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// NT-ADM-2, one at a time: the last administrator can be neither demoted nor
// disabled.
func TestNT_ADM_2_TheLastAdministratorStays(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := house.Start(t, house.Options{Engine: engine})
		accounts, ctx := h.Server.House().Account, t.Context()
		boss := h.SignUp("boss@example.org")
		grant(t, h, boss, gate.RoleAdmin)
		for what, deed := range deposing(accounts) {
			if err := deed(ctx, gate.PrincipalID(boss.UserID)); !errors.Is(err, gate.ErrLastAdmin) {
				t.Errorf("%s: %v", what, err)
			}
		}
		second := h.SignUp("second@example.org")
		grant(t, h, second, gate.RoleAdmin)
		if err := accounts.SetDisabled(ctx, house.Operator, gate.PrincipalID(second.UserID), true); err != nil {
			t.Fatal(err)
		}
		for what, deed := range deposing(accounts) { // a disabled one does not count
			if err := deed(ctx, gate.PrincipalID(boss.UserID)); !errors.Is(err, gate.ErrLastAdmin) {
				t.Errorf("beside a disabled administrator, %s: %v", what, err)
			}
		}
	})
}

// NT-ADM-2, by those who are not allowed: no role below administrator changes
// anybody's.
func TestNT_ADM_2_NobodyPromotesThemselves(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := house.Start(t, house.Options{Engine: engine})
		ada := h.SignUp("ada@example.org")
		caller := gate.Caller{Tenant: gate.DefaultTenant, Principal: gate.PrincipalID(ada.UserID), Roles: []gate.Role{gate.RoleUser}}
		accounts, ctx := h.Server.House().Account, t.Context()
		for what, err := range map[string]error{
			"grant":   accounts.GrantRole(ctx, caller, caller.Principal, gate.RoleAdmin),
			"disable": accounts.SetDisabled(ctx, caller, caller.Principal, true),
			"create":  second(accounts.Create(ctx, caller, account.Application{Email: "b@example.org"}, gate.RoleAdmin)),
			"list":    second(accounts.List(ctx, caller, 0, 10)),
		} {
			if !errors.Is(err, gate.ErrForbidden) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func deposing(accounts *account.Service) map[string]func(context.Context, gate.PrincipalID) error {
	return map[string]func(context.Context, gate.PrincipalID) error{
		"demote": func(ctx context.Context, id gate.PrincipalID) error {
			return accounts.RevokeRole(ctx, house.Operator, id, gate.RoleAdmin)
		},
		"disable": func(ctx context.Context, id gate.PrincipalID) error {
			return accounts.SetDisabled(ctx, house.Operator, id, true)
		},
	}
}

// NT-ADM-2, two at once: Keycloak CVE-2026-3121, CVE-2026-9796, CVE-2026-9099;
// NetBird's race; Casdoor CVE-2025-4210.
func TestNT_ADM_2_TwoAdministratorsCannotDeposeEachOtherAtOnce(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		c := replicas(t, house.Options{Engine: engine})
		var pair [2]gate.PrincipalID
		for n := range pair {
			who := c.at(0).SignUp(fmt.Sprintf("admin%d@example.org", n))
			pair[n] = gate.PrincipalID(who.UserID)
		}
		for round := range 5 * rounds() {
			for _, id := range pair {
				if err := c.at(0).Server.House().Account.SetDisabled(t.Context(), house.Operator, id, false); err != nil {
					t.Fatal(err)
				}
				grant(t, c.at(0), house.Tokens{UserID: string(id)}, gate.RoleAdmin)
			}
			var both sync.WaitGroup
			var errs [2]error
			for n, id := range pair {
				deed := deposing(c.at(n).Server.House().Account)[[]string{"demote", "disable"}[(n+round)%2]]
				both.Go(func() { errs[n] = deed(t.Context(), id) })
			}
			both.Wait()
			left, err := c.at(0).Server.House().Administrators(t.Context())
			if err != nil || left != 1 {
				t.Fatalf("round %d: %d administrators are left, %v; the deeds said %v", round, left, err, errs)
			}
		}
	})
}

// NT-LINK-10: ZITADEL CVE-2026-55670. (Nothing removes users yet but an operator
// with SQL.)
func TestNT_LINK_10_ARecycledAddressInheritsNothing(t *testing.T) {
	onEveryFace(t, house.Options{}, func(t *testing.T, h *house.House, m mouth) {
		old := enter(t, h, m, "ada@example.org")
		grant(t, h, old, gate.RoleAdmin)
		old = renew(t, h, m, old)
		if _, err := raw(t, h).ExecContext(t.Context(), `DELETE FROM principals WHERE id = $1`, old.UserID); err != nil {
			t.Fatal(err)
		}
		fresh := enter(t, h, m, "ada@example.org")
		if fresh.UserID == old.UserID || fresh.UserID[:8] == old.UserID[:8] {
			t.Errorf("the id came back: %s, %s", old.UserID, fresh.UserID)
		}
		plain(t, h, m, fresh)
		wantRefusal(t, "the old access token", h.Get(m.face, m.me, old.Bearer()))
		want(t, "the old refresh token", h.Post(m.face, m.refresh, refreshBody(old.Refresh)), http.StatusUnauthorized)
		if a := introspect(h, m, fresh, old.Access); strings.Contains(a.Body, `"active":true`) {
			t.Errorf("introspection of the old token: %s", a.Body)
		}
	})
}
