//go:build unix

package nt_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

// crossSite is how a browser on a hostile page speaks.
var crossSite = map[string][]string{
	"a form":             {"Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Content-Type: application/x-www-form-urlencoded"},
	"a text form":        {"Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Content-Type: text/plain"},
	"a multipart form":   {"Origin: https://evil.example", "Content-Type: multipart/form-data; boundary=x"},
	"a sandboxed form":   {"Origin: null", "Content-Type: text/plain"},
	"an old browser":     {"Origin: https://evil.example", "Content-Type: text/plain;charset=UTF-8"},
	"a sibling":          {"Origin: https://other.example.org", "Sec-Fetch-Site: same-site", "Content-Type: text/plain"},
	"a blob without any": {"Origin: https://evil.example"},
	"fetch metadata":     {"Sec-Fetch-Site: cross-site", "Content-Type: text/plain"},
}

// NT-REDIR-10: gorilla/csrf CVE-2025-24358, CVE-2025-47909; Fiber
// CVE-2023-45128.
func TestNT_REDIR_10_AHostilePageCannotPostToTheAPI(t *testing.T) {
	onEveryFace(t, house.Options{Set: map[string]string{"cors.origins": "https://app.example.org"}}, func(t *testing.T, h *house.House, m mouth) {
		tokens := enter(t, h, m, "ada@example.org")
		for how, headers := range crossSite {
			for path, body := range map[string]string{
				m.register: credentials("victim@example.org", house.Password), m.login: credentials("ada@example.org", house.Password), m.refresh: refreshBody(tokens.Refresh),
				"/api/auth/logout": refreshBody(tokens.Refresh), "/api/auth/introspect": `{"token":"` + tokens.Access + `"}`,
			} {
				a := h.Do(http.MethodPost, m.face, path, body, headers...)
				wantRefusal(t, how+" to "+path, a)
				foreign(t, how+" to "+path, a)
			}
		}
		if n := count(t, raw(t, h), `SELECT COUNT(*) FROM users`); n != 1 {
			t.Errorf("%d accounts", n)
		}
		want(t, "the session", h.Get(m.face, m.me, tokens.Bearer()), http.StatusOK)
	})
}

// foreign fails if the answer lets a foreign page read it.
func foreign(t *testing.T, what string, a house.Answer) {
	t.Helper()
	if got := a.Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("%s: Access-Control-Allow-Origin is %q", what, got)
	}
	if a.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%s: credentials are allowed", what)
	}
}

// NT-ADM-4: Tailscale CVE-2022-41924, Caddy CVE-2026-27589, Casdoor
// CVE-2024-41657, Keycloak CVE-2026-37977, Fiber CVE-2024-25124.
func TestNT_ADM_4_AForeignOriginIsNeverReflected(t *testing.T) {
	onEveryFace(t, house.Options{Set: map[string]string{"cors.origins": "https://app.example.org"}}, func(t *testing.T, h *house.House, m mouth) {
		for _, origin := range []string{
			"https://evil.example", "null", "https://app.example.org.evil.example", "https://app.example.orgevil", "http://app.example.org",
			"https://app.example.org:444", "https://APP.example.org", "https://sub.app.example.org", "file://", "*", "https://app.example.org, https://evil.example",
		} {
			for _, r := range routes(t, h, m.face) {
				foreign(t, origin+" "+r.path, h.Do(r.method, m.face, r.path, "", "Origin: "+origin))
			}
			for _, path := range []string{m.login, m.me, m.register} {
				a := h.Do(http.MethodOptions, m.face, path, "", "Origin: "+origin, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type")
				want(t, "preflight from "+origin, a, http.StatusForbidden)
				foreign(t, "preflight from "+origin, a)
			}
		}
		listed := h.Do(http.MethodOptions, m.face, m.login, "", "Origin: https://app.example.org", "Access-Control-Request-Method: POST")
		want(t, "preflight from the listed origin", listed, http.StatusNoContent)
		if listed.Header.Get("Access-Control-Allow-Credentials") != "" || listed.Header.Get("Access-Control-Max-Age") != "600" {
			t.Errorf("preflight: %v", listed.Header)
		}
		if vary := h.Get(m.face, m.me, "Origin: https://evil.example").Header.Get("Vary"); !strings.Contains(vary, "Origin") {
			t.Errorf("Vary is %q: a shared cache would mix origins up", vary)
		}
	})
}
