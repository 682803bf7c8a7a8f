package gate

import (
	"strings"
	"unicode/utf8"
)

// Username is a name that passed ParseUsername.
type Username struct {
	Name string // as typed, trimmed
	Key  string // canonical: two names with one key are one user
}

const maxUsername = 255

// ParseUsername reads a name that somebody wants to sign in with: printable text
// that is folded like the local part of an address, so that "Ada" and "ADA" are
// one. Only a name without "@" is ever looked up by, so nobody can catch
// another's sign-ins by taking an address as a name.
func ParseUsername(text string) (Username, bool) {
	text = strings.TrimSpace(text)
	if text == "" || !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxUsername || !CleanText(text) {
		return Username{}, false
	}
	key := foldLocal(text)
	if key == "" || key != foldLocal(key) || strings.Contains(key, "@") != strings.Contains(text, "@") {
		return Username{}, false
	}
	return Username{Name: text, Key: key}, true
}
