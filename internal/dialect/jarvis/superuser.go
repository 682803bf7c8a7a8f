package jarvis

import (
	"net/http"
	"time"

	"github.com/gatehouse/gatehouse/internal/admin"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/web"
	"github.com/gatehouse/gatehouse/internal/web/fastapi"
)

// superuserRoutes are the administrators' own.
func (f *Face) superuserRoutes() []web.Route {
	return each(forUser(
		web.Do(f.Web, http.MethodGet, "/superuser/households", "All households", http.StatusOK, f.user, f.allHouseholds),
		web.Do(f.Web, http.MethodGet, "/superuser/users", "All users", http.StatusOK, f.user, f.allUsers),
		web.Do(f.Web, http.MethodGet, "/superuser/nodes", "All nodes", http.StatusOK, f.user, f.nodes),
		web.PostBy[temporaryRequest, temporary]("/superuser/users/{user_id}/temp-password", "Give somebody a password to begin with", http.StatusOK, f.temporaryPassword).
			Refusing(gate.ErrUserNotFound, gate.ErrUserDeactivated),
	), func(r web.Route) web.Route { return r.Refusing(gate.ErrForbidden) })
}

func (f *Face) settingRoutes() []web.Route {
	return forUser(
		web.Do(f.Web, http.MethodGet, "/settings/", "All settings", http.StatusOK, f.settingReader, f.settings).Refusing(gate.ErrForbidden),
		web.Do(f.Web, http.MethodGet, "/settings/categories", "What settings are about", http.StatusOK, f.settingReader, f.settingCategories).Refusing(gate.ErrForbidden),
		web.Do(f.Web, http.MethodPost, "/settings/sync-from-env", "Does nothing: settings are the environment's", http.StatusOK, f.user, f.syncSettings).Refusing(gate.ErrForbidden),
		web.Do(f.Web, http.MethodPost, "/settings/invalidate-cache", "Does nothing: no settings are cached", http.StatusOK, f.user, f.invalidateSettings).Refusing(gate.ErrForbidden),
		web.Do(f.Web, http.MethodGet, "/settings/{key}", "One setting", http.StatusOK, f.settingReader, f.setting).Refusing(gate.ErrForbidden, gate.ErrSettingUnknown),
		web.Do(f.Web, http.MethodPut, "/settings/{key}", "Refused: settings are the environment's", http.StatusForbidden, f.user, f.changeSetting).
			Refusing(gate.ErrForbidden, gate.ErrSettingFixed, gate.ErrSettingUnknown),
	)
}

type superUser struct {
	ID                 int64        `json:"id"`
	Email              string       `json:"email"`
	Username           *string      `json:"username"`
	IsActive           bool         `json:"is_active"`
	IsSuperuser        bool         `json:"is_superuser"`
	MustChangePassword bool         `json:"must_change_password"`
	CreatedAt          string       `json:"created_at" format:"date-time"`
	UpdatedAt          *string      `json:"updated_at"`
	Households         []homeOfUser `json:"households"`
}

type homeOfUser struct {
	HouseholdID   gate.OrgID   `json:"household_id"`
	HouseholdName string       `json:"household_name"`
	Role          gate.OrgRole `json:"role"`
}

type temporaryRequest struct {
	TempPassword   *secret.Text `json:"temp_password,omitempty" minLength:"8" maxLength:"255" nullable:"true"`
	ExpiresInHours *int64       `json:"expires_in_hours,omitempty" minimum:"1" maximum:"168"`
}

type temporary struct {
	TempPassword       string `json:"temp_password"`
	ExpiresAt          string `json:"expires_at" format:"date-time"`
	MustChangePassword bool   `json:"must_change_password"`
}

func (f *Face) allHouseholds(r *http.Request, caller gate.Caller, _ struct{}) ([]household, error) {
	all, err := f.Orgs.All(r.Context(), caller, gate.KindHousehold)
	return list(all, householdOf), err
}

func (f *Face) allUsers(r *http.Request, caller gate.Caller, _ struct{}) ([]superUser, error) {
	all, err := f.Account.Everybody(r.Context(), caller)
	return list(all.Users, func(u gate.User) superUser {
		return superUser{
			ID: u.Number, Email: u.Email, Username: orNull(u.Name()), IsActive: !u.Disabled(), IsSuperuser: u.HasRole(gate.RoleAdmin),
			MustChangePassword: u.MustChangePassword, CreatedAt: stamp(u.CreatedAt), UpdatedAt: stampOrNull(u.UpdatedAt),
			Households: list(u.Memberships, func(m gate.Membership) homeOfUser {
				return homeOfUser{HouseholdID: m.Org, HouseholdName: all.OrgNames[m.Org], Role: m.Role}
			}),
		}
	}), err
}

