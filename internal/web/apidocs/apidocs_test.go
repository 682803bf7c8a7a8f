package apidocs_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse/gatehouse/internal/web/apidocs"
)

// The specimen has what each program draws differently: parameters, a body, a
// scheme, 3.1's type arrays. Its server is relative, as Mount asks for.
const specimen = `{
  "openapi": "3.1.0",
  "info": {"title": "Specimen API", "version": "1.2.3", "description": "Shows what the pages can draw."},
  "servers": [{"url": "."}],
  "paths": {
    "/ping": {"get": {"operationId": "ping", "summary": "Are you there?", "tags": ["life"],
      "responses": {"200": {"description": "Yes", "content": {"text/plain": {"schema": {"type": "string"}}}}}}},
    "/things/{id}": {
      "get": {"operationId": "readThing", "summary": "Read one thing", "tags": ["things"], "security": [{"bearer": []}],
        "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
        "responses": {"200": {"description": "It", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}}},
      "put": {"operationId": "writeThing", "summary": "Write one thing", "tags": ["things"],
        "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
        "responses": {"204": {"description": "Written"}}}}},
  "components": {
    "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
    "schemas": {"Thing": {"type": "object", "required": ["name"],
      "properties": {"name": {"type": "string"}, "note": {"type": ["string", "null"]}}}}}
}`

func newRouter() chi.Router {
	r := chi.NewRouter()
	apidocs.Mount(r, "Specimen <API>", []byte(specimen))
	return r
}

// ask sends a request with the headers given as name, value, name, value.
func ask(t *testing.T, h http.Handler, method, target string, headers ...string) *http.Response {
	t.Helper()
	req := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec.Result()
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

func wantHeader(t *testing.T, resp *http.Response, name, want string) {
	t.Helper()
	if got := resp.Header.Get(name); got != want {
		t.Errorf("%s is %q, want %q", name, got, want)
	}
}

const bare = "default-src 'none'; frame-ancestors 'none'"

func TestDocuments(t *testing.T) {
	tests := []struct{ path, contentType, policy, contains string }{
		{"/openapi.json", "application/json", bare, specimen},
		{"/docs", "text/html; charset=utf-8", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
			"connect-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"<title>Specimen &lt;API&gt;</title>"},
		{"/redoc", "text/html; charset=utf-8", "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
			"connect-src 'self'; font-src 'self' data:; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"<title>Specimen &lt;API&gt;</title>"},
	}
	router := newRouter()
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			resp := ask(t, router, http.MethodGet, tt.path)
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("status is %d", resp.StatusCode)
			}
			wantHeader(t, resp, "Content-Type", tt.contentType)
			wantHeader(t, resp, "Content-Security-Policy", tt.policy)
			wantHeader(t, resp, "Cache-Control", "no-cache")
			wantHeader(t, resp, "X-Content-Type-Options", "nosniff")
			wantHeader(t, resp, "Referrer-Policy", "no-referrer")
			if text := body(t, resp); !strings.Contains(text, tt.contains) {
				t.Errorf("the answer lacks %q:\n%s", tt.contains, text)
			}

			again := ask(t, router, http.MethodGet, tt.path, "If-None-Match", resp.Header.Get("ETag"))
			if again.StatusCode != http.StatusNotModified {
				t.Errorf("asked again with its ETag: status is %d, want 304", again.StatusCode)
			}
			head := ask(t, router, http.MethodHead, tt.path)
			if head.StatusCode != http.StatusOK || body(t, head) != "" {
				t.Errorf("HEAD: status is %d, want 200 and no body", head.StatusCode)
			}
			if post := ask(t, router, http.MethodPost, tt.path); post.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("POST: status is %d, want the router's 405", post.StatusCode)
			}
		})
	}
}

var address = regexp.MustCompile(`(?:href|src)="([^"]*)"`)

// addresses returns what the page refers to, apart from data: addresses.
func addresses(t *testing.T, router http.Handler, page string) []string {
	t.Helper()
	var found []string
	for _, match := range address.FindAllStringSubmatch(body(t, ask(t, router, http.MethodGet, page)), -1) {
		if !strings.HasPrefix(match[1], "data:") {
			found = append(found, match[1])
		}
	}
	return found
}

func TestPagesReferRelativelyToWhatExists(t *testing.T) {
	router := newRouter()
	for page, least := range map[string]int{"/docs": 5, "/redoc": 5} {
		found := addresses(t, router, page)
		if len(found) < least {
			t.Fatalf("%s refers to %q, want at least %d addresses", page, found, least)
		}
		for _, to := range found {
			if strings.HasPrefix(to, "/") || strings.Contains(to, ":") {
				t.Errorf("%s refers to %q, which is not relative", page, to)
			}
			if resp := ask(t, router, http.MethodGet, "/"+to); resp.StatusCode != http.StatusOK {
				t.Errorf("%s refers to %q: status is %d", page, to, resp.StatusCode)
			}
		}
	}
}

