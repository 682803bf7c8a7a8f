// Package account conducts the life of user accounts: registration, the first
// administrator, status, roles and passwords. Each verb is one transaction with
// its audit event; what must be slow (hashing) happens before it.
package account

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse/gatehouse/internal/factor/password"
	"github.com/gatehouse/gatehouse/internal/fault"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/jobs"
	"github.com/gatehouse/gatehouse/internal/limit"
	"github.com/gatehouse/gatehouse/internal/provision"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Service keeps the accounts of a house.
type Service struct {
	DB         *store.DB
	Hasher     *password.Hasher
	Limits     limit.Limits
	Open       bool // anybody may register
	Matrix     *provision.Matrix
	MatrixWait time.Duration // how long a registration waits for Synapse
	Jobs       *jobs.Runner
}

// Application is a wish for an account. Roles are not part of it: nobody
// chooses their own.
type Application struct {
	Email       string
	Password    secret.Text
	DisplayName string
}

// MinPassword and MaxPassword bound the length of passwords in code points.
const (
	MinPassword = 8
	MaxPassword = 128
)

// idsToTry is how many ids are drawn before giving up: with a billion users, one
// in four is taken.
const idsToTry = 32

// Register makes an account for whoever asks, if registration is open. With
// Matrix it waits a moment for the homeserver; the account is there in any
// case, and the outbox finishes what did not happen in time.
//
// Anybody may call it. Refused: gate.ErrRegistrationClosed,
// gate.ErrRateLimited, gate.ErrEmailTaken, gate.ErrValidation for an address
// that is none, gate.ErrBusy.
func (s *Service) Register(ctx context.Context, caller gate.Caller, a Application) (gate.User, error) {
	if !s.Open {
		return gate.User{}, gate.ErrRegistrationClosed
	}
	// Counted by itself and before the hash: an attempt costs the same whatever
	// comes of it, and "this address is taken" is an answer worth limiting, too.
	if s.Limits.RegisterPerIP != (limit.Rate{}) {
		err := s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error { return s.Limits.Register(tx, caller.IP) })
		if err != nil {
			return gate.User{}, err
		}
	}
	return s.create(ctx, caller, a, []gate.Role{gate.RoleUser}, func(*store.Tx) error { return nil })
}

// create makes an account with roles; before runs first in its transaction.
func (s *Service) create(ctx context.Context, caller gate.Caller, a Application, roles []gate.Role, before func(*store.Tx) error) (gate.User, error) {
	email, problem := s.examine(a)
	if problem != nil {
		return gate.User{}, problem
	}
	verifier, err := s.hash(ctx, a.Password)
	if err != nil {
		return gate.User{}, err
	}
	var user gate.User
	var job gate.JobID
	for range idsToTry {
		err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
			if err = before(tx); err != nil {
				return err
			}
			user, job, err = s.insert(tx, caller, a, email, verifier, roles)
			return err
		})
		if !errors.Is(err, store.ErrShortIDTaken) {
			break
		}
	}
	if err != nil {
		return gate.User{}, err
	}
	fault.Point("register_after_commit")
	return s.awaitMatrix(ctx, user, caller.Tenant, job), nil
}

func (s *Service) examine(a Application) (gate.Email, error) {
	email, ok := gate.ParseEmail(a.Email)
	if !ok {
		return email, gate.ErrValidation.At(gate.Problem{Path: []string{"email"}, Rule: gate.RuleValue, Words: "a valid e-mail address"})
	}
	if !gate.CleanText(a.DisplayName) {
		return email, gate.ErrValidation.At(gate.Problem{Path: []string{"display_name"}, Rule: gate.RuleValue, Words: "text without control characters"})
	}
	return email, checkPassword(a.Password)
}

func (s *Service) hash(ctx context.Context, pw secret.Text) (string, error) {
	slot, err := s.Hasher.Slot(ctx)
	if err != nil {
		return "", err
	}
	defer slot.Release()
	return slot.Hash(pw)
}

func (s *Service) insert(tx *store.Tx, caller gate.Caller, a Application, email gate.Email, verifier string, roles []gate.Role) (gate.User, gate.JobID, error) {
	user, err := tx.AddUser(gate.User{
		ID: gate.PrincipalID(secret.RandomID()), DisplayName: a.DisplayName, Locale: "uk", Timezone: "Europe/Kyiv",
	}, email)
	if err != nil {
		return user, "", err
	}
	if err := tx.SetPasswordVerifier(user.ID, verifier); err != nil {
		return user, "", err
	}
	for _, role := range roles {
		if _, err := tx.GrantRole(user.ID, role); err != nil {
			return user, "", err
		}
	}
	user.Roles = roles
	if err := tx.Record(caller.Event(gate.EventUserCreated, user.ID, "", nil)); err != nil || s.Matrix == nil {
		return user, "", err
	}
	job, err := s.Matrix.Enqueue(tx, user.ID)
	return user, job, err
}

// awaitMatrix gives the homeserver a moment, and returns the user with what
// came of it.
func (s *Service) awaitMatrix(ctx context.Context, user gate.User, tenant gate.TenantID, job gate.JobID) gate.User {
	if job == "" || !s.Jobs.RunNow(ctx, job, s.MatrixWait) {
		return user
	}
	_ = s.DB.Read(ctx, tenant, func(tx *store.Tx) error {
		linked, err := tx.User(user.ID)
		if err == nil {
			user.MatrixUserID = linked.MatrixUserID
		}
		return err
	}) // at worst the answer lacks the id, as it does when Synapse is slow
	return user
}

// checkPassword holds a new password against the policy.
func checkPassword(pw secret.Text) error {
	n := len([]rune(pw.Reveal()))
	problem := gate.Problem{Path: []string{"password"}}
	switch {
	case n < MinPassword:
		problem.Rule, problem.Limit = gate.RuleTooShort, MinPassword
	case n > MaxPassword:
		problem.Rule, problem.Limit = gate.RuleTooLong, MaxPassword
	default:
		return nil
	}
	return gate.ErrValidation.At(problem)
}
