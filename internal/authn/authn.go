// Package authn is the one verifier of presented credentials: whichever face a
// token comes through, what it proves is decided here. A token counts only
// while its signature and times hold, its session lives, and its principal may
// act today.
//
// Verified tokens are kept in a bounded cache under their SHA-256, so that the
// hot paths (introspection, me, forward-auth) need no SQL; the store's feed says
// when an answer must not be believed any more.
package authn

import (
	"context"
	"errors"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/token"
)

// Verified is what a good access token proves.
type Verified struct {
	User      gate.User
	Session   gate.SessionID
	Client    string
	TokenID   string
	Issuer    string
	ExpiresAt time.Time // of the token

	until   time.Time // the session's end, which may come before the token's
	mark    store.Mark
	answers answers
}

// Service verifies the access tokens of one face.
type Service struct {
	db      *store.DB
	tokens  *token.Issuer
	profile token.Profile
	clock   gate.Clock
	cache   *otter.Cache[secret.Digest, *Verified]
}

// CacheSize bounds how many verified tokens are remembered per face.
const CacheSize = 100_000

// New returns the verifier for one face's profile.
func New(db *store.DB, tokens *token.Issuer, profile token.Profile, clock gate.Clock) *Service {
	return &Service{
		db: db, tokens: tokens, profile: profile, clock: clock,
		cache: otter.Must(&otter.Options[secret.Digest, *Verified]{MaximumSize: CacheSize, InitialCapacity: 64}),
	}
}

// Access verifies an access token.
//
// Refused: gate.ErrInvalidToken for a bad, expired or foreign token and for one
// whose session has ended; gate.ErrPrincipalGone when its principal is
// disabled; gate.ErrPrincipalUnknown when it does not exist any more. An outage of the database is neither: it is
// gate.ErrDatabaseUnavailable.
func (s *Service) Access(ctx context.Context, presented secret.Text) (*Verified, error) {
	key := secret.DigestOf(presented)
	if v, ok := s.cache.GetIfPresent(key); ok && s.stillGood(v) {
		return v, nil
	}
	v, err := s.verify(ctx, presented)
	if err != nil {
		s.cache.Invalidate(key)
		return nil, err
	}
	s.cache.Set(key, v)
	return v, nil
}

func (s *Service) stillGood(v *Verified) bool {
	now := s.clock()
	return now.Before(v.ExpiresAt) && now.Before(v.until) && s.db.Feed().Fresh(v.mark, s.profile.Tenant, v.User.ID, v.Session)
}

func (s *Service) verify(ctx context.Context, presented secret.Text) (*Verified, error) {
	mark := s.db.Feed().Mark() // before reading: a change from here on makes the answer stale
	claims, err := s.tokens.VerifyAccess(ctx, s.profile, presented)
	if err != nil {
		return nil, err
	}
	var p store.Presence
	err = s.db.Read(ctx, s.profile.Tenant, func(tx *store.Tx) (err error) {
		p, err = tx.Presence(gate.SessionID(claims.Session))
		if errors.Is(err, gate.ErrNotFound) {
			err = whyNoSession(tx, gate.PrincipalID(claims.Subject))
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !p.Session.Live(s.clock()):
		return nil, gate.ErrInvalidToken.Because(errors.New("session ended"))
	case p.User.Disabled(), s.profile.SubjectOf(p.User) != claims.Subject:
		return nil, gate.ErrPrincipalGone
	}
	return &Verified{
		User: p.User, Session: p.Session.ID, Client: p.Session.Client, TokenID: claims.ID, Issuer: claims.Issuer,
		ExpiresAt: time.Unix(claims.ExpiresAt, 0), until: p.Session.ExpiresAt, mark: mark,
	}, nil
}

// whyNoSession tells a session that is gone from a principal that is gone.
func whyNoSession(tx *store.Tx, subject gate.PrincipalID) error {
	_, err := tx.User(subject)
	switch {
	case err == nil:
		return gate.ErrInvalidToken.Because(errors.New("unknown session"))
	case errors.Is(err, gate.ErrNotFound):
		return gate.ErrPrincipalUnknown
	}
	return err
}

// Caller verifies an access token and returns the caller acting as its
// principal.
func (s *Service) Caller(ctx context.Context, anonymous gate.Caller, presented secret.Text) (gate.Caller, *Verified, error) {
	if presented.Empty() {
		return anonymous, nil, gate.ErrNotAuthenticated
	}
	v, err := s.Access(ctx, presented)
	if err != nil {
		return anonymous, nil, err
	}
	return anonymous.As(v.User, v.Session), v, nil
}

// Introspect is Access for resource servers (RFC 7662): a token that is no good
// for whatever reason is not an error but simply inactive, so that unknown,
// expired and revoked tokens look alike. Only an outage is an error.
func (s *Service) Introspect(ctx context.Context, presented secret.Text) (v *Verified, active bool, err error) {
	v, err = s.Access(ctx, presented)
	if err == nil {
		return v, true, nil
	}
	if e := gate.AsError(err); e.Kind == gate.Unavailable || e.Kind == gate.Internal {
		return nil, false, err
	}
	return nil, false, nil
}

// IntrospectAs is Introspect for faces that demand to know who asks.
func (s *Service) IntrospectAs(ctx context.Context, caller gate.Caller, presented secret.Text) (*Verified, bool, error) {
	if err := policy.May(caller, policy.Introspect); err != nil {
		return nil, false, err
	}
	return s.Introspect(ctx, presented)
}
