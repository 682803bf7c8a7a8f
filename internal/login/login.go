// Package login conducts the ways in and out: a password is exchanged for a
// session and tokens, a refresh token for the next ones, a logout for silence.
// The order of steps is decided here; each step belongs to a room below
// (proving, admission, session).
package login

import (
	"context"
	"errors"

	"github.com/gatehouse/gatehouse/internal/admission"
	"github.com/gatehouse/gatehouse/internal/directory"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/limit"
	"github.com/gatehouse/gatehouse/internal/passkeys"
	"github.com/gatehouse/gatehouse/internal/proving"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Service lets principals in through one face.
type Service struct {
	DB        *store.DB
	Directory *directory.Directory
	Proving   *proving.Service
	Passkeys  *passkeys.Service
	Office    *admission.Office
	PerOrg    bool // tokens speak of the org that the session chose
}

// Admission is what someone gets who was let in.
type Admission = admission.Admission

// Password is a proof by name and password.
type Password struct {
	Name     string // e-mail address, or user name where the face takes one
	Password secret.Text
}

// WithPassword lets in who knows the password of an account.
//
// Anybody may call it. Refused: as proving.Service.ByName, and
// gate.ErrDisabled and gate.ErrPasswordExpired only to who knows the password.
// A session, its first refresh token and the event of a success are stored
// together.
func (s *Service) WithPassword(ctx context.Context, caller gate.Caller, proof Password) (Admission, error) {
	if err := s.attempt(ctx, caller); err != nil {
		return Admission{}, err
	}
	a, err := s.withPassword(ctx, caller, proof)
	if errors.Is(err, proving.ErrStale) { // changed, or only hashed better, by a login at the same time: look again
		return s.withPassword(ctx, caller, proof)
	}
	return a, err
}

func (s *Service) withPassword(ctx context.Context, caller gate.Caller, proof Password) (Admission, error) {
	proved, err := s.Proving.ByName(ctx, caller, proof.Name, proof.Password)
	if err != nil {
		return Admission{}, err
	}
	switch {
	case proved.User.Disabled():
		return Admission{}, s.turnAway(ctx, caller, proved.User, gate.ErrDisabled, untouched)
	case proved.User.PasswordExpired(s.Office.Clock()):
		return Admission{}, s.turnAway(ctx, caller, proved.User, gate.ErrPasswordExpired, untouched)
	}
	return s.admitted(ctx, caller, proved.User, proved.Use)
}

// turnAway refuses who has proved themselves but may not come in. A proof that is
// good once is used up all the same.
func (s *Service) turnAway(ctx context.Context, caller gate.Caller, user gate.User, why *gate.Error, use func(*store.Tx) error) error {
	err := s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if err := use(tx); err != nil {
			return err
		}
		return tx.Record(caller.Event(gate.EventLoginRefused, user.ID, "", nil))
	})
	if err != nil {
		return err
	}
	return why
}

// untouched is for a proof that can be given again.
func untouched(*store.Tx) error { return nil }

func (s *Service) admitted(ctx context.Context, caller gate.Caller, user gate.User, use func(*store.Tx) error) (Admission, error) {
	return s.Office.Admit(ctx, s.DB, caller, user, func(tx *store.Tx, _ gate.SessionID) error { return use(tx) })
}

// attempt takes one from what a network may ask in a minute, whatever comes of
// it, where the face counts that.
func (s *Service) attempt(ctx context.Context, caller gate.Caller) error {
	limits := s.Proving.Limits
	if limits.RequestsPerIP == (limit.Rate{}) {
		return nil
	}
	return s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error { return limits.Request(tx, caller.IP) })
}

func orElse(err error, otherwise *gate.Error) error {
	if err != nil {
		return err
	}
	return otherwise
}
