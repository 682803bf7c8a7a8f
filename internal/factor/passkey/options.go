package passkey

import (
	"encoding/base64"

	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// Algorithms that are offered, the most wanted first: those that §5.4 wants for
// a wide range of authenticators (RFC 9053, RFC 8812). No key of another is taken.
const (
	es256 = int64(webauthncose.AlgES256)
	rs256 = int64(webauthncose.AlgRS256)
	eddsa = int64(webauthncose.AlgEdDSA)
)

// timeout is in milliseconds, and a hint.
const timeout = 60_000

// UserEntity is for whom a passkey is made (§5.4.3). The handle is what the
// passkey will give at every sign-in: at most 64 bytes, never anything that
// tells who somebody is. The names are shown by authenticators.
type UserEntity struct {
	Handle            []byte
	Name, DisplayName string
}

// Creation is PublicKeyCredentialCreationOptionsJSON (§5.1.8): what a browser is
// asked to make. Bytes are base64url without padding.
type Creation struct {
	RP struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"rp"`
	User struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName"`
	} `json:"user"`
	Challenge              string       `json:"challenge"`
	PubKeyCredParams       []Parameter  `json:"pubKeyCredParams"`
	Timeout                int64        `json:"timeout"`
	ExcludeCredentials     []Descriptor `json:"excludeCredentials,omitempty"`
	AuthenticatorSelection Selection    `json:"authenticatorSelection"`
	Attestation            string       `json:"attestation"`
	Extensions             struct {
		CredProps bool `json:"credProps"`
	} `json:"extensions"`
}

// Parameter is an algorithm that is offered (§5.3).
type Parameter struct {
	Type string `json:"type"`
	Alg  int64  `json:"alg"`
}

// Descriptor names a passkey that exists (§5.8.3).
type Descriptor struct {
	ID         string   `json:"id"`
	Type       string   `json:"type"`
	Transports []string `json:"transports,omitempty"`
}

// Selection says which authenticators will do (§5.4.4). Attachment is left out
// when empty: any will.
type Selection struct {
	Attachment         string `json:"authenticatorAttachment,omitempty"`
	ResidentKey        string `json:"residentKey"`
	RequireResidentKey bool   `json:"requireResidentKey"`
	UserVerification   string `json:"userVerification"`
}

// Request is PublicKeyCredentialRequestOptionsJSON (§5.1.9): what a browser is
// asked to sign. It names no credentials, so it tells nobody who has one.
type Request struct {
	Challenge        string `json:"challenge"`
	Timeout          int64  `json:"timeout"`
	RPID             string `json:"rpId"`
	UserVerification string `json:"userVerification"`
}

const (
	publicKey = "public-key"
	required  = "required"
)

// CreationOptions asks for a passkey. Authenticators that hold one of those to
// exclude, by credential id, will not make another.
func CreationOptions(party Party, user UserEntity, challenge []byte, exclude [][]byte) Creation {
	c := Creation{
		Challenge:              encode(challenge),
		Timeout:                timeout,
		AuthenticatorSelection: Selection{ResidentKey: required, RequireResidentKey: true, UserVerification: required},
		Attestation:            "none",
	}
	c.RP.ID, c.RP.Name = party.ID, party.Name
	c.User.ID, c.User.Name, c.User.DisplayName = encode(user.Handle), user.Name, user.DisplayName
	c.Extensions.CredProps = true
	for _, alg := range []int64{es256, rs256, eddsa} {
		c.PubKeyCredParams = append(c.PubKeyCredParams, Parameter{publicKey, alg})
	}
	for _, id := range exclude {
		c.ExcludeCredentials = append(c.ExcludeCredentials, Descriptor{ID: encode(id), Type: publicKey})
	}
	return c
}

// RequestOptions asks for a signature by any passkey of the party.
func RequestOptions(party Party, challenge []byte) Request {
	return Request{Challenge: encode(challenge), Timeout: timeout, RPID: party.ID, UserVerification: required}
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
