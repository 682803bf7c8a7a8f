// Package login conducts the ways in and out: a password is exchanged for a
// session and tokens, a refresh token for the next ones, a logout for silence.
// The order of steps is decided here; each step belongs to a room below
// (limit, factor/password, session, token).
package login

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse/gatehouse/internal/directory"
	"github.com/gatehouse/gatehouse/internal/factor/password"
	"github.com/gatehouse/gatehouse/internal/fault"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/limit"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/session"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/token"
)

// Service lets principals in through one face.
type Service struct {
	DB        *store.DB
	Directory *directory.Directory
	Hasher    *password.Hasher
	Limits    limit.Limits
	Failures  *limit.Failures // of all faces of this process
	Rules     session.Rules
	Tokens    *token.Issuer
	Profile   token.Profile
	Clock     gate.Clock
}

// Admission is what someone gets who was let in.
type Admission struct {
	User      gate.User
	Session   gate.SessionID
	Access    secret.Text
	Refresh   secret.Text
	ExpiresIn time.Duration // of the access token
}

// Password is a proof by e-mail address and password.
type Password struct {
	Email    string
	Password secret.Text
}

// WithPassword lets in who knows the password of an account.
//
// Anybody may call it. Refused: gate.ErrInvalidCredentials for an unknown
// address and for a wrong password alike, and after the same work;
// gate.ErrDisabled only to who knows the password; gate.ErrRateLimited;
// gate.ErrBusy when too many are being checked. A failure and its audit event
// are stored together, and so are a session, its first refresh token and the
// event of a success.
func (s *Service) WithPassword(ctx context.Context, caller gate.Caller, proof Password) (Admission, error) {
	a, err := s.withPassword(ctx, caller, proof)
	if errors.Is(err, errStale) { // changed, or only hashed better, by a login at the same time: look again
		return s.withPassword(ctx, caller, proof)
	}
	return a, err
}

// errStale says that the verifier was replaced while the password was checked.
var errStale = errors.New("the password was replaced while it was checked")

func (s *Service) withPassword(ctx context.Context, caller gate.Caller, proof Password) (Admission, error) {
	budget := s.Limits.Login(accountKey(proof.Email), caller.IP)
	claim, err := s.look(ctx, caller, proof, budget) // refuses early, before waiting for a slot
	if err != nil {
		return Admission{}, err
	}
	rehashed, err := s.check(ctx, caller, &claim, proof, budget)
	if err != nil {
		return Admission{}, err
	}
	if claim.user.Disabled() {
		return Admission{}, s.refuse(ctx, caller, claim.user.ID, gate.EventLoginRefused, nil, gate.ErrDisabled)
	}
	return s.admit(ctx, caller, claim, rehashed, budget)
}

// claim is what is known about the account that someone claims to own. An
// unknown account has no verifier.
type claim struct {
	user     gate.User
	verifier string
	touched  bool   // there are failures to forget
	failures uint64 // of this process, when the budget was looked at
}

func (s *Service) look(ctx context.Context, caller gate.Caller, proof Password, budget limit.Login) (claim, error) {
	var c claim
	err := s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) error {
		c = claim{failures: s.Failures.Seen()}
		if email, ok := gate.ParseEmail(proof.Email); ok {
			if err := c.load(tx, email); err != nil {
				return err
			}
		}
		return c.allowed(tx, caller, budget)
	})
	return c, err
}

func (c *claim) load(tx *store.Tx, email gate.Email) error {
	account, err := tx.AccountByEmail(email.Key)
	if errors.Is(err, gate.ErrNotFound) {
		return nil
	}
	c.user, c.verifier = account.User, account.Verifier
	return err
}

func (c *claim) allowed(tx *store.Tx, caller gate.Caller, budget limit.Login) (err error) {
	c.touched, err = budget.Check(tx, func() (bool, error) {
		if c.user.ID == "" {
			return false, nil
		}
		return tx.SeenFrom(c.user.ID, caller.IP)
	})
	return err
}

