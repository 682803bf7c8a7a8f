// Package native is the house's own API, on port 8080: the same verbs as every
// dialect, refusals as RFC 9457 problems, introspection as RFC 7662 has it, and
// what load balancers ask (/livez, /readyz).
package native

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/agent"
	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/login"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/web"
	"github.com/gatehouse/gatehouse/internal/web/actor"
)

// Name is the face's name in settings, logs and sessions.
const Name = "native"

// Face is the house's own API.
type Face struct {
	Web     *web.Face
	Login   *login.Service
	Account *account.Service
	Authn   *authn.Service
	Agents  *agent.Service
	Keys    *apikey.Service
	Health  func() *gate.Cause
	Build   gate.Build
	Pages   []web.Route // HTML that shares the listener
}

// Handler returns the face as one handler.
func (f *Face) Handler() (http.Handler, error) {
	f.Web.Name, f.Web.Title, f.Web.Version = Name, "Gatehouse", f.Build.Version
	f.Web.Description = "The native API of Gatehouse. Refusals are RFC 9457 problems; match on their code."
	f.Web.Refuse, f.Web.RefusalBody, f.Web.Statuses = refuse, problem{}, statuses
	f.Web.RefusalMedia = problemMedia
	f.Web.StrictBodies = true
	routes := slices.Concat(f.actorRoutes(), f.passkeyRoutes(), f.Pages)
	return f.Web.Handler(append([]web.Route{
		web.Get[status]("/livez", "Is the process alive?", f.livez).Unlogged().WithoutDatabase(nil),
		web.Get[readiness]("/readyz", "Can it serve? If not, why?", f.readyz).Unlogged().WithoutDatabase(readiness{}),
		web.Version(f.Build),
		web.JWKS(f.Authn.JWKS),
		web.Post(f.Web, "/api/v1/register", "Create an account", http.StatusCreated, f.register).
			Refusing(gate.ErrEmailTaken, gate.ErrRegistrationClosed, gate.ErrRateLimited),
		web.Post(f.Web, "/api/v1/login", "Sign in with e-mail and password", http.StatusOK, f.login).
			Refusing(gate.ErrInvalidCredentials, gate.ErrDisabled, gate.ErrTooManyFailures, gate.ErrRateLimited, gate.ErrBusy),
		web.Post(f.Web, "/api/v1/refresh", "Exchange a refresh token for new tokens", http.StatusOK, f.refresh).
			Refusing(gate.ErrInvalidRefresh, gate.ErrSessionEnded, gate.ErrRefreshExpired, gate.ErrPrincipalGone),
		f.bearer(web.PostBy[struct{}, struct{}]("/api/v1/logout", "End the session of the access token", http.StatusNoContent, f.logout)),
		f.bearer(web.Get[user]("/api/v1/me", "Who am I?", f.me)).Unlogged(),
		f.bearer(web.PostBy[introspectForm, introspected]("/api/v1/introspect", "Is this access token good? (RFC 7662)", http.StatusOK, f.introspect)).
			Unlogged().WithForm(),
	}, routes...))
}

func (f *Face) bearer(r web.Route) web.Route {
	return r.ForBearer().Refusing(gate.ErrNotAuthenticated, gate.ErrInvalidToken, gate.ErrPrincipalGone)
}

func (f *Face) register(r *http.Request, caller gate.Caller, in registerRequest) (user, error) {
	u, err := f.Account.Register(r.Context(), caller, account.Application{Email: in.Email, Password: in.Password, DisplayName: in.DisplayName})
	return userOf(u), err
}

func (f *Face) login(r *http.Request, caller gate.Caller, in loginRequest) (signedIn, error) {
	a, err := f.Login.WithPassword(r.Context(), caller, login.Password{Name: in.Email, Password: in.Password})
	return signedIn{Tokens: tokensOf(a), User: userOf(a.User)}, err
}

func (f *Face) refresh(r *http.Request, caller gate.Caller, in refreshRequest) (Tokens, error) {
	a, err := f.Login.Refresh(r.Context(), caller, in.RefreshToken)
	return tokensOf(a), err
}

func (f *Face) logout(w http.ResponseWriter, r *http.Request) error {
	caller, _, err := f.Authn.Caller(r.Context(), f.Web.Caller(r), web.Bearer(r))
	if err != nil {
		return err
	}
	if err := f.Login.LogoutSession(r.Context(), caller); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (f *Face) me(w http.ResponseWriter, r *http.Request) error {
	_, verified, err := f.Authn.Caller(r.Context(), f.Web.Caller(r), web.Bearer(r))
	if err != nil {
		return err
	}
	raw, err := verified.Rendered(authn.SlotMe, func(v *authn.Verified) ([]byte, error) { return json.Marshal(userOf(v.User)) })
	if err != nil {
		return err
	}
	return web.ReplyJSON(w, http.StatusOK, raw)
}

func (f *Face) introspect(w http.ResponseWriter, r *http.Request) error {
	caller, _, err := f.Authn.Caller(r.Context(), f.Web.Caller(r), web.Bearer(r))
	if err != nil {
		return err
	}
	form, err := web.DecodeForm(r)
	if err != nil {
		return err
	}
	token, err := theToken(form)
	if err != nil {
		return err
	}
	verified, active, err := f.Authn.IntrospectAs(r.Context(), caller, token)
	if err != nil {
		return err
	}
	if !active {
		return web.ReplyJSON(w, http.StatusOK, []byte(`{"active":false}`)) // RFC 7662 §2.2: nothing else
	}
	raw, err := verified.Rendered(authn.SlotIntrospect, renderIntrospection)
	if err != nil {
		return err
	}
	return web.ReplyJSON(w, http.StatusOK, raw)
}

func theToken(form url.Values) (secret.Text, error) {
	if form.Get("token") == "" {
		return secret.Text{}, gate.ErrValidation.At(gate.Problem{Path: []string{"token"}, Rule: gate.RuleMissing})
	}
	return secret.NewText(form.Get("token")), nil
}

func (f *Face) livez(w http.ResponseWriter, _ *http.Request) error {
	return web.Reply(w, http.StatusOK, status{"ok"})
}

func (f *Face) readyz(w http.ResponseWriter, _ *http.Request) error {
	if cause := f.Health(); cause != nil {
		w.Header().Set("Retry-After", "2")
		return web.Reply(w, http.StatusServiceUnavailable, readiness{"unavailable", cause.Code, cause.Summary, cause.Fix})
	}
	return web.Reply(w, http.StatusOK, readiness{Status: "ok"})
}

// AccessClaims is the payload of an access token (RFC 9068 §2.2).
func AccessClaims(g login.Grant) any {
	return accessClaims{
		Issuer: g.Issuer, Subject: g.User.ID, Audience: g.Issuer, ClientID: Name, IssuedAt: g.IssuedAt.Unix(), ExpiresAt: g.ExpiresAt.Unix(),
		ID: g.ID, Session: g.Session, Roles: roles(g.User), Actor: actor.Of(g.User.Principal()),
	}
}
