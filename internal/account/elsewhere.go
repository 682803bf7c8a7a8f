package account

import (
	"context"
	"errors"

	"github.com/gatehouse/gatehouse/internal/admission"
	"github.com/gatehouse/gatehouse/internal/federation"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// MaxIdentities is how many accounts elsewhere one user may have connected.
const MaxIdentities = 32

// SignInElsewhere returns where a browser goes to sign in with a provider, and
// what it has to keep until it comes back to Land.
//
// Anybody may call it. Refused: as federation.Service.Depart.
func (s *Service) SignInElsewhere(ctx context.Context, caller gate.Caller, d federation.Departure) (address string, browser secret.Text, err error) {
	d.Principal = ""
	return s.Federation.Depart(ctx, caller.Tenant, d)
}

// ConnectElsewhere is SignInElsewhere for who is signed in, and connects the
// account at the provider to theirs: so they prove both sides.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNeedsSession, gate.ErrForbidden for
// an agent, and as federation.Service.Depart.
func (s *Service) ConnectElsewhere(ctx context.Context, caller gate.Caller, d federation.Departure) (address string, browser secret.Text, err error) {
	if err := policy.InPerson(caller); err != nil {
		return "", browser, err
	}
	if caller.Kind != gate.KindUser {
		return "", browser, gate.ErrForbidden
	}
	d.Principal = caller.Principal
	return s.Federation.Depart(ctx, caller.Tenant, d)
}

// Landing is what has come of a browser that went to a provider.
type Landing struct {
	Destination string              // as at the departure; "" for a flow that is not known
	Admission   admission.Admission // empty for who connected an account
	New         bool                // the account was opened just now
	Connected   bool
}

// Land takes back a browser: it lets in who signed in at the provider, opening
// an account if there is none, or connects the account there to the one here.
// The destination is known also when it is refused.
//
// Whose account it is, the provider's issuer and subject say. An account that
// was made without them is found by its address only where the operator trusts
// the provider with that, and only when the address was shown to be its owner's
// here, too: otherwise whoever registered somebody else's address would be in
// the account of who signs in next, or the other way round.
//
// Anybody may call it. Refused: as federation.Service.Arrive; gate.ErrDisabled,
// gate.ErrEmailMissing, gate.ErrNotLinked, gate.ErrRegistrationClosed;
// gate.ErrIdentityTaken, and gate.ErrFlow for who connects an account and is not
// signed in as before any more.
func (s *Service) Land(ctx context.Context, caller gate.Caller, a federation.Arrival) (l Landing, err error) {
	r, err := s.Federation.Arrive(ctx, caller.Tenant, a)
	l.Destination = r.Flow.Destination
	switch {
	case err != nil:
		return l, err
	case r.Again && r.Flow.Principal != "":
		l.Connected = true
		return l, nil
	case r.Again:
		l.Admission, err = s.again(ctx, caller, r.Flow.Session)
		return l, err
	case r.Flow.Principal != "":
		l.Connected, err = true, s.connect(ctx, caller, r)
	default:
		l.Admission, l.New, err = s.enterFrom(ctx, caller, r)
	}
	if err != nil {
		l.Connected = false
		return l, s.Federation.Refuse(ctx, caller.Tenant, r, err)
	}
	return l, nil
}

// again is the admission of a session that was opened a moment ago.
func (s *Service) again(ctx context.Context, caller gate.Caller, id gate.SessionID) (admission.Admission, error) {
	var p store.Presence
	err := s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		p, err = tx.Presence(id)
		return err
	})
	switch {
	case errors.Is(err, gate.ErrNotFound) || err == nil && (p.User.Disabled() || !p.Session.EndedAt.IsZero()):
		return admission.Admission{}, gate.ErrFlow.Because(errors.New("the session that it led to has ended"))
	case err != nil:
		return admission.Admission{}, err
	}
	return s.Office.Mint(ctx, p.User, p.Session)
}

// connect links the account at the provider to the caller's.
func (s *Service) connect(ctx context.Context, caller gate.Caller, r federation.Return) error {
	if caller.Principal != r.Flow.Principal || policy.InPerson(caller) != nil {
		return gate.ErrFlow.Because(errors.New("not signed in as before any more"))
	}
	return s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if err := s.link(tx, caller, caller.Principal, r); err != nil {
			return err
		}
		return r.End(tx, caller.Session)
	})
}

// link gives a user an identity, unless it is theirs already.
func (s *Service) link(tx *store.Tx, caller gate.Caller, id gate.PrincipalID, r federation.Return) error {
	if err := tx.LockMember(id); err != nil { // so that a count stays true
		return err
	}
	known, err := tx.Identity(r.Profile.Issuer, r.Profile.Subject)
	switch {
	case err == nil && known.Principal == id:
		return tx.IdentityUsed(r.Identity(known))
	case err == nil:
		return gate.ErrIdentityTaken
	case !errors.Is(err, gate.ErrNotFound):
		return err
	}
	others, err := tx.IdentitiesOf(id, MaxIdentities)
	if err != nil {
		return err
	}
	if len(others) >= MaxIdentities {
		return gate.ErrIdentityLimit
	}
	made, err := tx.AddIdentity(r.Identity(gate.Identity{ID: gate.IdentityID(secret.ID()), Principal: id}))
	if err != nil {
		return err
	}
	return tx.Record(caller.Event(gate.EventIdentityConnected, id, "", map[string]string{"identity": string(made.ID), "provider": made.Connector}))
}

