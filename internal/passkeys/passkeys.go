// Package passkeys is the one place where passkeys are made and used (W3C Web
// Authentication Level 3): it asks factor/passkey whether what a browser sent is
// right, and spends the challenge with the deed. Who may add one, and what a
// good one lets in to, is for account and login to say.
package passkeys

import (
	"context"
	"encoding/base64"
	"errors"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/factor/passkey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Service makes and checks passkeys for one party.
type Service struct {
	DB         *store.DB
	Party      passkey.Party
	Challenger passkey.Challenger
	Clock      gate.Clock
}

// What browsers are told, as they read it.
type (
	// Creation is PublicKeyCredentialCreationOptionsJSON.
	Creation = passkey.Creation
	// Request is PublicKeyCredentialRequestOptionsJSON.
	Request = passkey.Request
)

// MaxKept is how many passkeys one principal may have.
const MaxKept = 32

// Owner is whom a new passkey is for: a user, or, without an id, whoever will
// have the address.
type Owner struct {
	ID          gate.PrincipalID
	Email       gate.Email
	DisplayName string
}

func (o Owner) subject() string {
	if o.ID != "" {
		return "principal:" + string(o.ID)
	}
	return "email:" + o.Email.Key
}

// Creation returns what a browser needs to make a passkey. Nothing is stored:
// the challenge carries what is to be known when it comes back.
func (s *Service) Creation(ctx context.Context, tenant gate.TenantID, of Owner) (Creation, error) {
	challenge := s.Challenger.New(passkey.Register, of.subject(), s.Clock())
	id, exclude := of.ID, [][]byte(nil)
	if id == "" {
		id = newcomerID(challenge)
	} else {
		kept, err := s.kept(ctx, tenant, id)
		if err != nil {
			return Creation{}, err
		}
		exclude = kept
	}
	name := of.DisplayName
	if name == "" {
		name = of.Email.Address
	}
	return passkey.CreationOptions(s.Party, passkey.UserEntity{Handle: []byte(id), Name: of.Email.Address, DisplayName: name}, challenge, exclude), nil
}

func (s *Service) kept(ctx context.Context, tenant gate.TenantID, id gate.PrincipalID) (ids [][]byte, err error) {
	err = s.DB.Read(ctx, tenant, func(tx *store.Tx) error {
		kept, err := tx.PasskeysOf(id, MaxKept)
		for _, k := range kept {
			ids = append(ids, decoded(k.CredentialID))
		}
		return err
	})
	return ids, err
}

// newcomerID is the id of the account that a newcomer's passkey will open: the
// authenticator keeps it, so it has to be known before there is an account. It
// follows from the challenge, which is random.
func newcomerID(challenge []byte) gate.PrincipalID {
	digest := secret.DigestOf(secret.NewText("newcomer" + string(challenge)))
	id := uuid.UUID(digest[:16])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // RFC 9562 §5.4
	return gate.PrincipalID(id.String())
}

// Fresh is a new passkey that was found good and is not stored yet.
type Fresh struct {
	Owner      gate.PrincipalID // a newcomer's is a new one
	Label      string           // what it is to be called
	credential passkey.Credential
	challenge  secret.Digest
}

// Read checks what a browser answered to Creation for the same owner.
//
// Refused: gate.ErrChallenge when it answers something else, or too late;
// gate.ErrPasskey for everything that is wrong with it.
func (s *Service) Read(of Owner, raw []byte) (Fresh, error) {
	r, err := passkey.ReadRegistration(raw)
	if err != nil {
		return Fresh{}, refused(err)
	}
	if err := s.Challenger.Check(r.Challenge, passkey.Register, of.subject(), s.Clock()); err != nil {
		return Fresh{}, gate.ErrChallenge.Because(err)
	}
	credential, err := r.Verify(s.Party)
	if err != nil {
		return Fresh{}, refused(err)
	}
	fresh := Fresh{Owner: of.ID, credential: credential, challenge: digestOf(r.Challenge)}
	if of.ID == "" {
		fresh.Owner = newcomerID(r.Challenge)
	}
	return fresh, nil
}

// Store adds the passkey to its owner's, who exists by now, in the transaction
// of the deed that it belongs to.
//
// Refused: gate.ErrChallenge when it was stored before, gate.ErrPasskeyTaken,
// gate.ErrPasskeyLimit.
func (f Fresh) Store(tx *store.Tx, caller gate.Caller) (kept gate.Passkey, err error) {
	if err := spend(tx, f.challenge); err != nil {
		return kept, err
	}
	if err := tx.LockMember(f.Owner); err != nil { // so that a count stays true
		return kept, err
	}
	others, err := tx.PasskeysOf(f.Owner, MaxKept)
	if err != nil {
		return kept, err
	}
	if len(others) >= MaxKept {
		return kept, gate.ErrPasskeyLimit
	}
	c := f.credential
	kept, err = tx.AddPasskey(gate.Passkey{
		ID: gate.PasskeyID(secret.ID()), Principal: f.Owner, CredentialID: encoded(c.ID), PublicKey: encoded(c.PublicKey), SignCount: int64(c.SignCount),
		AAGUID: c.AAGUID, Transports: c.Transports, BackupEligible: c.BackupEligible, BackedUp: c.BackedUp, Attestation: c.AttestationFormat, Label: f.Label,
	})
	if err != nil {
		return gate.Passkey{}, err
	}
	return kept, tx.Record(caller.Event(gate.EventPasskeyAdded, f.Owner, "", map[string]string{"aaguid": c.AAGUID}))
}

// spend uses a challenge up. It is forgotten when it has expired anyway.
func spend(tx *store.Tx, challenge secret.Digest) error {
	first, err := tx.Spend(challenge, "passkey", tx.Now().Add(2*passkey.ChallengeLifetime))
	if err == nil && !first {
		err = gate.ErrChallenge.Because(errors.New("used before"))
	}
	return err
}

// refused is what people learn of a passkey that is no good; the log has the
// reason.
func refused(err error) error { return gate.ErrPasskey.Because(err) }

func digestOf(challenge []byte) secret.Digest {
	return secret.DigestOf(secret.NewText(string(challenge)))
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// decoded reads what encoded wrote into the database.
func decoded(text string) []byte {
	b, _ := base64.RawURLEncoding.DecodeString(text)
	return b
}
