package web

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// cookieFace is a face whose sessions may come in a cookie.
func cookieFace(t *testing.T, cookie string) *Face {
	t.Helper()
	f := newFace(io.Discard)
	f.SessionCookie = cookie
	if err := f.guardCookies(); err != nil {
		t.Fatal(err)
	}
	return f
}

func presentedOf(f *Face, method string, headers ...string) (string, error) {
	r := httptest.NewRequest(method, "https://auth.example.org/", nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	all, err := f.Credentials(r)
	var texts []string
	for _, one := range all {
		texts = append(texts, one.Reveal())
	}
	return strings.Join(texts, " "), err
}

func TestCredentialsInTheOrderInWhichTheyCount(t *testing.T) {
	for name, c := range map[string]struct {
		headers []string
		want    string
		without string // at a face without cookies
	}{
		"none":                {nil, "", ""},
		"all, in any order":   {[]string{"Cookie: sid=c", "Authorization: Bearer b", "X-API-Key: a"}, "a b c", "a b"},
		"two keys":            {[]string{"X-API-Key: a", "x-api-key: b"}, "", ""},
		"one key twice":       {[]string{"X-API-Key: a", "X-API-Key: a"}, "", ""},
		"two keys and others": {[]string{"X-API-Key: a", "X-API-Key: b", "Authorization: Bearer c", "Cookie: sid=d"}, "c d", "c"},
		"two bearers":         {[]string{"Authorization: Bearer a", "Authorization: Bearer b"}, "", ""},
		"another scheme":      {[]string{"Authorization: Basic a"}, "", ""},
		"all names of cookie": {[]string{"Cookie: sid=c; __Secure-sid=b; __Host-sid=a; other=d; SID=e"}, "a b c", ""},
		"cookies of a name":   {[]string{"Cookie: sid=a; sid=b", "Cookie: sid=c"}, "a b c", ""},
		"more than are tried": {[]string{"X-API-Key: k", "Cookie: sid=a; sid=b; sid=c; sid=d; sid=e; __Host-sid=h"}, "k h a b c", "k"},
	} {
		for cookie, want := range map[string]string{"sid": c.want, "": c.without} {
			if got, err := presentedOf(cookieFace(t, cookie), http.MethodGet, c.headers...); err != nil || got != want {
				t.Errorf("%s, cookie %q: %q, %v, want %q", name, cookie, got, err, want)
			}
		}
	}
}

// TestACookieChangesNothingForAForeignPage: alone it is refused, and beside what a
// page cannot send without knowing it, it does not count.
func TestACookieChangesNothingForAForeignPage(t *testing.T) {
	const cookie, foreign, cross = "Cookie: sid=c; __Host-sid=h", "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"
	for name, c := range map[string]struct {
		method  string
		headers []string
		want    string // "" a refusal
	}{
		"a foreign page":              {http.MethodPost, []string{cookie, foreign, cross}, ""},
		"by its origin alone":         {http.MethodDelete, []string{cookie, foreign}, ""},
		"by the browser's word":       {http.MethodPut, []string{cookie, cross}, ""},
		"a neighbouring sub-domain":   {http.MethodPost, []string{cookie, "Sec-Fetch-Site: same-site"}, ""},
		"no origin that one can name": {http.MethodPost, []string{cookie, "Origin: null"}, ""},
		"with two keys beside it":     {http.MethodPost, []string{cookie, foreign, cross, "X-API-Key: j", "X-API-Key: k"}, ""},
		"looking":                     {http.MethodGet, []string{cookie, foreign, cross}, "h c"},
		"our own page":                {http.MethodPost, []string{cookie, "Origin: https://auth.example.org", "Sec-Fetch-Site: same-origin"}, "h c"},
		"a page that is listed":       {http.MethodPost, []string{cookie, "Origin: https://app.example.org", cross}, "h c"},
		"no browser":                  {http.MethodPost, []string{cookie}, "h c"},
		"with a token beside it":      {http.MethodPost, []string{cookie, foreign, cross, "Authorization: Bearer b"}, "b"},
		"with a key beside it":        {http.MethodDelete, []string{cookie, foreign, cross, "X-API-Key: k"}, "k"},
		"with both beside it":         {http.MethodPut, []string{cookie, foreign, cross, "X-API-Key: k", "Authorization: Bearer b"}, "k b"},
		"looking, with a key":         {http.MethodGet, []string{cookie, foreign, cross, "X-API-Key: k"}, "k h c"},
		"our own page, with a key":    {http.MethodPost, []string{cookie, "Sec-Fetch-Site: same-origin", "X-API-Key: k"}, "k h c"},
	} {
		got, err := presentedOf(cookieFace(t, "sid"), c.method, c.headers...)
		if got != c.want || (err == nil) != (c.want != "") || err != nil && !errors.Is(err, gate.ErrCrossOrigin) {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
	if got, err := presentedOf(cookieFace(t, "sid"), http.MethodPost, "Cookie: other=c", foreign, cross); err != nil || got != "" {
		t.Errorf("with another cookie: %q, %v", got, err)
	}
}

// NT-KEY-2: a key in an address is refused, whatever it is called there and
// whatever is presented beside it.
func TestNT_KEY_2_AKeyInAnAddressIsRefused(t *testing.T) {
	f := cookieFace(t, "")
	for _, prefix := range []secret.KeyPrefix{secret.NativeKey, secret.MicroDAOKey} {
		key := secret.NewAPIKey(prefix).Reveal()
		for query, good := range map[string]bool{
			"api_key=" + key: false, "a=1&x=2&token=" + key: false, "a=1&a=" + key: false, "k=" + strings.ReplaceAll(key, "_", "%5F"): false,
			key: false, key + "=": false, key + "=1&a=2": false, "a=1&" + key + "=x": false, strings.ReplaceAll(key, "_", "%5F"): false,
			"a=1;k=" + key: false, "a=1;" + key: false, "a;b;" + key + ";c": false, ";" + key: false, "a=%zz&k=" + key: false, "a=b=" + key: false,
			"": true, "after=sofia": true, "k=" + key[:len(key)-1]: true, "k=" + url.QueryEscape("name of "+key[:8]): true, "%zz": true,
		} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.URL.RawQuery = query
			r.Header.Set("X-API-Key", key)
			if all, err := f.Credentials(r); (err == nil) != good || err != nil && (!errors.Is(err, gate.ErrKeyInAddress) || len(all) > 0 || strings.Contains(err.Error(), key)) {
				t.Errorf("?%s: %d credentials, %v", query, len(all), err)
			}
		}
	}
}

func TestTheSessionCookie(t *testing.T) {
	for name, c := range map[string]struct {
		secure  bool
		seconds int
		want    string
	}{
		"set":           {false, 60, "sid=token; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"},
		"over https":    {true, 60, "sid=token; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax"},
		"taken away":    {false, 0, "sid=token; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"},
		"already ended": {false, -5, "sid=token; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"},
	} {
		f, w := cookieFace(t, "sid"), httptest.NewRecorder()
		f.Secure = c.secure
		f.SetSession(w, secret.NewText("token"), c.seconds)
		if got := w.Header().Get("Set-Cookie"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
