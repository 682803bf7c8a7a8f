package minos

import (
	"net/http"
	"strings"
)

const (
	base   = "/api/v1/auth"
	alsoAt = "Everything under " + base + " is also at /auth; login, register and profile also at /login, /register and /profile."
)

// bare are the addresses of a version of the original that had no prefix.
var bare = map[string]string{"/login": base + "/login", "/register": base + "/register", "/profile": base + "/profile"}

// elsewhere answers at the addresses that the platform's other clients use: the
// same operation, under its own name in logs and metrics.
func elsewhere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := home(r.URL.Path); path != r.URL.Path && r.URL.RawPath == "" {
			moved, address := *r, *r.URL
			address.Path, moved.URL = path, &address
			r = &moved
		}
		next.ServeHTTP(w, r)
	})
}

// home is the address under which an operation is documented.
func home(path string) string {
	if at, ok := bare[path]; ok {
		return at
	}
	if rest, ok := strings.CutPrefix(path, "/auth/"); ok {
		return base + "/" + rest
	}
	return path
}
