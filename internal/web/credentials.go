package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// maxCookies bounds how many cookies of one name are tried: a neighbouring
// sub-domain can set others beside ours, but not make us work for it.
const maxCookies = 4

// Credentials returns everything that a request presents to prove who sends it,
// in the order in which it counts: X-API-Key, Authorization: Bearer, and all
// session cookies, if the face has such.
//
// Refused: gate.ErrKeyInAddress; gate.ErrCrossOrigin when a browser would change
// something for a page of somebody else with nothing but a cookie.
func (f *Face) Credentials(r *http.Request) ([]secret.Text, error) {
	if err := keyInAddress(r); err != nil {
		return nil, err
	}
	presented := make([]secret.Text, 0, 3)
	if keys := r.Header["X-Api-Key"]; len(keys) == 1 { // of two nobody can say which counts
		presented = append(presented, secret.NewText(keys[0]))
	}
	if bearer := Bearer(r); !bearer.Empty() {
		presented = append(presented, bearer)
	}
	if f.SessionCookie == "" || len(r.Header["Cookie"]) == 0 {
		return presented, nil
	}
	ownHeaders := len(presented)
	for _, name := range []string{"__Host-" + f.SessionCookie, "__Secure-" + f.SessionCookie, f.SessionCookie} {
		for _, cookie := range r.CookiesNamed(name) {
			if len(presented)-ownHeaders < maxCookies {
				presented = append(presented, secret.NewText(cookie.Value))
			}
		}
	}
	if len(presented) > ownHeaders && f.crossOrigin.Check(r) != nil {
		if ownHeaders == 0 {
			return nil, gate.ErrCrossOrigin
		}
		presented = presented[:ownHeaders] // what the browser added on its own proves nothing here
	}
	return presented, nil
}

// keyInAddress refuses an API key in the query: addresses end up in logs.
func keyInAddress(r *http.Request) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	parts := strings.FieldsFunc(r.URL.RawQuery, func(sign rune) bool { return sign == '&' || sign == ';' || sign == '=' })
	for _, part := range parts {
		if text, err := url.QueryUnescape(part); err == nil && secret.IsAPIKey(secret.NewText(text)) {
			return gate.ErrKeyInAddress
		}
	}
	return nil
}

// guardCookies prepares the check of where requests with cookies come from
// (Sec-Fetch-Site, or else Origin).
func (f *Face) guardCookies() error {
	f.crossOrigin = http.NewCrossOriginProtection()
	for _, origin := range f.Origins {
		if err := f.crossOrigin.AddTrustedOrigin(origin); err != nil {
			return err
		}
	}
	return nil
}

// SetSession gives a browser the session cookie for so many seconds, or takes it
// away if there are none.
func (f *Face) SetSession(w http.ResponseWriter, token secret.Text, seconds int) {
	if seconds <= 0 {
		seconds = -1 // which net/http writes as Max-Age=0
	}
	http.SetCookie(w, &http.Cookie{
		Name: f.SessionCookie, Value: token.Reveal(), Path: "/", MaxAge: seconds, HttpOnly: true, Secure: f.Secure, SameSite: http.SameSiteLaxMode,
	})
}
