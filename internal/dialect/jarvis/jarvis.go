// Package jarvis speaks the wire format of the Jarvis home assistant's auth
// service on port 7701: users who live in households, apps that call each other
// with keys, and nodes (Raspberry Pis) that prove themselves to services. It
// decodes, calls one verb and encodes; docs/dialects/jarvis.md lists every
// deviation from the original with its reason.
package jarvis

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/admin"
	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/login"
	"github.com/gatehouse/gatehouse/internal/machine"
	"github.com/gatehouse/gatehouse/internal/org"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/web"
	"github.com/gatehouse/gatehouse/internal/web/fastapi"
)

// Name is the face's name in settings, logs and sessions.
const Name = "jarvis"

// Face answers as jarvis-auth did.
type Face struct {
	Web      *web.Face
	Login    *login.Service
	Account  *account.Service
	Authn    *authn.Service
	Orgs     *org.Service
	Machines *machine.Service
	Keys     *authn.Machines
	Admin    authn.AdminToken
	Settings *admin.Settings
	Health   func() *gate.Cause
	Build    gate.Build

	TemporaryFor time.Duration // how long a temporary password lives, unless somebody says otherwise
	// Farewell tells other services that an account goes, with its bearer; nil
	// when there is nobody to tell.
	Farewell func(ctx context.Context, bearer secret.Text) error
}

// Handler returns the face as one handler.
func (f *Face) Handler() (http.Handler, error) {
	f.Web.Name, f.Web.Title, f.Web.Version = Name, "Jarvis auth", f.Build.Version
	f.Web.Description = "Users, households, apps and nodes of a Jarvis home, served by Gatehouse."
	f.Web.Refuse, f.Web.RefusalBody, f.Web.Statuses = refuse, fastapi.Refusal{}, statuses
	routes := []web.Route{
		web.Get[health]("/health", "Is it healthy?", f.health).Unlogged().WithoutDatabase(health{}),
		web.Version(f.Build),
		web.JWKS(f.Authn.JWKS),
	}
	for _, part := range [][]web.Route{
		f.userRoutes("/auth"), f.userRoutes("/api/v0/auth"), f.ownRoutes(), f.householdRoutes(), f.invitationRoutes(),
		f.adminRoutes(), f.internalRoutes(), f.superuserRoutes(), f.settingRoutes(),
	} {
		routes = append(routes, part...)
	}
	return f.Web.Handler(routes)
}

func (f *Face) health(w http.ResponseWriter, _ *http.Request) error {
	cause := f.Health()
	if cause == nil {
		return web.Reply(w, http.StatusOK, health{Status: "ok"})
	}
	w.Header().Set("Retry-After", "2")
	return web.Reply(w, http.StatusServiceUnavailable, health{Status: "unavailable", Cause: cause.Code, Detail: cause.Summary, Fix: cause.Fix})
}

// Who asks. Each is asked before the body is read.

// user is whoever the bearer token belongs to. The original does not say what is
// wrong with a token.
func (f *Face) user(r *http.Request) (gate.Caller, error) {
	caller, _, err := f.Authn.Caller(r.Context(), f.Web.Caller(r), web.Bearer(r))
	if e := gate.AsError(err); err != nil && e.Kind == gate.Unauthenticated && e.Code != gate.ErrNotAuthenticated.Code {
		return caller, gate.ErrInvalidToken.Because(err)
	}
	return caller, err
}

// admin is whoever knows the admin token.
func (f *Face) admin(r *http.Request) (gate.Caller, error) {
	return f.Admin.Caller(f.Web.Caller(r), header(r, "X-Jarvis-Admin-Token"))
}

// Where an app says who it is.
const (
	appID  = "X-Jarvis-App-Id"
	appKey = "X-Jarvis-App-Key"
)

// app is the service whose name and key are in the headers.
func (f *Face) app(r *http.Request) (gate.Caller, error) {
	verified, err := f.verifyApp(r)
	if err != nil {
		return gate.Caller{}, err
	}
	return verified.AsCaller(f.Web.Caller(r)), nil
}

func (f *Face) verifyApp(r *http.Request) (*authn.VerifiedApp, error) {
	return f.Keys.App(r.Context(), f.Web.Tenant, r.Header.Get(appID), header(r, appKey))
}

// userOrApp is an app if there are an app's headers, else a user.
func (f *Face) userOrApp(r *http.Request) (gate.Caller, error) {
	if r.Header.Get(appID) != "" {
		return f.app(r)
	}
	return f.user(r)
}

// settingReader is userOrApp with words for who is neither.
func (f *Face) settingReader(r *http.Request) (gate.Caller, error) {
	caller, err := f.userOrApp(r)
	if e := gate.AsError(err); err != nil && e.Code == gate.ErrNotAuthenticated.Code {
		err = e.Saying("Missing authentication. Provide either Bearer token or app credentials.")
	}
	return caller, err
}

func header(r *http.Request, name string) secret.Text { return secret.NewText(r.Header.Get(name)) }

// Groups of routes that want the same caller name the same refusals.

func forUser(routes ...web.Route) []web.Route {
	return each(routes, func(r web.Route) web.Route {
		return r.ForBearer().Refusing(gate.ErrNotAuthenticated, gate.ErrInvalidToken)
	})
}

func forApp(routes ...web.Route) []web.Route {
	return each(routes, func(r web.Route) web.Route { return r.Refusing(gate.ErrMissingKey, gate.ErrInvalidKey) })
}

func forAdmin(routes ...web.Route) []web.Route {
	return each(routes, func(r web.Route) web.Route { return r.Refusing(gate.ErrAdminToken) })
}

func each(routes []web.Route, add func(web.Route) web.Route) []web.Route {
	for i := range routes {
		routes[i] = add(routes[i])
	}
	return routes
}

// AccessClaims is the payload of an access token: what Jarvis' services read,
// and the session.
func AccessClaims(g login.Grant) any {
	return accessClaims{
		Subject: Subject(g.User), Email: g.User.Email, IsSuperuser: g.User.HasRole(gate.RoleAdmin), HouseholdID: string(g.Org),
		IssuedAt: g.IssuedAt.Unix(), ExpiresAt: g.ExpiresAt.Unix(), Session: g.Session, ID: g.ID,
	}
}

// Subject is the "sub" claim: the user's number in decimal.
func Subject(u gate.User) string { return strconv.FormatInt(u.Number, 10) }
