// Package softauthn is an authenticator and the browser before it, in software,
// for tests: it answers what navigator.credentials is asked with, and lies about
// any part of its answer when told to. It knows the standard (W3C WebAuthn
// Level 3) and nothing of the product, so that both can be wrong only apart.
package softauthn

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// What a browser does not do.
var (
	ErrSecurity   = errors.New("SecurityError: that origin may not use that RP ID")
	ErrExcluded   = errors.New("InvalidStateError: the authenticator holds an excluded credential")
	ErrNotAllowed = errors.New("NotAllowedError: no such credential")
)

// Flags of authenticator data (§6.1).
const (
	UP byte = 1 << 0 // user present
	UV byte = 1 << 2 // user verified
	BE byte = 1 << 3 // backup eligible
	BS byte = 1 << 4 // backup state
	AT byte = 1 << 6 // attested credential data included
	ED byte = 1 << 7 // extension data included
)

// Authenticator holds passkeys. Its fields may be changed between ceremonies.
type Authenticator struct {
	AAGUID    [16]byte
	Flags     byte // UP and UV, and BE and BS for one that synchronizes
	Counts    bool // adds one to the signature counter with each assertion
	Algorithm int  // of the next passkey; 0 is the first that is offered and known
	Terse     bool // sends nothing that the standard does not demand, as old front ends do
	Lies      Lies
	Passkeys  []*Passkey // the newest last
}

// New returns a security key: its passkeys stay where they are, and it counts.
func New() *Authenticator { return &Authenticator{Flags: UP | UV, Counts: true} }

// NewSynced returns what telephones have: its passkeys are backed up, and their
// counters stay at zero.
func NewSynced() *Authenticator { return &Authenticator{Flags: UP | UV | BE | BS} }

// Lies are what an answer says instead of the truth. The zero value is honest.
// The signature is made after all lies but its own, so it is good.
type Lies struct {
	Type           string              // of the client data
	Challenge      []byte              //
	Origin         string              // may be "null"; may not belong to the RP ID
	CrossOrigin    bool                //
	TopOrigin      string              //
	ClientDataJSON func([]byte) []byte // has the last word on the above
	RPID           string              // whose hash is in the authenticator data
	SetFlags       byte                //
	ClearFlags     byte                //
	Counter        *uint32             //
	CredentialID   []byte              // that the browser names, both times
	AttestedID     []byte              // in the authenticator data
	COSE           map[int]any         // members of the COSE key in place of the true ones
	Extensions     []byte              // appended to the authenticator data, in CBOR
	AuthData       func([]byte) []byte // has the last word on the above
	Format         string              // of the attestation
	Statement      any                 //
	Attestation    func([]byte) []byte // the attestation object, in CBOR
	Signature      func([]byte) []byte //
	UserHandle     []byte              //
	NoUserHandle   bool                // null
}

