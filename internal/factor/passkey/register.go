package passkey

import (
	"bytes"
	"crypto/subtle"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/google/uuid"
)

// Registration is a new passkey as a browser sent it: read, and not believed.
type Registration struct {
	Challenge []byte // that it says it answers; whoever asks for Verify has checked it

	id          []byte
	client      clientData
	attestation protocol.AttestationObject
	transports  []string
}

type attestationResponse struct {
	ClientDataJSON    string   `json:"clientDataJSON"`
	AttestationObject string   `json:"attestationObject"`
	Transports        []string `json:"transports"`
}

// FinishRegistration makes a Credential of what a browser answered to
// CreationOptions with this challenge: ReadRegistration, a comparison and
// Registration.Verify. It refuses as they do, and with WrongChallenge.
func FinishRegistration(party Party, raw, challenge []byte) (Credential, error) {
	r, err := ReadRegistration(raw)
	if err != nil {
		return Credential{}, err
	}
	if len(challenge) == 0 || subtle.ConstantTimeCompare(r.Challenge, challenge) != 1 { // §7.1 step 8
		return Credential{}, refuse(WrongChallenge)
	}
	return r.Verify(party)
}

// ReadRegistration reads a RegistrationResponseJSON (§5.1). It is for whoever
// did not keep the challenge and has to ask a Challenger about the one in here.
// It refuses with Malformed.
func ReadRegistration(raw []byte) (Registration, error) {
	response, id, err := open[attestationResponse](raw)
	if err != nil {
		return Registration{}, err
	}
	r := Registration{id: id, transports: hints(response.Transports)}
	if r.client, err = readClientData(response.ClientDataJSON); err != nil {
		return Registration{}, err
	}
	r.Challenge = r.client.challenge
	object, err := decode(response.AttestationObject)
	if err != nil {
		return Registration{}, err
	}
	// §7.1 step 13. The library refuses tags, indefinite lengths, keys that occur
	// twice, more than five levels, and whatever is left over.
	a := &r.attestation
	if webauthncbor.Unmarshal(object, a) != nil || a.AuthData.Unmarshal(a.RawAuthData) != nil || !a.AuthData.Flags.HasAttestedCredentialData() {
		return Registration{}, refuse(Malformed)
	}
	return r, nil
}

// Verify is the rest of §7.1, for a registration whose challenge the caller has
// checked. It refuses with WrongType, WrongOrigin, CrossOrigin, WrongParty,
// NotPresent, NotVerified, BackupState, WrongAlgorithm, BadKey, Malformed,
// WrongCredential and BadAttestation.
func (r Registration) Verify(party Party) (Credential, error) {
	data := &r.attestation.AuthData
	if err := r.client.check(party, Register); err != nil {
		return Credential{}, err
	}
	if err := checkAuthenticator(data, party); err != nil {
		return Credential{}, err
	}
	if _, err := readKey(data.AttData.CredentialPublicKey); err != nil { // step 20
		return Credential{}, err
	}
	if !bytes.Equal(data.AttData.CredentialID, r.id) { // the id that the client named is not signed, this one may be
		return Credential{}, refuse(WrongCredential)
	}
	format := r.attestation.Format
	if format == string(protocol.AttestationFormatNone) && len(r.attestation.AttStatement) != 0 { // §8.7
		return Credential{}, refuse(BadAttestation)
	}
	if !protocol.IsAttestationFormatString(format) { // of our words, none is the one that says nothing
		format = string(protocol.AttestationFormatNone)
	}
	model, err := uuid.FromBytes(data.AttData.AAGUID)
	if err != nil {
		return Credential{}, refuse(Malformed)
	}
	return Credential{
		ID:                r.id,
		PublicKey:         data.AttData.CredentialPublicKey,
		SignCount:         data.Counter,
		AAGUID:            model.String(),
		Transports:        r.transports,
		UserVerified:      true,
		BackupEligible:    data.Flags.HasBackupEligible(),
		BackedUp:          data.Flags.HasBackupState(),
		AttestationFormat: format,
	}, nil
}

const maxTransports, maxTransport = 8, 32

// hints keeps what looks like transports, known or not, sorted and once each, as
// §5.2.1 has them. Nobody signed them: what looks otherwise is dropped.
func hints(said []string) (kept []string) {
	for _, t := range said[:min(len(said), maxTransports)] {
		odd := func(c rune) bool { return c != '-' && (c < 'a' || c > 'z') }
		if t != "" && len(t) <= maxTransport && !slices.ContainsFunc([]rune(t), odd) {
			kept = append(kept, t)
		}
	}
	slices.Sort(kept)
	return slices.Compact(kept)
}
