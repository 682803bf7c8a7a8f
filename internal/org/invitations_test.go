//go:build unix

package org_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/org"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

// invite makes an invitation that lasts an hour.
func (v *village) invite(who string, id gate.OrgID, role gate.OrgRole, maxUses int64) org.Invitation {
	v.Helper()
	i, err := v.Invite(ctx, v.as(who), id, role, maxUses, time.Hour)
	v.want("invite", err, nil)
	return i
}

func TestAnInvitationLetsPeopleIn(t *testing.T) {
	on(t, "ada bob eve", func(v *village) {
		id := v.household("ada")
		i := v.invite("ada", id, gate.OrgPowerUser, 2)
		if code := i.Code.Reveal(); len(code) != 8 || strings.Trim(code, secret.Readable) != "" {
			v.Errorf("%q", code)
		}
		v.equal("expires", i.ExpiresAt, v.m.Clock.Now().Add(time.Hour))
		v.equal("uses", i.MaxUses, int64(2))
		p, err := v.Preview(ctx, v.as("nobody"), i.Code)
		v.want("preview", err, nil)
		v.equal("preview", p, org.Preview{Valid: true, Name: "Home of ada"})
		place, err := v.Join(ctx, v.as("bob"), i.Code)
		v.want("join", err, nil)
		v.equal("org", place.Org.ID, id)
		v.equal("role", place.Role, gate.OrgPowerUser)
		_, err = v.Join(ctx, v.as("eve"), secret.NewText(" "+strings.ToLower(i.Code.Reveal())+"\n"))
		v.want("as people type it", err, nil)
		v.equal("members", v.roles(id), "ada:admin bob:power_user eve:power_user")
		v.recorded(gate.EventOrgCreated, gate.EventMemberAdded, gate.EventInvitationCreated, gate.EventMemberAdded, gate.EventMemberAdded)
	})
}

// TestWhatIsWrongWithACodeIsNotTold, neither before joining nor when trying.
func TestWhatIsWrongWithACodeIsNotTold(t *testing.T) {
	on(t, "ada bob eve", func(v *village) {
		id := v.household("ada")
		revoked, spent, expired := v.invite("ada", id, gate.OrgMember, 0), v.invite("ada", id, gate.OrgMember, 1), v.invite("ada", id, gate.OrgMember, 0)
		v.want("revoke", v.RevokeInvitation(ctx, v.as("ada"), id, revoked.Number), nil)
		_, err := v.Join(ctx, v.as("eve"), spent.Code)
		v.want("join", err, nil)
		gone := v.household("ada")
		removed := v.invite("ada", gone, gate.OrgMember, 0)
		v.want("remove", v.Remove(ctx, v.as("ada"), gone), nil)
		v.m.Clock.Forward(time.Hour) // to the very end
		for name, code := range map[string]secret.Text{
			"revoked": revoked.Code, "spent": spent.Code, "expired": expired.Code, "of no org": removed.Code, "empty": {},
			"unknown": secret.NewText("AAAAAAAA"), "no code": secret.NewText("\x00'"), "long": secret.NewText(strings.Repeat("A", 10_000)),
		} {
			p, err := v.Preview(ctx, v.as("nobody"), code)
			v.want(name, err, nil)
			v.equal(name, p, org.Preview{})
			_, err = v.Join(ctx, v.as("bob"), code)
			if !errors.Is(err, gate.ErrInvitation) || err.Error() != gate.ErrInvitation.Error() {
				v.Errorf("%s: %v", name, err)
			}
		}
		v.equal("members", v.roles(id), "ada:admin eve:member")
	})
}

func TestTheTermsOfAnInvitation(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		id := v.household("ada", "bob:power_user")
		for name, c := range map[string]struct {
			role     gate.OrgRole
			maxUses  int64
			lifetime time.Duration
			want     error
		}{
			"as often as one likes": {gate.OrgMember, 0, time.Hour, nil},
			"as long as possible":   {gate.OrgPowerUser, 1, org.MaxLifetime, nil},
			"as an admin":           {gate.OrgAdmin, 1, time.Hour, gate.ErrInvitationRole},
			"no role":               {"", 1, time.Hour, gate.ErrValidation},
			"an unknown role":       {"owner", 1, time.Hour, gate.ErrValidation},
			"fewer than none":       {gate.OrgMember, -1, time.Hour, gate.ErrValidation},
			"no time":               {gate.OrgMember, 1, 0, gate.ErrValidation},
			"in the past":           {gate.OrgMember, 1, -time.Hour, gate.ErrValidation},
			"too long":              {gate.OrgMember, 1, org.MaxLifetime + 1, gate.ErrValidation},
		} {
			for _, who := range []string{"ada", "bob", "operator"} {
				_, err := v.Invite(ctx, v.as(who), id, c.role, c.maxUses, c.lifetime)
				v.want(name+" by "+who, err, c.want)
			}
		}
	})
}

