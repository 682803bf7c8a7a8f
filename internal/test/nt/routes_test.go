//go:build unix

package nt_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

type route struct{ method, path string }

// routes are all that a face serves: what its OpenAPI document lists, and its
// documentation itself.
func routes(t *testing.T, h *house.House, face string) (all []route) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	h.Get(face, "/openapi.json").JSON(t, &doc)
	for path, methods := range doc.Paths {
		for method := range methods {
			all = append(all, route{strings.ToUpper(method), path})
		}
	}
	if len(all) < 8 {
		t.Fatalf("%s lists only %v", face, all)
	}
	for _, path := range []string{"/docs", "/redoc", "/openapi.json", "/no/such/path", "/"} {
		all = append(all, route{http.MethodGet, path})
	}
	return all
}

// NT-GO-3: Fiber CVE-2026-53624.
func TestNT_GO_3_EveryRouteSendsTheHeadersThatProtectBrowsers(t *testing.T) {
	onEveryFace(t, house.Options{Set: map[string]string{"proxy.trusted": "127.0.0.1"}}, func(t *testing.T, h *house.House, m mouth) {
		cacheable := []string{"/.well-known/jwks.json", "/docs", "/redoc", "/openapi.json"}
		for _, r := range routes(t, h, m.face) {
			for _, extra := range []string{"X-Forwarded-Proto: https", "X-Nothing: x"} {
				a := h.Do(r.method, m.face, r.path, "{}", "Content-Type: application/json", extra)
				for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
					if got := a.Header.Values(name); len(got) != 1 || got[0] != value {
						t.Errorf("%s %s: %s is %q", r.method, r.path, name, got)
					}
				}
				if got := a.Header.Get("Cache-Control"); got != "no-store" && !slices.Contains(cacheable, r.path) {
					t.Errorf("%s %s: Cache-Control is %q", r.method, r.path, got)
				}
				if a.Header.Get("X-Request-Id") == "" || a.Header.Get("Server") != "" || a.Header.Get("X-Powered-By") != "" {
					t.Errorf("%s %s: %v", r.method, r.path, a.Header)
				}
				if kind := a.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/html") {
					policy := a.Header.Get("Content-Security-Policy")
					if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "script-src 'unsafe-inline'") {
						t.Errorf("%s %s: the policy is %q", r.method, r.path, policy)
					}
				} else if kind == "" && a.Body != "" {
					t.Errorf("%s %s: a body without Content-Type", r.method, r.path)
				}
			}
		}
	})
}

// hostile is what an attacker writes wherever a proxy might have.
var hostile = []string{
	"X-Forwarded-Host: evil.example", "X-Forwarded-Proto: javascript", "X-Forwarded-Port: 666", "X-Forwarded-Server: evil.example",
	"X-Original-URL: //evil.example/", "X-Rewrite-URL: //evil.example/", "X-Forwarded-Prefix: //evil.example", "Forwarded: host=evil.example;proto=https",
}

// hosted sends a request under a hostile Host.
func hosted(t *testing.T, h *house.House, method, face, path, body string, headers ...string) house.Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, h.URL(face, path), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "evil.example"
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Add(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request) // follows no redirect
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return house.Answer{Status: response.StatusCode, Header: response.Header, Body: string(text)}
}

// NT-PW-8: GoTrue GHSA-3529-5m8x-rpv3, ZITADEL CVE-2025-64101,
// GHSA-93m4-mfpg-c3xf, couch-auth CVE-2025-70948, Sub2API CVE-2026-27812. No
// mail is sent yet; what would carry a link is looked at: pages, documents,
// redirects, issuers.
func TestNT_PW_8_AHostileHostEndsUpNowhere(t *testing.T) {
	o := house.Options{Set: map[string]string{"proxy.trusted": "127.0.0.1", "public.url": "https://auth.example.org"}}
	onEveryFace(t, o, func(t *testing.T, h *house.House, m mouth) {
		tokens := enter(t, h, m, "ada@example.org")
		check := func(what string, a house.Answer) {
			t.Helper()
			for name, values := range a.Header {
				if strings.Contains(strings.Join(values, " "), "evil.example") {
					t.Errorf("%s: header %s is %q", what, name, values)
				}
			}
			if strings.Contains(a.Body, "evil.example") {
				t.Errorf("%s: %s", what, a.Body)
			}
		}
		for _, r := range append(routes(t, h, m.face), route{http.MethodGet, "/docs/"}, route{http.MethodGet, "//evil.example/%2f.."}, route{http.MethodGet, "/setup?token=x"}) {
			check(r.method+" "+r.path, hosted(t, h, r.method, m.face, r.path, "", hostile...))
		}
		a := hosted(t, h, http.MethodPost, m.face, m.login, credentials("ada@example.org", house.Password), append(hostile, "Content-Type: application/json")...)
		want(t, "login", a, http.StatusOK)
		var under, before struct{ Iss string }
		payload(t, a.Field("access_token"), &under)
		payload(t, tokens.Access, &before)
		if under.Iss != before.Iss || strings.Contains(under.Iss, "evil") {
			t.Errorf("the issuer went from %q to %q", before.Iss, under.Iss)
		}
	})
}
