package password

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strings"
)

// PBKDF2 (RFC 8018) as passlib and Django write it.

const maxIterations = 10_000_000 // for all of the key

// pbkdf2Scheme reads passlib's "29000$salt$key", in its own base 64, which has
// a dot for the plus.
func pbkdf2Scheme(h func() hash.Hash) func(string) (fits, error) {
	return func(rest string) (fits, error) {
		count, rest, _ := strings.Cut(rest, "$")
		if strings.Contains(rest, "+") {
			return nil, ErrForm
		}
		salt, key, err := saltAndKey(strings.ReplaceAll(rest, ".", "+"), phc64)
		if err != nil {
			return nil, err
		}
		return pbkdf2Of(h, count, salt, key)
	}
}

// parseDjango reads "600000$salt$key", where the salt is plain text.
func parseDjango(rest string) (fits, error) {
	count, rest, _ := strings.Cut(rest, "$")
	salt, text, _ := strings.Cut(rest, "$")
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, ErrForm
	}
	return pbkdf2Of(sha256.New, count, []byte(salt), key)
}

func pbkdf2Of(h func() hash.Hash, count string, salt, key []byte) (fits, error) {
	n, err := number(count)
	blocks := uint64((len(key) + h().Size() - 1) / h().Size()) // each is iterated anew
	switch {
	case err != nil:
		return nil, err
	case n*blocks > maxIterations:
		return nil, ErrCost
	case n < 1:
		return nil, ErrForm
	}
	return derived(key, func(password string, size int) []byte {
		if paddedByHMAC(password) {
			return nil
		}
		// It fails only for sizes that derived refuses, and where FIPS 140
		// forbids it; then it yields nothing, which equals no key.
		out, _ := pbkdf2.Key(h, password, salt, int(n), size)
		return out
	})
}

// paddedByHMAC tells of a password that ends in NUL. HMAC, which PBKDF2 and
// scrypt are keyed by the password with, fills short keys up with those
// (RFC 2104 §2), so with or without them it would be the same password.
func paddedByHMAC(password string) bool { return strings.HasSuffix(password, "\x00") }