// enterFrom lets in who signed in at a provider.
func (s *Service) enterFrom(ctx context.Context, caller gate.Caller, r federation.Return) (a admission.Admission, isNew bool, err error) {
	email, _ := gate.ParseEmail(r.Profile.Email)
	user, known, err := s.recognize(ctx, caller, r, email)
	switch {
	case err != nil:
		return a, false, err
	case user.ID == "":
		a, err = s.openFrom(ctx, caller, r, email)
		return a, err == nil, err
	case user.Disabled():
		return a, false, s.refuseDisabled(ctx, caller, user)
	}
	a, err = s.Office.Admit(ctx, s.DB, caller, user, func(tx *store.Tx, session gate.SessionID) error {
		if err := tx.IdentityUsed(r.Identity(known)); err != nil {
			return err
		}
		return r.End(tx, session)
	})
	return a, false, err
}

// recognize finds whose account it is: by the identity or, where that may be, by
// the address, which then becomes an identity. No user means nobody's yet.
func (s *Service) recognize(ctx context.Context, caller gate.Caller, r federation.Return, email gate.Email) (user gate.User, known gate.Identity, err error) {
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) error {
		known, err = tx.Identity(r.Profile.Issuer, r.Profile.Subject)
		switch {
		case err == nil:
			user, err = tx.User(known.Principal)
		case errors.Is(err, gate.ErrNotFound) && email.Key != "":
			user, err = tx.UserByEmail(email.Key)
		}
		return err
	})
	switch {
	case errors.Is(err, gate.ErrNotFound):
		return gate.User{}, known, nil
	case err != nil || known.ID != "":
		return user, known, err
	case !r.Provider.TrustEmail || user.EmailVerifiedAt.IsZero():
		return user, known, gate.ErrNotLinked
	}
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if err := s.link(tx, caller, user.ID, r); err != nil {
			return err
		}
		known, err = tx.Identity(r.Profile.Issuer, r.Profile.Subject)
		return err
	})
	return user, known, err
}

// openFrom makes an account for somebody whom a provider vouches for.
func (s *Service) openFrom(ctx context.Context, caller gate.Caller, r federation.Return, email gate.Email) (admission.Admission, error) {
	switch {
	case !s.Open && !r.Provider.SignUp:
		return admission.Admission{}, gate.ErrRegistrationClosed
	case email.Key == "" && !r.Provider.WithoutEmail:
		return admission.Admission{}, gate.ErrEmailMissing
	}
	n := newcomer{
		Application: Application{DisplayName: r.Profile.Name}, roles: []gate.Role{gate.RoleUser}, enters: true,
		verified: email.Key != "" && (r.Provider.TrustEmail || r.Profile.EmailVerified),
	}
	n.proof = func(tx *store.Tx, m made) error {
		if err := s.link(tx, caller, m.user.ID, r); err != nil {
			return err
		}
		return r.End(tx, m.opening.Session())
	}
	m, err := s.open(ctx, caller, n, email)
	switch {
	case errors.Is(err, gate.ErrEmailTaken): // just now
		return admission.Admission{}, gate.ErrNotLinked
	case err != nil:
		return admission.Admission{}, err
	}
	return m.opening.Admission(ctx, m.user)
}

func (s *Service) refuseDisabled(ctx context.Context, caller gate.Caller, user gate.User) error {
	err := s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		return tx.Record(caller.Event(gate.EventLoginRefused, user.ID, "", nil))
	})
	if err != nil {
		return err
	}
	return gate.ErrDisabled
}

// MyIdentities returns the caller's connected accounts, the oldest first.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNeedsSession.
func (s *Service) MyIdentities(ctx context.Context, caller gate.Caller) (kept []gate.Identity, err error) {
	if err := policy.InPerson(caller); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		kept, err = tx.IdentitiesOf(caller.Principal, MaxIdentities)
		return err
	})
	return kept, err
}

// Disconnect ends the link to one of the caller's accounts elsewhere, unless
// nothing would be left that they could sign in with.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNeedsSession,
// gate.ErrIdentityAbsent, gate.ErrLastWayIn.
func (s *Service) Disconnect(ctx context.Context, caller gate.Caller, id gate.IdentityID) error {
	if err := policy.InPerson(caller); err != nil {
		return err
	}
	if !gate.CleanText(string(id)) { // it comes from a request; Postgres refuses to look for NUL
		return gate.ErrIdentityAbsent
	}
	err := s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if err := tx.LockMember(caller.Principal); err != nil { // of two at once, the second sees what the first left
			return err
		}
		if err := tx.RemoveIdentity(caller.Principal, id); err != nil {
			return err
		}
		if err := keepsAWayIn(tx, caller.Principal); err != nil {
			return err
		}
		return tx.Record(caller.Event(gate.EventIdentityDisconnected, caller.Principal, "", map[string]string{"identity": string(id)}))
	})
	if errors.Is(err, gate.ErrNotFound) {
		err = gate.ErrIdentityAbsent
	}
	return err
}
