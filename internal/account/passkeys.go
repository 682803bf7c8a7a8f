package account

import (
	"context"
	"errors"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/passkeys"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/store"
)

// PasskeyFor names whom a new passkey is for. Who is signed in adds one to their
// own account, whatever it says.
type PasskeyFor struct {
	Email       string
	DisplayName string
}

// PasskeyCreation returns what a browser needs to make a passkey: for the
// caller's account, or for a new one. For an address that has an account it
// looks the same as for any other, and leads nowhere.
//
// Anybody may call it. Refused: gate.ErrNeedsSession for who came with an API
// key, gate.ErrValidation for an address that is none.
func (s *Service) PasskeyCreation(ctx context.Context, caller gate.Caller, of PasskeyFor) (passkeys.Creation, error) {
	owner, err := s.passkeyOwner(ctx, caller, of)
	if err != nil {
		return passkeys.Creation{}, err
	}
	return s.Passkeys.Creation(ctx, caller.Tenant, owner)
}

// passkeyOwner is the caller, or else a newcomer with the address.
func (s *Service) passkeyOwner(ctx context.Context, caller gate.Caller, of PasskeyFor) (passkeys.Owner, error) {
	if caller.Principal != "" {
		if err := policy.InPerson(caller); err != nil {
			return passkeys.Owner{}, err
		}
		me, err := s.Me(ctx, caller)
		email, _ := gate.ParseEmail(me.Email)
		return passkeys.Owner{ID: me.ID, Email: email, DisplayName: me.DisplayName}, err
	}
	email, ok := gate.ParseEmail(of.Email)
	if !ok {
		return passkeys.Owner{}, gate.ErrValidation.At(gate.Problem{Path: []string{"email"}, Rule: gate.RuleValue, Words: "a valid e-mail address"})
	}
	return passkeys.Owner{Email: email, DisplayName: of.DisplayName}, nil
}

// AddPasskey keeps the passkey that a browser made with PasskeyCreation: for the
// caller's account, or for a new account with this passkey and no password, if
// registration is open. It returns whose it is.
//
// Whoever signed in may call it, and newcomers. Refused: gate.ErrSignInFirst
// when nobody is signed in and the address has an account: a passkey is not
// added to an account by who knows its address. gate.ErrNeedsSession,
// gate.ErrRegistrationClosed, gate.ErrRateLimited, and the refusals of
// passkeys.Service.Read and passkeys.Fresh.Store.
func (s *Service) AddPasskey(ctx context.Context, caller gate.Caller, of PasskeyFor, raw []byte) (gate.PrincipalID, error) {
	owner, err := s.passkeyOwner(ctx, caller, of)
	if err != nil {
		return "", err
	}
	if owner.ID == "" {
		if err := s.mayRegister(ctx, caller); err != nil {
			return "", err
		}
	}
	fresh, err := s.Passkeys.Read(owner, raw)
	if err != nil {
		return "", err
	}
	if owner.ID != "" {
		return owner.ID, s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error { return fresh.Store(tx, caller, "") })
	}
	user := gate.User{ID: fresh.Owner, DisplayName: of.DisplayName, Locale: "uk", Timezone: "Europe/Kyiv"}
	n := newcomer{Application: Application{DisplayName: of.DisplayName}, roles: []gate.Role{gate.RoleUser}, passkey: &fresh}
	m := made{user: user}
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error { return s.insert(tx, caller, n, owner.Email, "", &m) })
	switch {
	case errors.Is(err, gate.ErrEmailTaken):
		return "", gate.ErrSignInFirst
	case errors.Is(err, store.ErrShortIDTaken): // one in billions; the next challenge brings another id
		return "", gate.ErrChallenge.Because(err)
	case err != nil:
		return "", err
	}
	return s.awaitMatrix(ctx, m.user, caller.Tenant, m.job).ID, nil
}

// MyPasskeys returns the caller's passkeys, the oldest first. Refused:
// gate.ErrNotAuthenticated, gate.ErrNeedsSession.
func (s *Service) MyPasskeys(ctx context.Context, caller gate.Caller) (kept []gate.Passkey, err error) {
	if err := policy.InPerson(caller); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		kept, err = tx.PasskeysOf(caller.Principal, passkeys.MaxKept)
		return err
	})
	return kept, err
}
