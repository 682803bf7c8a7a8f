package account

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse/gatehouse/internal/admission"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

const (
	setupPurpose  = "setup"
	setupKind     = "setup"
	setupLifetime = time.Hour
)

// NewSetupToken returns a token with which the first administrator can be made,
// or an empty one when there is an administrator already. It works once, for
// an hour; a newer one replaces it.
func (s *Service) NewSetupToken(ctx context.Context, tenant gate.TenantID) (secret.Text, error) {
	fresh := secret.New(setupKind)
	needed := false
	err := s.DB.Write(ctx, tenant, func(tx *store.Tx) error {
		admins, err := tx.ActiveHolders(gate.RoleAdmin, "")
		if needed = admins == 0; err != nil || !needed {
			return err
		}
		return tx.AddOneTimeToken(secret.DigestOf(fresh), setupPurpose, "", tx.Now().Add(setupLifetime))
	})
	if err != nil || !needed {
		return secret.Text{}, err
	}
	return fresh, nil
}

// ClaimSetup makes the first administrator. Of several who try with the same
// token, one succeeds; once there is an administrator, nobody does.
//
// Anybody who has the token may call it. Refused: gate.ErrSetupLink,
// gate.ErrEmailTaken, gate.ErrValidation.
func (s *Service) ClaimSetup(ctx context.Context, caller gate.Caller, token secret.Text, a Application) (gate.User, error) {
	if !secret.WellFormed(setupKind, token) {
		return gate.User{}, gate.ErrSetupLink
	}
	// Looked at first, for what follows costs a hash; used up last, so that a
	// mistake in the form does not use it up.
	err := s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) error {
		good, err := tx.OneTimeTokenGood(secret.DigestOf(token), setupPurpose)
		if err == nil && !good {
			err = gate.ErrSetupLink
		}
		return err
	})
	if err != nil {
		return gate.User{}, err
	}
	made, err := s.create(ctx, caller, newcomer{Application: a, roles: []gate.Role{gate.RoleUser, gate.RoleAdmin}, before: func(tx *store.Tx) error {
		if err := tx.LockRole(gate.RoleAdmin); err != nil {
			return err
		}
		if _, err := tx.UseOneTimeToken(secret.DigestOf(token), setupPurpose); err != nil {
			if errors.Is(err, gate.ErrNotFound) {
				return gate.ErrSetupLink
			}
			return err
		}
		admins, err := tx.ActiveHolders(gate.RoleAdmin, "")
		if err != nil || admins > 0 {
			return orElse(err, gate.ErrSetupLink)
		}
		return tx.Record(caller.Event(gate.EventSetupClaimed, "", "", nil))
	}})
	return made.user, err
}

// FirstAdmin makes the first administrator and lets them in, for originals that
// leave their set-up open to whoever comes first. Of several at once, one
// succeeds.
//
// Anybody may call it. Refused: gate.ErrSetupDone, gate.ErrRateLimited, and as
// Register.
func (s *Service) FirstAdmin(ctx context.Context, caller gate.Caller, a Application) (admission.Admission, error) {
	needed, err := s.SetupNeeded(ctx, caller)
	if err != nil || !needed {
		return admission.Admission{}, orElse(err, gate.ErrSetupDone)
	}
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error { return s.Limits.Request(tx, caller.IP) })
	if err != nil {
		return admission.Admission{}, err
	}
	made, err := s.create(ctx, caller, newcomer{Application: a, roles: []gate.Role{gate.RoleUser, gate.RoleAdmin}, enters: true, before: func(tx *store.Tx) error {
		if err := tx.LockRole(gate.RoleAdmin); err != nil {
			return err
		}
		admins, err := tx.ActiveHolders(gate.RoleAdmin, "")
		if err != nil || admins > 0 {
			return orElse(err, gate.ErrSetupDone)
		}
		return tx.Record(caller.Event(gate.EventSetupClaimed, "", "", nil))
	}})
	if err != nil {
		return admission.Admission{}, err
	}
	return made.opening.Admission(ctx, made.user)
}

// SetupNeeded reports whether the house has no administrator yet.
func (s *Service) SetupNeeded(ctx context.Context, caller gate.Caller) (needed bool, err error) {
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) error {
		admins, err := tx.ActiveHolders(gate.RoleAdmin, "")
		needed = admins == 0
		return err
	})
	return needed, err
}

func orElse(err error, otherwise *gate.Error) error {
	if err != nil {
		return err
	}
	return otherwise
}
