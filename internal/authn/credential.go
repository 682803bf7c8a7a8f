package authn

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/token"
)

// Widen makes the service take every credential of the house: API keys, whose
// uses are noted, and access tokens of other faces.
func (s *Service) Widen(uses *apikey.Uses, also ...token.Profile) *Service {
	s.uses, s.also = uses, also
	return s
}

// Credential verifies an access token or an API key. One that arrives
// percent-encoded is the same credential: none has a percent sign of its own.
//
// Refused: as Access; gate.ErrInvalidToken for a key that is unknown, revoked or
// expired; gate.ErrPrincipalGone when who it stands for, or who answers for
// them, may not act.
func (s *Service) Credential(ctx context.Context, presented secret.Text) (*Verified, error) {
	if strings.Contains(presented.Reveal(), "%") {
		plain, err := url.PathUnescape(presented.Reveal())
		if err != nil {
			return nil, gate.ErrInvalidToken.Because(errors.New("malformed percent-encoding"))
		}
		presented = secret.NewText(plain)
	}
	if s.uses == nil || !secret.LooksLikeAPIKey(presented) {
		return s.Access(ctx, presented)
	}
	v, err := s.known(ctx, presented, s.verifyKey)
	if err == nil {
		s.noteUse(v)
	}
	return v, err
}

// useNoted is how often the use of a key is written down.
const useNoted = time.Minute

func (s *Service) noteUse(v *Verified) {
	now := s.clock()
	if last := v.noted.Load(); now.UnixMilli()-last >= useNoted.Milliseconds() && v.noted.CompareAndSwap(last, now.UnixMilli()) {
		s.uses.Note(s.profile.Tenant, v.Key, now)
	}
}

func (s *Service) verifyKey(ctx context.Context, presented secret.Text) (*Verified, error) {
	if !secret.IsAPIKey(presented) { // mistyped or made up: not worth a look into the database
		return nil, gate.ErrInvalidToken.Because(errors.New("not an API key"))
	}
	v := &Verified{mark: s.db.Feed().Mark()} // before reading: a change from here on makes the answer stale
	err := s.db.Read(ctx, s.profile.Tenant, func(tx *store.Tx) error {
		key, err := tx.APIKeyByDigest(secret.DigestOf(presented))
		switch {
		case errors.Is(err, gate.ErrNotFound):
			return gate.ErrInvalidToken.Because(errors.New("unknown API key"))
		case err != nil:
			return err
		case !key.Good(s.clock()):
			return gate.ErrInvalidToken.Because(errors.New("API key revoked or expired"))
		}
		v.Key, v.ExpiresAt, v.until = key.ID, key.ExpiresAt, key.ExpiresAt
		v.subjects = []string{string(key.ID), string(key.Principal)}
		err = v.act(tx, key.Principal)
		v.Principal = policy.Narrow(v.Principal, key.Scopes)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// act fills in a principal as it may act today: an agent within what its owner
// may.
func (v *Verified) act(tx *store.Tx, id gate.PrincipalID) error {
	p, err := present(tx, id)
	if err != nil {
		return err
	}
	switch {
	case p.Owner.User != "":
		owner, err := present(tx, p.Owner.User)
		if err != nil {
			return err
		}
		p = policy.Within(p, owner)
		v.subjects = append(v.subjects, string(owner.ID))
	case p.Owner.Org != "":
		p = policy.WithinOrg(p, p.Owner.Org)
		v.subjects = append(v.subjects, string(p.Owner.Org))
	}
	v.Principal = p
	return nil
}

// present returns a principal that may act.
func present(tx *store.Tx, id gate.PrincipalID) (gate.Principal, error) {
	p, err := tx.Principal(id)
	if errors.Is(err, gate.ErrNotFound) || err == nil && p.Disabled() {
		return p, gate.ErrPrincipalGone
	}
	return p, err
}

// AsCaller returns the caller acting as whoever the credential belongs to.
func (v *Verified) AsCaller(anonymous gate.Caller) gate.Caller {
	if v.Key != "" {
		return anonymous.AsKey(v.Principal, v.Key)
	}
	return anonymous.As(v.User, v.Session)
}

// FirstGood verifies all credentials that a request presents, in the order in
// which they count, and returns what the first good one proves.
//
// Refused: gate.ErrNotAuthenticated when there is none;
// gate.ErrCredentials when two good ones prove different principals, because
// then one of them is not the sender's idea; and what is wrong with the first
// one when none is good. An outage is an outage, whatever the others prove.
func (s *Service) FirstGood(ctx context.Context, presented ...secret.Text) (*Verified, error) {
	var first *Verified
	var wrong error
	for _, credential := range presented {
		if credential.Empty() {
			continue
		}
		v, err := s.Credential(ctx, credential)
		switch e := gate.AsError(err); {
		case err == nil && first == nil:
			first = v
		case err == nil && v.Principal.ID != first.Principal.ID:
			return nil, gate.ErrCredentials
		case err != nil && (e.Kind == gate.Unavailable || e.Kind == gate.Internal):
			return nil, err
		case err != nil && wrong == nil:
			wrong = err
		}
	}
	switch {
	case first != nil:
		return first, nil
	case wrong != nil:
		return nil, wrong
	}
	return nil, gate.ErrNotAuthenticated
}
