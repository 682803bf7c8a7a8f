//go:build unix

package org_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/org"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// village is a house with users who are called by name.
type village struct {
	*testing.T
	*org.Service
	m       *storetest.Memory
	numbers map[string]int64
	callers map[string]gate.Caller
}

// on runs a test in a village on both engines.
func on(t *testing.T, names string, test func(v *village)) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		box, err := secret.NewBox(bytes.Repeat([]byte{7}, 32), "invitations")
		if err != nil {
			t.Fatal(err)
		}
		v := &village{T: t, Service: &org.Service{DB: m.Open(t), Box: box}, m: m, numbers: map[string]int64{}, callers: map[string]gate.Caller{
			"nobody": {Tenant: gate.DefaultTenant}, "operator": gate.OperatorCaller(gate.DefaultTenant),
			"an app": {Principal: "app", Kind: gate.KindApp, Tenant: gate.DefaultTenant},
		}}
		for _, name := range strings.Fields(names) {
			v.settle(name)
		}
		test(v)
	})
}

// settle makes a user.
func (v *village) settle(name string) {
	v.Helper()
	email, ok := gate.ParseEmail(name + "@example.org")
	if !ok {
		v.Fatal(name)
	}
	storetest.Write(v.T, v.DB, func(tx *store.Tx) error {
		u, err := tx.AddUser(gate.User{ID: gate.PrincipalID(secret.RandomID())}, email)
		v.numbers[name] = u.Number
		v.callers[name] = gate.Caller{Principal: u.ID, Kind: gate.KindUser, Tenant: gate.DefaultTenant, IP: "192.0.2.1"}
		return err
	})
}

func (v *village) as(name string) gate.Caller {
	v.Helper()
	c, known := v.callers[name]
	if !known {
		v.Fatalf("nobody is called %s", name)
	}
	return c
}

// chief is the caller as an administrator of the house.
func chief(c gate.Caller) gate.Caller {
	c.Roles = []gate.Role{gate.RoleAdmin}
	return c
}

// household makes an org whose founder is an administrator. Others join it as
// "name", "name:power_user" or "name:admin".
func (v *village) household(founder string, others ...string) gate.OrgID {
	v.Helper()
	o, err := v.Create(context.Background(), v.as(founder), gate.KindHousehold, "Home of "+founder)
	v.want("create", err, nil)
	for _, other := range others {
		name, role, _ := strings.Cut(other, ":")
		if role == "" {
			role = string(gate.OrgMember)
		}
		_, err := v.AddMember(context.Background(), v.as(founder), o.ID, v.numbers[name], gate.OrgRole(role))
		v.want("add "+other, err, nil)
	}
	return o.ID
}

// roles tells who is in an org: "ada:admin bob:member".
func (v *village) roles(id gate.OrgID) string {
	v.Helper()
	var list []string
	storetest.Read(v.T, v.DB, func(tx *store.Tx) error {
		members, err := tx.Members(id, 0, 100)
		for _, m := range members {
			list = append(list, strings.TrimSuffix(m.Email, "@example.org")+":"+string(m.Role))
		}
		return err
	})
	return strings.Join(list, " ")
}

func (v *village) exists(id gate.OrgID) bool {
	v.Helper()
	var err error
	storetest.Read(v.T, v.DB, func(tx *store.Tx) error { _, err = tx.Org(id); return nil })
	return err == nil
}

