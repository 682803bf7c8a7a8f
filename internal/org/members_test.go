//go:build unix

package org_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/org"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

func TestAddMember(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		id := v.household("ada")
		m, err := v.AddMember(ctx, v.as("ada"), id, v.numbers["bob"], gate.OrgPowerUser)
		v.want("add", err, nil)
		v.equal("number", m.Number, v.numbers["bob"])
		v.equal("role", m.Role, gate.OrgPowerUser)
		v.equal("e-mail", m.Email, "bob@example.org")
		v.recorded(gate.EventOrgCreated, gate.EventMemberAdded, gate.EventMemberAdded)
		for name, c := range map[string]struct {
			user int64
			role gate.OrgRole
			want error
		}{
			"again":       {v.numbers["bob"], gate.OrgAdmin, gate.ErrAlreadyMember},
			"herself":     {v.numbers["ada"], gate.OrgMember, gate.ErrAlreadyMember},
			"nobody":      {999, gate.OrgMember, gate.ErrUserNotFound},
			"no role":     {v.numbers["bob"], "", gate.ErrValidation},
			"a strange 1": {v.numbers["bob"], "owner", gate.ErrValidation},
		} {
			_, err := v.AddMember(ctx, v.as("ada"), id, c.user, c.role)
			v.want(name, err, c.want)
		}
		v.equal("members", v.roles(id), "ada:admin bob:power_user")
		members, err := v.Members(ctx, v.as("bob"), id)
		v.want("members", err, nil)
		v.equal("members", len(members), 2)
	})
}

func TestSetMemberRole(t *testing.T) {
	on(t, "ada bob eve", func(v *village) {
		id := v.household("ada", "bob")
		for _, role := range []gate.OrgRole{gate.OrgPowerUser, gate.OrgAdmin, gate.OrgAdmin, gate.OrgMember} {
			m, err := v.SetMemberRole(ctx, v.as("ada"), id, v.numbers["bob"], role)
			v.want("bob becomes "+string(role), err, nil)
			v.equal("role", m.Role, role)
		}
		changed := gate.EventMemberRoleChanged
		v.recorded(gate.EventOrgCreated, gate.EventMemberAdded, gate.EventMemberAdded, changed, changed, changed)
		_, err := v.SetMemberRole(ctx, v.as("ada"), id, v.numbers["ada"], gate.OrgAdmin)
		v.want("what she is anyway", err, nil)
		for name, c := range map[string]struct {
			user int64
			role gate.OrgRole
			want error
		}{
			"herself":     {v.numbers["ada"], gate.OrgPowerUser, gate.ErrOwnRole},
			"no member":   {v.numbers["eve"], gate.OrgMember, gate.ErrMemberNotFound},
			"nobody":      {999, gate.OrgMember, gate.ErrUserNotFound},
			"no role":     {v.numbers["bob"], "", gate.ErrValidation},
			"not a role":  {v.numbers["bob"], "ADMIN", gate.ErrValidation},
			"of herself?": {v.numbers["ada"], gate.OrgMember, gate.ErrOwnRole},
		} {
			_, err := v.SetMemberRole(ctx, v.as("ada"), id, c.user, c.role)
			v.want(name, err, c.want)
		}
		v.equal("members", v.roles(id), "ada:admin bob:member")
	})
}

func TestRemoveMember(t *testing.T) {
	on(t, "ada bob eve", func(v *village) {
		id := v.household("ada", "bob")
		v.want("herself", v.RemoveMember(ctx, v.as("ada"), id, v.numbers["ada"]), gate.ErrRemoveSelf)
		v.want("no member", v.RemoveMember(ctx, v.as("ada"), id, v.numbers["eve"]), gate.ErrMemberNotFound)
		v.want("nobody", v.RemoveMember(ctx, v.as("ada"), id, 999), gate.ErrMemberNotFound)
		v.want("bob", v.RemoveMember(ctx, v.as("ada"), id, v.numbers["bob"]), nil)
		v.want("again", v.RemoveMember(ctx, v.as("ada"), id, v.numbers["bob"]), gate.ErrMemberNotFound)
		v.equal("members", v.roles(id), "ada:admin")
		v.recorded(gate.EventOrgCreated, gate.EventMemberAdded, gate.EventMemberAdded, gate.EventMemberRemoved)
		_, err := v.Get(ctx, v.as("bob"), id)
		v.want("who was removed", err, gate.ErrNotMember)
	})
}

