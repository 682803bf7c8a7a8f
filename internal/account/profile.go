package account

import (
	"context"
	"errors"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/org"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/session"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Change is what users want to be different about themselves; nil leaves it as
// it is. What they may not choose, such as roles, is not part of it.
type Change struct {
	Email    *string
	Username *string
	Password *secret.Text // refused: see ErrCurrentPasswordNeeded
}

// UpdateProfile changes what the caller's account says about its owner.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrEmailTaken, gate.ErrUsernameTaken,
// gate.ErrValidation, and gate.ErrCurrentPasswordNeeded for a password: who
// found an open session could otherwise take the account.
func (s *Service) UpdateProfile(ctx context.Context, caller gate.Caller, c Change) (user gate.User, err error) {
	if caller.Principal == "" || caller.Kind != gate.KindUser {
		return user, gate.ErrNotAuthenticated
	}
	if c.Password != nil {
		return user, gate.ErrCurrentPasswordNeeded
	}
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if user, err = tx.User(caller.Principal); err != nil {
			return err
		}
		profile, err := c.on(user)
		if err != nil {
			return err
		}
		if err := tx.SetProfile(user.ID, profile); err != nil {
			return err
		}
		user.Email, user.Username, user.UpdatedAt = profile.Email.Address, profile.Username.Name, tx.Now()
		return tx.Record(caller.Event(gate.EventUserChanged, user.ID, caller.Session, nil))
	})
	return user, err
}

// on is the user's profile with the change made.
func (c Change) on(user gate.User) (store.Profile, error) {
	email, username := user.Email, user.Username
	if c.Email != nil {
		email = *c.Email
	}
	if c.Username != nil {
		username = *c.Username
	}
	var p store.Profile
	var ok bool
	if p.Email, ok = gate.ParseEmail(email); !ok && (c.Email != nil || email != "") {
		return p, gate.ErrValidation.At(gate.Problem{Path: []string{"email"}, Rule: gate.RuleValue, Words: "a valid e-mail address"})
	}
	if username != "" || c.Username != nil {
		if err := checkUsername(username, p.Email); err != nil {
			return p, err
		}
	}
	p.Username, _ = gate.ParseUsername(username)
	return p, nil
}

// RemoveSelf removes the caller's own account: what it is a member of, signs in
// with and was issued goes with it; audit events stay. before runs when nothing
// stands in the way, and can still say no; nil for nothing.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrWrongPassword and the rest of
// proving.Service.ByOwner's; gate.ErrAccountHasNodes, gate.ErrSoleOrgAdmin,
// gate.ErrLastAdmin.
func (s *Service) RemoveSelf(ctx context.Context, caller gate.Caller, pw secret.Text, before func(context.Context) error) error {
	proved, err := s.Proving.ByOwner(ctx, caller, pw)
	if err != nil {
		return err
	}
	if before != nil {
		rehearsal := s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
			if err := remove(tx, caller, proved.User.ID); err != nil {
				return err
			}
			return errRehearsed // and all is undone
		})
		if !errors.Is(rehearsal, errRehearsed) {
			return rehearsal
		}
		if err := before(ctx); err != nil {
			return err
		}
	}
	return s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error { return remove(tx, caller, proved.User.ID) })
}

var errRehearsed = errors.New("nothing stands in the way")

func remove(tx *store.Tx, caller gate.Caller, id gate.PrincipalID) error {
	if err := keepsAnAdmin(tx, id, true); err != nil {
		return err
	}
	nodes, err := tx.NodesRegisteredBy(id)
	if err != nil {
		return err
	}
	if nodes > 0 {
		return gate.ErrAccountHasNodes
	}
	if err := org.LeaveAll(tx, caller, id); errors.Is(err, gate.ErrLastOrgAdmin) {
		return gate.ErrSoleOrgAdmin
	} else if err != nil {
		return err
	}
	if err := session.EndAll(tx, caller, id, "", session.EndedByRemoval); err != nil {
		return err
	}
	if err := tx.RemoveUser(id); err != nil {
		return err
	}
	return tx.Record(caller.Event(gate.EventUserRemoved, id, "", nil))
}

// Me returns the caller's own account as of now.
//
// Refused: gate.ErrNotAuthenticated.
func (s *Service) Me(ctx context.Context, caller gate.Caller) (user gate.User, err error) {
	if caller.Principal == "" || caller.Kind != gate.KindUser {
		return user, gate.ErrNotAuthenticated
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		user, err = tx.User(caller.Principal)
		return err
	})
	return user, err
}

// FindNumber returns the user with a number, for administrators, for apps, and
// for the user in question.
//
// Refused: gate.ErrForbidden, gate.ErrUserNotFound.
func (s *Service) FindNumber(ctx context.Context, caller gate.Caller, number int64) (user gate.User, err error) {
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		user, err = byNumber(tx, number)
		return err
	})
	if err == nil && user.ID == caller.Principal {
		return user, nil
	}
	if refusal := policy.May(caller, policy.LookUpUsers); refusal != nil {
		return gate.User{}, refusal // whether or not there is one
	}
	return user, err
}

// MaxNames is how many users can be looked up at once.
const MaxNames = 100

// Names returns what the users with these numbers are called; unknown numbers
// are left out.
//
// Refused: gate.ErrForbidden, gate.ErrTooMany.
func (s *Service) Names(ctx context.Context, caller gate.Caller, numbers []int64) (map[int64]string, error) {
	if err := policy.May(caller, policy.LookUpUsers); err != nil {
		return nil, err
	}
	if len(numbers) > MaxNames {
		return nil, gate.ErrTooMany
	}
	names := map[int64]string{}
	err := s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) error {
		for _, number := range numbers {
			user, err := byNumber(tx, number)
			switch {
			case err == nil:
				names[number] = user.Name()
			case gate.AsError(err).Kind != gate.NotFound:
				return err
			}
		}
		return nil
	})
	return names, err
}

func byNumber(tx *store.Tx, number int64) (gate.User, error) {
	user, err := tx.UserByNumber(number)
	if err != nil && gate.AsError(err).Kind == gate.NotFound {
		err = gate.ErrUserNotFound
	}
	return user, err
}