// Options are the members of both kinds of options that matter here.
type options struct {
	RP struct {
		ID string `json:"id"`
	} `json:"rp"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	RPID             string `json:"rpId"`
	Challenge        string `json:"challenge"`
	PubKeyCredParams []struct{ Alg int }
	Exclude          []descriptor `json:"excludeCredentials"`
	Allow            []descriptor `json:"allowCredentials"`
}

type descriptor struct {
	ID string `json:"id"`
}

// read takes options as they are, or wrapped as navigator.credentials takes them.
func read(optionsJSON []byte) (o options, err error) {
	var wrapped struct {
		PublicKey json.RawMessage `json:"publicKey"`
	}
	if json.Unmarshal(optionsJSON, &wrapped) == nil && wrapped.PublicKey != nil {
		optionsJSON = wrapped.PublicKey
	}
	return o, json.Unmarshal(optionsJSON, &o)
}

// Create makes a passkey, as navigator.credentials.create() does on a page of
// that origin, and returns the credential's toJSON(). It refuses with
// ErrSecurity and ErrExcluded, and options that it cannot read.
func (a *Authenticator) Create(optionsJSON []byte, origin string) ([]byte, error) {
	o, err := read(optionsJSON)
	if err != nil {
		return nil, err
	}
	if !belongs(o.RP.ID, origin) {
		return nil, ErrSecurity
	}
	if a.find(o.RP.ID, o.Exclude...) != nil {
		return nil, ErrExcluded
	}
	handle, err := decode(o.User.ID)
	if err != nil {
		return nil, err
	}
	p, err := newPasskey(a.choose(o))
	if err != nil {
		return nil, err
	}
	p.RPID, p.Handle = o.RP.ID, handle
	client, err := a.clientData("webauthn.create", o.Challenge, origin)
	if err != nil {
		return nil, err
	}
	object, err := a.attest(p)
	if err != nil {
		return nil, err
	}
	a.Passkeys = append(a.Passkeys, p)
	response := map[string]any{"clientDataJSON": encode(client), "attestationObject": encode(object)}
	if !a.Terse {
		response["transports"] = []string{"hybrid", "internal"}
		response["publicKeyAlgorithm"] = p.Algorithm
	}
	return a.answer(p, response, map[string]any{"credProps": map[string]any{"rk": true}})
}

// Get signs with the newest passkey that the options allow, as
// navigator.credentials.get() does, and returns the credential's toJSON(). It
// refuses with ErrSecurity and ErrNotAllowed, and options that it cannot read.
func (a *Authenticator) Get(optionsJSON []byte, origin string) ([]byte, error) {
	o, err := read(optionsJSON)
	if err != nil {
		return nil, err
	}
	if !belongs(o.RPID, origin) {
		return nil, ErrSecurity
	}
	among := o.Allow
	if len(among) == 0 { // whichever can be discovered
		for _, p := range a.Passkeys {
			among = append(among, descriptor{encode(p.ID)})
		}
	}
	p := a.find(o.RPID, among...)
	if p == nil {
		return nil, ErrNotAllowed
	}
	client, err := a.clientData("webauthn.get", o.Challenge, origin)
	if err != nil {
		return nil, err
	}
	if a.Counts {
		p.Counter++
	}
	data := a.authData(p, nil)
	signature, err := p.sign(data, client)
	if err != nil {
		return nil, err
	}
	if a.Lies.Signature != nil {
		signature = a.Lies.Signature(signature)
	}
	handle := p.Handle
	if a.Lies.UserHandle != nil {
		handle = a.Lies.UserHandle
	}
	response := map[string]any{
		"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature), "userHandle": encode(handle),
	}
	if a.Lies.NoUserHandle {
		response["userHandle"] = nil
	}
	return a.answer(p, response, map[string]any{})
}

// answer is what a browser makes of a response.
func (a *Authenticator) answer(p *Passkey, response, extensions map[string]any) ([]byte, error) {
	id := encode(p.ID)
	if a.Lies.CredentialID != nil {
		id = encode(a.Lies.CredentialID)
	}
	credential := map[string]any{"id": id, "rawId": id, "type": "public-key", "response": response}
	if !a.Terse {
		credential["authenticatorAttachment"] = "platform"
		credential["clientExtensionResults"] = extensions
	}
	return json.Marshal(credential)
}

// clientData is in the order in which browsers write it (§5.8.1.1).
func (a *Authenticator) clientData(kind, challenge, origin string) ([]byte, error) {
	said := struct {
		Type        string `json:"type"`
		Challenge   string `json:"challenge"`
		Origin      string `json:"origin"`
		CrossOrigin bool   `json:"crossOrigin"`
		TopOrigin   string `json:"topOrigin,omitempty"`
	}{kind, challenge, origin, a.Lies.CrossOrigin, a.Lies.TopOrigin}
	if a.Lies.Type != "" {
		said.Type = a.Lies.Type
	}
	if a.Lies.Challenge != nil {
		said.Challenge = encode(a.Lies.Challenge)
	}
	if a.Lies.Origin != "" {
		said.Origin = a.Lies.Origin
	}
	text, err := json.Marshal(said)
	if a.Lies.ClientDataJSON != nil {
		text = a.Lies.ClientDataJSON(text)
	}
	return text, err
}

// find returns the newest passkey of the party among those listed, or nil.
func (a *Authenticator) find(rpID string, among ...descriptor) *Passkey {
	for _, p := range slices.Backward(a.Passkeys) {
		if p.RPID == rpID && slices.Contains(among, descriptor{encode(p.ID)}) {
			return p
		}
	}
	return nil
}

// choose says of which algorithm the next passkey is.
func (a *Authenticator) choose(o options) int {
	if a.Algorithm != 0 {
		return a.Algorithm
	}
	for _, p := range o.PubKeyCredParams {
		if p.Alg == ES256 || p.Alg == RS256 || p.Alg == EdDSA {
			return p.Alg
		}
	}
	return 0
}

// belongs is what a browser checks first: the RP ID is the host of the page, or
// a domain above it.
func belongs(rpID, origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && rpID != "" && (u.Hostname() == rpID || strings.HasSuffix(u.Hostname(), "."+rpID))
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(text string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(text) }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
