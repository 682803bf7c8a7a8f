package gatehouse

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
)

const (
	// maxCredential is more than any credential has. What is longer is nobody's,
	// and is not worth reading.
	maxCredential = 16 << 10
	// maxCookies bounds how many session cookies are passed on: a neighbouring
	// sub-domain can set others beside ours.
	maxCookies = 4
)

// The names of the session cookie. The one that only this host can have set comes
// first.
var cookieNames = [...]string{"__Host-session_token", "session_token"}

// credentials is what a request presents to say who sends it. What it does not
// present is empty.
type credentials struct {
	apiKey  string   // the X-API-Key header
	bearer  string   // what follows Bearer in the Authorization header
	cookie  string   // the value of the session cookie that counts, decoded
	cookies []string // all session cookies as they were sent, name=value
}

func credentialsOf(header http.Header) credentials {
	c := credentials{apiKey: visible(sentOnce(header, "X-Api-Key")), bearer: bearerIn(sentOnce(header, "Authorization"))}
	c.readCookies(header["Cookie"])
	return c
}

// sentOnce returns a header's value. Of two nobody can say which counts, so they
// are nobody's.
func sentOnce(header http.Header, name string) string {
	values := header[name]
	if len(values) != 1 {
		return ""
	}
	return strings.Trim(values[0], " \t")
}

// bearerIn returns the token of an Authorization header (RFC 6750 §2.1).
func bearerIn(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return visible(strings.TrimLeft(token, " "))
}

func (c *credentials) readCookies(headers []string) {
	for _, name := range cookieNames {
		for _, header := range headers {
			for pair := range strings.SplitSeq(header, ";") {
				pair = strings.Trim(pair, " \t")
				value, isOurs := strings.CutPrefix(pair, name+"=")
				if !isOurs || visible(value) == "" || len(c.cookies) == maxCookies {
					continue
				}
				if c.cookies = append(c.cookies, pair); len(c.cookies) == 1 {
					c.cookie = decoded(value)
				}
			}
		}
	}
}

func decoded(value string) string {
	plain, err := url.PathUnescape(value)
	if err != nil {
		return value // not encoded, then
	}
	return plain
}

// visible returns a text of nothing but visible ASCII, and otherwise nothing:
// no credential has anything else.
func visible(text string) string {
	for i := range len(text) {
		if text[i] < '!' || text[i] > '~' {
			return ""
		}
	}
	return text
}

func (c credentials) none() bool { return c.apiKey == "" && c.bearer == "" && len(c.cookies) == 0 }

func (c credentials) tooLong() bool {
	length := len(c.apiKey) + len(c.bearer)
	for _, cookie := range c.cookies {
		length += len(cookie)
	}
	return length > maxCredential
}

// brokenKey reports whether the credential that counts most has the prefix of an API
// key and cannot be one. Gateways put session tokens into X-API-Key, too.
func (c credentials) brokenKey() bool {
	first := cmp.Or(c.apiKey, c.bearer)
	_, isKey := cutKeyPrefix(first)
	return isKey && !WellFormedKey(first)
}

// onlyJWT returns the one credential there is, if it has the form of a JWT.
func (c credentials) onlyJWT() string {
	only := c.bearer
	switch {
	case c.apiKey != "" || c.bearer != "" && len(c.cookies) > 0 || len(c.cookies) > 1:
		return ""
	case only == "":
		only = c.cookie
	}
	if !hasFormOfJWT(only) {
		return ""
	}
	return only
}

// hasFormOfJWT reports whether a text is three parts of base64url. The last, the
// signature, may be empty.
func hasFormOfJWT(text string) bool {
	dots, last := 0, -1
	for i := range len(text) {
		switch b := text[i]; {
		case b == '.':
			if i == last+1 && dots < 2 { // an empty part
				return false
			}
			dots, last = dots+1, i
		case b >= '0' && b <= '9', b >= 'A' && b <= 'Z', b >= 'a' && b <= 'z', b == '-', b == '_':
		default:
			return false
		}
	}
	return dots == 2
}

// present shows the same credentials to the auth service.
func (c credentials) present(header http.Header) {
	if c.apiKey != "" {
		header.Set("X-API-Key", c.apiKey)
	}
	if c.bearer != "" {
		header.Set("Authorization", "Bearer "+c.bearer)
	}
	if len(c.cookies) > 0 {
		header.Set("Cookie", strings.Join(c.cookies, "; "))
	}
}

// fingerprint is a name for credentials from which they cannot be found out.
type fingerprint [sha256.Size]byte

func (c credentials) fingerprint() fingerprint {
	var text []byte
	for _, part := range append([]string{c.apiKey, c.bearer}, c.cookies...) {
		text = binary.BigEndian.AppendUint64(text, uint64(len(part)))
		text = append(text, part...)
	}
	return sha256.Sum256(text)
}
