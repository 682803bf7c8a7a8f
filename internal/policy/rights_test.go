package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// holder is a principal with roles and, as "org:role", memberships.
func holder(rights string) (p gate.Principal) {
	for _, right := range strings.Fields(rights) {
		if org, role, found := strings.Cut(right, ":"); found {
			p.Memberships = append(p.Memberships, gate.Membership{Org: gate.OrgID(org), Role: gate.OrgRole(role)})
		} else {
			p.Roles = append(p.Roles, gate.Role(right))
		}
	}
	return p
}

func rightsOf(p gate.Principal) string {
	var all []string
	for _, r := range p.Roles {
		all = append(all, string(r))
	}
	for _, m := range p.Memberships {
		all = append(all, fmt.Sprint(m.Org, ":", m.Role))
	}
	return strings.Join(all, " ")
}

func TestAnAgentHasNoMoreThanItsOwner(t *testing.T) {
	for name, c := range map[string]struct{ agent, owner, want string }{
		"the same":                  {"user farm:admin", "user farm:admin", "user farm:admin"},
		"a mightier agent":          {"admin user farm:admin mill:member", "user farm:member", "user farm:member"},
		"a mightier owner":          {"farm:member", "admin farm:admin mill:admin", "farm:member"},
		"of an owner with nothing":  {"admin farm:admin", "", ""},
		"without anything":          {"", "admin farm:admin", ""},
		"in the order of the agent": {"mill:admin farm:admin", "farm:admin mill:power_user", "mill:power_user farm:admin"},
		"a role nobody knows":       {"farm:owner mill:admin", "farm:admin mill:owner", ""},
		"a role in other letters":   {"admin", "Admin", ""},
	} {
		agent := holder(c.agent)
		if got := rightsOf(Within(agent, holder(c.owner))); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if rightsOf(agent) != c.agent {
			t.Errorf("%s: what was handed in is now %q", name, rightsOf(agent))
		}
	}
}

func TestAnAgentOfAnOrgIsNothingElsewhere(t *testing.T) {
	for agent, want := range map[string]string{
		"admin farm:power_user mill:admin": "farm:power_user", "farm:admin": "farm:admin", "mill:admin": "", "admin": "", "": "", "Farm:admin": "", "farm:owner": "",
	} {
		if got := rightsOf(WithinOrg(holder(agent), "farm")); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

func TestAScopeNeverAdds(t *testing.T) {
	const whole = "admin user farm:admin mill:member"
	for scopes, want := range map[string]string{
		"": "", "*": whole, "roles:*": "admin user", "roles:user": "user", "orgs:*": "farm:admin mill:member", "orgs:farm": "farm:admin",
		"orgs:mill roles:admin": "admin mill:member", "roles:superuser orgs:dairy": "", "roles:Admin orgs:FARM": "", "roles:adm": "", "roles:admin2": "",
		"roles:farm orgs:admin": "", "roles: orgs:": "", "orgs:farm *": whole,
	} {
		if got := rightsOf(Narrow(holder(whole), strings.Fields(scopes))); got != want {
			t.Errorf("%q: %q, want %q", scopes, got, want)
		}
	}
}

func TestWhatIsAScope(t *testing.T) {
	many := func(n int) []string { return strings.Fields(strings.Repeat("* ", n)) }
	for name, c := range map[string]struct {
		scopes []string
		good   bool
	}{
		"none": {nil, true}, "all": {[]string{"*"}, true}, "several": {[]string{"roles:user", "roles:*", "orgs:a-b", "orgs:*"}, true},
		"a role that may come": {[]string{"roles:later"}, true}, "as many as may be": {many(64), true}, "one more": {many(65), false},
		"as long as may be": {[]string{"orgs:" + strings.Repeat("x", 123)}, true}, "one longer": {[]string{"orgs:" + strings.Repeat("x", 124)}, false},
		"empty": {[]string{""}, false}, "one bad among good": {[]string{"*", "admin"}, false}, "no role": {[]string{"roles:"}, false}, "no org": {[]string{"orgs:"}, false},
		"other letters": {[]string{"Roles:user"}, false}, "a blank": {[]string{"roles:a b"}, false}, "a comma": {[]string{"roles:a,roles:b"}, false},
		"two stars": {[]string{"**"}, false}, "a line break": {[]string{"roles:a\n"}, false}, "NUL": {[]string{"roles:\x00"}, false}, "bytes": {[]string{"roles:\xff"}, false},
		"an em space": {[]string{"roles:a\u2003b"}, false}, "a no-break space": {[]string{"orgs:a\u00a0b"}, false}, "a tab": {[]string{"roles:a\tb"}, false},
		"a space of no width": {[]string{"roles:admin\u200b"}, false}, "a joiner": {[]string{"orgs:a\u2060b"}, false}, "a mark of byte order": {[]string{"\ufeffroles:a", "roles:\ufeffa"}, false},
		"an override of direction": {[]string{"roles:\u202enimda"}, false}, "a line separator": {[]string{"roles:a\u2028b"}, false}, "nothing but a blank": {[]string{"roles:\u3000"}, false},
		"letters that are not Latin": {[]string{"roles:адмін"}, true},
	} {
		if err := KnownScopes(c.scopes); (err == nil) != c.good || err != nil && !errors.Is(err, gate.ErrScope) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhoIsThereInPerson(t *testing.T) {
	user := gate.Caller{Principal: "u", Kind: gate.KindUser}
	signedIn, byKey, both := user, user.AsKey(gate.Principal{ID: "u"}, "k"), user
	signedIn.Session, both.Session, both.Key = "s", "s", "k"
	keyed := gate.OperatorCaller(gate.DefaultTenant)
	keyed.Key = "k"
	for name, c := range map[string]struct {
		who  gate.Caller
		want error
	}{
		"nobody": {gate.Caller{Roles: []gate.Role{gate.RoleAdmin}}, gate.ErrNotAuthenticated}, "nobody, with a session": {gate.Caller{Session: "s"}, gate.ErrNotAuthenticated},
		"signed in": {signedIn, nil}, "by key": {byKey, gate.ErrNeedsSession}, "by key, of who is signed in": {both, gate.ErrNeedsSession},
		"without a session": {user, gate.ErrNeedsSession}, "an app": {gate.Caller{}.AsApp(gate.App{ID: "p"}), gate.ErrNeedsSession},
		"the operator": {gate.OperatorCaller(gate.DefaultTenant), nil}, "the operator, by key": {keyed, gate.ErrNeedsSession},
	} {
		if err := InPerson(c.who); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
