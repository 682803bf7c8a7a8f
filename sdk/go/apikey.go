package gatehouse

import (
	"hash/crc32"
	"strings"
)

const (
	base62         = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	secretDigits   = 43
	checksumDigits = 6
)

// WellFormedKey reports whether an API key can be one at all: a prefix (dk_ or
// gh_ak_), 43 base62 digits, and 6 more that are the CRC-32 of everything before
// them. It asks nobody; it finds keys that were mistyped or cut off, and proves
// nothing else.
func WellFormedKey(key string) bool {
	digits, hasPrefix := cutKeyPrefix(key)
	if !hasPrefix || len(digits) != secretDigits+checksumDigits {
		return false
	}
	for i := range len(digits) {
		if strings.IndexByte(base62, digits[i]) < 0 {
			return false
		}
	}
	body, checksum := key[:len(key)-checksumDigits], key[len(key)-checksumDigits:]
	return checksum == checksumOf(body)
}

func cutKeyPrefix(key string) (digits string, found bool) {
	for _, prefix := range []string{"dk_", "gh_ak_"} {
		if digits, found := strings.CutPrefix(key, prefix); found {
			return digits, true
		}
	}
	return "", false
}

func checksumOf(body string) string {
	var out [checksumDigits]byte
	rest := crc32.ChecksumIEEE([]byte(body))
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = base62[rest%62]
		rest /= 62
	}
	return string(out[:])
}