// folder returns where the assets of a page are.
func folder(t *testing.T, router http.Handler, page string) string {
	t.Helper()
	hashed := regexp.MustCompile(`^` + page[1:] + `/assets/[0-9a-f]{8}/`)
	for _, to := range addresses(t, router, page) {
		if found := hashed.FindString(to); found != "" {
			return "/" + found
		}
	}
	t.Fatalf("%s has no assets", page)
	return ""
}

func TestAssets(t *testing.T) {
	const script, style, text = "text/javascript; charset=utf-8", "text/css; charset=utf-8", "text/plain; charset=utf-8"
	tests := []struct {
		page, name, contentType string
		gzipped                 bool
		contains                string
	}{
		{"/docs", "swagger-ui-bundle.js", script, true, "SwaggerUIBundle"},
		{"/docs", "swagger-ui.css", style, true, ".swagger-ui"},
		{"/docs", "docs.js", script, false, "validatorUrl: null"},
		{"/docs", "swagger-ui-bundle.js.LICENSE.txt", text, false, "MIT"},
		{"/docs", "LICENSE", text, false, "Apache License"},
		{"/docs", "NOTICE", text, false, "SmartBear"},
		{"/redoc", "redoc.standalone.js", script, true, "Redoc"},
		{"/redoc", "redoc.js", script, false, "Redoc.init"},
		{"/redoc", "redoc.css", style, false, "margin"},
		{"/redoc", "redoc.standalone.js.LICENSE.txt", text, false, "MIT"},
		{"/redoc", "LICENSE", text, false, "MIT"},
	}
	router := newRouter()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := folder(t, router, tt.page) + tt.name
			plain := ask(t, router, http.MethodGet, target)
			if plain.StatusCode != http.StatusOK {
				t.Fatalf("status is %d", plain.StatusCode)
			}
			wantHeader(t, plain, "Content-Type", tt.contentType)
			wantHeader(t, plain, "Content-Encoding", "")
			wantHeader(t, plain, "Content-Security-Policy", bare)
			wantHeader(t, plain, "Cache-Control", "public, max-age=31536000, immutable")
			wantHeader(t, plain, "X-Content-Type-Options", "nosniff")
			wantHeader(t, plain, "Referrer-Policy", "no-referrer")
			content := body(t, plain)
			if !strings.Contains(content, tt.contains) {
				t.Errorf("%d bytes without %q", len(content), tt.contains)
			}
			if tt.gzipped {
				wantHeader(t, plain, "Vary", "Accept-Encoding")
				zipped := ask(t, router, http.MethodGet, target, "Accept-Encoding", "gzip, br")
				wantHeader(t, zipped, "Content-Encoding", "gzip")
				if unzipped(t, body(t, zipped)) != content {
					t.Error("the gzipped and the plain answer differ")
				}
			}
		})
	}
}

func unzipped(t *testing.T, zipped string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(zipped))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAcceptEncoding(t *testing.T) {
	router := newRouter()
	target := folder(t, router, "/docs") + "swagger-ui.css"
	tests := []struct {
		name    string
		headers []string
		want    string
	}{
		{"none", nil, ""},
		{"empty", []string{""}, ""},
		{"gzip", []string{"gzip"}, "gzip"},
		{"in a list", []string{"br;q=1.0, GZIP;q=0.5, *;q=0"}, "gzip"},
		{"second header", []string{"br", "gzip"}, "gzip"},
		{"old name", []string{"x-gzip"}, "gzip"},
		{"anything", []string{"*"}, "gzip"},
		{"anything but gzip", []string{"*, gzip;q=0"}, ""},
		{"gzip refused", []string{"gzip; q=0.000"}, ""},
		{"nothing", []string{"identity, *;q=0"}, ""},
		{"another coding", []string{"gzipped, br"}, ""},
		{"broken weight", []string{"gzip;q=much"}, "gzip"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var headers []string
			for _, value := range tt.headers {
				headers = append(headers, "Accept-Encoding", value)
			}
			wantHeader(t, ask(t, router, http.MethodGet, target, headers...), "Content-Encoding", tt.want)
		})
	}
}

// A stale address must not answer with new content that caches then keep for
// a year.
func TestUnknownAssetsAreNotFound(t *testing.T) {
	router := newRouter()
	for _, target := range []string{"/docs/assets/00000000/docs.js", folder(t, router, "/docs") + "docs.html", "/docs/assets/"} {
		if resp := ask(t, router, http.MethodGet, target); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status is %d, want 404", target, resp.StatusCode)
		}
	}
}
