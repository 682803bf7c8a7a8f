// Package minos speaks the wire format of the Dante GPU platform's
// auth-service: FastAPI under /api/v1/auth on port 8000, with answers that also
// satisfy the platform's gateway, consoles and command line, which each read
// other members. It decodes, calls one verb and encodes;
// docs/dialects/minos.md lists every deviation from the original with its
// reason.
package minos

import (
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/login"
	"github.com/gatehouse/gatehouse/internal/web"
)

// Name is the face's name in settings, logs and sessions.
const Name = "minos"

// What the original called itself.
const (
	serviceName    = "DanteGPU Authentication Service"
	serviceVersion = "1.0.0"
)

// Face answers as the platform's auth-service did.
type Face struct {
	Web     *web.Face
	Login   *login.Service
	Account *account.Service
	Authn   *authn.Service
	Health  func() *gate.Cause
	Build   gate.Build
	Clock   gate.Clock
}

// Handler returns the face as one handler.
func (f *Face) Handler() (http.Handler, error) {
	f.Web.Name, f.Web.Title, f.Web.Version = Name, serviceName, serviceVersion
	f.Web.Description = "Accounts, passwords and JWTs of the platform, served by Gatehouse. " + alsoAt
	f.Web.Refuse, f.Web.RefusalBody, f.Web.Statuses = refuse, refusal{}, statuses
	handler, err := f.Web.Handler(f.routes())
	return elsewhere(handler), err
}

func (f *Face) routes() []web.Route {
	return []web.Route{
		web.Get[about]("/", "What this is", f.root).WithoutDatabase(nil),
		web.Get[health]("/health", "Is it healthy?", f.health).Unlogged().WithoutDatabase(health{}),
		web.Post(f.Web, base+"/register", "Create an account and sign in", http.StatusOK, f.register).
			Describing("Roles are not chosen here: whoever registers is a user.").
			Refusing(gate.ErrEmailTaken, gate.ErrUsernameTaken, gate.ErrWeakPassword, gate.ErrRegistrationClosed, gate.ErrRateLimited),
		web.Post(f.Web, base+"/login", "Sign in with a user name or an e-mail address", http.StatusOK, f.login).
			Describing("The name goes into username, or an address into email; one of the two has to be there.").
			Refusing(gate.ErrInvalidCredentials, gate.ErrTooManyFailures, gate.ErrRateLimited),
		web.PostBy[refreshRequest, signedIn](base+"/refresh", "Exchange a refresh token for new tokens", http.StatusOK, f.refresh).
			Describing("Each refresh token works once: keep the new one. Send it in the body.").
			Asking(web.Param{Name: "refresh_token", Doc: "Discouraged, because addresses end up in the logs of proxies: send it in the body."}).
			Refusing(gate.ErrInvalidRefresh, gate.ErrSessionEnded, gate.ErrRefreshExpired, gate.ErrPrincipalGone),
		f.bearer(web.Do(f.Web, http.MethodPost, base+"/logout", "End the session of the access token", http.StatusOK, f.caller, f.logout)),
		f.bearer(web.Get[user](base+"/profile", "Who am I?", f.profile)).Unlogged(),
		f.bearer(web.Get[user](base+"/me", "Who am I?", f.profile)).Unlogged(),
		f.bearer(web.Do(f.Web, http.MethodPut, base+"/profile", "Change my name or address", http.StatusOK, f.caller, f.updateProfile)).
			Describing("Roles and whether the account is active are not changed here, and a password with change-password.").
			Refusing(gate.ErrEmailTaken, gate.ErrUsernameTaken, gate.ErrCurrentPasswordNeeded),
		f.bearer(web.Do(f.Web, http.MethodPost, base+"/change-password", "Change my password", http.StatusOK, f.caller, f.changePassword)).
			Describing("All other sessions of the account end.").
			Refusing(gate.ErrWrongPassword, gate.ErrSamePassword, gate.ErrWeakPassword, gate.ErrTooManyFailures, gate.ErrRateLimited),
		f.bearer(web.Do(f.Web, http.MethodGet, base+"/users", "List the users", http.StatusOK, f.caller, f.users)).
			Asking(web.Param{Name: "skip", Type: "integer", Doc: "from 0 to 10000"}, web.Param{Name: "limit", Type: "integer", Doc: "from 1 to 1000"}).
			Refusing(gate.ErrForbidden, gate.ErrValidation),
		web.JWKS(f.Authn.JWKS),
		web.Version(f.Build),
	}
}

