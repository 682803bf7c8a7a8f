package password

import (
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// Scrypt (RFC 7914) as passlib and Better Auth write it.

const (
	maxScryptLog   = 24
	maxScryptBlock = 1 << 16
	maxScryptLanes = 64
)

// parseScrypt reads passlib's "ln=16,r=8,p=1$salt$key".
func parseScrypt(rest string) (fits, error) {
	costs, rest, _ := strings.Cut(rest, "$")
	n, err := numbers(costs, "ln", "r", "p")
	if err != nil {
		return nil, err
	}
	salt, key, err := saltAndKey(rest, phc64)
	if err != nil {
		return nil, err
	}
	return scryptOf(n[0], n[1], n[2], salt, key)
}

// parseBetterAuth reads "salt:key", both in hexadecimal, where the salt is used
// as the text it is. The costs are fixed. All that has no prefix ends up here.
func parseBetterAuth(rest string) (fits, error) {
	salt, text, ok := strings.Cut(rest, ":")
	raw, errSalt := hex.DecodeString(salt)
	key, errKey := hex.DecodeString(text)
	if !ok || errSalt != nil || errKey != nil || len(raw) != 16 || len(key) != 64 {
		return nil, ErrScheme
	}
	return scryptOf(14, 16, 1, []byte(salt), key)
}

func scryptOf(log, r, p uint64, salt, key []byte) (fits, error) {
	if log < 1 || r < 1 || p < 1 {
		return nil, ErrForm
	}
	// The first three keep the products within 64 bits.
	if log > maxScryptLog || r > maxScryptBlock || p > maxScryptLanes ||
		128*r*(1<<log+p) > maxMemory || 128*r*p<<log > maxTraffic {
		return nil, ErrCost
	}
	return derived(key, func(password string, size int) []byte {
		if paddedByHMAC(password) {
			return nil
		}
		// An error yields nothing, which equals no key.
		out, _ := scrypt.Key([]byte(password), salt, 1<<log, int(r), int(p), size)
		return out
	})
}