// TestMembersSeeNoInvitationAboveThem: whoever can read a code can use it, or
// hand it on.
func TestMembersSeeNoInvitationAboveThem(t *testing.T) {
	on(t, "ada bob eve", func(v *village) {
		id, other := v.household("ada", "bob:power_user", "eve"), v.household("ada")
		low, high := v.invite("ada", id, gate.OrgMember, 0), v.invite("bob", id, gate.OrgPowerUser, 0)
		over, revoked := v.invite("bob", id, gate.OrgMember, 1), v.invite("bob", id, gate.OrgMember, 1)
		v.invite("ada", other, gate.OrgMember, 0)
		v.want("revoke", v.RevokeInvitation(ctx, v.as("bob"), id, revoked.Number), nil)
		v.m.Clock.Forward(2 * time.Hour)
		for who, want := range map[string][]org.Invitation{"ada": {over, high, low}, "bob": {over, high, low}, "operator": {over, high, low}, "eve": {over, low}} {
			list, err := v.Invitations(ctx, v.as(who), id)
			v.want(who, err, nil)
			var got, wanted string
			for _, i := range list {
				got += fmt.Sprint(i.Invitation, i.Code.Reveal(), "\n")
			}
			for _, i := range want {
				wanted += fmt.Sprint(i.Invitation, i.Code.Reveal(), "\n")
			}
			v.equal(who, got, wanted)
		}
	})
}

func TestRevokingAnInvitation(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		id, other := v.household("ada", "bob:power_user"), v.household("ada")
		i := v.invite("ada", id, gate.OrgMember, 0)
		v.want("by its number in another org", v.RevokeInvitation(ctx, v.as("ada"), other, i.Number), gate.ErrInvitationAbsent)
		v.want("unknown", v.RevokeInvitation(ctx, v.as("bob"), id, 999), gate.ErrInvitationAbsent)
		v.want("revoke", v.RevokeInvitation(ctx, v.as("bob"), id, i.Number), nil)
		v.want("again", v.RevokeInvitation(ctx, v.as("bob"), id, i.Number), gate.ErrInvitationAbsent)
	})
}

func TestWhoIsInAlreadyUsesNothingUp(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		id := v.household("ada")
		i := v.invite("ada", id, gate.OrgMember, 1)
		_, err := v.Join(ctx, v.as("ada"), i.Code)
		v.want("who is in", err, gate.ErrAlreadyMember)
		v.equal("members", v.roles(id), "ada:admin")
		_, err = v.Join(ctx, v.as("nobody"), i.Code)
		v.want("nobody", err, gate.ErrNotAuthenticated)
		_, err = v.Join(ctx, v.as("an app"), i.Code)
		v.want("an app", err, gate.ErrForbidden)
		_, err = v.Join(ctx, v.as("operator"), i.Code)
		v.want("the operator", err, gate.ErrForbidden)
		_, err = v.Join(ctx, v.as("bob"), i.Code)
		v.want("who is not", err, nil)
	})
}

func TestThereAreOnlySoManyOpenInvitations(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		id := v.household("ada")
		last := org.Invitation{}
		for range org.MaxInvitations {
			last = v.invite("ada", id, gate.OrgMember, 1)
		}
		again := func() error { _, err := v.Invite(ctx, v.as("ada"), id, gate.OrgMember, 1, time.Hour); return err }
		v.want("one more", again(), gate.ErrOrgLimit)
		_, err := v.Join(ctx, v.as("bob"), last.Code)
		v.want("join", err, nil)
		v.want("after one was used", again(), nil)
	})
}

