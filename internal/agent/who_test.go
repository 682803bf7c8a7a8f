//go:build unix

package agent_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

var everybody = []string{"nobody", "ada", "boss", "child", "miller", "chief", "operator", "ada's agent", "ada by key", "boss by key", "chief by key"}

// answers are what everybody is told who is not told the rest of it.
type answers map[string]error

func (a answers) of(who string) error {
	err, special := a[who]
	if !special {
		err = a["otherwise"]
	}
	return err
}

// TestWhoMayCreateWhat walks every caller over every owner.
func TestWhoMayCreateWhat(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		session, none := error(gate.ErrNeedsSession), error(gate.ErrNotAuthenticated)
		byKey := func(a answers) answers {
			a["nobody"], a["ada's agent"], a["ada by key"], a["boss by key"], a["chief by key"] = none, session, session, session, session
			return a
		}
		cases := []struct {
			what  string
			kind  gate.PrincipalKind
			owner gate.Owner
			want  answers
		}{
			{"an agent of one's own", gate.KindAgent, gate.Owner{}, byKey(answers{})},
			{"a service", gate.KindApp, gate.Owner{}, byKey(answers{"otherwise": gate.ErrForbidden, "chief": nil, "operator": nil})},
			{"ada's", gate.KindAgent, gate.Owner{User: b.id("ada")}, byKey(answers{"otherwise": gate.ErrForbidden, "ada": nil, "chief": nil, "operator": nil})},
			{"the farm's", gate.KindAgent, gate.Owner{Org: farm},
				byKey(answers{"otherwise": gate.ErrNotMember, "child": gate.ErrForbidden, "boss": nil, "chief": nil, "operator": nil})},
			{"a service of the farm", gate.KindApp, gate.Owner{Org: farm}, byKey(answers{"otherwise": gate.ErrForbidden, "chief": nil, "operator": nil})},
			{"of an org that is none", gate.KindAgent, gate.Owner{Org: absent}, byKey(answers{"otherwise": gate.ErrNotMember, "chief": gate.ErrOrgNotFound, "operator": gate.ErrOrgNotFound})},
			{"of a user who is none", gate.KindAgent, gate.Owner{User: "unknown"}, byKey(answers{"otherwise": gate.ErrForbidden, "chief": gate.ErrUserNotFound, "operator": gate.ErrUserNotFound})},
			{"of an agent", gate.KindAgent, gate.Owner{User: b.id("ada's agent")}, byKey(answers{"otherwise": gate.ErrForbidden, "chief": gate.ErrUserNotFound, "operator": gate.ErrUserNotFound})},
		}
		before := b.rows("agents") + b.rows("apps")
		for i, c := range cases {
			for j, who := range everybody {
				a, err := b.s.Create(ctx, b.as(who), gate.Agent{Kind: c.kind, Name: "new" + string(rune('a'+i)) + string(rune('a'+j)), Title: "New", Owner: c.owner})
				want := c.want.of(who)
				if b.want(who+": "+c.what, err, want); err != nil && a != (gate.Agent{}) {
					b.Errorf("%s: %s: refused, and given %+v", who, c.what, a)
				}
				if err == nil {
					before++
				}
			}
		}
		b.equal("agents and services", b.rows("agents")+b.rows("apps"), before)
	})
}

