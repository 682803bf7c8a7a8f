package login

import (
	"context"
	"errors"

	"github.com/gatehouse/gatehouse/internal/fault"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/session"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Refresh exchanges a refresh token for new tokens of the same session; see
// session.Rules.Rotate for what happens when it comes twice.
//
// Anybody may call it. Refused: gate.ErrInvalidRefresh for a token that this
// house did not issue, gate.ErrSessionEnded for one whose session is over (by
// logout or theft), gate.ErrRefreshExpired, gate.ErrPrincipalGone for a disabled
// account, gate.ErrPasswordExpired, gate.ErrRateLimited.
func (s *Service) Refresh(ctx context.Context, caller gate.Caller, presented secret.Text) (Admission, error) {
	if err := s.attempt(ctx, caller); err != nil {
		return Admission{}, err
	}
	of, err := s.Office.Tokens.VerifyRefresh(ctx, s.Office.Profile, presented)
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
	case user.PasswordExpired(s.Office.Clock()):
		return Admission{}, gate.ErrPasswordExpired
	}
	current, err := s.chosen(ctx, caller, of.Session)
	if err != nil {
		return Admission{}, err
	}
	// All that can fail comes before the rotation: who gets no answer after it
	// has ten seconds to ask again.
	a, err := s.Office.Mint(ctx, user, current)
	if err != nil {
		return Admission{}, err
	}
	successor, err := s.Office.Tokens.Refresh(ctx, s.Office.Profile, of)
	if err != nil {
		return Admission{}, err
	}
	exchange := session.Exchange{Session: of.Session, Presented: presented, Successor: successor, TTL: s.Office.Profile.RefreshTTL}
	var outcome session.Outcome
	err = s.DB.WriteRow(ctx, caller.Tenant, string(of.Session), func(tx *store.Tx) (err error) {
		outcome, err = s.Office.Rules.Rotate(tx, caller, exchange)
		return err
	})
	if err != nil || outcome.Stolen {
		return Admission{}, orElse(err, gate.ErrSessionEnded)
	}
	fault.Point("refresh_after_commit")
	a.Refresh = outcome.Refresh
	return a, nil
}

// chosen is the session as far as its tokens need to know it: most speak of no
// org, and then nobody has to ask.
func (s *Service) chosen(ctx context.Context, caller gate.Caller, id gate.SessionID) (gate.Session, error) {
	current := gate.Session{ID: id}
	if !s.PerOrg {
		return current, nil
	}
	err := s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) error {
		p, err := tx.Presence(id)
		if errors.Is(err, gate.ErrNotFound) {
			return gate.ErrInvalidRefresh
		}
		current.Org = p.Session.Org
		return err
	})
	return current, err
}

// SwitchOrg makes the caller's session speak of another of their orgs, and
// returns an access token that does; the refresh token stays good.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNotMember.
func (s *Service) SwitchOrg(ctx context.Context, caller gate.Caller, org gate.OrgID) (Admission, error) {
	if caller.Session == "" {
		return Admission{}, gate.ErrNotAuthenticated
	}
	var user gate.User
	err := s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		if user, err = tx.User(caller.Principal); err != nil {
			return err
		}
		if user.RoleIn(org) == "" {
			return gate.ErrNotMember
		}
		return tx.SetSessionOrg(caller.Session, org)
	})
	if err != nil {
		return Admission{}, err
	}
	return s.Office.Mint(ctx, user, gate.Session{ID: caller.Session, Org: org})
}

// Logout ends the session that a refresh token belongs to. A token that is
// unknown, expired or spent is no reason to complain: whoever sends it wants
// the session to be over, and it is. Only an outage is an error.
func (s *Service) Logout(ctx context.Context, caller gate.Caller, presented secret.Text) error {
	return s.logout(ctx, caller, presented, func(tx *store.Tx, caller gate.Caller, p store.Presence) error {
		return session.End(tx, caller, p.Session, session.EndedByLogout)
	})
}

// LogoutEverywhere is Logout for all sessions of the token's owner. For that the
// token has to be the newest of a living session: who found an old one somewhere
// ends no more than the session it came from.
func (s *Service) LogoutEverywhere(ctx context.Context, caller gate.Caller, presented secret.Text) error {
	return s.logout(ctx, caller, presented, func(tx *store.Tx, caller gate.Caller, p store.Presence) error {
		chain, err := tx.Chain(p.Session.ID)
		if err != nil {
			return err
		}
		if !p.Session.Live(tx.Now()) || !tx.Now().Before(chain.ExpiresAt) || !chain.Newest(secret.DigestOf(presented)) {
			return session.End(tx, caller, p.Session, session.EndedByLogout)
		}
		return session.EndAll(tx, caller, p.User.ID, "", session.EndedByLogout)
	})
}

func (s *Service) logout(ctx context.Context, caller gate.Caller, presented secret.Text, end func(*store.Tx, gate.Caller, store.Presence) error) error {
	of, err := s.Office.Tokens.VerifyRefresh(ctx, s.Office.Profile, presented)
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
		return end(tx, caller, p)
	})
}

// LogoutSession ends the caller's own session. Refused:
// gate.ErrNotAuthenticated, gate.ErrNeedsSession for who came with an API key.
func (s *Service) LogoutSession(ctx context.Context, caller gate.Caller) error {
	if err := policy.InPerson(caller); err != nil {
		return err
	}
	return s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		own := gate.Session{ID: caller.Session, Principal: caller.Principal}
		return session.End(tx, caller, own, session.EndedByLogout)
	})
}