// want fails unless the error is the one that is wanted, nil included.
func (v *village) want(what string, got, want error) {
	v.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		v.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (v *village) equal(what string, got, want any) {
	v.Helper()
	if got != want {
		v.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// recorded fails unless the events of the house are these, in this order.
func (v *village) recorded(want ...string) {
	v.Helper()
	var names []string
	storetest.Read(v.T, v.DB, func(tx *store.Tx) error {
		events, err := tx.Events(time.Time{}, 100)
		for _, e := range events {
			names = append(names, e.Name)
		}
		return err
	})
	slices.Sort(names) // those of one moment have no order
	slices.Sort(want)
	if !slices.Equal(names, want) {
		v.Errorf("events\n got %v\nwant %v", names, want)
	}
}

var ctx = context.Background()

const nowhere = gate.OrgID("ffffffff-0000-4000-8000-00000000000f")

// TestWhoMayDoWhatInAnOrg walks every verb over every sort of caller, each time
// in an org of its own.
func TestWhoMayDoWhatInAnOrg(t *testing.T) {
	verbs := map[string]struct {
		least gate.OrgRole
		call  func(v *village, c gate.Caller, id gate.OrgID) error
	}{
		"Get":     {gate.OrgMember, func(v *village, c gate.Caller, id gate.OrgID) error { _, err := v.Get(ctx, c, id); return err }},
		"Members": {gate.OrgMember, func(v *village, c gate.Caller, id gate.OrgID) error { _, err := v.Members(ctx, c, id); return err }},
		"Invitations": {gate.OrgMember, func(v *village, c gate.Caller, id gate.OrgID) error {
			_, err := v.Invitations(ctx, c, id)
			return err
		}},
		"Invite": {gate.OrgPowerUser, func(v *village, c gate.Caller, id gate.OrgID) error {
			_, err := v.Invite(ctx, c, id, gate.OrgMember, 1, time.Hour)
			return err
		}},
		"RevokeInvitation": {gate.OrgPowerUser, func(v *village, c gate.Caller, id gate.OrgID) error {
			return v.RevokeInvitation(ctx, c, id, 1)
		}},
		"Rename": {gate.OrgAdmin, func(v *village, c gate.Caller, id gate.OrgID) error {
			_, err := v.Rename(ctx, c, id, "Castle")
			return err
		}},
		"AddMember": {gate.OrgAdmin, func(v *village, c gate.Caller, id gate.OrgID) error {
			_, err := v.AddMember(ctx, c, id, v.numbers["stranger"], gate.OrgMember)
			return err
		}},
		"SetMemberRole": {gate.OrgAdmin, func(v *village, c gate.Caller, id gate.OrgID) error {
			_, err := v.SetMemberRole(ctx, c, id, v.numbers["guest"], gate.OrgPowerUser)
			return err
		}},
		"RemoveMember": {gate.OrgAdmin, func(v *village, c gate.Caller, id gate.OrgID) error {
			return v.RemoveMember(ctx, c, id, v.numbers["guest"])
		}},
		"Remove": {gate.OrgAdmin, func(v *village, c gate.Caller, id gate.OrgID) error { return v.Remove(ctx, c, id) }},
	}
	ranks := map[string]gate.OrgRole{"member": gate.OrgMember, "power": gate.OrgPowerUser, "admin": gate.OrgAdmin, "operator": gate.OrgAdmin}
	on(t, "founder admin power member guest stranger", func(v *village) {
		for name, verb := range verbs {
			for _, who := range []string{"nobody", "an app", "stranger", "chief", "member", "power", "admin", "operator"} {
				id := v.household("founder", "admin:admin", "power:power_user", "member", "guest")
				v.m.Exec(v, `UPDATE counters SET value = 0 WHERE name = 'invitations'`)
				v.m.Exec(v, `DELETE FROM invitations`)
				_, err := v.Invite(ctx, v.as("founder"), id, gate.OrgMember, 1, time.Hour)
				v.want("an invitation to revoke", err, nil)
				caller, want := gate.Caller{}, error(gate.ErrNotMember)
				switch role := ranks[who]; {
				case who == "chief":
					caller = chief(v.as("stranger"))
				default:
					caller = v.as(who)
					if who == "nobody" {
						want = gate.ErrNotAuthenticated
					} else if role.AtLeast(verb.least) {
						want = nil
					} else if role != "" {
						want = gate.ErrOrgRole
					}
				}
				err = verb.call(v, caller, id)
				v.want(name+" by "+who, err, want)
				if e := gate.AsError(err); errors.Is(err, gate.ErrOrgRole) && (len(e.Problems) != 1 || e.Problems[0].Words != string(verb.least)) {
					v.Errorf("%s by %s does not say which role it takes: %+v", name, who, e.Problems)
				}
				_, err = v.SetMemberRole(ctx, v.callers["operator"], id, v.numbers["founder"], gate.OrgAdmin)
				if gone := name == "Remove" && want == nil; gone != errors.Is(err, gate.ErrOrgNotFound) {
					v.Errorf("%s by %s: the org is not as it should be: %v", name, who, err)
				}
				v.m.Exec(v, `DELETE FROM orgs`)
			}
		}
	})
}

// TestAnOrgThatIsNoneLooksLikeOneOfOthers, to the last word.
func TestAnOrgThatIsNoneLooksLikeOneOfOthers(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		theirs := v.household("bob")
		for _, caller := range []gate.Caller{v.as("ada"), chief(v.as("ada"))} {
			for _, id := range []gate.OrgID{nowhere, "", "x\x00y", "'", "\xff"} {
				_, one := v.Get(ctx, caller, theirs)
				_, other := v.Get(ctx, caller, id)
				if one.Error() != other.Error() || !errors.Is(other, gate.ErrNotMember) {
					v.Errorf("%q: %v, another's: %v", id, other, one)
				}
				one, other = v.Remove(ctx, caller, theirs), v.Remove(ctx, caller, id)
				if one.Error() != other.Error() || !errors.Is(other, gate.ErrNotMember) {
					v.Errorf("%q: %v, another's: %v", id, other, one)
				}
			}
		}
		_, err := v.Get(ctx, v.as("operator"), nowhere)
		v.want("the operator is told", err, gate.ErrOrgNotFound)
	})
}

func TestWhoFoundsAnOrgAdministersIt(t *testing.T) {
	on(t, "ada", func(v *village) {
		o, err := v.Create(ctx, v.as("ada"), gate.KindHousehold, "  Home  ")
		v.want("create", err, nil)
		v.equal("name", o.Name, "Home")
		v.equal("kind", o.Kind, gate.KindHousehold)
		v.equal("members", v.roles(o.ID), "ada:admin")
		v.recorded(gate.EventOrgCreated, gate.EventMemberAdded)
		_, err = v.Create(ctx, v.as("nobody"), gate.KindHousehold, "x")
		v.want("nobody", err, gate.ErrNotAuthenticated)
		_, err = v.Create(ctx, v.as("an app"), gate.KindHousehold, "x")
		v.want("an app", err, gate.ErrForbidden)
		o, err = v.Create(ctx, v.as("operator"), gate.KindWorkspace, "Lab")
		v.want("the operator", err, nil)
		v.equal("who is no member", v.roles(o.ID), "")
	})
}

func TestNamesAreText(t *testing.T) {
	on(t, "ada", func(v *village) {
		id := v.household("ada")
		for name, good := range map[string]bool{
			"": false, " \t ": false, "a\x00b": false, "a\nb": false, "\xff": false, strings.Repeat("ї", org.MaxName+1): false,
			strings.Repeat("ї", org.MaxName): true, "Дім 🏠": true, "<b>": true,
		} {
			_, created := v.Create(ctx, v.as("ada"), gate.KindHousehold, name)
			renamed, err := v.Rename(ctx, v.as("ada"), id, name)
			if good {
				v.want("create", created, nil)
				v.want("rename", err, nil)
				v.equal("name", renamed.Name, name)
			} else {
				v.want("create", created, gate.ErrValidation)
				v.want("rename", err, gate.ErrValidation)
			}
		}
	})
}

func TestMineAreByNameAndOfAKind(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		for _, name := range []string{"b", "C", "a"} {
			_, err := v.Create(ctx, v.as("ada"), gate.KindHousehold, name)
			v.want("create", err, nil)
		}
		_, err := v.Create(ctx, v.as("ada"), gate.KindMicroDAO, "d")
		v.want("create", err, nil)
		v.household("bob")
		for kind, want := range map[gate.OrgKind]string{"": "abCd", gate.KindHousehold: "abC", gate.KindMicroDAO: "d", gate.KindWorkspace: ""} {
			places, err := v.Mine(ctx, v.as("ada"), kind)
			v.want("mine", err, nil)
			got := ""
			for _, p := range places {
				got += p.Org.Name
				v.equal("role", p.Role, gate.OrgAdmin)
			}
			v.equal(string(kind), got, want)
		}
		_, err = v.Mine(ctx, v.as("nobody"), "")
		v.want("nobody's", err, gate.ErrNotAuthenticated)
	})
}