// TestOthersLearnNothingOfAnAgent: who does not manage one is told what somebody
// is told who asks for one that does not exist; a key changes none.
func TestOthersLearnNothingOfAnAgent(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		deeds := map[string]func(caller gate.Caller, kind gate.PrincipalKind, name string) error{
			"get":     func(c gate.Caller, k gate.PrincipalKind, n string) error { _, err := b.s.Get(ctx, c, k, n); return err },
			"disable": func(c gate.Caller, k gate.PrincipalKind, n string) error { return b.s.SetDisabled(ctx, c, k, n, true) },
			"enable":  func(c gate.Caller, k gate.PrincipalKind, n string) error { return b.s.SetDisabled(ctx, c, k, n, false) },
			"leave": func(c gate.Caller, k gate.PrincipalKind, n string) error {
				return but(b.s.Place(ctx, c, k, n, mill, ""), gate.ErrMemberNotFound)
			},
			"enter": func(c gate.Caller, k gate.PrincipalKind, n string) error {
				return but(b.s.Place(ctx, c, k, n, absent, gate.OrgMember), gate.ErrAgentRights, gate.ErrOrgNotFound)
			},
			"give a role": func(c gate.Caller, k gate.PrincipalKind, n string) error {
				return but(b.s.SetRole(ctx, c, k, n, "unknown", true), gate.ErrAgentRights, gate.ErrRoleUnknown)
			},
			"take a role": func(c gate.Caller, k gate.PrincipalKind, n string) error {
				return b.s.SetRole(ctx, c, k, n, gate.RoleAdmin, false)
			},
			"key": func(c gate.Caller, k gate.PrincipalKind, n string) error {
				return but(b.keyless(c, k, n), gate.ErrScope)
			},
			"revoke": func(c gate.Caller, k gate.PrincipalKind, n string) error {
				return but(b.s.RevokeKey(ctx, c, k, n, "unknown"), gate.ErrAPIKeyNotFound)
			},
		}
		keepers := map[string]string{"ant": "ada chief operator", "bee": "boss chief operator", "logs": "chief operator"}
		readers := map[string]string{"bee": "boss by key, chief by key", "ant": "chief by key", "logs": "chief by key"} // whose key reaches as far
		for name, who := range keepers {
			kind := map[bool]gate.PrincipalKind{true: gate.KindApp, false: gate.KindAgent}[name == "logs"]
			for what, do := range deeds {
				for _, caller := range everybody {
					want := error(gate.ErrAgentNotFound)
					switch byKey := b.as(caller).Key != ""; {
					case caller == "nobody":
						want = gate.ErrNotAuthenticated
					case byKey && what != "get":
						want = gate.ErrNeedsSession
					case !byKey && strings.Contains(" "+who+" ", " "+caller+" "), byKey && strings.Contains(readers[name], caller):
						want = nil
					}
					b.want(caller+": "+what+" "+name, do(b.as(caller), kind, name), want)
					if want == nil {
						want = gate.ErrAgentNotFound
					}
					for _, unknown := range []string{"unknown", "", "ANT", "\x00", "\xff"} {
						b.want(caller+": "+what+" an unknown one", do(b.as(caller), kind, unknown), want)
					}
				}
			}
		}
		b.want("another kind of the name", b.s.Remove(ctx, b.as("operator"), gate.KindApp, "ant"), gate.ErrAgentNotFound)
		for _, who := range []string{"nobody", "boss", "child", "miller", "ada's agent", "ada by key", "boss by key"} {
			if err := b.s.Remove(ctx, b.as(who), gate.KindAgent, "ant"); err == nil {
				b.Errorf("%s removed what is ada's", who)
			}
		}
	})
}

// but takes refusals that only who manages an agent gets for none.
func but(err error, spared ...*gate.Error) error {
	for _, refusal := range spared {
		if errors.Is(err, refusal) {
			return nil
		}
	}
	return err
}

// keyless asks for a key with a scope that is none.
func (b *bench) keyless(c gate.Caller, kind gate.PrincipalKind, name string) error {
	b.callers["who asks"] = c
	_, shown, err := b.key("who asks", kind, name, "everything")
	if !shown.Empty() {
		b.Error("refused, and shown a key")
	}
	return err
}

