//go:build unix

package account_test

import (
	"fmt"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

// NT-ADM-2: an agent that holds the role does not administer the house in place
// of the last human who does.
func TestNT_ADM_2_AnAgentIsNoLastAdministratorOfTheHouse(t *testing.T) {
	onBothEngines(t, func(r *register) {
		ada := r.user("ada", gate.RoleAdmin)
		r.robot("rex", gate.RoleAdmin)
		r.write(func(tx *store.Tx) error {
			for kind, name := range map[gate.PrincipalKind]string{gate.KindAgent: "ant", gate.KindApp: "logs"} {
				a, err := tx.AddAgent(gate.Agent{ID: gate.PrincipalID("0f0f0f0f-0000-4000-8000-" + fmt.Sprintf("%012d", len(name))), Kind: kind, Name: name})
				if err != nil {
					return err
				}
				if _, err := tx.GrantRole(a.ID, gate.RoleAdmin); err != nil {
					return err
				}
			}
			return nil
		})
		r.want("disable her", r.SetDisabled(ctx, operator, ada, true), gate.ErrLastAdmin)
		r.want("demote her", r.RevokeRole(ctx, operator, ada, gate.RoleAdmin), gate.ErrLastAdmin)
		bob := r.user("bob", gate.RoleAdmin)
		r.want("disable her beside bob", r.SetDisabled(ctx, operator, ada, true), nil)
		r.want("demote bob", r.RevokeRole(ctx, operator, bob, gate.RoleAdmin), gate.ErrLastAdmin)
	})
}

// NT-ADM-2: an agent can always be stopped. The last human administrator stays,
// so nothing stands against it.
func TestNT_ADM_2_AnAgentThatAdministersTheHouseIsStopped(t *testing.T) {
	for name, deed := range map[string]func(r *register, id gate.PrincipalID) error{
		"disabled": func(r *register, id gate.PrincipalID) error { return r.SetDisabled(ctx, operator, id, true) },
		"demoted":  func(r *register, id gate.PrincipalID) error { return r.RevokeRole(ctx, operator, id, gate.RoleAdmin) },
	} {
		t.Run(name, func(t *testing.T) {
			onBothEngines(t, func(r *register) {
				r.user("ada", gate.RoleAdmin)
				r.want("beside one human", deed(r, r.robot("rex", gate.RoleAdmin)), nil)
			})
		})
	}
}

// TestNobodyIsFoundByWhatCannotBe: it may come from an address; Postgres would
// fail.
func TestNobodyIsFoundByWhatCannotBe(t *testing.T) {
	onBothEngines(t, func(r *register) {
		ada := r.user("ada")
		for _, text := range []string{"", "unknown", "\x00", "\xff", string(ada) + "\x00", "ada@example.org\x00", "\xff@example.org", "a\nb"} {
			user, err := r.Find(ctx, operator, text)
			if r.want(fmt.Sprintf("find %q", text), err, gate.ErrUserNotFound); user.ID != "" {
				r.Errorf("%q finds %+v", text, user)
			}
			r.want(fmt.Sprintf("disable %q", text), r.SetDisabled(ctx, operator, gate.PrincipalID(text), true), gate.ErrUserNotFound)
		}
		for _, text := range []string{string(ada), "ada@example.org", "ADA@Example.org"} {
			if user, err := r.Find(ctx, operator, text); err != nil || user.ID != ada {
				r.Errorf("%s: %+v, %v", text, user, err)
			}
		}
	})
}