// temporaryPassword needs no body: every member of it has a default.
func (f *Face) temporaryPassword(w http.ResponseWriter, r *http.Request) error {
	caller, err := f.user(r)
	if err != nil {
		return err
	}
	number, err := web.PathNumber(r, "user_id")
	if err != nil {
		return err
	}
	in, err := web.Decode[temporaryRequest](f.Web, r)
	if err != nil && !noBody(err) {
		return err
	}
	var given secret.Text
	if in.TempPassword != nil {
		given = *in.TempPassword
	}
	lifetime := f.TemporaryFor
	if in.ExpiresInHours != nil {
		lifetime = time.Duration(*in.ExpiresInHours) * time.Hour
	}
	t, err := f.Account.SetTemporaryPassword(r.Context(), caller, number, given, lifetime)
	if err != nil {
		return err
	}
	return web.Reply(w, http.StatusOK, temporary{TempPassword: t.Password.Reveal(), ExpiresAt: stamp(t.ExpiresAt), MustChangePassword: true})
}

// noBody tells a body that is not there from one that is wrong.
func noBody(err error) bool {
	e := gate.AsError(err)
	return e.Code == gate.ErrValidation.Code && len(e.Problems) == 1 && e.Problems[0].Rule == gate.RuleMissing && len(e.Problems[0].Path) == 0
}

type setting struct {
	Key            string   `json:"key"`
	Value          string   `json:"value"`
	ValueType      string   `json:"value_type"`
	Category       string   `json:"category"`
	Description    string   `json:"description"`
	RequiresReload bool     `json:"requires_reload"`
	IsSecret       bool     `json:"is_secret"`
	EnvFallback    string   `json:"env_fallback"`
	FromDB         bool     `json:"from_db"`
	Options        []string `json:"options"`
}

type settingList struct {
	Settings []setting `json:"settings"`
	Total    int       `json:"total"`
}

type settingCategories struct {
	Categories []string `json:"categories"`
}

type settingRequest struct {
	Value *string `json:"value,omitempty" nullable:"true"`
}

type synced struct {
	Synced       []string `json:"synced"`
	TotalSynced  int      `json:"total_synced"`
	TotalSkipped int      `json:"total_skipped"`
}

type invalidated struct {
	Status      string `json:"status"`
	Invalidated int    `json:"invalidated"`
}

type settingProblem struct {
	Error settingError `json:"error"`
}

type settingError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Code    string `json:"code"`
}

func settingOf(s admin.Setting) setting {
	return setting{
		Key: s.Key, Value: s.Value, ValueType: s.Type, Category: s.Category, Description: s.Description,
		RequiresReload: true, EnvFallback: s.Env, Options: []string{},
	}
}

func (f *Face) settings(r *http.Request, caller gate.Caller, _ struct{}) (settingList, error) {
	all, err := f.Settings.All(caller)
	return settingList{Settings: list(all, settingOf), Total: len(all)}, err
}

func (f *Face) settingCategories(_ *http.Request, caller gate.Caller, _ struct{}) (settingCategories, error) {
	names, err := f.Settings.Categories(caller)
	return settingCategories{Categories: list(names, func(name string) string { return name })}, err
}

func (f *Face) setting(r *http.Request, caller gate.Caller, _ struct{}) (setting, error) {
	s, err := f.Settings.Get(caller, web.PathText(r, "key"))
	return settingOf(s), noSetting(err, r)
}

func (f *Face) changeSetting(r *http.Request, caller gate.Caller, _ settingRequest) (fastapi.Refusal, error) {
	return fastapi.Refusal{}, noSetting(f.Settings.Change(caller, web.PathText(r, "key")), r)
}

// noSetting says which setting there is not.
func noSetting(err error, r *http.Request) error {
	if e := gate.AsError(err); err != nil && e.Code == gate.ErrSettingUnknown.Code {
		return e.Saying("Setting not found: " + gate.Clip(web.PathText(r, "key"), 255))
	}
	return err
}

func (f *Face) syncSettings(_ *http.Request, caller gate.Caller, _ struct{}) (synced, error) {
	all, err := f.Settings.All(caller)
	return synced{Synced: []string{}, TotalSkipped: len(all)}, err
}

func (f *Face) invalidateSettings(_ *http.Request, caller gate.Caller, _ struct{}) (invalidated, error) {
	_, err := f.Settings.All(caller)
	return invalidated{Status: "ok"}, err
}
