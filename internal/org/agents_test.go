//go:build unix

package org_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/org"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

// agent makes an agent or a service that is something in orgs.
func (v *village) agent(kind gate.PrincipalKind, name string, owner gate.Owner, role gate.OrgRole, orgs ...gate.OrgID) gate.PrincipalID {
	v.Helper()
	id := gate.PrincipalID(secret.RandomID())
	storetest.Write(v.T, v.DB, func(tx *store.Tx) error {
		if _, err := tx.AddAgent(gate.Agent{ID: id, Kind: kind, Name: name, Title: name, Owner: owner}); err != nil {
			return err
		}
		for _, o := range orgs {
			if _, err := tx.AddMember(o, id, role); err != nil {
				return err
			}
		}
		return nil
	})
	return id
}

// robot makes an agent of a user: one that has a number and signs in.
func (v *village) robot(name string) {
	v.Helper()
	v.settle(name)
	c := v.callers[name]
	storetest.Write(v.T, v.DB, func(tx *store.Tx) error { return tx.MakeAgent(c.Principal, name) })
	c.Kind = gate.KindAgent
	v.callers[name] = c
}

// places tells in which of some orgs a principal is: "10" in the first alone.
func (v *village) places(id gate.PrincipalID, orgs ...gate.OrgID) (in string) {
	v.Helper()
	storetest.Read(v.T, v.DB, func(tx *store.Tx) error {
		for _, o := range orgs {
			_, err := tx.Membership(o, id)
			if err != nil && !errors.Is(err, gate.ErrNotFound) {
				return err
			}
			in += map[bool]string{true: "1", false: "0"}[err == nil]
		}
		return nil
	})
	return in
}

// administering makes agents of every kind that administer an org, and names the
// one that signs in.
func (v *village) administering(id gate.OrgID) (robot string) {
	v.agent(gate.KindAgent, "ant", gate.Owner{User: v.as("bob").Principal}, gate.OrgAdmin, id)
	v.agent(gate.KindApp, "logs", gate.Owner{}, gate.OrgAdmin, id)
	v.agent(gate.KindAgent, "bee", gate.Owner{Org: id}, gate.OrgAdmin, id)
	v.robot("rex")
	_, err := v.AddMember(ctx, v.as("operator"), id, v.numbers["rex"], gate.OrgAdmin)
	v.want("add the robot", err, nil)
	return "rex"
}

// NT-ADM-2: agents act for somebody; an org that none but they administer is one
// that nobody does.
func TestNT_ADM_2_AnAgentIsNoLastAdministratorOfAnOrg(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		id := v.household("ada", "bob")
		robot := v.administering(id)
		v.household("ada")
		for _, who := range []string{"operator", robot} {
			_, err := v.SetMemberRole(ctx, v.as(who), id, v.numbers["ada"], gate.OrgMember)
			v.want(who+" demotes her", err, gate.ErrLastOrgAdmin)
			v.want(who+" removes her", v.RemoveMember(ctx, v.as(who), id, v.numbers["ada"]), gate.ErrLastOrgAdmin)
		}
		_, err := v.Leave(ctx, v.as("ada"), id)
		v.want("she leaves", err, gate.ErrLastOrgAdmin)
		err = v.DB.Write(ctx, gate.DefaultTenant, func(tx *store.Tx) error { return org.LeaveAll(tx, v.as("ada"), v.as("ada").Principal) })
		v.want("she leaves the house", err, gate.ErrLastOrgAdmin)
		v.equal("members", v.roles(id), "ada:admin bob:member rex:admin")

		_, err = v.SetMemberRole(ctx, v.as("ada"), id, v.numbers["bob"], gate.OrgAdmin)
		v.want("bob becomes one", err, nil)
		_, err = v.SetMemberRole(ctx, v.as("operator"), id, v.numbers["ada"], gate.OrgMember)
		v.want("now she may be demoted", err, nil)
	})
}

// NT-ADM-2: beside humans, agents that administer an org come and go.
func TestNT_ADM_2_AnAgentThatAdministersAnOrgMayGo(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		id := v.household("ada", "bob")
		robot := v.administering(id)
		v.household("bob", robot)
		removed, err := v.Leave(ctx, v.as(robot), id)
		v.want("it leaves", err, nil)
		v.equal("and took the org along", removed, false)
		_, err = v.AddMember(ctx, v.as("ada"), id, v.numbers[robot], gate.OrgAdmin)
		v.want("it comes back", err, nil)
		_, err = v.SetMemberRole(ctx, v.as("ada"), id, v.numbers[robot], gate.OrgMember)
		v.want("she demotes it", err, nil)
		v.want("she removes it", v.RemoveMember(ctx, v.as("ada"), id, v.numbers[robot]), nil)
		v.equal("members", v.roles(id), "ada:admin bob:member")
	})
}

