package org

import (
	"context"
	"errors"
	"strconv"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Members returns the users of an org by number, to its members. There are at
// most MaxMembers. Refused: gate.ErrNotAuthenticated, gate.ErrNotMember.
func (s *Service) Members(ctx context.Context, caller gate.Caller, id gate.OrgID) (members []Member, err error) {
	err = s.look(ctx, caller, id, gate.OrgMember, func(tx *store.Tx, _ gate.OrgRole) (err error) {
		members, err = tx.Members(id, 0, MaxMembers)
		return err
	})
	return members, err
}

// AddMember makes the user with a number a member, for administrators of the
// org.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNotMember, gate.ErrOrgRole,
// gate.ErrValidation for the role, gate.ErrUserNotFound, gate.ErrAlreadyMember,
// gate.ErrOrgLimit.
func (s *Service) AddMember(ctx context.Context, caller gate.Caller, id gate.OrgID, user int64, role gate.OrgRole) (member Member, err error) {
	err = s.change(ctx, caller, id, gate.OrgAdmin, func(tx *store.Tx, _ gate.OrgRole) error {
		if err := knownRole(role); err != nil {
			return err
		}
		u, err := tx.UserByNumber(user)
		if err != nil {
			return instead(err, gate.ErrUserNotFound)
		}
		if err := admit(tx, caller, gate.Membership{Org: id, Principal: u.ID, Role: role}); err != nil {
			return err
		}
		member, err = tx.Member(id, user)
		return err
	})
	return member, err
}

// admit makes a principal a member, in an org that is locked.
func admit(tx *store.Tx, caller gate.Caller, m gate.Membership) error {
	if err := tx.LockMember(m.Principal); err != nil {
		return err
	}
	orgs, err := tx.CountOrgsOf(m.Principal)
	if err != nil {
		return err
	}
	others, err := tx.CountMembers(m.Org, m.Principal)
	if err != nil {
		return err
	}
	// Who is in already is told so, even where no more fit.
	added, err := tx.AddMember(m.Org, m.Principal, m.Role)
	switch {
	case err != nil:
		return err
	case !added:
		return gate.ErrAlreadyMember
	case orgs >= MaxOrgs:
		return gate.ErrOrgLimit.Saying("Nobody can be a member of more than " + strconv.Itoa(MaxOrgs) + ".")
	case others >= MaxMembers:
		return gate.ErrOrgLimit.Saying("It cannot have more than " + strconv.Itoa(MaxMembers) + " members.")
	}
	return tx.Record(memberEvent(caller, gate.EventMemberAdded, m))
}

// SetMemberRole gives the user with a number another role, for administrators of
// the org. Who may not invite with the new role has no open invitations any
// more. Doing it again does nothing.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNotMember, gate.ErrOrgRole,
// gate.ErrValidation for the role, gate.ErrUserNotFound, gate.ErrMemberNotFound,
// gate.ErrOwnRole, gate.ErrLastOrgAdmin.
func (s *Service) SetMemberRole(ctx context.Context, caller gate.Caller, id gate.OrgID, user int64, role gate.OrgRole) (member Member, err error) {
	err = s.change(ctx, caller, id, gate.OrgAdmin, func(tx *store.Tx, _ gate.OrgRole) error {
		if err := knownRole(role); err != nil {
			return err
		}
		m, err := find(tx, id, user)
		if err != nil {
			return err
		}
		if m.Principal == caller.Principal && !role.AtLeast(m.Role) {
			return gate.ErrOwnRole
		}
		if err := keepsAnAdmin(tx, m.Membership, role); err != nil {
			return err
		}
		changed, err := tx.SetMemberRole(id, m.Principal, role)
		if err != nil {
			return err
		}
		if changed {
			m.Role = role
			if err := withdraw(tx, m.Membership); err != nil {
				return err
			}
			if err := tx.Record(memberEvent(caller, gate.EventMemberRoleChanged, m.Membership)); err != nil {
				return err
			}
		}
		member, err = tx.Member(id, user)
		return err
	})
	return member, err
}

// RemoveMember ends the membership of the user with a number, for administrators
// of the org, and revokes the invitations that the user made to it.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNotMember, gate.ErrOrgRole,
// gate.ErrMemberNotFound also for a user that is none, gate.ErrRemoveSelf,
// gate.ErrLastOrgAdmin.
func (s *Service) RemoveMember(ctx context.Context, caller gate.Caller, id gate.OrgID, user int64) error {
	return s.change(ctx, caller, id, gate.OrgAdmin, func(tx *store.Tx, _ gate.OrgRole) error {
		m, err := tx.Member(id, user)
		if err != nil {
			return instead(err, gate.ErrMemberNotFound)
		}
		if m.Principal == caller.Principal {
			return gate.ErrRemoveSelf
		}
		if err := keepsAnAdmin(tx, m.Membership, ""); err != nil {
			return err
		}
		return dismiss(tx, caller, m.Membership)
	})
}

// Leave ends the caller's own membership. The last member takes the org along:
// removed tells so.
//
// Refused, in this order: gate.ErrNotAuthenticated, gate.ErrNotMember,
// gate.ErrOnlyOrg, gate.ErrLastOrgAdmin while there are other members.
func (s *Service) Leave(ctx context.Context, caller gate.Caller, id gate.OrgID) (removed bool, err error) {
	if caller.Principal == gate.Operator {
		return false, gate.ErrNotMember
	}
	err = s.change(ctx, caller, id, gate.OrgMember, func(tx *store.Tx, role gate.OrgRole) error {
		if err := tx.LockMember(caller.Principal); err != nil { // leaving two orgs at once would leave none
			return err
		}
		orgs, err := tx.CountOrgsOf(caller.Principal)
		if err == nil && orgs <= 1 {
			err = gate.ErrOnlyOrg
		}
		if err != nil {
			return err
		}
		removed, err = leave(tx, caller, gate.Membership{Org: id, Principal: caller.Principal, Role: role})
		return err
	})
	return removed && err == nil, err
}

// leave ends a membership in an org that is locked, or removes the org if nobody
// else is in it.
func leave(tx *store.Tx, caller gate.Caller, m gate.Membership) (removed bool, err error) {
	others, err := tx.CountMembers(m.Org, m.Principal)
	if err != nil {
		return false, err
	}
	if others == 0 {
		return true, remove(tx, caller, m.Org)
	}
	if err := keepsAnAdmin(tx, m, ""); err != nil {
		return false, err
	}
	return false, dismiss(tx, caller, m)
}

// find returns the membership of the user with a number, and tells nobody from
// no member.
func find(tx *store.Tx, id gate.OrgID, user int64) (Member, error) {
	m, err := tx.Member(id, user)
	if !errors.Is(err, gate.ErrNotFound) {
		return m, err
	}
	if _, err := tx.UserByNumber(user); err != nil {
		return m, instead(err, gate.ErrUserNotFound)
	}
	return m, gate.ErrMemberNotFound
}

// keepsAnAdmin refuses what would leave an org without an administrator who can
// act: that m becomes role, or is no member any more if that is "".
func keepsAnAdmin(tx *store.Tx, m gate.Membership, role gate.OrgRole) error {
	if m.Role != gate.OrgAdmin || role == gate.OrgAdmin {
		return nil
	}
	others, err := tx.CountOrgAdmins(m.Org, m.Principal)
	if err == nil && others == 0 {
		err = gate.ErrLastOrgAdmin
	}
	return err
}

// dismiss ends a membership in an org that is locked.
func dismiss(tx *store.Tx, caller gate.Caller, m gate.Membership) error {
	if _, err := tx.RemoveMember(m.Org, m.Principal); err != nil {
		return err
	}
	// What they answer for has no rights there without them, and would stay out of everybody's reach.
	if err := tx.RemoveAgentsFrom(m.Org, m.Principal); err != nil {
		return err
	}
	m.Role = ""
	if err := withdraw(tx, m); err != nil {
		return err
	}
	return tx.Record(memberEvent(caller, gate.EventMemberRemoved, m))
}

// withdraw revokes the invitations of who may not invite any more: otherwise
// somebody who was shown out could come back with a code of their own.
func withdraw(tx *store.Tx, m gate.Membership) error {
	if m.Role.AtLeast(gate.OrgPowerUser) {
		return nil
	}
	_, err := tx.RevokeInvitationsBy(m.Org, m.Principal)
	return err
}