func TestWhoSeesWhichAgents(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		b.create("ada", gate.Agent{Kind: gate.KindAgent, Name: "asp"})
		b.create("miller", gate.Agent{Kind: gate.KindAgent, Name: "moth", Owner: gate.Owner{Org: mill}})
		b.create("operator", gate.Agent{Kind: gate.KindAgent, Name: "owl"})
		b.create("operator", gate.Agent{Kind: gate.KindApp, Name: "mail", Owner: gate.Owner{User: b.id("ada")}})
		list := func(who string, kind gate.PrincipalKind, after string, limit int) string {
			b.Helper()
			found, err := b.s.List(ctx, b.as(who), kind, after, limit)
			if err != nil {
				return gate.AsError(err).Code
			}
			var names []string
			for _, a := range found {
				names = append(names, a.Name)
			}
			return strings.Join(names, " ")
		}
		for who, want := range map[string][2]string{
			"nobody": {"not_authenticated", "not_authenticated"}, "ada": {"ant asp", "forbidden"}, "boss": {"bee", "forbidden"},
			"child": {"", "forbidden"}, "miller": {"moth", "forbidden"}, "chief": {"ant asp bee moth owl", "logs mail"},
			"operator": {"ant asp bee moth owl", "logs mail"}, "ada's agent": {"forbidden", "forbidden"},
			"ada by key": {"", "forbidden"}, "boss by key": {"bee", "forbidden"}, "chief by key": {"ant asp bee moth owl", "logs mail"},
		} {
			b.equal(who+"'s agents", list(who, gate.KindAgent, "", 0), want[0])
			b.equal(who+"'s services", list(who, gate.KindApp, "", 0), want[1])
		}
		b.equal("a page", list("operator", gate.KindAgent, "ant", 2), "asp bee")
		b.equal("more than there may be", list("operator", gate.KindAgent, "", 1<<30), "ant asp bee moth owl")
		b.equal("a negative page", list("operator", gate.KindAgent, "", -1), "ant asp bee moth owl")
		for _, who := range []string{"ada", "operator", "boss by key"} {
			for _, after := range []string{"\x00", "a\x00", "\xff", "a\n"} {
				b.equal(fmt.Sprintf("%s after %q", who, after), list(who, gate.KindAgent, after, 0), gate.ErrValidation.Code)
			}
		}
		b.equal("nobody, after bytes", list("nobody", gate.KindAgent, "\xff", 0), gate.ErrNotAuthenticated.Code)
	})
}

// TestAKeySeesNoFurtherThanItReaches: of what the orgs keep that its owner
// administers, and nothing of what is its owner's own.
func TestAKeySeesNoFurtherThanItReaches(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		b.write(func(tx *store.Tx) error { _, err := tx.AddMember(mill, b.id("boss"), gate.OrgAdmin); return err })
		b.create("boss", gate.Agent{Kind: gate.KindAgent, Name: "own"})
		b.create("boss", gate.Agent{Kind: gate.KindAgent, Name: "moth", Owner: gate.Owner{Org: mill}})
		in := func(org gate.OrgID, role gate.OrgRole) gate.Membership { return gate.Membership{Org: org, Role: role} }
		for _, c := range []struct {
			reach []gate.Membership // what policy.Narrow leaves of boss
			want  string
		}{
			{nil, ""}, {[]gate.Membership{in(farm, gate.OrgMember)}, ""}, {[]gate.Membership{in(farm, gate.OrgPowerUser), in(mill, gate.OrgMember)}, ""},
			{[]gate.Membership{in(farm, gate.OrgAdmin)}, "bee"}, {[]gate.Membership{in(mill, gate.OrgAdmin), in(farm, gate.OrgMember)}, "moth"},
			{[]gate.Membership{in(farm, gate.OrgAdmin), in(mill, gate.OrgAdmin)}, "bee moth"}, {[]gate.Membership{in(absent, gate.OrgAdmin)}, ""},
		} {
			p := b.principal(b.id("boss"))
			p.Memberships = c.reach
			key := b.as("nobody").AsKey(p, "a key")
			found, err := b.s.List(ctx, key, gate.KindAgent, "", 0)
			b.want("list", err, nil)
			var names []string
			for _, a := range found {
				names = append(names, a.Name)
			}
			b.equal(fmt.Sprintf("with %v it sees", c.reach), strings.Join(names, " "), c.want)
			for _, name := range []string{"ant", "bee", "moth", "own"} {
				want := error(gate.ErrAgentNotFound)
				if strings.Contains(" "+c.want+" ", " "+name+" ") {
					want = nil
				}
				whole, err := b.s.Get(ctx, key, gate.KindAgent, name)
				if b.want(fmt.Sprintf("with %v: get %s", c.reach, name), err, want); err != nil && whole.Name != "" {
					b.Errorf("refused, and shown %+v", whole)
				}
			}
		}
		found, err := b.s.List(ctx, b.as("boss"), gate.KindAgent, "", 0)
		if b.want("boss in person", err, nil); len(found) != 3 {
			b.Errorf("boss sees %+v", found)
		}
	})
}

