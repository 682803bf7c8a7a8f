package login

import (
	"context"
	"errors"

	"github.com/gatehouse/gatehouse/internal/fault"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/session"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Refresh exchanges a refresh token for new tokens of the same session; see
// session.Rules.Rotate for what happens when it comes twice.
//
// Anybody may call it. Refused: gate.ErrInvalidRefresh for a token that this
// house did not issue, gate.ErrSessionEnded for one whose session is over (by
// logout, expiry or theft), gate.ErrPrincipalGone for a disabled account.
func (s *Service) Refresh(ctx context.Context, caller gate.Caller, presented secret.Text) (Admission, error) {
	of, err := s.Tokens.VerifyRefresh(ctx, s.Profile, presented)
	if err != nil {
		return Admission{}, err
	}
	user, err := s.Directory.User(ctx, caller.Tenant, of.Principal)
	switch {
	case errors.Is(err, gate.ErrPrincipalGone): // and every session with them
		return Admission{}, gate.ErrInvalidRefresh.Because(err)
	case err != nil:
		return Admission{}, err
	case user.Disabled():
		return Admission{}, gate.ErrPrincipalGone
	}
	// All that can fail comes before the rotation: who gets no answer after it
	// has ten seconds to ask again.
	a, err := s.mint(ctx, user, of.Session)
	if err != nil {
		return Admission{}, err
	}
	successor, err := s.Tokens.Refresh(ctx, s.Profile, of)
	if err != nil {
		return Admission{}, err
	}
	exchange := session.Exchange{Session: of.Session, Presented: presented, Successor: successor, TTL: s.Profile.RefreshTTL}
	var outcome session.Outcome
	err = s.DB.WriteRow(ctx, caller.Tenant, string(of.Session), func(tx *store.Tx) (err error) {
		outcome, err = s.Rules.Rotate(tx, caller, exchange)
		return err
	})
	if err != nil || outcome.Stolen {
		return Admission{}, orElse(err, gate.ErrSessionEnded)
	}
	fault.Point("refresh_after_commit")
	a.Refresh = outcome.Refresh
	return a, nil
}

// Logout ends the session that a refresh token belongs to. A token that is
// unknown, expired or spent is no reason to complain: whoever sends it wants
// the session to be over, and it is. Only an outage is an error.
func (s *Service) Logout(ctx context.Context, caller gate.Caller, presented secret.Text) error {
	of, err := s.Tokens.VerifyRefresh(ctx, s.Profile, presented)
	if err != nil {
		if gate.AsError(err).Kind == gate.Unauthenticated {
			return nil
		}
		return err
	}
	return s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		p, err := tx.Presence(of.Session)
		if errors.Is(err, gate.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		caller.Principal = p.User.ID
		return session.End(tx, caller, p.Session, session.EndedByLogout)
	})
}

// LogoutSession ends the caller's own session.
func (s *Service) LogoutSession(ctx context.Context, caller gate.Caller) error {
	if caller.Session == "" {
		return gate.ErrNotAuthenticated
	}
	return s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		own := gate.Session{ID: caller.Session, Principal: caller.Principal}
		return session.End(tx, caller, own, session.EndedByLogout)
	})
}
