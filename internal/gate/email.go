package gate

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Email is an e-mail address that passed ParseEmail.
type Email struct {
	Address string // as typed, trimmed, domain in lower case
	Key     string // canonical: two addresses with one key are one account
}

const (
	maxLocal   = 64  // RFC 5321 §4.5.3.1.1
	maxAddress = 254 // RFC 5321 §4.5.3.1.3 less the angle brackets
)

// ParseEmail reads an address of the form local@domain (RFC 5321 dot-string,
// RFC 6531 for other scripts) and computes its canonical key: NFKC, case folded,
// domain in IDNA ASCII form. The key is computed here and stored, because the
// engines disagree about lower(): Postgres maps "İ", SQLite does not.
//
// It refuses what mail systems and databases read differently: several "@",
// quoted local parts, comments, address literals, full-width separators,
// invisible characters, and domains without a dot.
//
// Folding and IDNA mapping can each turn what passes into what does not, or into
// another name: an address is accepted only when its key is its own key.
func ParseEmail(text string) (Email, bool) {
	text = strings.TrimSpace(text)
	key, ok := emailKey(text)
	if !ok {
		return Email{}, false
	}
	if again, ok := emailKey(key); !ok || again != key {
		return Email{}, false
	}
	local, domain, _ := strings.Cut(text, "@")
	_, ascii, _ := strings.Cut(key, "@")
	// Lower case is kinder to read than ASCII, but can name another domain: "ẞ" is
	// mapped to "ss", and "ß" is not.
	for _, shown := range []string{local + "@" + strings.ToLower(domain), local + "@" + ascii} {
		if again, ok := emailKey(shown); ok && again == key {
			return Email{Address: shown, Key: key}, true
		}
	}
	return Email{}, false
}

// emailKey makes the canonical form of an address: the local part folded, the
// domain in ASCII.
func emailKey(text string) (string, bool) {
	if len(text) > maxAddress || !utf8.ValidString(text) || strings.Count(text, "@") != 1 {
		return "", false
	}
	local, domain, _ := strings.Cut(text, "@")
	if !validLocal(local) || !plainDomain(domain) {
		return "", false
	}
	ascii, err := emailDomain.ToASCII(domain)
	if err != nil || !strings.Contains(ascii, ".") {
		return "", false
	}
	// NFKC can turn one printable rune into a separator ("＠" into "@"), so the
	// folded local part has to pass the same test as the typed one.
	folded := foldLocal(local)
	if !validLocal(folded) {
		return "", false
	}
	return folded + "@" + ascii, true
}

var emailDomain = idna.New(
	idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true),
)

// foldLocal applies NFKC and full case folding until nothing changes, because
// one can undo the other ("ﬀ" and "İ" need two rounds).
func foldLocal(s string) string {
	for range 4 {
		next := norm.NFKC.String(cases.Fold().String(s))
		if next == s {
			break
		}
		s = next
	}
	return s
}

func validLocal(local string) bool {
	if local == "" || len(local) > maxLocal || strings.HasPrefix(local, ".") ||
		strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return false
	}
	for _, r := range local {
		switch {
		case r < 0x80 && !isAtext(r):
			return false
		case r >= 0x80 && !(unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)):
			return false
		}
	}
	return true
}

// isAtext is RFC 5322 §3.2.3 atext, and the dot between atoms.
func isAtext(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
		strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", r)
}

// plainDomain refuses what IDNA mapping would silently repair: trailing dots,
// ideographic full stops, soft hyphens and other invisible characters.
func plainDomain(domain string) bool {
	if domain == "" || strings.HasSuffix(domain, ".") {
		return false
	}
	for _, r := range domain {
		if r >= 0x80 && !(unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)) {
			return false
		}
	}
	return true
}
