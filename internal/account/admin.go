package account

import (
	"context"
	"slices"
	"strings"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/session"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Create makes an account with roles, for an administrator, whether or not
// registration is open.
//
// Refused: gate.ErrForbidden, gate.ErrEmailTaken, gate.ErrValidation,
// gate.ErrRoleUnknown.
func (s *Service) Create(ctx context.Context, caller gate.Caller, a Application, roles ...gate.Role) (gate.User, error) {
	if err := policy.May(caller, policy.CreateUsers); err != nil {
		return gate.User{}, err
	}
	made, err := s.create(ctx, caller, newcomer{Application: a, roles: append([]gate.Role{gate.RoleUser}, roles...), before: func(tx *store.Tx) error {
		for _, role := range roles {
			if err := knownRole(tx, role); err != nil {
				return err
			}
		}
		return nil
	}})
	return made.user, err
}

// List returns at most limit users with numbers greater than after.
func (s *Service) List(ctx context.Context, caller gate.Caller, after int64, limit int) (users []gate.User, err error) {
	if err := policy.May(caller, policy.ReadUsers); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		users, err = tx.Users(after, limit)
		return err
	})
	return users, err
}

// Find returns the user with an id or an e-mail address, or
// gate.ErrUserNotFound.
func (s *Service) Find(ctx context.Context, caller gate.Caller, idOrEmail string) (user gate.User, err error) {
	if err := policy.May(caller, policy.ReadUsers); err != nil {
		return user, err
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		user, err = find(tx, idOrEmail)
		return err
	})
	return user, err
}

// FindAddress is Find by nothing but an e-mail address.
func (s *Service) FindAddress(ctx context.Context, caller gate.Caller, address string) (gate.User, error) {
	if err := policy.May(caller, policy.ReadUsers); err != nil {
		return gate.User{}, err
	}
	if _, ok := gate.ParseEmail(address); !ok {
		return gate.User{}, gate.ErrUserNotFound
	}
	return s.Find(ctx, caller, address)
}

// Everybody is all users, and what the orgs that they are in are called.
type Everybody struct {
	Users    []gate.User // by address
	OrgNames map[gate.OrgID]string
}

// maxEverybody bounds one answer; whoever has more users lists them in pages.
const maxEverybody = 10_000

// Everybody returns all users at once, for originals that know no pages.
//
// Refused: gate.ErrForbidden.
func (s *Service) Everybody(ctx context.Context, caller gate.Caller) (all Everybody, err error) {
	if err := policy.May(caller, policy.ReadUsers); err != nil {
		return all, err
	}
	all.OrgNames = map[gate.OrgID]string{}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) error {
		var err error
		if all.Users, err = tx.Users(0, maxEverybody); err != nil {
			return err
		}
		orgs, err := tx.Orgs("", maxEverybody)
		for _, o := range orgs {
			all.OrgNames[o.ID] = o.Name
		}
		return err
	})
	slices.SortFunc(all.Users, func(a, b gate.User) int { return strings.Compare(a.Email, b.Email) })
	return all, err
}

func find(tx *store.Tx, idOrEmail string) (user gate.User, err error) {
	if email, ok := gate.ParseEmail(idOrEmail); ok {
		user, err = tx.UserByEmail(email.Key)
	} else if gate.CleanText(idOrEmail) { // Postgres refuses to look for NUL
		user, err = tx.User(gate.PrincipalID(idOrEmail))
	} else {
		err = gate.ErrUserNotFound
	}
	if err != nil && gate.AsError(err).Kind == gate.NotFound {
		err = gate.ErrUserNotFound
	}
	return user, err
}

