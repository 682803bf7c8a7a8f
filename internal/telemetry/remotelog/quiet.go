package remotelog

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
)

// pingPath is where jarvis-logs has credentials checked.
const pingPath = "/internal/app-ping"

type localKey struct{}

// Local returns a context whose log lines go to the console only.
func Local(ctx context.Context) context.Context {
	return context.WithValue(ctx, localKey{}, true)
}

func isLocal(ctx context.Context) bool { return ctx != nil && ctx.Value(localKey{}) != nil }

// Quiet wraps the handler that serves /internal/app-ping. A question about our
// own credentials comes from jarvis-logs, because we have just sent it a batch;
// what is logged about it must not become the next batch. Id and key are both
// compared: a stranger who guesses at our key is logged like any other.
func (h *Handler) Quiet(next http.Handler) http.Handler {
	id, key := digest(h.sender.config.AppID), digest(h.sender.config.AppKey)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == pingPath && same(id, r.Header.Get(idHeader))&same(key, r.Header.Get(keyHeader)) == 1 {
			r = r.WithContext(Local(r.Context()))
		}
		next.ServeHTTP(w, r)
	})
}

func digest(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

func same(want [sha256.Size]byte, text string) int {
	got := digest(text)
	return subtle.ConstantTimeCompare(want[:], got[:])
}
