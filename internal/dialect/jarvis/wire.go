package jarvis

import (
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/login"
	"github.com/gatehouse/gatehouse/internal/org"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// The wire types of users and households, member for member as the original's.
// Members without a value are null, not absent.

type registerRequest struct {
	Email      string       `json:"email" format:"email" example:"ada@example.org"`
	Password   secret.Text  `json:"password" minLength:"8" maxLength:"255"`
	Username   *string      `json:"username,omitempty" maxLength:"255" nullable:"true"`
	InviteCode *secret.Text `json:"invite_code,omitempty" maxLength:"64" nullable:"true"`
}

type loginRequest struct {
	Email    string      `json:"email" format:"email" example:"ada@example.org"`
	Password secret.Text `json:"password"`
}

type refreshRequest struct {
	RefreshToken secret.Text `json:"refresh_token"`
}

type logoutRequest struct {
	RefreshToken secret.Text `json:"refresh_token"`
	AllDevices   bool        `json:"all_devices,omitempty"`
}

type passwordRequest struct {
	Password secret.Text `json:"password"`
}

type changePasswordRequest struct {
	CurrentPassword secret.Text `json:"current_password"`
	NewPassword     secret.Text `json:"new_password" minLength:"8" maxLength:"255"`
}

type switchRequest struct {
	HouseholdID string `json:"household_id"`
}

type user struct {
	ID                 int64   `json:"id"`
	Email              string  `json:"email"`
	Username           *string `json:"username"`
	IsSuperuser        bool    `json:"is_superuser"`
	MustChangePassword bool    `json:"must_change_password"`
}

type tokens struct {
	AccessToken        string `json:"access_token"`
	RefreshToken       string `json:"refresh_token"`
	TokenType          string `json:"token_type" example:"bearer"`
	User               user   `json:"user"`
	MustChangePassword bool   `json:"must_change_password"`
}

type registered struct {
	AccessToken  string     `json:"access_token"`
	RefreshToken string     `json:"refresh_token"`
	TokenType    string     `json:"token_type" example:"bearer"`
	User         user       `json:"user"`
	HouseholdID  gate.OrgID `json:"household_id" format:"uuid"`
}

type switched struct {
	AccessToken string `json:"access_token"`
	HouseholdID string `json:"household_id"`
}

type setupStatus struct {
	NeedsSetup bool `json:"needs_setup"`
}

type health struct {
	Status string `json:"status" example:"ok"`
	Cause  string `json:"cause,omitempty" doc:"why not, when not ok"`
	Detail string `json:"detail,omitempty"`
	Fix    string `json:"fix,omitempty"`
}

type nameRequest struct {
	Name string `json:"name" minLength:"1" maxLength:"255"`
}

type newHousehold struct {
	ID        gate.OrgID `json:"id" format:"uuid"`
	Name      string     `json:"name"`
	CreatedAt string     `json:"created_at" format:"date-time"`
}

type ownHousehold struct {
	ID        gate.OrgID   `json:"id" format:"uuid"`
	Name      string       `json:"name"`
	Role      gate.OrgRole `json:"role"`
	CreatedAt string       `json:"created_at" format:"date-time"`
}

type household struct {
	ID        gate.OrgID `json:"id" format:"uuid"`
	Name      string     `json:"name"`
	CreatedAt string     `json:"created_at" format:"date-time"`
	UpdatedAt string     `json:"updated_at" format:"date-time"`
}

type addMemberRequest struct {
	UserID int64   `json:"user_id"`
	Role   *string `json:"role,omitempty" enum:"member,power_user,admin"`
}

type roleRequest struct {
	Role string `json:"role" enum:"member,power_user,admin"`
}

type member struct {
	UserID    int64        `json:"user_id"`
	Username  string       `json:"username"`
	Email     string       `json:"email"`
	Role      gate.OrgRole `json:"role"`
	CreatedAt string       `json:"created_at" format:"date-time"`
}

type left struct {
	Left             bool       `json:"left"`
	HouseholdID      gate.OrgID `json:"household_id"`
	HouseholdDeleted bool       `json:"household_deleted"`
}

type joinRequest struct {
	InviteCode secret.Text `json:"invite_code" maxLength:"64"`
}

type joined struct {
	HouseholdID   gate.OrgID   `json:"household_id" format:"uuid"`
	HouseholdName string       `json:"household_name"`
	Role          gate.OrgRole `json:"role"`
}

type inviteRequest struct {
	DefaultRole   *string `json:"default_role,omitempty" enum:"member,power_user,admin"`
	MaxUses       *int64  `json:"max_uses,omitempty" minimum:"1" maximum:"1000000"`
	ExpiresInDays *int64  `json:"expires_in_days,omitempty" minimum:"1" maximum:"90"`
}

type invite struct {
	ID          int64        `json:"id"`
	HouseholdID gate.OrgID   `json:"household_id" format:"uuid"`
	Code        string       `json:"code"`
	DefaultRole gate.OrgRole `json:"default_role"`
	MaxUses     *int64       `json:"max_uses"`
	UseCount    int64        `json:"use_count"`
	ExpiresAt   string       `json:"expires_at" format:"date-time"`
	Revoked     bool         `json:"revoked"`
	CreatedAt   string       `json:"created_at" format:"date-time"`
}

type inviteCheck struct {
	Valid         bool    `json:"valid"`
	HouseholdName *string `json:"household_name"`
}

type accessClaims struct {
	Subject     string         `json:"sub"`
	Email       string         `json:"email"`
	IsSuperuser bool           `json:"is_superuser"`
	HouseholdID string         `json:"household_id,omitempty"`
	IssuedAt    int64          `json:"iat"`
	ExpiresAt   int64          `json:"exp"`
	Session     gate.SessionID `json:"sid"`
	ID          string         `json:"jti"`
}

func userOf(u gate.User) user {
	return user{
		ID: u.Number, Email: u.Email, Username: orNull(u.Name()), IsSuperuser: u.HasRole(gate.RoleAdmin), MustChangePassword: u.MustChangePassword,
	}
}

func tokensOf(a login.Admission) tokens {
	return tokens{a.Access.Reveal(), a.Refresh.Reveal(), "bearer", userOf(a.User), a.User.MustChangePassword}
}

func registeredOf(a login.Admission) registered {
	return registered{a.Access.Reveal(), a.Refresh.Reveal(), "bearer", userOf(a.User), a.Org}
}

func householdOf(o gate.Org) household {
	return household{ID: o.ID, Name: o.Name, CreatedAt: stamp(o.CreatedAt), UpdatedAt: stamp(o.UpdatedAt)}
}

func memberOf(m org.Member) member {
	name := gate.User{Username: m.Username, Email: m.Email}.Name()
	return member{UserID: m.Number, Username: name, Email: m.Email, Role: m.Role, CreatedAt: stamp(m.CreatedAt)}
}

func inviteOf(i org.Invitation) invite {
	out := invite{
		ID: i.Number, HouseholdID: i.Org, Code: i.Code.Reveal(), DefaultRole: i.Role, UseCount: i.UseCount,
		ExpiresAt: stamp(i.ExpiresAt), Revoked: !i.RevokedAt.IsZero(), CreatedAt: stamp(i.CreatedAt),
	}
	if i.MaxUses > 0 {
		out.MaxUses = &i.MaxUses
	}
	return out
}

// stamp is RFC 3339 in UTC, without a fraction when there is none.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func stampOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := stamp(t)
	return &text
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// list is never null.
func list[From, To any](all []From, one func(From) To) []To {
	out := make([]To, len(all))
	for i, each := range all {
		out[i] = one(each)
	}
	return out
}

func secretOf(text string) secret.Text { return secret.NewText(text) }