func TestAllAreForAdministratorsOfTheHouse(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		v.household("bob")
		v.household("ada")
		for _, who := range []gate.Caller{chief(v.as("ada")), v.as("operator")} {
			all, err := v.All(ctx, who, gate.KindHousehold)
			v.want("all", err, nil)
			if len(all) != 2 || all[0].Name != "Home of ada" {
				v.Errorf("%+v", all)
			}
		}
		none, err := v.All(ctx, v.as("operator"), gate.KindMicroDAO)
		v.want("of another kind", err, nil)
		v.equal("of another kind", len(none), 0)
		for who, want := range map[string]error{"ada": gate.ErrForbidden, "an app": gate.ErrForbidden, "nobody": gate.ErrNotAuthenticated} {
			_, err := v.All(ctx, v.as(who), "")
			v.want(who, err, want)
		}
	})
}

// TestRemovingAnOrgKillsItsNodes: their rows, keys and principals are gone.
func TestRemovingAnOrgKillsItsNodes(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		id := v.household("ada", "bob")
		v.m.Exec(v, `INSERT INTO principals (tenant, id, kind, display_name, created_at, updated_at) VALUES ('main', 'node', 'node', '', 0, 0)`)
		v.m.Exec(v, `INSERT INTO nodes (tenant, id, name, org) VALUES ('main', 'node', 'kitchen', $1)`, id)
		v.m.Exec(v, `INSERT INTO credentials (tenant, id, principal, kind, verifier, label, created_at, updated_at) VALUES ('main', 'k', 'node', 'key', 'd', '', 0, 0)`)
		v.want("remove", v.Remove(ctx, v.as("ada"), id), nil)
		v.recorded(gate.EventOrgCreated, gate.EventMemberAdded, gate.EventMemberAdded, gate.EventNodeDisabled, gate.EventOrgRemoved)
		for _, query := range []string{`SELECT COUNT(*) FROM nodes`, `SELECT COUNT(*) FROM credentials`, `SELECT COUNT(*) FROM principals WHERE id = 'node'`} {
			var left int
			if err := v.m.Raw(v).QueryRow(query).Scan(&left); err != nil || left != 0 {
				v.Errorf("%s: %d, %v", query, left, err)
			}
		}
		_, err := v.Get(ctx, v.as("bob"), id)
		v.want("after", err, gate.ErrNotMember)
	})
}