func (f *Face) bearer(r web.Route) web.Route {
	return r.ForBearer().Refusing(gate.ErrNotAuthenticated, gate.ErrInvalidToken, gate.ErrPrincipalUnknown)
}

func (f *Face) caller(r *http.Request) (gate.Caller, error) {
	caller, _, err := f.Authn.Caller(r.Context(), f.Web.Caller(r), web.Bearer(r))
	return caller, err
}

func (f *Face) register(r *http.Request, caller gate.Caller, in registerRequest) (signedIn, error) {
	a := account.Application{Email: in.Email, Password: in.Password, NameFromMail: true}
	if in.Username != nil {
		a.Username = *in.Username
	}
	admitted, err := f.Account.SignUp(r.Context(), caller, a)
	return signedInOf(admitted), short(err, "password", "Password must be at least %d characters long")
}

func (f *Face) login(r *http.Request, caller gate.Caller, in loginRequest) (signedIn, error) {
	name, err := in.name()
	if err != nil {
		return signedIn{}, err
	}
	admitted, err := f.Login.WithPassword(r.Context(), caller, login.Password{Name: name, Password: in.Password})
	return signedInOf(admitted), err
}

func (f *Face) refresh(w http.ResponseWriter, r *http.Request) error {
	presented, err := f.refreshToken(r)
	if err != nil {
		return err
	}
	admitted, err := f.Login.Refresh(r.Context(), f.Web.Caller(r), presented)
	if err != nil {
		return err
	}
	return web.Reply(w, http.StatusOK, signedInOf(admitted))
}

func (f *Face) logout(r *http.Request, caller gate.Caller, _ struct{}) (message, error) {
	return message{"Successfully logged out"}, f.Login.LogoutSession(r.Context(), caller)
}

// profile is asked for by every page of every console, so its answer is kept
// with the proof.
func (f *Face) profile(w http.ResponseWriter, r *http.Request) error {
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

func (f *Face) updateProfile(r *http.Request, caller gate.Caller, in profileRequest) (user, error) {
	u, err := f.Account.UpdateProfile(r.Context(), caller, account.Change{Email: in.Email, Username: in.Username, Password: in.Password})
	return userOf(u), err
}

func (f *Face) changePassword(r *http.Request, caller gate.Caller, in changePasswordRequest) (message, error) {
	err := f.Account.ChangePassword(r.Context(), caller, in.Current, in.New)
	return message{"Password changed successfully"}, short(err, "new_password", "New password must be at least %d characters long")
}

// users counts past skip itself: the verb pages by number.
func (f *Face) users(r *http.Request, caller gate.Caller, _ struct{}) ([]user, error) {
	skip, err := web.QueryNumber(r, "skip", 0, 0, 10_000)
	if err != nil {
		return nil, err
	}
	limit, err := web.QueryNumber(r, "limit", 100, 1, 1000)
	if err != nil {
		return nil, err
	}
	listed, err := f.Account.List(r.Context(), caller, 0, int(skip+limit))
	page := []user{}
	for _, u := range listed[min(int(skip), len(listed)):] {
		page = append(page, userOf(u))
	}
	return page, err
}

func (f *Face) root(w http.ResponseWriter, _ *http.Request) error {
	return web.Reply(w, http.StatusOK, about{Message: serviceName, Version: serviceVersion, Docs: "/docs"})
}

func (f *Face) health(w http.ResponseWriter, _ *http.Request) error {
	h := health{Status: "healthy", Service: serviceName, Timestamp: stamp(f.Clock()), Version: serviceVersion}
	cause := f.Health()
	if cause == nil {
		return web.Reply(w, http.StatusOK, h)
	}
	h.Status, h.Cause, h.Detail, h.Fix = "unavailable", cause.Code, cause.Summary, cause.Fix
	w.Header().Set("Retry-After", "2")
	return web.Reply(w, http.StatusServiceUnavailable, h)
}

// stamp is the original's, and says that it is UTC: without that, a strict
// reader (Go's time.Time) refuses it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
