package passkey

import (
	"bytes"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// Assertion is what a browser sent to sign in: read, and not believed.
type Assertion struct {
	CredentialID []byte // by which the caller finds the passkey and its owner
	UserHandle   []byte // nil when the client sent none
	Challenge    []byte // that it says it answers; whoever asks for Verify has checked it

	client    clientData
	data      protocol.AuthenticatorData
	signed    []byte // the authenticator data as it came
	signature []byte
}

type assertionResponse struct {
	ClientDataJSON    string `json:"clientDataJSON"`
	AuthenticatorData string `json:"authenticatorData"`
	Signature         string `json:"signature"`
	UserHandle        string `json:"userHandle"` // null and "" are none
}

// ReadAssertion reads an AuthenticationResponseJSON (§5.1). It refuses with
// Malformed.
func ReadAssertion(raw []byte) (Assertion, error) {
	response, id, err := open[assertionResponse](raw)
	if err != nil {
		return Assertion{}, err
	}
	a := Assertion{CredentialID: id}
	if a.client, err = readClientData(response.ClientDataJSON); err != nil {
		return Assertion{}, err
	}
	a.Challenge = a.client.challenge
	if response.UserHandle != "" {
		if a.UserHandle, err = decode(response.UserHandle); err != nil {
			return Assertion{}, err
		}
	}
	if a.signature, err = decode(response.Signature); err != nil {
		return Assertion{}, err
	}
	if a.signed, err = decode(response.AuthenticatorData); err != nil {
		return Assertion{}, err
	}
	if len(a.UserHandle) > maxUserHandle || a.data.Unmarshal(a.signed) != nil {
		return Assertion{}, refuse(Malformed)
	}
	return a, nil
}

// Verify is §7.2 from step 6 on, for an assertion whose challenge the caller has
// checked, whose passkey it found by CredentialID, and whose owner has this
// handle. It returns the passkey as it is to be stored. It refuses with
// WrongCredential, WrongUser, WrongType, WrongOrigin, CrossOrigin, WrongParty,
// NotPresent, NotVerified, BackupState, WrongSignature and CounterWentBack, and
// as reading a key does if the stored one is damaged.
//
// Step 6 demands a user handle where nobody was known before. We do without,
// because credential ids are unique in the house and the key is the owner's; a
// handle that is given has to be right.
//
// Step 19 compares BE with what was stored only if backups matter to what the
// party decides. Here they do not: they are shown to people, no more. BE must
// not change (§6.1.3), but known authenticators begin to synchronize old
// passkeys, and to refuse those would lock people out for an honest answer. So
// a passkey that says BE once has it from then on, one that stops saying so
// still works, and BS is stored as it comes (step 24). Who ever decides by
// these two has to do step 19 first.
//
// Step 22 leaves to us what a counter means that does not increase. We refuse:
// those who count at all do it to be believed.
func (a Assertion) Verify(party Party, stored Credential, handle []byte) (Credential, error) {
	if len(a.CredentialID) == 0 || !bytes.Equal(a.CredentialID, stored.ID) {
		return Credential{}, refuse(WrongCredential)
	}
	if len(a.UserHandle) > 0 && !bytes.Equal(a.UserHandle, handle) {
		return Credential{}, refuse(WrongUser)
	}
	if err := a.client.check(party, Authenticate); err != nil {
		return Credential{}, err
	}
	if err := checkAuthenticator(&a.data, party); err != nil {
		return Credential{}, err
	}
	key, err := readKey(stored.PublicKey)
	if err != nil {
		return Credential{}, err
	}
	good, err := webauthncose.VerifySignature(key, slices.Concat(a.signed, a.client.hash[:]), a.signature) // steps 20 and 21
	if err != nil || !good {
		return Credential{}, refuse(WrongSignature)
	}
	if counts := a.data.Counter != 0 || stored.SignCount != 0; counts && a.data.Counter <= stored.SignCount {
		return Credential{}, refuse(CounterWentBack)
	}
	stored.SignCount = a.data.Counter
	stored.UserVerified = true
	stored.BackupEligible = stored.BackupEligible || a.data.Flags.HasBackupEligible()
	stored.BackedUp = a.data.Flags.HasBackupState()
	return stored, nil
}
