package passkeys

import (
	"context"
	"errors"

	"github.com/gatehouse/gatehouse/internal/factor/passkey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Request returns what a browser needs to use a passkey. It is the same for
// everybody: the authenticator knows who it has passkeys for, and nobody learns
// here who has any.
func (s *Service) Request() Request {
	return passkey.RequestOptions(s.Party, s.Challenger.New(passkey.Authenticate, "", s.Clock()))
}

// Proof is a passkey that was found good.
type Proof struct {
	User      gate.User
	updated   gate.Passkey
	checked   int64 // the counter that it was checked against
	challenge secret.Digest
}

// Prove checks what a browser answered to Request, and finds whose passkey it
// was. Its owner may turn out to be disabled, which is for the caller to judge.
//
// Refused: gate.ErrChallenge for another or an expired challenge,
// gate.ErrPasskeyUnknown, gate.ErrPasskey for everything that is wrong with it.
func (s *Service) Prove(ctx context.Context, tenant gate.TenantID, raw []byte) (Proof, error) {
	assertion, err := passkey.ReadAssertion(raw)
	if err != nil {
		return Proof{}, refused(err)
	}
	if err := s.Challenger.Check(assertion.Challenge, passkey.Authenticate, "", s.Clock()); err != nil {
		return Proof{}, gate.ErrChallenge.Because(err)
	}
	p := Proof{challenge: digestOf(assertion.Challenge)}
	err = s.DB.Read(ctx, tenant, func(tx *store.Tx) error {
		if p.updated, err = tx.PasskeyByCredential(encoded(assertion.CredentialID)); err != nil {
			return err
		}
		p.User, err = tx.User(p.updated.Principal)
		return err
	})
	if errors.Is(err, gate.ErrNotFound) {
		return Proof{}, gate.ErrPasskeyUnknown
	}
	if err != nil {
		return Proof{}, err
	}
	k := &p.updated
	p.checked = k.SignCount
	after, err := assertion.Verify(s.Party, passkey.Credential{
		ID: decoded(k.CredentialID), PublicKey: decoded(k.PublicKey), SignCount: uint32(k.SignCount), BackupEligible: k.BackupEligible, BackedUp: k.BackedUp,
	}, []byte(k.Principal))
	if err != nil {
		return Proof{}, refused(err)
	}
	k.SignCount, k.BackupEligible, k.BackedUp = int64(after.SignCount), after.BackupEligible, after.BackedUp
	return p, nil
}

// Use notes in a transaction that the passkey let somebody in.
//
// Refused: gate.ErrChallenge when the answer was used before; gate.ErrPasskey
// when the passkey was used or removed at the same time.
func (p Proof) Use(tx *store.Tx) error {
	if err := spend(tx, p.challenge); err != nil {
		return err
	}
	current, err := tx.PasskeyUsed(p.updated, p.checked)
	if err == nil && !current {
		err = gate.ErrPasskey.Because(errors.New("used or removed meanwhile"))
	}
	return err
}
