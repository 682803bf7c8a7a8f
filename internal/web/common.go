package web

import (
	"context"
	"net/http"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// Routes that every face has, in the same words.

type version struct {
	Version   string `json:"version"`
	Commit    string `json:"commit"`
	BuildTime string `json:"build_time"`
	Schema    int    `json:"schema"`
}

// Version returns the route that says what is running.
func Version(b gate.Build) Route {
	return Get[version]("/version", "What is running", func(w http.ResponseWriter, _ *http.Request) error {
		return Reply(w, http.StatusOK, version{b.Version, b.Commit, b.Time, b.Schema})
	}).WithoutDatabase(nil)
}

type jwks struct {
	Keys []map[string]any `json:"keys"`
}

// JWKS returns the route of the keys that verify a face's access tokens.
func JWKS(keys func(context.Context) ([]byte, error)) Route {
	return Get[jwks]("/.well-known/jwks.json", "Keys that verify access tokens (RFC 7517); none with a shared secret", func(w http.ResponseWriter, r *http.Request) error {
		raw, err := keys(r.Context())
		if err != nil {
			return err
		}
		w.Header().Set("Cache-Control", "public, max-age=300")
		return ReplyJSON(w, http.StatusOK, raw)
	})
}
