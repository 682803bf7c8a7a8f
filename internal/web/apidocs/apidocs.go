// Package apidocs shows the OpenAPI document of a face to people: Swagger UI at
// /docs, ReDoc at /redoc, and the document itself at /openapi.json.
//
// It promises that the pages work without any other host: everything is
// embedded, and each page's Content-Security-Policy forbids the browser to ask
// elsewhere. It promises that they work behind a proxy that strips a path
// prefix: every address in them is relative. For "Try it out" to work there
// too, the document should say servers: [{"url": "."}].
//
// Making the document is the face's business, and so is answering the methods
// that are not GET or HEAD. What is vendored, and how to refresh it, is told in
// assets/README.md.
package apidocs

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"

	"github.com/go-chi/chi/v5"
)

//go:embed assets/swagger-ui assets/redoc pages
var files embed.FS

const (
	// Swagger UI lives with the strictest policy: its own files and nothing inline.
	docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
		"connect-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

	// ReDoc needs two things more. It writes its styles into <style> elements
	// while it runs, and stays blank without 'unsafe-inline' for styles. And it
	// builds its search index in a worker that it starts from a blob: address.
	// Scripts stay as strict as above.
	redocPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
		"connect-src 'self'; font-src 'self' data:; worker-src blob:; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

	// Whatever is no page has no business to load anything.
	barePolicy = "default-src 'none'; frame-ancestors 'none'"

	immutable  = "public, max-age=31536000, immutable" // the path carries a hash of the content
	revalidate = "no-cache"                            // keep it, but ask whether it changed
)

// page is one way to look at the document.
type page struct {
	name   string   // its path, and the name of its template
	policy string   // its Content-Security-Policy
	assets []string // what it is made of, in the embedded files
}

// pages lists both ways. Licences are assets too: a binary that carries the
// programs has to carry their terms.
func pages() []page {
	return []page{
		{"docs", docsPolicy, []string{
			"assets/swagger-ui/swagger-ui-bundle.js.gz",
			"assets/swagger-ui/swagger-ui-bundle.js.LICENSE.txt",
			"assets/swagger-ui/swagger-ui.css.gz",
			"assets/swagger-ui/LICENSE",
			"assets/swagger-ui/NOTICE",
			"pages/docs.js",
		}},
		{"redoc", redocPolicy, []string{
			"assets/redoc/redoc.standalone.js.gz",
			"assets/redoc/redoc.standalone.js.LICENSE.txt",
			"assets/redoc/LICENSE",
			"pages/redoc.js",
			"pages/redoc.css",
		}},
	}
}

// Mount adds GET and HEAD of /openapi.json, /docs, /redoc and of their assets
// to r. The title is what the browser shows for the pages; spec is the
// finished OpenAPI document as JSON, and must not change afterwards.
func Mount(r chi.Router, title string, spec []byte) {
	serve(r, "/openapi.json", newDocument(spec, "application/json", barePolicy))
	for _, p := range pages() {
		// The assets are below the page's own path, so that its relative
		// addresses are right wherever the page is.
		folder := p.name + "/assets/" + hashOf(p.assets)
		for _, file := range p.assets {
			a := newAsset(file)
			serve(r, "/"+folder+"/"+a.name, a)
		}
		html := render("pages/"+p.name+".html", title, folder)
		serve(r, "/"+p.name, newDocument(html, "text/html; charset=utf-8", p.policy))
	}
}

func serve(r chi.Router, pattern string, h http.Handler) {
	r.Method(http.MethodGet, pattern, h)
	r.Method(http.MethodHead, pattern, h)
}

// hashOf is what makes an address change with the content: eight hexadecimal
// digits over all assets of a page. One for all keeps each program beside the
// licence text that it mentions. It panics if a file is missing, which only a
// mistake in this package can cause, and which every test of it would see.
func hashOf(assets []string) string {
	sum := sha256.New()
	for _, file := range assets {
		body, err := files.ReadFile(file)
		if err != nil {
			panic(err)
		}
		sum.Write(body)
	}
	return hex.EncodeToString(sum.Sum(nil)[:4])
}

// render fills in one of our templates; it panics like hashOf.
func render(file, title, assets string) []byte {
	var out bytes.Buffer
	data := struct{ Title, Assets string }{title, assets}
	if err := template.Must(template.ParseFS(files, file)).Execute(&out, data); err != nil {
		panic(err)
	}
	return out.Bytes()
}
