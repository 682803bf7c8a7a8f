// Package secret makes, holds, compares and seals the things that must not be
// seen. A Text prints itself as [secret] wherever it ends up by accident: in a
// log line, an error, a JSON document. It is the only package that draws
// random numbers.
//
// What is stored: high-entropy secrets (tokens, keys) as their SHA-256
// (Digest), things we must read again (signing keys) sealed by a Box with a
// master key that lives outside the database. Passwords are not dealt with
// here, but in factor/password.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"math/big"
	"strings"

	"github.com/google/uuid"
)

const hidden = "[secret]"

// Text is a secret in the clear, for as short a time as possible. Only Reveal
// gives it away. The value is behind a pointer because fmt does not ask the
// unexported fields of others how to print themselves: there it shows an address.
type Text struct{ value *string }

// NewText wraps a secret that came from outside.
func NewText(value string) Text { return Text{&value} }

// Reveal returns the secret itself. Every call is a place to look at in a review.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// Empty reports whether there is no secret at all.
func (t Text) Empty() bool { return t.Reveal() == "" }

// String, GoString, Format, MarshalText and LogValue all hide the secret.
func (t Text) String() string { return hidden }

// GoString hides the secret from %#v.
func (t Text) GoString() string { return hidden }

// Format hides the secret from every verb of fmt.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// MarshalText hides the secret from JSON, YAML and XML.
func (t Text) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the secret from slog.
func (t Text) LogValue() slog.Value { return slog.StringValue(hidden) }

// Digest is the SHA-256 of a high-entropy secret: what is stored and looked up
// in its place.
type Digest [sha256.Size]byte

// DigestOf returns the digest of the secret.
func DigestOf(t Text) Digest { return sha256.Sum256([]byte(t.Reveal())) }

// String is the digest in hexadecimal, as it is stored.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Equal compares two secrets in constant time, whatever their lengths.
func Equal(a, b Text) bool {
	x, y := DigestOf(a), DigestOf(b)
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

const (
	randomDigits   = 43 // 62^43 > 2^256
	checksumDigits = 6  // 62^6 > 2^32
)

// New makes a secret of the form gh_<kind>_<random><crc>: 256 random bits and a
// CRC-32 (IEEE) of everything before it, both in base 62, so that a scanner can
// tell a leaked secret from a look-alike without asking anybody.
func New(kind string) Text { return newAfter("gh_" + kind + "_") }

// WellFormed reports whether the secret has the shape of New(kind) and its
// checksum fits. It says nothing about whether it is valid; it spares the
// database a look-up for garbage.
func WellFormed(kind string, t Text) bool { return wellFormedAfter("gh_"+kind+"_", t.Reveal()) }

func newAfter(prefix string) Text {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand since Go 1.24)
	body := prefix + encode62(new(big.Int).SetBytes(raw[:]), randomDigits)
	return NewText(body + checksum(body))
}

func wellFormedAfter(prefix, value string) bool {
	if len(value) != len(prefix)+randomDigits+checksumDigits || !strings.HasPrefix(value, prefix) {
		return false
	}
	cut := len(value) - checksumDigits
	return checksum(value[:cut]) == value[cut:]
}

func checksum(body string) string {
	var out [checksumDigits]byte
	rest := crc32.ChecksumIEEE([]byte(body))
	for i := checksumDigits - 1; i >= 0; i-- {
		out[i], rest = base62[rest%62], rest/62
	}
	return string(out[:])
}

func encode62(n *big.Int, digits int) string {
	out := make([]byte, digits)
	base, rest := big.NewInt(62), new(big.Int)
	for i := digits - 1; i >= 0; i-- {
		n.DivMod(n, base, rest)
		out[i] = base62[rest.Int64()]
	}
	return string(out)
}

// Bytes returns n random bytes.
func Bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// ID returns a new UUIDv7 (RFC 9562 §5.7): ids that sort by age, for rows.
func ID() string { return uuid.Must(uuid.NewV7()).String() }

// RandomID returns a new UUIDv4 (RFC 9562 §5.4): ids whose first digits are
// random too, for users (see ADR 3).
func RandomID() string { return uuid.New().String() }

// Reader is the source of random bytes, for libraries that ask for one.
var Reader io.Reader = rand.Reader

// UnmarshalText takes a secret from a document, so that wire types can hold
// one without ever holding it as a string.
func (t *Text) UnmarshalText(text []byte) error {
	*t = NewText(string(text))
	return nil
}
