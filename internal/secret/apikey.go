package secret

import "strings"

// KeyPrefix says where an API key was made. All of them work everywhere.
type KeyPrefix string

// The prefixes of API keys.
const (
	NativeKey   KeyPrefix = "gh_ak_"
	MicroDAOKey KeyPrefix = "dk_"
)

// previewDigits are shown of a key beside its prefix: enough to tell one's own
// keys apart, and 226 bits short of the key.
const previewDigits = 5

// NewAPIKey makes a key of the form <prefix><random><crc>, like New.
func NewAPIKey(prefix KeyPrefix) Text { return newAfter(string(prefix)) }

// LooksLikeAPIKey reports whether the text begins as API keys do.
func LooksLikeAPIKey(t Text) bool {
	return strings.HasPrefix(t.Reveal(), string(NativeKey)) || strings.HasPrefix(t.Reveal(), string(MicroDAOKey))
}

// IsAPIKey reports whether the text has the shape of an API key, whatever its
// prefix, and its checksum fits.
func IsAPIKey(t Text) bool {
	return wellFormedAfter(string(NativeKey), t.Reveal()) || wellFormedAfter(string(MicroDAOKey), t.Reveal())
}

// Preview is the beginning of an API key, by which its owner recognizes it.
func Preview(key Text) string {
	value := key.Reveal()
	for _, prefix := range []KeyPrefix{NativeKey, MicroDAOKey} {
		if rest, ok := strings.CutPrefix(value, string(prefix)); ok {
			return string(prefix) + rest[:min(previewDigits, len(rest))]
		}
	}
	return ""
}
