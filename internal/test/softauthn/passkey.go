package softauthn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math/big"

	"github.com/fxamacker/cbor/v2"
)

// Algorithms of passkeys (RFC 9053, RFC 8812).
const (
	ES256 = -7
	EdDSA = -8
	ES384 = -35
	RS256 = -257
)

// Passkey is one credential, with its private key.
type Passkey struct {
	ID, Handle []byte
	RPID       string
	Algorithm  int
	Counter    uint32
	Key        crypto.Signer
}

func newPasskey(algorithm int) (*Passkey, error) {
	p := &Passkey{ID: random(32), Algorithm: algorithm}
	var err error
	switch algorithm {
	case ES256:
		p.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ES384:
		p.Key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case EdDSA:
		_, p.Key, err = ed25519.GenerateKey(rand.Reader)
	case RS256:
		p.Key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		err = fmt.Errorf("NotSupportedError: no algorithm that this authenticator knows (%d)", algorithm)
	}
	return p, err
}

// cose is the public key as a COSE key (§6.5.1.1; RFC 9053 §7, RFC 8230 §4).
func (p *Passkey) cose() map[int]any {
	switch key := p.Key.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := key.Bytes() // 4, x, y
		if err != nil {
			panic(err)
		}
		half := len(point) / 2
		curves := map[int]int{ES256: 1, ES384: 2}
		return map[int]any{1: 2, 3: p.Algorithm, -1: curves[p.Algorithm], -2: point[1 : 1+half], -3: point[1+half:]}
	case ed25519.PublicKey:
		return map[int]any{1: 1, 3: p.Algorithm, -1: 6, -2: []byte(key)}
	case *rsa.PublicKey:
		return map[int]any{1: 3, 3: p.Algorithm, -1: key.N.Bytes(), -2: big.NewInt(int64(key.E)).Bytes()}
	}
	return nil
}

// sign is §6.3.3 step 11.
func (p *Passkey) sign(authData, clientData []byte) ([]byte, error) {
	hash := sha256.Sum256(clientData)
	message := append(append([]byte{}, authData...), hash[:]...)
	switch p.Algorithm {
	case EdDSA:
		return p.Key.Sign(nil, message, crypto.Hash(0))
	case ES384:
		return crypto.SignMessage(p.Key, rand.Reader, message, crypto.SHA384)
	default:
		return crypto.SignMessage(p.Key, rand.Reader, message, crypto.SHA256)
	}
}

// attest makes the attestation object of a new passkey (§6.5.4).
func (a *Authenticator) attest(p *Passkey) ([]byte, error) {
	key := p.cose()
	maps.Copy(key, a.Lies.COSE)
	maps.DeleteFunc(key, func(_ int, v any) bool { return v == nil })
	cose, err := Encode(key)
	if err != nil {
		return nil, err
	}
	id := p.ID
	if a.Lies.AttestedID != nil {
		id = a.Lies.AttestedID
	}
	attested := append([]byte{}, a.AAGUID[:]...)
	attested = binary.BigEndian.AppendUint16(attested, uint16(len(id)))
	attested = append(append(attested, id...), cose...)

	object := map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": a.authData(p, attested)}
	if a.Lies.Format != "" {
		object["fmt"] = a.Lies.Format
	}
	if a.Lies.Statement != nil {
		object["attStmt"] = a.Lies.Statement
	}
	encoded, err := Encode(object)
	if a.Lies.Attestation != nil {
		encoded = a.Lies.Attestation(encoded)
	}
	return encoded, err
}

// authData is §6.1.
func (a *Authenticator) authData(p *Passkey, attested []byte) []byte {
	rpID, flags, counter := p.RPID, a.Flags, p.Counter
	if a.Lies.RPID != "" {
		rpID = a.Lies.RPID
	}
	if attested != nil {
		flags |= AT
	}
	if a.Lies.Extensions != nil {
		flags |= ED
	}
	flags = (flags | a.Lies.SetFlags) &^ a.Lies.ClearFlags
	if a.Lies.Counter != nil {
		counter = *a.Lies.Counter
	}
	hash := sha256.Sum256([]byte(rpID))
	data := append(hash[:], flags)
	data = binary.BigEndian.AppendUint32(data, counter)
	data = append(append(data, attested...), a.Lies.Extensions...)
	if a.Lies.AuthData != nil {
		data = a.Lies.AuthData(data)
	}
	return data
}

// Encode writes CBOR as authenticators do (CTAP2 canonical form).
func Encode(v any) ([]byte, error) {
	mode, err := cbor.CTAP2EncOptions().EncMode()
	if err != nil {
		return nil, err
	}
	return mode.Marshal(v)
}
