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
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/token"
)

// Verified is what a good credential proves.
type Verified struct {
	Principal gate.Principal
	User      gate.User      // of an access token
	Session   gate.SessionID // of an access token
	Key       gate.APIKeyID  // of an API key
	Client    string
	TokenID   string
	Issuer    string
	ExpiresAt time.Time // of the credential; zero: never

	until    time.Time // when it ends, whatever else happens; zero: never
	subjects []string  // whose changes make it stale
	mark     store.Mark
	noted    atomic.Int64 // when its use was last noted, of an API key
	answers  answers
}

// Service verifies the access tokens of one face.
type Service struct {
	db      *store.DB
	tokens  *token.Issuer
	profile token.Profile
	also    []token.Profile // of other faces, whose access tokens count here, too
	uses    *apikey.Uses    // nil where no API keys are taken
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
	v, err := s.known(ctx, presented, s.verify)
	if err == nil && v.Key != "" { // remembered by Credential
		return nil, gate.ErrInvalidToken.Because(errors.New("an API key, no access token"))
	}
	return v, err
}

func (s *Service) known(ctx context.Context, presented secret.Text, verify func(context.Context, secret.Text) (*Verified, error)) (*Verified, error) {
	key := secret.DigestOf(presented)
	if v, ok := s.cache.GetIfPresent(key); ok && s.stillGood(v) {
		return v, nil
	}
	v, err := verify(ctx, presented)
	if err != nil {
		s.cache.Invalidate(key)
		return nil, err
	}
	s.cache.Set(key, v)
	return v, nil
}

func (s *Service) stillGood(v *Verified) bool {
	return (v.until.IsZero() || s.clock().Before(v.until)) && s.db.Feed().FreshAll(v.mark, s.profile.Tenant, v.subjects...)
}

func (s *Service) verify(ctx context.Context, presented secret.Text) (*Verified, error) {
	mark := s.db.Feed().Mark() // before reading: a change from here on makes the answer stale
	profile := s.profileOf(presented)
	claims, err := s.tokens.VerifyAccess(ctx, profile, presented)
	if err != nil {
		return nil, err
	}
	v := &Verified{TokenID: claims.ID, Issuer: claims.Issuer, ExpiresAt: time.Unix(claims.ExpiresAt, 0), mark: mark}
	err = s.db.Read(ctx, profile.Tenant, func(tx *store.Tx) error {
		p, err := tx.Presence(gate.SessionID(claims.Session))
		if errors.Is(err, gate.ErrNotFound) {
			return whyNoSession(tx, gate.PrincipalID(claims.Subject))
		}
		switch {
		case err != nil:
			return err
		case !p.Session.Live(s.clock()):
			return gate.ErrInvalidToken.Because(errors.New("session ended"))
		case p.User.Disabled(), profile.SubjectOf(p.User) != claims.Subject:
			return gate.ErrPrincipalGone
		}
		v.User, v.Principal, v.Session, v.Client = p.User, p.User.Principal(), p.Session.ID, p.Session.Client
		v.until = p.Session.ExpiresAt
		if v.ExpiresAt.Before(v.until) {
			v.until = v.ExpiresAt
		}
		v.subjects = []string{string(p.User.ID), string(p.Session.ID)}
		if v.Principal.Kind != gate.KindUser {
			return v.act(tx, p.User.ID)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// profileOf is the profile that a token has the shape of.
func (s *Service) profileOf(presented secret.Text) token.Profile {
	for _, profile := range s.also {
		if !s.profile.Takes(presented) && profile.Takes(presented) {
			return profile
		}
	}
	return s.profile
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
	return v.AsCaller(anonymous), v, nil
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
