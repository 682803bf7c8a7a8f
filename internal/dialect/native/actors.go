package native

import (
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/web"
	"github.com/gatehouse/gatehouse/internal/web/actor"
)

// actorRoutes are about principals of every kind, and what they prove themselves
// with: access tokens, or API keys as X-API-Key or bearer.
func (f *Face) actorRoutes() []web.Route {
	routes := []web.Route{
		f.credential(web.Get[actor.Identity]("/api/v1/actor", "Who am I, of whatever kind?", f.actor)).Unlogged(),
		f.credential(web.Do(f.Web, http.MethodPost, "/api/v1/api-keys", "Create an API key, which is shown this once", http.StatusCreated, f.caller, f.createKey)).
			Describing("Without scopes, a key proves who you are and may nothing else.").
			Refusing(gate.ErrNeedsSession, gate.ErrScope, gate.ErrAPIKeyLimit),
		f.credential(web.Do(f.Web, http.MethodGet, "/api/v1/api-keys", "List my API keys, the newest first", http.StatusOK, f.caller, f.listKeys)),
		f.credential(web.Do(f.Web, http.MethodDelete, "/api/v1/api-keys/{id}", "Revoke one of my API keys", http.StatusNoContent, f.caller, f.revokeKey)).
			Refusing(gate.ErrNeedsSession, gate.ErrAPIKeyNotFound),
	}
	for _, k := range []agents{{f, gate.KindAgent, "/api/v1/agents", "an agent"}, {f, gate.KindApp, "/api/v1/services", "a service"}} {
		routes = append(routes, k.routes()...)
	}
	return routes
}

// credential marks a route that takes every credential of the house.
func (f *Face) credential(r web.Route) web.Route {
	return f.bearer(r).Refusing(gate.ErrCredentials, gate.ErrKeyInAddress)
}

func (f *Face) verified(r *http.Request) (*authn.Verified, error) {
	presented, err := f.Web.Credentials(r)
	if err != nil {
		return nil, err
	}
	return f.Authn.FirstGood(r.Context(), presented...)
}

func (f *Face) caller(r *http.Request) (gate.Caller, error) {
	v, err := f.verified(r)
	if err != nil {
		return gate.Caller{}, err
	}
	return v.AsCaller(f.Web.Caller(r)), nil
}

func (f *Face) actor(w http.ResponseWriter, r *http.Request) error {
	v, err := f.verified(r)
	if err != nil {
		return err
	}
	raw, err := v.Rendered(authn.SlotActor, func(v *authn.Verified) ([]byte, error) { return json.Marshal(actor.Of(v.Principal)) })
	if err != nil {
		return err
	}
	return web.ReplyJSON(w, http.StatusOK, raw)
}

func (f *Face) createKey(r *http.Request, caller gate.Caller, in keyRequest) (newKey, error) {
	key, shown, err := f.Keys.Create(r.Context(), caller, in.wish())
	return newKey{APIKey: apiKeyOf(key, f.Web.Clock()), Key: shown.Reveal()}, err
}

func (f *Face) listKeys(r *http.Request, caller gate.Caller, _ struct{}) (apiKeys, error) {
	keys, err := f.Keys.Mine(r.Context(), caller)
	return apiKeys{apiKeysOf(keys, f.Web.Clock())}, err
}

func (f *Face) revokeKey(r *http.Request, caller gate.Caller, _ struct{}) (struct{}, error) {
	return struct{}{}, f.Keys.Revoke(r.Context(), caller, gate.APIKeyID(web.PathText(r, "id")))
}
