package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
)

// Box seals what must be readable again: AES-256-GCM with a random nonce, under
// a key derived from the master key (HKDF-SHA-256, RFC 5869) for one purpose.
// The place of the value (table, column, row) is authenticated with it, so a
// sealed value copied to another row does not open.
type Box struct {
	aead  cipher.AEAD
	mac   []byte // keys Digest
	keyID string
}

// ErrSealed says that a sealed value does not open with this key at this place.
var ErrSealed = errors.New("sealed value does not open: wrong key, wrong place, or damaged")

// MasterKeySize is the size of a master key in bytes.
const MasterKeySize = 32

// NewBox derives the box for one purpose from key material of at least 32 bytes.
func NewBox(master []byte, purpose string) (*Box, error) {
	if len(master) < MasterKeySize {
		return nil, errors.New("key material must be at least 32 bytes")
	}
	key := Derive(master, purpose)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(key)
	return &Box{aead: aead, mac: Derive(key, "digest"), keyID: base64.RawURLEncoding.EncodeToString(id[:6])}, nil
}

// Derive returns a 32-byte key for one purpose.
func Derive(master []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, master, nil, "gatehouse/"+purpose, 32)
	if err != nil { // only for a length that SHA-256 cannot give
		panic(err)
	}
	return key
}

// Seal encrypts plain for one place, e.g. "signing_keys|private|<kid>". The
// result is text: key id, a dot, base64url.
func (b *Box) Seal(plain []byte, place string) string {
	return b.keyID + "." + base64.RawURLEncoding.EncodeToString(b.aead.Seal(nil, nil, plain, []byte(place)))
}

// Open decrypts what Seal made for the same place, or returns ErrSealed.
func (b *Box) Open(sealed, place string) ([]byte, error) {
	id, body, ok := strings.Cut(sealed, ".")
	if !ok || id != b.keyID {
		return nil, ErrSealed
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, ErrSealed
	}
	plain, err := b.aead.Open(nil, nil, raw, []byte(place))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Digest is DigestOf for secrets with too few bits for it: HMAC-SHA-256 under a
// key of the box, so that whoever reads the database cannot try them all. The
// place keeps equal secrets of two tenants or purposes apart.
func (b *Box) Digest(t Text, place string) (d Digest) {
	mac := hmac.New(sha256.New, b.mac)
	mac.Write([]byte(place + "\x00" + t.Reveal()))
	mac.Sum(d[:0])
	return d
}