// TestNobodyTakesTheLastAdmin, not even the operator; one who is disabled does
// not count.
func TestNobodyTakesTheLastAdmin(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		id := v.household("ada", "bob:admin")
		storetest.Write(v.T, v.DB, func(tx *store.Tx) error { _, err := tx.SetDisabled(v.as("bob").Principal, true); return err })
		_, err := v.SetMemberRole(ctx, v.as("operator"), id, v.numbers["ada"], gate.OrgMember)
		v.want("demote", err, gate.ErrLastOrgAdmin)
		v.want("remove", v.RemoveMember(ctx, v.as("operator"), id, v.numbers["ada"]), gate.ErrLastOrgAdmin)
		v.household("ada")
		_, err = v.Leave(ctx, v.as("ada"), id)
		v.want("leave", err, gate.ErrLastOrgAdmin)
		v.want("remove the other", v.RemoveMember(ctx, v.as("ada"), id, v.numbers["bob"]), nil)
	})
}

// TestLeavingIsRefusedInOrder: no member, the only org, the last administrator.
func TestLeavingIsRefusedInOrder(t *testing.T) {
	on(t, "ada bob eve", func(v *village) {
		id := v.household("ada", "bob")
		leave := func(who string) error { _, err := v.Leave(ctx, v.as(who), id); return err }
		v.want("nobody", leave("nobody"), gate.ErrNotAuthenticated)
		v.want("no member and in no org", leave("eve"), gate.ErrNotMember)
		v.want("the operator", leave("operator"), gate.ErrNotMember)
		v.want("the only org, and the last admin", leave("ada"), gate.ErrOnlyOrg)
		v.want("the only org", leave("bob"), gate.ErrOnlyOrg)
		v.household("ada")
		v.want("the last admin", leave("ada"), gate.ErrLastOrgAdmin)
		v.household("bob")
		removed, err := v.Leave(ctx, v.as("bob"), id)
		v.want("a member", err, nil)
		v.equal("removed", removed, false)
		v.equal("members", v.roles(id), "ada:admin")
		removed, err = v.Leave(ctx, v.as("ada"), id)
		v.want("the last member", err, nil)
		v.equal("removed", removed, true)
		v.equal("exists", v.exists(id), false)
		v.want("again", leave("ada"), gate.ErrNotMember)
	})
}

// TestWhoMayNotInviteHasNoInvitations: otherwise who was shown out comes back.
func TestWhoMayNotInviteHasNoInvitations(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		out := map[string]func(id gate.OrgID) error{
			"removed": func(id gate.OrgID) error { return v.RemoveMember(ctx, v.as("ada"), id, v.numbers["bob"]) },
			"demoted": func(id gate.OrgID) error {
				_, err := v.SetMemberRole(ctx, v.as("ada"), id, v.numbers["bob"], gate.OrgMember)
				return err
			},
			"left": func(id gate.OrgID) error { _, err := v.Leave(ctx, v.as("bob"), id); return err },
		}
		v.household("bob")
		for name, do := range out {
			id := v.household("ada", "bob:power_user")
			bobs, err := v.Invite(ctx, v.as("bob"), id, gate.OrgMember, 0, time.Hour)
			v.want("bob's", err, nil)
			adas, err := v.Invite(ctx, v.as("ada"), id, gate.OrgMember, 0, time.Hour)
			v.want("ada's", err, nil)
			v.want(name, do(id), nil)
			p, err := v.Preview(ctx, v.as("bob"), bobs.Code)
			v.want("preview", err, nil)
			v.equal(name+": bob's is good", p.Valid, false)
			p, err = v.Preview(ctx, v.as("bob"), adas.Code)
			v.want("preview", err, nil)
			v.equal(name+": ada's is good", p.Valid, true)
		}
	})
}

func TestNobodyIsInMoreThanSoManyOrgs(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		id := v.household("ada")
		for range org.MaxOrgs {
			v.household("bob")
		}
		_, err := v.Create(ctx, v.as("bob"), gate.KindHousehold, "one more")
		v.want("create", err, gate.ErrOrgLimit)
		_, err = v.AddMember(ctx, v.as("ada"), id, v.numbers["bob"], gate.OrgMember)
		v.want("add", err, gate.ErrOrgLimit)
		v.equal("members", v.roles(id), "ada:admin")
	})
}

// TestTwoAdminsWhoDemoteEachOther: one wins, and the org keeps an administrator.
// Without the lock both win on Postgres.
func TestTwoAdminsWhoDemoteEachOther(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		id := v.household("ada", "bob:admin")
		others, won := map[int]string{0: "bob", 1: "ada"}, make([]bool, 50)
		storetest.Race(50, func(i int) {
			me, other := others[1-i%2], others[i%2]
			_, err := v.SetMemberRole(ctx, v.as(me), id, v.numbers[other], gate.OrgMember)
			won[i] = err == nil
			if err != nil && !errors.Is(err, gate.ErrOrgRole) {
				v.Errorf("%s: %v", me, err)
			}
		})
		winners := map[string]bool{}
		for i, w := range won {
			if w {
				winners[others[1-i%2]] = true // doing it again does nothing, and succeeds
			}
		}
		v.equal("winners", len(winners), 1)
		if r := v.roles(id); r != "ada:admin bob:member" && r != "ada:member bob:admin" {
			v.Error(r)
		}
		v.recorded(gate.EventOrgCreated, gate.EventMemberAdded, gate.EventMemberAdded, gate.EventMemberRoleChanged)
	})
}