// NT-ADM-2: an agent that leaves takes nothing away from the human who stays,
// who may be the only one.
func TestNT_ADM_2_AnAgentThatLeavesTakesNoOrgAlong(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		v.robot("rex")
		v.household("bob", "rex")
		for _, role := range []gate.OrgRole{gate.OrgMember, gate.OrgAdmin} {
			id := v.household("ada", "rex:"+string(role))
			removed, err := v.Leave(ctx, v.as("rex"), id)
			v.want(string(role)+" leaves", err, nil)
			v.equal(string(role)+" took the org along", removed, false)
			v.equal(string(role)+": the org exists", v.exists(id), true)
			v.equal(string(role)+": members", v.roles(id), "ada:admin")
		}
	})
}

// TestTheLastHumanTakesTheOrgAlong though agents are in it, which are members of
// nothing then.
func TestTheLastHumanTakesTheOrgAlong(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		for name, leave := range map[string]func(id gate.OrgID) error{
			"leaves": func(id gate.OrgID) error {
				removed, err := v.Leave(ctx, v.as("ada"), id)
				v.equal("took it along", removed, true)
				return err
			},
			"leaves the house": func(gate.OrgID) error {
				return v.DB.Write(ctx, gate.DefaultTenant, func(tx *store.Tx) error { return org.LeaveAll(tx, v.as("ada"), v.as("ada").Principal) })
			},
		} {
			v.household("ada") // so that no other is her only one
			id := v.household("ada")
			own := v.agent(gate.KindAgent, "own of who "+name, gate.Owner{User: v.as("ada").Principal}, gate.OrgAdmin, id)
			others := v.agent(gate.KindApp, "other of who "+name, gate.Owner{}, gate.OrgMember, id)
			v.want(name, leave(id), nil)
			v.equal(name+": exists", v.exists(id), false)
			v.equal(name+": her agent is in it", v.places(own, id), "0")
			v.equal(name+": another is in it", v.places(others, id), "0")
		}
	})
}

// TestAgentsGoWithWhoAnswersForThem, out of the org that their owner is shown
// out of, or leaves; elsewhere they stay, and so do those of others.
func TestAgentsGoWithWhoAnswersForThem(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		for name, out := range map[string]func(id gate.OrgID) error{
			"removed": func(id gate.OrgID) error { return v.RemoveMember(ctx, v.as("ada"), id, v.numbers["bob"]) },
			"left":    func(id gate.OrgID) error { _, err := v.Leave(ctx, v.as("bob"), id); return err },
			"left the house": func(gate.OrgID) error {
				return v.DB.Write(ctx, gate.DefaultTenant, func(tx *store.Tx) error { return org.LeaveAll(tx, v.as("bob"), v.as("bob").Principal) })
			},
		} {
			v.household("bob") // so that no other is his only one
			id, elsewhere := v.household("ada", "bob"), v.household("ada")
			bobs, adas := gate.Owner{User: v.as("bob").Principal}, gate.Owner{User: v.as("ada").Principal}
			cases := []struct {
				what  string
				agent gate.PrincipalID
				want  string
			}{
				{"bob's agent", v.agent(gate.KindAgent, name+"1", bobs, gate.OrgMember, id, elsewhere), "01"},
				{"bob's service", v.agent(gate.KindApp, name+"2", bobs, gate.OrgAdmin, id, elsewhere), "01"},
				{"ada's agent", v.agent(gate.KindAgent, name+"3", adas, gate.OrgMember, id, elsewhere), "11"},
				{"the org's agent", v.agent(gate.KindAgent, name+"4", gate.Owner{Org: id}, gate.OrgMember, id, elsewhere), "11"},
				{"the operator's service", v.agent(gate.KindApp, name+"5", gate.Owner{}, gate.OrgMember, id, elsewhere), "11"},
			}
			v.want(name, out(id), nil)
			for _, c := range cases {
				v.equal("bob "+name+": "+c.what, v.places(c.agent, id, elsewhere), c.want)
			}
		}
	})
}

// TestAgentsTakeNobodysPlace: an org is full of humans.
func TestAgentsTakeNobodysPlace(t *testing.T) {
	on(t, "ada bob eve", func(v *village) {
		id := v.household("ada")
		add := func(n int, kind string) {
			storetest.Write(v.T, v.DB, func(tx *store.Tx) error {
				for range n {
					who := gate.PrincipalID(secret.RandomID())
					var err error
					if kind == "human" {
						email, _ := gate.ParseEmail(string(who) + "@example.org")
						_, err = tx.AddUser(gate.User{ID: who}, email)
					} else {
						_, err = tx.AddAgent(gate.Agent{ID: who, Kind: gate.KindAgent, Name: string(who), Title: "Ant"})
					}
					_, err2 := tx.AddMember(id, who, gate.OrgMember)
					if err := errors.Join(err, err2); err != nil {
						return err
					}
				}
				return nil
			})
		}
		add(org.MaxMembers-2, "human") // with ada there is room for one more
		add(3, "agent")
		_, err := v.AddMember(ctx, v.as("ada"), id, v.numbers["bob"], gate.OrgMember)
		v.want("the last human", err, nil)
		_, err = v.AddMember(ctx, v.as("ada"), id, v.numbers["eve"], gate.OrgMember)
		if v.want("one more", err, gate.ErrOrgLimit); err != nil && !strings.Contains(gate.AsError(err).Message, "1000 members") {
			v.Errorf("refused with %q", gate.AsError(err).Message)
		}
	})
}
