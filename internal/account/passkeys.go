package account

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/passkeys"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/store"
)

// PasskeyFor names whom a new passkey is for, and what it is to be called. Who is
// signed in adds one to their own account, whatever it says of anybody.
type PasskeyFor struct {
	Email       string
	DisplayName string
	Label       string
}

// maxLabel is how many code points what a passkey is called may have.
const maxLabel = 255

// PasskeyCreation returns what a browser needs to make a passkey: for the
// caller's account, or for a new one. For an address that has an account it
// looks the same as for any other, and leads nowhere.
//
// Anybody may call it. Refused: gate.ErrNeedsSession for who came with an API
// key, gate.ErrForbidden for an agent, gate.ErrValidation for an address or a
// name that is none.
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
		if caller.Kind != gate.KindUser { // passkeys are for hands; an agent has keys
			return passkeys.Owner{}, gate.ErrForbidden
		}
		me, err := s.Me(ctx, caller)
		email, _ := gate.ParseEmail(me.Email)
		return passkeys.Owner{ID: me.ID, Email: email, DisplayName: me.DisplayName}, err
	}
	email, problem := who(of.Email, of.DisplayName)
	return passkeys.Owner{Email: email, DisplayName: of.DisplayName}, problem
}

// AddPasskey keeps the passkey that a browser made with PasskeyCreation: for the
// caller's account, or for a new account with this passkey and no password, if
// registration is open. It returns whose it is.
//
// Whoever signed in may call it, and newcomers. Refused: gate.ErrSignInFirst
// when nobody is signed in and the address has an account: a passkey is not
// added to an account by who knows its address. gate.ErrNeedsSession,
// gate.ErrRegistrationClosed, gate.ErrRateLimited, gate.ErrValidation, and the refusals of
// passkeys.Service.Read and passkeys.Fresh.Store.
func (s *Service) AddPasskey(ctx context.Context, caller gate.Caller, of PasskeyFor, raw []byte) (kept gate.Passkey, err error) {
	owner, err := s.passkeyOwner(ctx, caller, of)
	if err != nil {
		return kept, err
	}
	if owner.ID == "" {
		if err := s.mayRegister(ctx, caller); err != nil {
			return kept, err
		}
	}
	if err := checkLabel(of.Label); err != nil {
		return kept, err
	}
	fresh, err := s.Passkeys.Read(owner, raw)
	if err != nil {
		return kept, err
	}
	fresh.Label = of.Label
	if owner.ID == "" {
		return s.openWithPasskey(ctx, caller, owner, fresh)
	}
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		kept, err = fresh.Store(tx, caller)
		return err
	})
	return kept, err
}

// openWithPasskey makes the account of a newcomer, who has a passkey and no
// password.
func (s *Service) openWithPasskey(ctx context.Context, caller gate.Caller, owner passkeys.Owner, fresh passkeys.Fresh) (kept gate.Passkey, err error) {
	m := made{user: gate.User{ID: fresh.Owner, DisplayName: owner.DisplayName, Locale: "uk", Timezone: "Europe/Kyiv"}}
	n := newcomer{Application: Application{DisplayName: owner.DisplayName}, roles: []gate.Role{gate.RoleUser}}
	n.proof = func(tx *store.Tx, _ made) (err error) {
		kept, err = fresh.Store(tx, caller)
		return err
	}
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error { return s.insert(tx, caller, n, owner.Email, &m) })
	switch {
	case errors.Is(err, gate.ErrEmailTaken):
		return gate.Passkey{}, gate.ErrSignInFirst
	case errors.Is(err, store.ErrShortIDTaken): // one in billions; the next challenge brings another id
		return gate.Passkey{}, gate.ErrChallenge.Because(err)
	case err != nil:
		return gate.Passkey{}, err
	}
	s.awaitMatrix(ctx, m.user, caller.Tenant, m.job)
	return kept, nil
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

// RenamePasskey gives one of the caller's passkeys another label.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNeedsSession,
// gate.ErrPasskeyAbsent, gate.ErrValidation.
func (s *Service) RenamePasskey(ctx context.Context, caller gate.Caller, id gate.PasskeyID, label string) error {
	if err := policy.InPerson(caller); err != nil {
		return err
	}
	if err := checkLabel(label); err != nil {
		return err
	}
	return s.changePasskey(ctx, caller, id, gate.EventPasskeyRenamed, func(tx *store.Tx) error { return tx.RenamePasskey(caller.Principal, id, label) })
}

// RemovePasskey removes one of the caller's passkeys, unless nothing would be
// left that they could sign in with.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNeedsSession,
// gate.ErrPasskeyAbsent, gate.ErrLastWayIn.
func (s *Service) RemovePasskey(ctx context.Context, caller gate.Caller, id gate.PasskeyID) error {
	if err := policy.InPerson(caller); err != nil {
		return err
	}
	return s.changePasskey(ctx, caller, id, gate.EventPasskeyRemoved, func(tx *store.Tx) error {
		if err := tx.LockMember(caller.Principal); err != nil { // of two at once, the second sees what the first left
			return err
		}
		if err := tx.RemovePasskey(caller.Principal, id); err != nil {
			return err
		}
		return keepsAWayIn(tx, caller.Principal)
	})
}

func keepsAWayIn(tx *store.Tx, id gate.PrincipalID) error {
	account, err := tx.AccountOf(id)
	if err != nil {
		return err
	}
	if expires := account.User.PasswordExpiresAt; account.Verifier != "" && (expires.IsZero() || tx.Now().Before(expires)) {
		return nil
	}
	kept, err := tx.PasskeysOf(id, 1)
	if err != nil || len(kept) > 0 {
		return err
	}
	connected, err := tx.IdentitiesOf(id, 1)
	if err == nil && len(connected) == 0 {
		err = gate.ErrLastWayIn
	}
	return err
}

// changePasskey runs fn upon one of the caller's passkeys, and records it. What
// is another's is to them what does not exist.
func (s *Service) changePasskey(ctx context.Context, caller gate.Caller, id gate.PasskeyID, event string, fn func(*store.Tx) error) error {
	if !gate.CleanText(string(id)) { // it comes from a URL; Postgres refuses to look for NUL
		return gate.ErrPasskeyAbsent
	}
	err := s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Record(caller.Event(event, caller.Principal, "", map[string]string{"passkey": string(id)}))
	})
	if errors.Is(err, gate.ErrNotFound) {
		err = gate.ErrPasskeyAbsent
	}
	return err
}

func checkLabel(label string) error {
	problem := gate.Problem{Path: []string{"label"}}
	switch {
	case utf8.RuneCountInString(label) > maxLabel:
		problem.Rule, problem.Limit = gate.RuleTooLong, maxLabel
	case !gate.CleanText(label):
		problem.Rule, problem.Words = gate.RuleValue, "text without control characters"
	default:
		return nil
	}
	return gate.ErrValidation.At(problem)
}
