package gate

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// CleanText reports whether text may be stored and shown: valid UTF-8 without
// control characters. Postgres refuses NUL and bad UTF-8, SQLite stores them
// and then miscounts; here both engines never see them.
func CleanText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// Clip shortens text from outside our control (a user agent) to at most limit
// bytes of clean UTF-8, for storing.
func Clip(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, text)
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