func TestAccess(t *testing.T) {
	on(t, "ada bob gone", func(v *village) {
		id := v.household("ada", "bob:power_user", "gone:admin")
		storetest.Write(v.T, v.DB, func(tx *store.Tx) error { _, err := tx.SetDisabled(v.as("gone").Principal, true); return err })
		no := org.Access{Reason: gate.ErrNotMember.Code}
		for name, c := range map[string]struct {
			user     int64
			id       gate.OrgID
			required gate.OrgRole
			want     org.Access
		}{
			"more than enough": {v.numbers["ada"], id, gate.OrgMember, org.Access{Valid: true, Role: gate.OrgAdmin}},
			"just enough":      {v.numbers["bob"], id, gate.OrgPowerUser, org.Access{Valid: true, Role: gate.OrgPowerUser}},
			"too low":          {v.numbers["bob"], id, gate.OrgAdmin, org.Access{Role: gate.OrgPowerUser, Reason: gate.ErrOrgRole.Code}},
			"no org":           {v.numbers["bob"], nowhere, gate.OrgMember, no},
			"no id":            {v.numbers["bob"], "", gate.OrgMember, no},
			"not even an id":   {v.numbers["bob"], "\x00", gate.OrgMember, no},
			"no user":          {999, id, gate.OrgMember, no},
			"nobody":           {0, id, gate.OrgMember, no},
			"disabled":         {v.numbers["gone"], id, gate.OrgMember, no},
		} {
			for _, who := range []string{"an app", "operator"} {
				got, err := v.Access(ctx, v.as(who), c.user, c.id, c.required)
				v.want(name, err, nil)
				v.equal(name, got, c.want)
			}
		}
		_, err := v.Access(ctx, v.as("an app"), v.numbers["bob"], id, "owner")
		v.want("no role", err, gate.ErrValidation)
		for who, want := range map[string]error{"ada": gate.ErrForbidden, "nobody": gate.ErrNotAuthenticated} {
			_, err := v.Access(ctx, v.as(who), v.numbers["bob"], id, gate.OrgMember)
			v.want(who, err, want)
		}
	})
}
