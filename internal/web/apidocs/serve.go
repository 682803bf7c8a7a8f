package apidocs

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// document is a page or the OpenAPI document: small, at a fixed address, and
// different after an upgrade, so browsers ask with its ETag each time.
type document struct {
	body        []byte
	contentType string
	policy      string
	etag        string
}

func newDocument(body []byte, contentType, policy string) document {
	sum := sha256.Sum256(body)
	return document{body, contentType, policy, `"` + hex.EncodeToString(sum[:8]) + `"`}
}

func (d document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header(), d.contentType, d.policy, revalidate)
	w.Header().Set("ETag", d.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.body))
}

// asset is an embedded file that never changes at its address, because a hash
// is part of it. Its bytes stay in the binary: a house has many faces.
type asset struct {
	file    string // in the embedded files
	name    string // in its address
	gzipped bool   // the large ones are stored as nearly every browser wants them
}

func newAsset(file string) asset {
	name, gzipped := strings.CutSuffix(path.Base(file), ".gz")
	return asset{file, name, gzipped}
}

func (a asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header(), contentType(a.name), barePolicy, immutable)
	content, err := files.Open(a.file)
	if err != nil { // not after hashOf has read it
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	defer func() { _ = content.Close() }()
	if !a.gzipped {
		_, _ = io.Copy(w, content)
		return
	}
	w.Header().Set("Vary", "Accept-Encoding")
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.Copy(w, content)
		return
	}
	unzip(w, content)
}

// unzip is for the few clients that cannot do it themselves, so nothing is
// kept. The one thing that can fail is the client: a test reads every asset.
func unzip(w io.Writer, zipped io.Reader) {
	plain, err := gzip.NewReader(zipped)
	if err != nil {
		return
	}
	_, _ = io.Copy(w, plain)
}

func setHeaders(h http.Header, contentType, policy, cache string) {
	h.Set("Content-Type", contentType)
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", cache)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}

// contentType is our own short table, because package mime asks the system,
// and systems have been known to call a script text/plain.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	default:
		return "text/plain; charset=utf-8"
	}
}

// acceptsGzip reads Accept-Encoding (RFC 9110 §12.5.3): gzip by name decides,
// then "*"; a weight of zero means no.
func acceptsGzip(headers []string) bool {
	accepted := false
	for item := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return !weightIsZero(parameters)
		case "*":
			accepted = !weightIsZero(parameters)
		}
	}
	return accepted
}

func weightIsZero(parameters string) bool {
	name, value, _ := strings.Cut(strings.ReplaceAll(parameters, " ", ""), "=")
	weight, err := strconv.ParseFloat(value, 64)
	return strings.EqualFold(name, "q") && err == nil && weight == 0
}
