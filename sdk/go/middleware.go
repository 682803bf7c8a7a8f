package gatehouse

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

type contextKey struct{}

// verified remembers beside an actor who says so: another Verifier may have other
// ideas of who is known.
type verified struct {
	by    *Verifier
	actor *Actor
}

// ActorFrom returns the actor of a request that RequireActor or RequireRole let
// through, and false for any other. Handlers of one request share it.
func ActorFrom(ctx context.Context) (*Actor, bool) {
	found, ok := ctx.Value(contextKey{}).(verified)
	return found.actor, ok
}

// RequireActor lets through requests of actors that are known, and answers others
// with WriteRefusal. The handler finds the actor with ActorFrom.
func RequireActor(v *Verifier) func(http.Handler) http.Handler {
	return require(v, func(*Actor) error { return nil })
}

// RequireRole is RequireActor for actors that have one of these roles, or are a
// SystemAdmin; others are answered 403. Behind RequireActor it does not verify
// again.
func RequireRole(v *Verifier, role Role, others ...Role) func(http.Handler) http.Handler {
	return require(v, func(actor *Actor) error { return actor.RequireRole(role, others...) })
}

func require(v *Verifier, check func(*Actor) error) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			found, _ := ctx.Value(contextKey{}).(verified)
			if found.by != v || found.actor == nil {
				actor, err := v.Verify(ctx, r)
				if err != nil {
					WriteRefusal(w, err)
					return
				}
				found = verified{by: v, actor: actor}
				r = r.WithContext(context.WithValue(ctx, contextKey{}, found))
			}
			if err := check(found.actor); err != nil {
				WriteRefusal(w, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// WriteRefusal answers a request with an error of Verify: its status, the body
// {"detail": "…"}, WWW-Authenticate for a 401, and Retry-After if it is known. Any
// other error is a 503, of which nothing is shown.
func WriteRefusal(w http.ResponseWriter, err error) {
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		refusal = unavailable(nil)
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	if refusal.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
	if refusal.RetryAfter > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((refusal.RetryAfter+time.Second-1)/time.Second), 10))
	}
	w.WriteHeader(refusal.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{"detail": refusal.Detail}) // a client that went away is not our mistake
}