// SetDisabled disables or enables an account. Disabling ends all its sessions;
// nothing that was issued to it works from then on. Doing it again does
// nothing.
//
// Refused: gate.ErrForbidden, gate.ErrUserNotFound, gate.ErrLastAdmin.
func (s *Service) SetDisabled(ctx context.Context, caller gate.Caller, id gate.PrincipalID, disabled bool) error {
	if err := policy.May(caller, policy.DisableUsers); err != nil {
		return err
	}
	event := gate.EventUserEnabled
	if disabled {
		event = gate.EventUserDisabled
	}
	return s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if err := keepsAnAdmin(tx, id, disabled); err != nil {
			return err
		}
		if err := tx.HoldPassword(id); err != nil { // a login at this moment is either ended below, or refused
			return err
		}
		changed, err := tx.SetDisabled(id, disabled)
		if err != nil || !changed {
			return err
		}
		if disabled {
			if err := session.EndAll(tx, caller, id, "", session.EndedByDisable); err != nil {
				return err
			}
		}
		return tx.Record(caller.Event(event, id, "", nil))
	})
}

// GrantRole gives an account a role. Doing it again does nothing.
//
// Refused: gate.ErrForbidden, gate.ErrUserNotFound, gate.ErrRoleUnknown.
func (s *Service) GrantRole(ctx context.Context, caller gate.Caller, id gate.PrincipalID, role gate.Role) error {
	_, err := s.changeRole(ctx, caller, id, role, gate.EventRoleGranted, (*store.Tx).GrantRole)
	return err
}

// SetRoleOf gives the user with a number a role or takes it, and reports whether
// that changed anything.
//
// Refused: as GrantRole and RevokeRole.
func (s *Service) SetRoleOf(ctx context.Context, caller gate.Caller, number int64, role gate.Role, held bool) (user gate.User, changed bool, err error) {
	if user, err = s.FindNumber(ctx, caller, number); err != nil {
		return user, false, err
	}
	if held {
		changed, err = s.changeRole(ctx, caller, user.ID, role, gate.EventRoleGranted, (*store.Tx).GrantRole)
	} else {
		changed, err = s.changeRole(ctx, caller, user.ID, role, gate.EventRoleRevoked, (*store.Tx).RevokeRole)
	}
	return user, changed, err
}

// RevokeRole takes a role from an account. Doing it again does nothing.
//
// Refused: gate.ErrForbidden, gate.ErrUserNotFound, gate.ErrRoleUnknown,
// gate.ErrLastAdmin.
func (s *Service) RevokeRole(ctx context.Context, caller gate.Caller, id gate.PrincipalID, role gate.Role) error {
	_, err := s.changeRole(ctx, caller, id, role, gate.EventRoleRevoked, (*store.Tx).RevokeRole)
	return err
}

func (s *Service) changeRole(ctx context.Context, caller gate.Caller, id gate.PrincipalID, role gate.Role, event string,
	change func(*store.Tx, gate.PrincipalID, gate.Role) (bool, error),
) (changed bool, err error) {
	if err := policy.May(caller, policy.GrantRoles); err != nil {
		return false, err
	}
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if err := knownRole(tx, role); err != nil {
			return err
		}
		if err := keepsAnAdmin(tx, id, event == gate.EventRoleRevoked && role == gate.RoleAdmin); err != nil {
			return err
		}
		var err error
		if changed, err = change(tx, id, role); err != nil || !changed {
			return err
		}
		return tx.Record(caller.Event(event, id, "", map[string]string{"role": string(role)}))
	})
	return changed, err
}

func knownRole(tx *store.Tx, role gate.Role) error {
	exists, err := tx.RoleExists(role)
	if err == nil && !exists {
		err = gate.ErrRoleUnknown
	}
	return err
}

// keepsAnAdmin refuses what would leave the house without an administrator, if
// what is to be done takes one away. Two such deeds at once wait for each
// other, so that each sees what the other did.
func keepsAnAdmin(tx *store.Tx, id gate.PrincipalID, takesAway bool) error {
	if takesAway {
		if err := tx.LockRole(gate.RoleAdmin); err != nil {
			return err
		}
	}
	user, err := find(tx, string(id))
	if err != nil || !takesAway || user.Disabled() || !user.HasRole(gate.RoleAdmin) {
		return err
	}
	others, err := tx.ActiveHolders(gate.RoleAdmin, user.ID)
	if err == nil && others == 0 {
		err = gate.ErrLastAdmin
	}
	return err
}