// TestNobodyGivesAnAgentMoreThanTheyHave, whoever they are elsewhere.
func TestNobodyGivesAnAgentMoreThanTheyHave(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		b.create("child", gate.Agent{Kind: gate.KindAgent, Name: "cub"})
		roles := []gate.OrgRole{gate.OrgMember, gate.OrgPowerUser, gate.OrgAdmin}
		for _, c := range []struct {
			who, name string
			org       gate.OrgID
			most      gate.OrgRole // "" nothing
		}{
			{"ada", "ant", farm, ""}, {"child", "cub", farm, gate.OrgMember}, {"child", "cub", mill, ""}, {"boss", "bee", farm, gate.OrgAdmin}, {"boss", "bee", mill, ""},
			{"chief", "ant", farm, ""}, {"chief", "bee", farm, ""}, {"operator", "ant", farm, gate.OrgAdmin}, {"operator", "ant", absent, ""},
			{"ada", "ant", absent, ""}, {"boss", "bee", absent, ""}, {"chief", "bee", absent, ""},
		} {
			for _, role := range roles {
				want := error(gate.ErrAgentRights)
				switch {
				case c.most.AtLeast(role):
					want = nil
				case c.who == "operator": // who is in none, and may know which there are
					want = gate.ErrOrgNotFound
				}
				b.want(c.who+" makes "+c.name+" "+string(role), b.s.Place(ctx, b.as(c.who), gate.KindAgent, c.name, c.org, role), want)
			}
		}
		for _, role := range []gate.OrgRole{"owner", "Admin", " ", "member "} {
			b.want("a role that is none", b.s.Place(ctx, b.as("boss"), gate.KindAgent, "bee", farm, role), gate.ErrValidation)
		}
		for _, org := range []gate.OrgID{"", "\x00", "\xff"} {
			b.want("an org that cannot be", b.s.Place(ctx, b.as("operator"), gate.KindAgent, "bee", org, gate.OrgMember), gate.ErrOrgNotFound)
			for _, who := range []string{"boss", "chief"} {
				b.want(who+": an org that cannot be", b.s.Place(ctx, b.as(who), gate.KindAgent, "bee", org, gate.OrgMember), gate.ErrAgentRights)
			}
		}
		b.write(func(tx *store.Tx) error { _, err := tx.SetMemberRole(farm, b.id("child"), gate.OrgMember); return err })
		b.write(func(tx *store.Tx) error { _, err := tx.RemoveMember(farm, b.id("child")); return err })
		b.want("who is out gives nothing", b.s.Place(ctx, b.as("child"), gate.KindAgent, "cub", farm, gate.OrgMember), gate.ErrAgentRights)
		b.want("but takes it", b.s.Place(ctx, b.as("child"), gate.KindAgent, "cub", farm, ""), nil)
		b.want("once", b.s.Place(ctx, b.as("child"), gate.KindAgent, "cub", farm, ""), gate.ErrMemberNotFound)
		b.equal("roles of the house", len(b.principal(b.id("ada's agent")).Roles), 0)
	})
}