// TestGuessesAreCounted, whatever comes of them, and before anything is looked
// at.
func TestGuessesAreCounted(t *testing.T) {
	on(t, "ada bob eve", func(v *village) {
		good := v.invite("ada", v.household("ada"), gate.OrgMember, 0).Code
		var from atomic.Value
		budget := store.Bucket{Name: "guess", Burst: 4, Interval: time.Minute}
		v.Guess = func(tx *store.Tx, ip string) error {
			from.Store(ip)
			taken, err := tx.TakeFrom(budget)
			if err == nil && !taken {
				err = gate.ErrRateLimited
			}
			return err
		}
		bad := secret.NewText("AAAAAAAA")
		_, err := v.Preview(ctx, v.as("bob"), bad)
		v.want("a bad preview", err, nil)
		_, err = v.Preview(ctx, v.as("bob"), good)
		v.want("a good preview", err, nil)
		_, err = v.Join(ctx, v.as("bob"), bad)
		v.want("a bad code", err, gate.ErrInvitation)
		_, err = v.Join(ctx, v.as("bob"), good)
		v.want("a good code", err, nil)
		v.equal("counted by", from.Load(), any("192.0.2.1"))
		_, err = v.Preview(ctx, v.as("bob"), good)
		v.want("preview, the budget is used up", err, gate.ErrRateLimited)
		_, err = v.Join(ctx, v.as("eve"), good)
		v.want("join, the budget is used up", err, gate.ErrRateLimited)
	})
}

// TestAnInvitationsLastUse: of fifty who join at once, one gets in.
func TestAnInvitationsLastUse(t *testing.T) {
	var names []string
	for i := range 50 {
		names = append(names, fmt.Sprint("u", i))
	}
	on(t, "ada "+strings.Join(names, " "), func(v *village) {
		id := v.household("ada")
		i := v.invite("ada", id, gate.OrgMember, 1)
		won := make([]bool, len(names))
		storetest.Race(len(names), func(n int) {
			_, err := v.Join(ctx, v.as(names[n]), i.Code)
			won[n] = err == nil
			if err != nil && !errors.Is(err, gate.ErrInvitation) {
				v.Error(err)
			}
		})
		v.equal("got in", count(won), 1)
		v.equal("members", len(strings.Fields(v.roles(id))), 2)
		list, err := v.Invitations(ctx, v.as("ada"), id)
		v.want("list", err, nil)
		v.equal("uses", list[0].UseCount, int64(1))
	})
}

// TestOneUserJoinsOnce: fifty tries of one user use the invitation once.
func TestOneUserJoinsOnce(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		id := v.household("ada")
		i := v.invite("ada", id, gate.OrgMember, 10)
		won := make([]bool, 50)
		storetest.Race(50, func(n int) {
			_, err := v.Join(ctx, v.as("bob"), i.Code)
			won[n] = err == nil
			if err != nil && !errors.Is(err, gate.ErrAlreadyMember) {
				v.Error(err)
			}
		})
		v.equal("joined", count(won), 1)
		list, err := v.Invitations(ctx, v.as("ada"), id)
		v.want("list", err, nil)
		v.equal("uses", list[0].UseCount, int64(1))
	})
}

// TestJoiningWhatIsBeingLeft: whoever gets in is in something that exists.
func TestJoiningWhatIsBeingLeft(t *testing.T) {
	on(t, "ada bob", func(v *village) {
		v.household("ada")
		for range 20 {
			id := v.household("ada")
			i := v.invite("ada", id, gate.OrgMember, 0)
			var joined, removed bool
			storetest.Race(2, func(n int) {
				var err error
				if n == 0 {
					_, err = v.Join(ctx, v.as("bob"), i.Code)
					joined = err == nil
				} else {
					removed, err = v.Leave(ctx, v.as("ada"), id)
				}
				if err != nil && !errors.Is(err, gate.ErrInvitation) && !errors.Is(err, gate.ErrLastOrgAdmin) {
					v.Error(err)
				}
			})
			if joined == removed || joined != v.exists(id) {
				v.Errorf("joined %v, removed %v, exists %v", joined, removed, v.exists(id))
			}
		}
	})
}

// TestNoCodeIsInTheDatabase: neither in the clear nor as a digest that could be
// made without the master key.
func TestNoCodeIsInTheDatabase(t *testing.T) {
	on(t, "ada", func(v *village) {
		i := v.invite("ada", v.household("ada"), gate.OrgMember, 0)
		dump := v.m.Dump(v, gate.DefaultTenant)
		for name, form := range map[string]string{"the code": i.Code.Reveal(), "its bare digest": secret.DigestOf(i.Code).String()} {
			if strings.Contains(dump, form) {
				v.Errorf("%s is in the database", name)
			}
		}
		if !strings.Contains(dump, "code_sealed=") {
			v.Error("the dump has no invitations: this test proves nothing")
		}
	})
}