// check does the slow part, outside any transaction. If anybody failed while we
// waited for our turn, the budget is looked at again, and a failure is counted
// before it is the next one's turn: of a thousand guesses sent at once, no more
// than the slots are wide get past an empty budget.
func (s *Service) check(ctx context.Context, caller gate.Caller, c *claim, proof Password, budget limit.Login) (rehashed string, err error) {
	slot, err := s.Hasher.Slot(ctx)
	if err != nil {
		return "", err
	}
	defer slot.Release()
	if s.Failures.Seen() != c.failures {
		if err := s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) error { return c.allowed(tx, caller, budget) }); err != nil {
			return "", err
		}
	}
	var verdict password.Verdict
	if c.verifier == "" {
		slot.CheckNothing(proof.Password)
	} else {
		verdict = slot.Check(proof.Password, c.verifier)
	}
	if !verdict.Match {
		defer s.Failures.Note() // before the slot goes to the next one
		return "", s.refuse(ctx, caller, c.user.ID, gate.EventLoginFailed, budget.Failed, gate.ErrInvalidCredentials)
	}
	if verdict.Rehash {
		rehashed, err = slot.Hash(proof.Password)
	}
	return rehashed, err
}

func (s *Service) refuse(ctx context.Context, caller gate.Caller, subject gate.PrincipalID, event string, count func(*store.Tx) error, answer *gate.Error) error {
	ctx = context.WithoutCancel(ctx) // who hangs up before the answer has guessed all the same
	err := s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if count != nil {
			if err := count(tx); err != nil {
				return err
			}
		}
		return tx.Record(caller.Event(event, subject, "", nil))
	})
	if err != nil {
		return err
	}
	return answer
}

// admit opens the session. Between the check and now the account may have been
// disabled, or the password changed; then nobody is let in.
func (s *Service) admit(ctx context.Context, caller gate.Caller, c claim, rehashed string, budget limit.Login) (Admission, error) {
	opened := s.Rules.New(s.Clock(), caller, c.user)
	a, err := s.mint(ctx, c.user, opened.ID)
	if err != nil {
		return a, err
	}
	if a.Refresh, err = s.Tokens.Refresh(ctx, s.Profile, token.Owner{Principal: c.user.ID, Session: opened.ID}); err != nil {
		return a, err
	}
	err = s.DB.WriteRow(ctx, caller.Tenant, string(c.user.ID), func(tx *store.Tx) error {
		current, err := tx.UsePassword(c.user.ID, c.verifier)
		if err != nil || !current {
			return orElse(err, gate.ErrInvalidCredentials.Because(errStale))
		}
		if rehashed != "" {
			if err := tx.ReplacePasswordVerifier(c.user.ID, c.verifier, rehashed); err != nil {
				return err
			}
		}
		if c.touched {
			if err := budget.Succeeded(tx); err != nil {
				return err
			}
		}
		if err := s.Rules.Open(tx, opened, a.Refresh, s.Profile.RefreshTTL); err != nil {
			return err
		}
		return tx.Last().Record(caller.Event(gate.EventLoginSucceeded, c.user.ID, opened.ID, nil))
	})
	if err != nil {
		return Admission{}, err
	}
	fault.Point("login_after_commit")
	return a, nil
}

// mint makes the access token and all of an admission but the refresh token.
func (s *Service) mint(ctx context.Context, user gate.User, id gate.SessionID) (Admission, error) {
	access, err := s.Tokens.Access(ctx, s.Profile, user, id)
	return Admission{User: user, Session: id, Access: access, ExpiresIn: s.Profile.AccessTTL}, err
}

func orElse(err error, otherwise *gate.Error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// accountKey names the account in limits: by its canonical address, or for what
// is no address by the text itself.
func accountKey(email string) string {
	if parsed, ok := gate.ParseEmail(email); ok {
		return parsed.Key
	}
	return gate.Clip(email, 320)
}
