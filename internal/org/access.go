package org

import (
	"context"
	"errors"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Access is whether somebody is in an org what is asked for.
type Access struct {
	Valid  bool
	Role   gate.OrgRole // what they are, "" if no member
	Reason string       // why not: the code of gate.ErrNotMember or gate.ErrOrgRole
}

// Access tells a service whether the user with a number is at least a required
// role in an org. Users and orgs that do not exist, and users who are disabled,
// are no members.
//
// Apps and administrators of the house may call it. Refused:
// gate.ErrNotAuthenticated, gate.ErrForbidden, gate.ErrValidation for a role
// that is none.
func (s *Service) Access(ctx context.Context, caller gate.Caller, user int64, id gate.OrgID, required gate.OrgRole) (a Access, err error) {
	if err := policy.May(caller, policy.CheckMembers); err != nil {
		return a, err
	}
	if err := knownRole(required); err != nil {
		return a, err
	}
	var u gate.User
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		u, err = tx.UserByNumber(user)
		return err
	})
	if err != nil && !errors.Is(err, gate.ErrNotFound) {
		return a, err
	}
	role := u.RoleIn(id)
	switch {
	case role == "" || u.Disabled():
		return Access{Reason: gate.ErrNotMember.Code}, nil
	case !role.AtLeast(required):
		return Access{Role: role, Reason: gate.ErrOrgRole.Code}, nil
	}
	return Access{Valid: true, Role: role}, nil
}
