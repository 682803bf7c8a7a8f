// Package microdao speaks the wire format of the DAARION city's auth-service on
// port 7011: session tokens, API keys and passkeys, and one ActorIdentity for
// humans, agents and services. It decodes, calls one verb and encodes;
// docs/dialects/microdao.md lists every deviation from the original with its
// reason.
package microdao

import (
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/login"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/web"
	"github.com/gatehouse/gatehouse/internal/web/actor"
	"github.com/gatehouse/gatehouse/internal/web/fastapi"
)

// Name is the face's name in settings, logs and sessions.
const Name = "microdao"

// cookieName is what browsers keep the session token in.
const cookieName = "session_token"

// Face answers as the city's auth-service did.
type Face struct {
	Web     *web.Face
	Login   *login.Service
	Account *account.Service
	Authn   *authn.Service
	Keys    *apikey.Service
	Health  func() *gate.Cause
	Build   gate.Build
}

// Handler returns the face as one handler.
func (f *Face) Handler() (http.Handler, error) {
	f.Web.Name, f.Web.Title, f.Web.Version = Name, "Auth Service", f.Build.Version
	f.Web.Description = "Sessions, API keys and passkeys of the city's humans, agents and services, served by Gatehouse."
	f.Web.Refuse, f.Web.RefusalBody, f.Web.Statuses = refuse, fastapi.Refusal{}, statuses
	f.Web.SessionCookie = cookieName
	routes := []web.Route{
		web.Get[health]("/health", "Is it healthy?", f.health).Unlogged().WithoutDatabase(health{}),
		web.JWKS(f.Authn.JWKS),
		web.Version(f.Build),
	}
	for _, base := range []string{"/auth", ""} { // the city's proxy strips the prefix
		routes = append(routes, f.routes(base)...)
	}
	return f.Web.Handler(routes)
}

func (f *Face) routes(base string) []web.Route {
	return []web.Route{
		web.PostBy[loginRequest, signedIn](base+"/login", "Sign in with e-mail and password", http.StatusOK, f.login).
			Refusing(gate.ErrInvalidCredentials, gate.ErrTooManyFailures, gate.ErrRateLimited, gate.ErrBusy),
		web.PostBy[refreshRequest, signedIn](base+"/refresh", "Exchange a refresh token for the next session token", http.StatusOK, f.refresh).
			Describing("Each refresh token works once: keep the new one.").
			Refusing(gate.ErrInvalidRefresh, gate.ErrSessionEnded, gate.ErrRefreshExpired, gate.ErrPrincipalGone),
		forActor(web.Get[actor.Identity](base+"/me", "Who am I?", f.me)).Unlogged(),
		forActor(web.PostBy[struct{}, status](base+"/logout", "End the session of the token", http.StatusOK, f.logout)).
			Refusing(gate.ErrNeedsSession, gate.ErrCrossOrigin),
		forActor(web.PostBy[keyRequest, newKey](base+"/api-keys", "Create an API key, which is shown this once", http.StatusOK, f.createKey)).
			Describing("Send the key as X-API-Key. It stands for the actor with the roles and microDAOs of the moment it is used, as far as its scopes reach; without scopes, as far as the actor's own.").
			Refusing(gate.ErrNeedsSession, gate.ErrScope, gate.ErrAPIKeyLimit, gate.ErrCrossOrigin),
		forActor(web.Do(f.Web, http.MethodGet, base+"/api-keys", "List the actor's API keys, the newest first", http.StatusOK, f.caller, f.listKeys)),
		forActor(web.Do(f.Web, http.MethodDelete, base+"/api-keys/{key_id}", "Revoke an API key", http.StatusOK, f.caller, f.revokeKey)).
			Refusing(gate.ErrNeedsSession, gate.ErrAPIKeyNotFound, gate.ErrCrossOrigin),
		web.Do(f.Web, http.MethodPost, base+"/passkey/register/start", "Begin to add a passkey to my account, or to open one with it", http.StatusOK, f.callerOrNewcomer, f.startPasskey).
			Describing("Who is signed in adds one to their own account. Who is not opens a new one, for an address that has none yet.").
			Refusing(gate.ErrNeedsSession, gate.ErrCrossOrigin, gate.ErrCredentials, gate.ErrKeyInAddress),
		web.Do(f.Web, http.MethodPost, base+"/passkey/register/finish", "Add the passkey that the browser made", http.StatusOK, f.callerOrNewcomer, f.finishPasskey).
			Refusing(gate.ErrChallenge, gate.ErrPasskey, gate.ErrPasskeyTaken, gate.ErrPasskeyLimit, gate.ErrSignInFirst, gate.ErrNeedsSession, gate.ErrCredentials, gate.ErrKeyInAddress,
				gate.ErrRegistrationClosed, gate.ErrRateLimited, gate.ErrCrossOrigin),
		web.Post(f.Web, base+"/passkey/authenticate/start", "Begin to sign in with a passkey", http.StatusOK, f.startSignIn).
			Describing("The answer is the same whether the address has an account or not: authenticators know who they have passkeys for.").WithoutDatabase(nil),
		web.PostBy[passkeyAnswer, signedIn](base+"/passkey/authenticate/finish", "Sign in with what the authenticator answered", http.StatusOK, f.finishSignIn).
			Refusing(gate.ErrChallenge, gate.ErrPasskey, gate.ErrPasskeyUnknown, gate.ErrDisabled),
	}
}

