package account

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse/gatehouse/internal/admission"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/proving"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/session"
	"github.com/gatehouse/gatehouse/internal/store"
)

// ChangePassword replaces the caller's own password and ends all their other
// sessions.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrWrongPassword and the other
// refusals of proving.Service.ByOwner, gate.ErrSamePassword, gate.ErrValidation
// and gate.ErrWeakPassword for the new one.
func (s *Service) ChangePassword(ctx context.Context, caller gate.Caller, current, fresh secret.Text) error {
	_, err := s.changePassword(ctx, caller, current, fresh, caller.Session, func(*store.Tx) error { return nil })
	return err
}

// RenewPassword is ChangePassword for faces that answer with a new session: the
// caller's ends with the others.
func (s *Service) RenewPassword(ctx context.Context, caller gate.Caller, current, fresh secret.Text) (admission.Admission, error) {
	opening, err := s.Office.Prepare(ctx, caller, caller.Principal)
	if err != nil {
		return admission.Admission{}, err
	}
	user, err := s.changePassword(ctx, caller, current, fresh, "", opening.Open)
	if err != nil {
		return admission.Admission{}, err
	}
	return opening.Admission(ctx, user)
}

func (s *Service) changePassword(ctx context.Context, caller gate.Caller, current, fresh secret.Text, keep gate.SessionID, then func(*store.Tx) error) (gate.User, error) {
	proved, err := s.Proving.ByOwner(ctx, caller, current)
	if err != nil {
		return gate.User{}, err
	}
	if secret.Equal(current, fresh) {
		return gate.User{}, gate.ErrSamePassword
	}
	if err := s.Passwords.check(ctx, fresh, proved.User.DisplayName, proved.User.Username, proved.User.Email); err != nil {
		return gate.User{}, of("new_password", err)
	}
	verifier, err := s.hash(ctx, fresh)
	if err != nil {
		return gate.User{}, err
	}
	user := proved.User
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if err := proved.Use(tx); err != nil {
			if errors.Is(err, proving.ErrStale) { // changed meanwhile, so it is not the current one any more
				err = gate.ErrWrongPassword.Because(err)
			}
			return err
		}
		if err := replacePassword(tx, caller, user.ID, verifier, keep, session.EndedByPasswordChange); err != nil {
			return err
		}
		return then(tx)
	})
	user.MustChangePassword, user.PasswordExpiresAt = false, time.Time{}
	return user, err
}

func replacePassword(tx *store.Tx, caller gate.Caller, id gate.PrincipalID, verifier string, keep gate.SessionID, reason string) error {
	if err := tx.SetPasswordVerifier(id, verifier); err != nil {
		return err
	}
	if err := session.EndAll(tx, caller, id, keep, reason); err != nil {
		return err
	}
	return tx.Record(caller.Event(gate.EventPasswordChanged, id, "", nil))
}

// SetPassword gives an account a new password and ends all its sessions.
//
// Refused: gate.ErrForbidden, gate.ErrUserNotFound, gate.ErrValidation.
func (s *Service) SetPassword(ctx context.Context, caller gate.Caller, id gate.PrincipalID, pw secret.Text) error {
	if err := policy.May(caller, policy.SetPasswords); err != nil {
		return err
	}
	if err := s.Passwords.check(ctx, pw); err != nil {
		return err
	}
	verifier, err := s.hash(ctx, pw)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if _, err := find(tx, string(id)); err != nil {
			return err
		}
		return replacePassword(tx, caller, id, verifier, "", session.EndedByPasswordChange)
	})
}

// Temporary is a password that lets its owner in to choose their own.
type Temporary struct {
	Password  secret.Text
	ExpiresAt time.Time
}

// temporaryLetters have none that look alike, and spell no words.
const temporaryLetters = "bcdfghjkmnpqrstvwxyz23456789"

// drawTemporary makes a password that can be read to somebody: three groups of
// four letters, 57 bits.
func drawTemporary() secret.Text {
	letters := secret.Letters(12, temporaryLetters).Reveal()
	return secret.NewText(letters[:4] + "-" + letters[4:8] + "-" + letters[8:])
}

// SetTemporaryPassword gives the user with a number a password that must be
// changed and expires, drawn at random unless one is given, and ends all their
// sessions.
//
// Refused: gate.ErrForbidden, gate.ErrUserNotFound, gate.ErrUserDeactivated,
// gate.ErrValidation.
func (s *Service) SetTemporaryPassword(ctx context.Context, caller gate.Caller, number int64, given secret.Text, lifetime time.Duration) (Temporary, error) {
	if err := policy.May(caller, policy.SetPasswords); err != nil {
		return Temporary{}, err
	}
	t := Temporary{Password: given}
	if given.Empty() {
		t.Password = drawTemporary()
	} else if err := s.Passwords.check(ctx, given); err != nil {
		return t, of("temp_password", err)
	}
	verifier, err := s.hash(ctx, t.Password)
	if err != nil {
		return Temporary{}, err
	}
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		user, err := byNumber(tx, number)
		switch {
		case err != nil:
			return err
		case user.Disabled():
			return gate.ErrUserDeactivated
		}
		if err := tx.SetPasswordVerifier(user.ID, verifier); err != nil {
			return err
		}
		t.ExpiresAt = tx.Now().Add(lifetime)
		if err := tx.MakePasswordTemporary(user.ID, t.ExpiresAt); err != nil {
			return err
		}
		if err := session.EndAll(tx, caller, user.ID, "", session.EndedByTemporary); err != nil {
			return err
		}
		return tx.Record(caller.Event(gate.EventTemporaryPassword, user.ID, "", nil))
	})
	if err != nil {
		return Temporary{}, err
	}
	return t, nil
}
