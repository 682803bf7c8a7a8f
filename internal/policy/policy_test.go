package policy

import (
	"errors"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// TestWhoMayDoWhat walks every action over every sort of caller. An action that
// is not in here fails the test.
func TestWhoMayDoWhat(t *testing.T) {
	callers := map[string]gate.Caller{
		"nobody":                {},
		"nobody, as admin":      {Roles: []gate.Role{gate.RoleUser}},
		"a user":                {Principal: "u", Kind: gate.KindUser, Roles: []gate.Role{gate.RoleUser}},
		"a user without roles":  {Principal: "u", Kind: gate.KindUser},
		"a system agent":        {Principal: "a", Kind: gate.KindAgent, Roles: []gate.Role{gate.RoleAgentSystem}},
		"an Admin":              {Principal: "u", Kind: gate.KindUser, Roles: []gate.Role{"Admin", "administrator", "admin "}},
		"an app":                {Principal: "p", Kind: gate.KindApp},
		"an app that nobody is": {Kind: gate.KindApp},
		"an app by API key":     gate.Caller{}.AsKey(gate.Principal{ID: "p", Kind: gate.KindApp}, "k"),
		"an administrator":      {Principal: "u", Kind: gate.KindUser, Roles: []gate.Role{gate.RoleAdmin, gate.RoleUser}},
		"the operator":          gate.OperatorCaller(gate.DefaultTenant),
	}
	administrators := map[string]bool{"an administrator": true, "the operator": true}
	appsToo := map[string]bool{"an administrator": true, "the operator": true, "an app": true}
	signedIn := map[string]bool{
		"an app": true, "an app by API key": true, "a user": true, "a user without roles": true, "a system agent": true, "an Admin": true, "an administrator": true, "the operator": true,
	}
	allowed := map[Action]map[string]bool{
		CreateUsers: administrators, ReadUsers: administrators, DisableUsers: administrators, GrantRoles: administrators,
		ReadOrgs: administrators, CheckMembers: appsToo, LookUpUsers: appsToo, ReadSettings: appsToo, SetPasswords: administrators, ReadAudit: administrators, Introspect: signedIn, "no.such": {}, "": {},
	}
	allowed[ManageMachines] = administrators
	for _, action := range []Action{RegisterNodes, ReadNodes, KeepNodes} {
		allowed[action] = appsToo
	}
	for action := range table {
		if allowed[action] == nil {
			t.Errorf("action %s is not in this test", action)
		}
	}
	for action, who := range allowed {
		for name, caller := range callers {
			want := error(gate.ErrForbidden)
			switch {
			case who[name]:
				want = nil
			case caller.Principal == "":
				want = gate.ErrNotAuthenticated
			}
			if err := May(caller, action); !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%s, %s: got %v, want %v", name, action, err, want)
			}
		}
	}
}
