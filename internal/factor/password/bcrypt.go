package password

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Bcrypt, bare or over SHA-256. The letters a, b and y name repaired bugs of
// old implementations; Go's never had them, so all three are one to us.

const (
	minBcryptCost = 4
	maxBcryptCost = 16 // seconds; the next ones are minutes
	bcryptMax     = 72 // bytes of the password that bcrypt looks at
	bcryptSalt    = 22 // characters
	bcryptTail    = bcryptSalt + 31
	bcryptDigits  = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// parseBcrypt reads "12$" and then salt and key in one.
func parseBcrypt(rest string) (fits, error) {
	cost, tail, _ := strings.Cut(rest, "$")
	if len(cost) != 2 {
		return nil, ErrForm
	}
	return bcryptOf(cost, tail)
}

func bcryptOf(cost, tail string) (fits, error) {
	n, err := number(cost)
	switch {
	case err != nil:
		return nil, err
	case n > maxBcryptCost:
		return nil, ErrCost
	case n < minBcryptCost, len(tail) != bcryptTail, strings.Trim(tail, bcryptDigits) != "":
		return nil, ErrForm
	}
	verifier := fmt.Appendf(nil, "$2b$%02d$%s", n, tail)
	return func(password string) bool {
		// Go's comparison takes 72 bytes and anything behind them, and bcrypt
		// repeats what ends in a NUL: both would let other passwords in.
		if len(password) > bcryptMax || strings.Contains(password, "\x00") {
			return false
		}
		return bcrypt.CompareHashAndPassword(verifier, []byte(password)) == nil
	}, nil
}

// parseBcryptSHA256 reads passlib's bcrypt over a SHA-256 of the password, which
// is how it gets around the 72 bytes: "v=2,t=2b,r=12$salt$key", or in the first
// version "2b,12$salt$key".
func parseBcryptSHA256(rest string) (fits, error) {
	costs, rest, _ := strings.Cut(rest, "$")
	salt, key, _ := strings.Cut(rest, "$")
	if len(salt) != bcryptSalt {
		return nil, ErrForm
	}
	digest := hmacSHA256(salt)
	cost, second := strings.CutPrefix(costs, "v=2,t=2b,r=")
	if !second {
		var variant string
		if variant, cost, _ = strings.Cut(costs, ","); variant != "2a" && variant != "2b" {
			return nil, ErrScheme
		}
		digest = plainSHA256
	}
	inner, err := bcryptOf(cost, salt+key)
	if err != nil {
		return nil, err
	}
	return func(password string) bool {
		return inner(base64.StdEncoding.EncodeToString(digest(password)))
	}, nil
}

// hmacSHA256 is keyed with the salt as text.
func hmacSHA256(salt string) func(password string) []byte {
	return func(password string) []byte {
		mac := hmac.New(sha256.New, []byte(salt))
		mac.Write([]byte(password))
		return mac.Sum(nil)
	}
}

func plainSHA256(password string) []byte {
	sum := sha256.Sum256([]byte(password))
	return sum[:]
}
