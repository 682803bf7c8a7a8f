// Package daarion speaks the wire format of DAARION's auth-service: seven JSON
// endpoints on port 7020, FastAPI's error shapes, JWT pairs whose access half
// other services verify on their own with the shared secret. It decodes, calls
// one verb and encodes; docs/dialects/daarion.md lists every deviation from the
// original with its reason.
package daarion

import (
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/login"
	"github.com/gatehouse/gatehouse/internal/web"
	"github.com/gatehouse/gatehouse/internal/web/fastapi"
)

// Name is the face's name in settings, logs and sessions.
const Name = "daarion"

// Face answers as DAARION's auth-service did.
type Face struct {
	Web            *web.Face
	Login          *login.Service
	Account        *account.Service
	Authn          *authn.Service
	Health         func() *gate.Cause
	Build          gate.Build
	ServiceName    string // what /healthz calls itself
	ServiceVersion string
}

// Handler returns the face as one handler.
func (f *Face) Handler() (http.Handler, error) {
	f.Web.Name, f.Web.Title, f.Web.Version = Name, "DAARION auth-service", f.ServiceVersion
	f.Web.Description = "Registration, login, JWT issuance and token introspection, served by Gatehouse."
	f.Web.Refuse, f.Web.RefusalBody, f.Web.Statuses = refuse, fastapi.Refusal{}, statuses
	return f.Web.Handler([]web.Route{
		web.Get[health]("/healthz", "Is it healthy?", f.healthz).Unlogged().WithoutDatabase(health{}),
		web.Post(f.Web, "/api/auth/register", "Create an account", http.StatusCreated, f.register).
			Refusing(gate.ErrEmailTaken, gate.ErrRegistrationClosed, gate.ErrRateLimited),
		web.Post(f.Web, "/api/auth/login", "Sign in with e-mail and password", http.StatusOK, f.login).
			Refusing(gate.ErrInvalidCredentials, gate.ErrDisabled, gate.ErrTooManyFailures, gate.ErrRateLimited),
		web.Post(f.Web, "/api/auth/refresh", "Exchange a refresh token for new tokens", http.StatusOK, f.refresh).
			Refusing(gate.ErrInvalidRefresh, gate.ErrSessionEnded, gate.ErrRefreshExpired, gate.ErrPrincipalGone),
		web.Post(f.Web, "/api/auth/logout", "End the session of a refresh token", http.StatusOK, f.logout),
		web.Get[user]("/api/auth/me", "Who am I?", f.me).ForBearer().Unlogged().
			Refusing(gate.ErrNotAuthenticated, gate.ErrPrincipalUnknown),
		web.PostBy[introspectRequest, introspected]("/api/auth/introspect", "Is this access token good, and whose is it?", http.StatusOK, f.introspect).Unlogged(),
		web.JWKS(f.Authn.JWKS),
		web.Version(f.Build),
	})
}

func (f *Face) register(r *http.Request, caller gate.Caller, in registerRequest) (registered, error) {
	a := account.Application{Email: in.Email, Password: in.Password}
	if in.DisplayName != nil {
		a.DisplayName = *in.DisplayName
	}
	u, err := f.Account.Register(r.Context(), caller, a)
	return registered{
		UserID: u.ID, Email: u.Email, DisplayName: orNull(u.DisplayName), Roles: roleNames(u), MatrixUserID: orNull(u.MatrixUserID),
	}, err
}

func (f *Face) login(r *http.Request, caller gate.Caller, in loginRequest) (signedIn, error) {
	a, err := f.Login.WithPassword(r.Context(), caller, login.Password{Name: in.Email, Password: in.Password})
	return signedIn{Tokens: tokensOf(a), User: userOf(a.User)}, err
}

func (f *Face) refresh(r *http.Request, caller gate.Caller, in refreshRequest) (Tokens, error) {
	a, err := f.Login.Refresh(r.Context(), caller, in.RefreshToken)
	return tokensOf(a), err
}

func (f *Face) logout(r *http.Request, caller gate.Caller, in refreshRequest) (status, error) {
	return status{"ok"}, f.Login.Logout(r.Context(), caller, in.RefreshToken)
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

// introspect is called for every request of every other service, so its answer
// is kept with the proof.
func (f *Face) introspect(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[introspectRequest](f.Web, r)
	if err != nil {
		return err
	}
	verified, active, err := f.Authn.Introspect(r.Context(), in.Token)
	if err != nil {
		return err
	}
	if !active {
		return web.Reply(w, http.StatusOK, introspected{})
	}
	raw, err := verified.Rendered(authn.SlotIntrospect, renderIntrospection)
	if err != nil {
		return err
	}
	return web.ReplyJSON(w, http.StatusOK, raw)
}

func (f *Face) healthz(w http.ResponseWriter, _ *http.Request) error {
	h := health{Status: "ok", Service: f.ServiceName, Version: f.ServiceVersion}
	cause := f.Health()
	if cause == nil {
		return web.Reply(w, http.StatusOK, h)
	}
	h.Status, h.Cause, h.Detail, h.Fix = "unavailable", cause.Code, cause.Summary, cause.Fix
	w.Header().Set("Retry-After", "2")
	return web.Reply(w, http.StatusServiceUnavailable, h)
}

// AccessClaims is the payload of an access token.
func AccessClaims(g login.Grant) any {
	return accessClaims{
		Subject: g.User.ID, Email: g.User.Email, Name: orNull(g.User.DisplayName), Roles: roleNames(g.User), Type: "access",
		Issuer: g.Issuer, IssuedAt: g.IssuedAt.Unix(), ExpiresAt: g.ExpiresAt.Unix(), Session: g.Session, ID: g.ID,
	}
}

// RefreshClaims is the payload of a refresh token.
func RefreshClaims(g login.Grant) any {
	return refreshClaims{
		Subject: g.User.ID, SessionID: g.Session, Type: "refresh",
		Issuer: g.Issuer, IssuedAt: g.IssuedAt.Unix(), ExpiresAt: g.ExpiresAt.Unix(), ID: g.ID,
	}
}

// roleNames lists a user's roles as the original did: "admin" comes last.
func roleNames(u gate.User) []gate.Role {
	roles := slices.Clone(u.Roles)
	if i := slices.Index(roles, gate.RoleAdmin); i >= 0 {
		roles = append(slices.Delete(roles, i, i+1), gate.RoleAdmin)
	}
	if roles == nil {
		roles = []gate.Role{}
	}
	return roles
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
