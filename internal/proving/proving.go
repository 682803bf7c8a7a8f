// Package proving is the one place where a password is compared: whoever asks
// for one (signing in, changing it, removing an account) spends the same budget
// of failures and learns the same from a wrong one.
package proving

import (
	"context"
	"errors"
	"strings"

	"github.com/gatehouse/gatehouse/internal/factor/password"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/limit"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Service compares passwords for one face.
type Service struct {
	DB        *store.DB
	Hasher    *password.Hasher
	Limits    limit.Limits
	Failures  *limit.Failures // of all faces of this process
	Usernames bool            // a user name is as good as an e-mail address
}

// Proof is a password that was right when it was compared.
type Proof struct {
	User     gate.User
	verifier string
	rehashed string // what to store in its place, "" for nothing
	touched  bool   // there are failures to forget
	budget   limit.Login
}

// ErrStale says that the verifier was replaced while the password was compared,
// perhaps only by a better hash of the same one: look again.
var ErrStale = errors.New("the password was replaced while it was compared")

// ByName compares the password of the account that somebody names. It may turn
// out to be disabled, which is for the caller to judge.
//
// Refused: gate.ErrInvalidCredentials for an unknown name and for a wrong
// password alike, and after the same work; gate.ErrTooManyFailures,
// gate.ErrRateLimited; gate.ErrBusy when too many are being compared. A failure
// and its audit event are stored together.
func (s *Service) ByName(ctx context.Context, caller gate.Caller, name string, pw secret.Text) (Proof, error) {
	find := func(tx *store.Tx) (store.Account, error) { return s.named(tx, name) }
	return s.prove(ctx, caller, find, name, pw)
}

// ByOwner compares the password of the caller's own account.
//
// Refused: gate.ErrWrongPassword, gate.ErrNotAuthenticated and the rest of
// ByName's.
func (s *Service) ByOwner(ctx context.Context, caller gate.Caller, pw secret.Text) (Proof, error) {
	if caller.Principal == "" || caller.Kind != gate.KindUser {
		return Proof{}, gate.ErrNotAuthenticated
	}
	find := func(tx *store.Tx) (store.Account, error) { return tx.AccountOf(caller.Principal) }
	p, err := s.prove(ctx, caller, find, string(caller.Principal), pw)
	if errors.Is(err, gate.ErrInvalidCredentials) {
		err = gate.ErrWrongPassword.Because(err)
	}
	return p, err
}

// named finds the account with a name: an address is never looked for among the
// user names, whoever has taken it as one.
func (s *Service) named(tx *store.Tx, name string) (store.Account, error) {
	if email, ok := gate.ParseEmail(name); ok {
		return tx.AccountByEmail(email.Key)
	}
	if username, ok := gate.ParseUsername(name); ok && s.Usernames && !strings.Contains(name, "@") {
		return tx.AccountByUsername(username.Key)
	}
	return store.Account{}, gate.ErrNotFound
}

func (s *Service) prove(ctx context.Context, caller gate.Caller, find func(*store.Tx) (store.Account, error), name string, pw secret.Text) (Proof, error) {
	var p Proof
	seen := s.Failures.Seen()
	err := s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) error {
		account, err := find(tx)
		if err != nil && !errors.Is(err, gate.ErrNotFound) {
			return err
		}
		p.User, p.verifier = account.User, account.Verifier
		p.budget = s.Limits.Login(budgetKey(account.User, name), caller.IP)
		return p.allowed(tx, caller)
	}) // refuses early, before waiting for a slot
	if err == nil {
		err = s.compare(ctx, caller, &p, pw, seen)
	}
	if err != nil {
		return Proof{}, err
	}
	return p, nil
}

func (p *Proof) allowed(tx *store.Tx, caller gate.Caller) (err error) {
	p.touched, err = p.budget.Check(tx, func() (bool, error) {
		if p.User.ID == "" {
			return false, nil
		}
		return tx.SeenFrom(p.User.ID, caller.IP)
	})
	return err
}

// compare does the slow part, outside any transaction. If anybody failed while we
// waited for our turn, the budget is looked at again, and a failure is counted
// before it is the next one's turn: of a thousand guesses sent at once, no more
// than the slots are wide get past an empty budget.
func (s *Service) compare(ctx context.Context, caller gate.Caller, p *Proof, pw secret.Text, seen uint64) error {
	slot, err := s.Hasher.Slot(ctx)
	if err != nil {
		return err
	}
	defer slot.Release()
	if s.Failures.Seen() != seen {
		if err := s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) error { return p.allowed(tx, caller) }); err != nil {
			return err
		}
	}
	var verdict password.Verdict
	if p.verifier == "" {
		slot.CheckNothing(pw)
	} else {
		verdict = slot.Check(pw, p.verifier)
	}
	if !verdict.Match {
		defer s.Failures.Note() // before the slot goes to the next one
		return s.fail(ctx, caller, p)
	}
	if verdict.Rehash {
		p.rehashed, err = slot.Hash(pw)
	}
	return err
}

func (s *Service) fail(ctx context.Context, caller gate.Caller, p *Proof) error {
	ctx = context.WithoutCancel(ctx) // who hangs up before the answer has guessed all the same
	err := s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if err := p.budget.Failed(tx); err != nil {
			return err
		}
		return tx.Record(caller.Event(gate.EventLoginFailed, p.User.ID, "", nil))
	})
	if err != nil {
		return err
	}
	return gate.ErrInvalidCredentials
}

// Use notes in a transaction that the password let somebody do something: it
// must still be the account's, whose failures are forgotten. A change of the
// password waits until the transaction ends. It returns ErrStale within
// gate.ErrInvalidCredentials when there was one since the comparison.
func (p Proof) Use(tx *store.Tx) error {
	current, err := tx.UsePassword(p.User.ID, p.verifier)
	if err != nil {
		return err
	}
	if !current {
		return gate.ErrInvalidCredentials.Because(ErrStale)
	}
	if p.rehashed != "" {
		if err := tx.ReplacePasswordVerifier(p.User.ID, p.verifier, p.rehashed); err != nil {
			return err
		}
	}
	if p.touched {
		return p.budget.Succeeded(tx)
	}
	return nil
}

// budgetKey names the account in limits, whichever of its names was typed: by
// its canonical address, or else its id. Nobody's account has a budget, too,
// under the name as it was typed.
func budgetKey(user gate.User, name string) string {
	switch {
	case user.Email != "":
		name = user.Email
	case user.ID != "":
		return string(user.ID)
	}
	if email, ok := gate.ParseEmail(name); ok {
		return email.Key
	}
	if username, ok := gate.ParseUsername(name); ok {
		return username.Key
	}
	return gate.Clip(name, 320)
}
