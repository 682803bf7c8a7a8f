package jarvis

import (
	"context"
	"net/http"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/login"
	"github.com/gatehouse/gatehouse/internal/web"
)

// userRoutes are under /auth, as in the service, and under /api/v0/auth, as in
// its documentation.
func (f *Face) userRoutes(base string) []web.Route {
	open := []web.Route{
		web.Post(f.Web, base+"/register", "Create an account, in a new household or in the one that invites", http.StatusCreated, f.register).
			Refusing(gate.ErrEmailTaken, gate.ErrUsernameTaken, gate.ErrInvitation, gate.ErrRegistrationClosed, gate.ErrWeakPassword, gate.ErrRateLimited),
		web.Post(f.Web, base+"/login", "Sign in with e-mail and password", http.StatusOK, f.login).
			Refusing(gate.ErrInvalidCredentials, gate.ErrPasswordExpired, gate.ErrTooManyFailures, gate.ErrRateLimited),
		web.Post(f.Web, base+"/refresh", "Exchange a refresh token for new tokens", http.StatusOK, f.refresh).
			Refusing(gate.ErrInvalidRefresh, gate.ErrRefreshExpired, gate.ErrPasswordExpired, gate.ErrRateLimited),
		web.Post(f.Web, base+"/logout", "End the session of a refresh token, or all of its owner", http.StatusNoContent, f.logout),
		web.Get[setupStatus](base+"/setup-status", "Is there a superuser yet?", f.setupStatus),
		web.Post(f.Web, base+"/setup", "Create the first superuser", http.StatusCreated, f.setup).
			Refusing(gate.ErrSetupDone, gate.ErrEmailTaken, gate.ErrWeakPassword, gate.ErrRateLimited),
	}
	return append(open, forUser(
		web.Do(f.Web, http.MethodGet, base+"/me", "Who am I?", http.StatusOK, f.user, f.me),
		web.Do(f.Web, http.MethodDelete, base+"/me", "Remove the own account", http.StatusNoContent, f.user, f.removeMe).
			Refusing(gate.ErrWrongPassword, gate.ErrAccountHasNodes, gate.ErrSoleOrgAdmin, gate.ErrLastAdmin, gate.ErrFarewell),
		web.Do(f.Web, http.MethodPost, base+"/change-password", "Choose another password", http.StatusOK, f.user, f.changePassword).
			Refusing(gate.ErrWrongPassword, gate.ErrSamePassword, gate.ErrWeakPassword, gate.ErrTooManyFailures),
		web.Do(f.Web, http.MethodPost, base+"/switch-household", "Get an access token for another household", http.StatusOK, f.user, f.switchHousehold).
			Refusing(gate.ErrNotMember),
	)...)
}

// ownRoutes are the documentation's way to look somebody up.
func (f *Face) ownRoutes() []web.Route {
	return forUser(
		web.Do(f.Web, http.MethodGet, "/api/v0/users/{user_id}", "A user by id: oneself, or for apps and superusers anybody", http.StatusOK, f.userOrApp, f.lookUp).
			Refusing(gate.ErrMissingKey, gate.ErrInvalidKey, gate.ErrForbidden, gate.ErrUserNotFound, gate.ErrValidation),
	)
}

func (in registerRequest) application() account.Application {
	a := account.Application{Email: in.Email, Password: in.Password, NameFromMail: true}
	if in.Username != nil {
		a.Username = *in.Username
	}
	if in.InviteCode != nil {
		a.Invitation = *in.InviteCode
	}
	return a
}

func (f *Face) register(r *http.Request, caller gate.Caller, in registerRequest) (registered, error) {
	a, err := f.Account.SignUp(r.Context(), caller, in.application())
	return registeredOf(a), err
}

func (f *Face) login(r *http.Request, caller gate.Caller, in loginRequest) (tokens, error) {
	a, err := f.Login.WithPassword(r.Context(), caller, login.Password{Name: in.Email, Password: in.Password})
	return tokensOf(a), err
}

func (f *Face) refresh(r *http.Request, caller gate.Caller, in refreshRequest) (tokens, error) {
	a, err := f.Login.Refresh(r.Context(), caller, in.RefreshToken)
	return tokensOf(a), err
}

func (f *Face) logout(r *http.Request, caller gate.Caller, in logoutRequest) (struct{}, error) {
	if in.AllDevices {
		return struct{}{}, f.Login.LogoutEverywhere(r.Context(), caller, in.RefreshToken)
	}
	return struct{}{}, f.Login.Logout(r.Context(), caller, in.RefreshToken)
}

func (f *Face) setupStatus(w http.ResponseWriter, r *http.Request) error {
	needed, err := f.Account.SetupNeeded(r.Context(), f.Web.Caller(r))
	if err != nil {
		return err
	}
	return web.Reply(w, http.StatusOK, setupStatus{needed})
}

func (f *Face) setup(r *http.Request, caller gate.Caller, in registerRequest) (registered, error) {
	a, err := f.Account.FirstAdmin(r.Context(), caller, in.application())
	return registeredOf(a), err
}

func (f *Face) me(r *http.Request, caller gate.Caller, _ struct{}) (user, error) {
	u, err := f.Account.Me(r.Context(), caller)
	return userOf(u), err
}

func (f *Face) removeMe(r *http.Request, caller gate.Caller, in passwordRequest) (struct{}, error) {
	var before func(context.Context) error
	if f.Farewell != nil {
		before = func(ctx context.Context) error { return f.Farewell(ctx, web.Bearer(r)) }
	}
	return struct{}{}, f.Account.RemoveSelf(r.Context(), caller, in.Password, before)
}

func (f *Face) changePassword(r *http.Request, caller gate.Caller, in changePasswordRequest) (tokens, error) {
	a, err := f.Account.RenewPassword(r.Context(), caller, in.CurrentPassword, in.NewPassword)
	return tokensOf(a), err
}

func (f *Face) switchHousehold(r *http.Request, caller gate.Caller, in switchRequest) (switched, error) {
	a, err := f.Login.SwitchOrg(r.Context(), caller, gate.OrgID(in.HouseholdID))
	return switched{AccessToken: a.Access.Reveal(), HouseholdID: in.HouseholdID}, err
}

func (f *Face) lookUp(r *http.Request, caller gate.Caller, _ struct{}) (adminUser, error) {
	number, err := web.PathNumber(r, "user_id")
	if err != nil {
		return adminUser{}, err
	}
	u, err := f.Account.FindNumber(r.Context(), caller, number)
	return adminUserOf(u), err
}