// TestAnOwnerThatCannotBeIsRefused before the database is asked: Postgres would
// fail.
func TestAnOwnerThatCannotBeIsRefused(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		before := b.rows("principals")
		for _, who := range []string{"ada", "boss", "chief", "operator"} {
			for _, text := range []string{"\x00", "\xff", "a\nb", string(farm) + "\x00"} {
				for _, owner := range []gate.Owner{{User: gate.PrincipalID(text)}, {Org: gate.OrgID(text)}, {User: b.id("ada"), Org: gate.OrgID(text)}} {
					_, err := b.s.Create(ctx, b.as(who), gate.Agent{Kind: gate.KindAgent, Name: "new", Title: "New", Owner: owner})
					e := gate.AsError(err)
					if b.want(fmt.Sprintf("%s: %q", who, owner), err, gate.ErrValidation); len(e.Problems) != 1 || e.Problems[0].Path[0] != "owner" {
						b.Errorf("%s: %q: problems %+v", who, owner, e.Problems)
					}
				}
			}
		}
		b.equal("principals", b.rows("principals"), before)
	})
}

// TestAnAgentHasOneOwner: it is a user or an org who answers for it; who
// administers an org does not make others answer for its agents.
func TestAnAgentHasOneOwner(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		for _, who := range []string{"boss", "chief", "operator"} {
			a, err := b.s.Create(ctx, b.as(who), gate.Agent{Kind: gate.KindAgent, Name: "imp-of-" + who, Title: "Imp", Owner: gate.Owner{User: b.id("ada"), Org: farm}})
			if err == nil {
				b.Errorf("%s made one that both answer for: %+v", who, a.Owner)
			}
		}
		b.equal("what ada answers for", b.countOf(gate.Owner{User: b.id("ada")}), int64(1))
	})
}

func (b *bench) countOf(o gate.Owner) (n int64) {
	b.Helper()
	b.write(func(tx *store.Tx) (err error) { n, err = tx.CountAgentsOf(o); return err })
	return n
}

func TestNamesOfAgents(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		bad := map[string]string{"empty": "", "long": strings.Repeat("я", 256), "control": "a\nb", "NUL": "a\x00", "bytes": "\xff"}
		create := func(name, title string) error {
			_, err := b.s.Create(ctx, b.as("ada"), gate.Agent{Kind: gate.KindAgent, Name: name, Title: title})
			return err
		}
		for what, text := range bad {
			b.want(what+" name", create(text, "ok"), gate.ErrValidation)
			b.want(what+" title", create("ok", text), gate.ErrValidation)
		}
		for _, text := range []string{
			"a b", "a/b", "a,b", "agent:a", " ", ".", "..", "a\u200bb", "\u200b", "a\u202eb", "a\u00a0b", "a\u2003b", "a\u2028b", "a\u00adb", "\ufeffa", "a\u2066b",
		} {
			b.want(fmt.Sprintf("name %q", text), create(text, "ok"), gate.ErrValidation)
		}
		for i, text := range []string{"...", ".a", "a.b", "a-b_c", "Софія", "a\u0301", "@a"} {
			b.want(fmt.Sprintf("name %q", text), create(text, "a b/c, d:e"), nil)
			b.equal("what ada answers for", b.countOf(gate.Owner{User: b.id("ada")}), int64(2+i))
		}
		b.want("taken", create("ant", "Another"), gate.ErrAgentTaken)
		b.want("taken by somebody else", create("bee", "Mine"), gate.ErrAgentTaken)
		b.want("the longest", create(strings.Repeat("я", 255), strings.Repeat("я", 255)), nil)
		err := gate.AsError(create("", ""))
		if len(err.Problems) != 2 || err.Problems[0].Path[0] != "name" || err.Problems[1].Path[0] != "title" {
			b.Errorf("problems %+v", err.Problems)
		}
	})
}