// TestTwoAdminsWhoRemoveEachOther: one is left, and it is an administrator.
func TestTwoAdminsWhoRemoveEachOther(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		for range 10 {
			id := v.household("ada", "bob:admin")
			storetest.Race(10, func(i int) {
				pair := []string{"ada", "bob"}
				err := v.RemoveMember(ctx, v.as(pair[i%2]), id, v.numbers[pair[1-i%2]])
				if err != nil && !errors.Is(err, gate.ErrNotMember) && !errors.Is(err, gate.ErrMemberNotFound) {
					v.Error(err)
				}
			})
			if r := v.roles(id); r != "ada:admin" && r != "bob:admin" {
				v.Error(r)
			}
		}
	})
}

// TestTheLastTwoLeave: one of them takes the org along, once, whether the other
// is an administrator or not.
func TestTheLastTwoLeave(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		v.household("ada")
		v.household("bob")
		for range 10 {
			id := v.household("ada", "bob:admin")
			var removed, left [50]bool
			storetest.Race(50, func(i int) {
				gone, err := v.Leave(ctx, v.as([]string{"ada", "bob"}[i%2]), id)
				removed[i], left[i] = gone, err == nil
				if err != nil && !errors.Is(err, gate.ErrNotMember) {
					v.Error(err)
				}
			})
			v.equal("left", count(left[:]), 2)
			v.equal("took it along", count(removed[:]), 1)
			v.equal("exists", v.exists(id), false)
		}
	})
}

// TestALastAdminAndALastMemberLeave: in whichever order it comes, nobody stays
// behind in an org without an administrator.
func TestALastAdminAndALastMemberLeave(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		v.household("ada")
		v.household("bob")
		for range 10 {
			id := v.household("ada", "bob")
			storetest.Race(10, func(i int) {
				_, err := v.Leave(ctx, v.as([]string{"ada", "bob"}[i%2]), id)
				if err != nil && !errors.Is(err, gate.ErrNotMember) && !errors.Is(err, gate.ErrLastOrgAdmin) {
					v.Error(err)
				}
			})
			if r := v.roles(id); r != "" && r != "ada:admin" {
				v.Error(r)
			}
		}
	})
}

// TestLeavingAllOrgsAtOnceLeavesOne: each transaction locks another org, so only
// the lock of the member makes them see each other.
func TestLeavingAllOrgsAtOnceLeavesOne(t *testing.T) {
	on(t, "ada", func(v *village) {
		var ids []gate.OrgID
		for range 50 {
			ids = append(ids, v.household("ada"))
		}
		storetest.Race(50, func(i int) {
			if _, err := v.Leave(ctx, v.as("ada"), ids[i]); err != nil && !errors.Is(err, gate.ErrOnlyOrg) {
				v.Error(err)
			}
		})
		places, err := v.Mine(ctx, v.as("ada"), "")
		v.want("mine", err, nil)
		v.equal("left over", len(places), 1)
	})
}

func TestLeaveAll(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		alone, kept := v.household("ada"), v.household("bob", "ada:admin")
		leaveAll := func(who string) error {
			return v.DB.Write(ctx, gate.DefaultTenant, func(tx *store.Tx) error { return org.LeaveAll(tx, v.as(who), v.as(who).Principal) })
		}
		v.want("ada", leaveAll("ada"), nil)
		v.equal("the org she was alone in exists", v.exists(alone), false)
		v.equal("the other", v.roles(kept), "bob:admin")
		v.want("in none", leaveAll("ada"), nil)
		_, err := v.AddMember(ctx, v.as("bob"), kept, v.numbers["ada"], gate.OrgMember)
		v.want("add", err, nil)
		others := v.household("bob")
		v.want("the only admin", leaveAll("bob"), gate.ErrLastOrgAdmin)
		v.equal("a refusal undoes everything", v.exists(others), true)
	})
}

func TestTheDefaultIsTheOldestMembershipLeft(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		first := v.household("bob", "ada")
		v.m.Clock.Forward(time.Minute)
		second := v.household("ada")
		is := func(want string) {
			v.Helper()
			storetest.Read(v.T, v.DB, func(tx *store.Tx) error {
				id, role, err := org.Default(tx, v.as("ada").Principal)
				v.equal("default", fmt.Sprint(id, " ", role), want)
				return err
			})
		}
		is(fmt.Sprint(first, " ", gate.OrgMember))
		v.want("remove", v.RemoveMember(ctx, v.as("bob"), first, v.numbers["ada"]), nil)
		is(fmt.Sprint(second, " ", gate.OrgAdmin))
		v.want("remove", v.Remove(ctx, v.as("ada"), second), nil)
		is(" ")
	})
}

func count(list []bool) (n int) {
	for _, yes := range list {
		if yes {
			n++
		}
	}
	return n
}