func forActor(r web.Route) web.Route {
	return r.ForBearer().Refusing(gate.ErrNotAuthenticated, gate.ErrInvalidToken, gate.ErrPrincipalGone, gate.ErrCredentials, gate.ErrKeyInAddress)
}

// verified is whoever the request's credentials belong to.
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

func (f *Face) login(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[loginRequest](f.Web, r)
	if err != nil {
		return err
	}
	a, err := f.Login.WithPassword(r.Context(), f.Web.Caller(r), login.Password{Name: in.Email, Password: in.Password})
	if err != nil {
		return err
	}
	return f.signIn(w, a)
}

func (f *Face) refresh(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[refreshRequest](f.Web, r)
	if err != nil {
		return err
	}
	a, err := f.Login.Refresh(r.Context(), f.Web.Caller(r), in.RefreshToken)
	if err != nil {
		return err
	}
	return f.signIn(w, a)
}

// signIn hands out a session, as JSON for programs and as a cookie for browsers.
func (f *Face) signIn(w http.ResponseWriter, a login.Admission) error {
	f.Web.SetSession(w, a.Access, int(a.ExpiresIn.Seconds()))
	return web.Reply(w, http.StatusOK, signedInOf(a))
}

// me is asked for by every service for every request, so its answer is kept with
// the proof.
func (f *Face) me(w http.ResponseWriter, r *http.Request) error {
	v, err := f.verified(r)
	if err != nil {
		return err
	}
	raw, err := v.Rendered(authn.SlotMe, func(v *authn.Verified) ([]byte, error) { return json.Marshal(actor.Of(v.Principal)) })
	if err != nil {
		return err
	}
	return web.ReplyJSON(w, http.StatusOK, raw)
}

func (f *Face) logout(w http.ResponseWriter, r *http.Request) error {
	caller, err := f.caller(r)
	if err != nil {
		return err
	}
	if err := f.Login.LogoutSession(r.Context(), caller); err != nil {
		return err
	}
	f.Web.SetSession(w, secret.Text{}, 0)
	return web.Reply(w, http.StatusOK, status{Status: "logged_out"})
}

func (f *Face) createKey(w http.ResponseWriter, r *http.Request) error {
	v, err := f.verified(r)
	if err != nil {
		return err
	}
	in, err := web.Decode[keyRequest](f.Web, r)
	if err != nil {
		return err
	}
	key, shown, err := f.Keys.Create(r.Context(), v.AsCaller(f.Web.Caller(r)), in.wish())
	if err != nil {
		return err
	}
	return web.Reply(w, http.StatusOK, newKeyOf(key, shown, actor.Of(v.Principal)))
}

func (f *Face) listKeys(r *http.Request, caller gate.Caller, _ struct{}) ([]listedKey, error) {
	keys, err := f.Keys.Mine(r.Context(), caller)
	list := []listedKey{}
	for _, key := range keys {
		list = append(list, listedKeyOf(key, f.Web.Clock()))
	}
	return list, err
}

func (f *Face) revokeKey(r *http.Request, caller gate.Caller, _ struct{}) (revokedKey, error) {
	id := web.PathText(r, "key_id")
	return revokedKey{Status: "deleted", KeyID: id}, f.Keys.Revoke(r.Context(), caller, gate.APIKeyID(id))
}

func (f *Face) health(w http.ResponseWriter, _ *http.Request) error {
	cause := f.Health()
	if cause == nil {
		return web.Reply(w, http.StatusOK, health{Status: "ok", Service: "auth-service"})
	}
	w.Header().Set("Retry-After", "2")
	return web.Reply(w, http.StatusServiceUnavailable, health{Status: "unavailable", Service: "auth-service", Cause: cause.Code, Detail: cause.Summary, Fix: cause.Fix})
}
