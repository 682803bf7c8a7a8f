package password

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// A scheme is one way in which passwords are kept. Its parse gets what follows
// the prefix in the verifier.
type scheme struct {
	prefix string
	parse  func(rest string) (fits, error)
}

// fits does the work: it tells whether a password is the one behind a verifier.
type fits func(password string) bool

// schemes are all that we can check, the first prefix that fits counting.
var schemes = []scheme{
	{"$argon2id$", parseArgon2id},
	{"$argon2i$", parseArgon2i},
	{"$2a$", parseBcrypt},
	{"$2b$", parseBcrypt},
	{"$2y$", parseBcrypt},
	{"$bcrypt-sha256$", parseBcryptSHA256},
	{"$pbkdf2$", pbkdf2Scheme(sha1.New)},
	{"$pbkdf2-sha256$", pbkdf2Scheme(sha256.New)},
	{"$pbkdf2-sha512$", pbkdf2Scheme(sha512.New)},
	{"pbkdf2_sha256$", parseDjango},
	{"$scrypt$", parseScrypt},
	{"", parseBetterAuth}, // has no prefix, so it comes last
}

// Why a verifier is not acceptable.
var (
	ErrScheme = errors.New("not a kind of password verifier that is known")
	ErrForm   = errors.New("the password verifier is damaged")
	ErrCost   = errors.New("the password verifier asks for absurd parameters")
)

// The bounds on what a verifier may ask for.
const (
	maxVerifier = 4096    // bytes of the verifier itself
	maxMemory   = 1 << 30 // bytes
	maxTraffic  = 4 << 30 // bytes written, all passes together: seconds, not minutes
	minKey      = 16      // bytes: a short key fits many passwords, an empty one all
	maxKey      = 128
)

// Acceptable tells whether Check can do something with a verifier: nil,
// ErrScheme, ErrForm or ErrCost. It computes nothing. Importers ask it before
// they store one.
func Acceptable(verifier string) error {
	_, err := parse(verifier)
	return err
}

func parse(verifier string) (fits, error) {
	// Go's base 64 passes over line ends, even when strict.
	if len(verifier) > maxVerifier || strings.ContainsAny(verifier, "\r\n") {
		return nil, ErrForm
	}
	for _, s := range schemes {
		if rest, ok := strings.CutPrefix(verifier, s.prefix); ok {
			return s.parse(rest)
		}
	}
	return nil, ErrScheme
}

// derived is the common end of all schemes but bcrypt: derive a key from the
// password, compare it with the one in the verifier.
func derived(key []byte, derive func(password string, size int) []byte) (fits, error) {
	if len(key) < minKey || len(key) > maxKey {
		return nil, ErrForm
	}
	return func(password string) bool {
		return subtle.ConstantTimeCompare(derive(password, len(key)), key) == 1
	}, nil
}

// saltAndKey reads "salt$key", both in the given encoding.
func saltAndKey(text string, enc *base64.Encoding) (salt, key []byte, err error) {
	a, b, ok := strings.Cut(text, "$")
	salt, errSalt := enc.DecodeString(a)
	key, errKey := enc.DecodeString(b)
	if !ok || errSalt != nil || errKey != nil {
		return nil, nil, ErrForm
	}
	return salt, key, nil
}

// numbers reads PHC parameters such as "m=19456,t=2,p=1", in the order named.
func numbers(text string, names ...string) ([]uint64, error) {
	parts := strings.Split(text, ",")
	if len(parts) != len(names) {
		return nil, ErrForm
	}
	out := make([]uint64, len(names))
	for i, part := range parts {
		digits, ok := strings.CutPrefix(part, names[i]+"=")
		if !ok {
			return nil, ErrForm
		}
		var err error
		if out[i], err = number(digits); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// number reads a decimal number; what has no room in 32 bits is absurd.
func number(digits string) (uint64, error) {
	n, err := strconv.ParseUint(digits, 10, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, ErrCost
	case err != nil:
		return 0, ErrForm
	}
	return n, nil
}

var phc64 = base64.RawStdEncoding.Strict()
