package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// TestAPathNamesWhatWasMeant, however it was encoded: the router looks at a path
// now decoded, now as it was sent.
func TestAPathNamesWhatWasMeant(t *testing.T) {
	var name, org string
	h := handlerOf(t, newFace(io.Discard), Get[sample]("/agents/{name}/orgs/{org}", "", func(w http.ResponseWriter, r *http.Request) error {
		name, org = PathText(r, "name"), PathText(r, "org")
		return Reply(w, http.StatusOK, "x")
	}))
	for target, want := range map[string][2]string{
		"/agents/sofia/orgs/7":             {"sofia", "7"},
		"/agents/%40/orgs/7":               {"@", "7"},
		"/agents/%26/orgs/7":               {"&", "7"},
		"/agents/a%26b/orgs/7":             {"a&b", "7"},
		"/agents/a%2526b/orgs/7":           {"a%26b", "7"},
		"/agents/a%2526b/orgs/%40":         {"a%26b", "@"}, // as it was sent, both
		"/agents/%40/orgs/a%2526b":         {"@", "a%26b"},
		"/agents/a%2Fb/orgs/7":             {"a/b", "7"},
		"/agents/%D1%8F/orgs/%D1%8F%40":    {"я", "я@"},
		"/agents/%252F/orgs/7":             {"%2F", "7"},
		"/agents/100%25/orgs/7":            {"100%", "7"},
		"/agents/100%25/orgs/%40":          {"100%", "@"},
		"/agents/a+b/orgs/7":               {"a+b", "7"}, // a plus is a blank in a query alone
		"/agents/a%2Bb/orgs/7":             {"a+b", "7"},
		"/agents/a%00/orgs/7":              {"", "7"},
		"/agents/%40%00/orgs/7":            {"", "7"},
		"/agents/%FF/orgs/7":               {"", "7"},
		"/agents/%40%FF/orgs/%0A":          {"", ""},
		"/agents/a%2500/orgs/7":            {"a%00", "7"}, // which says NUL and is none
		"/agents/%67%68%5F%61%6B/orgs/%37": {"gh_ak", "7"},
	} {
		name, org = "not called", "not called"
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, target, nil))
		if got := [2]string{name, org}; got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

// TestAMalformedPathNamesNothing: net/http refuses such a request before it comes
// here, unless something before us rewrote it.
func TestAMalformedPathNamesNothing(t *testing.T) {
	name := ""
	h := handlerOf(t, newFace(io.Discard), Get[sample]("/agents/{name}", "", func(w http.ResponseWriter, r *http.Request) error {
		name = PathText(r, "name")
		return Reply(w, http.StatusOK, "x")
	}))
	for _, text := range []string{"%zz", "%", "a%2", "sofia%", "%%40", "%4"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL = &url.URL{Path: "/agents/sofia", RawPath: "/agents/" + text}
		name = "not called"
		if h.ServeHTTP(httptest.NewRecorder(), r); name != "" {
			t.Errorf("%s names %q", text, name)
		}
	}
}
