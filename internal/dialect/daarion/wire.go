package daarion

import (
	"github.com/go-json-experiment/json"

	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/login"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// The wire types, member for member as the original's. Members without a value
// are null, not absent.

type registerRequest struct {
	Email       string      `json:"email" format:"email" example:"ada@example.org"`
	Password    secret.Text `json:"password" minLength:"8" maxLength:"128"`
	DisplayName *string     `json:"display_name,omitempty" maxLength:"100" nullable:"true"`
}

type loginRequest struct {
	Email    string      `json:"email" format:"email" example:"ada@example.org"`
	Password secret.Text `json:"password"`
}

type refreshRequest struct {
	RefreshToken secret.Text `json:"refresh_token"`
}

type introspectRequest struct {
	Token secret.Text `json:"token"`
}

type registered struct {
	UserID       gate.PrincipalID `json:"user_id" format:"uuid"`
	Email        string           `json:"email"`
	DisplayName  *string          `json:"display_name"`
	Roles        []gate.Role      `json:"roles"`
	MatrixUserID *string          `json:"matrix_user_id" doc:"null until the homeserver has made the account"`
}

// Tokens is what every grant of tokens answers with.
type Tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type" example:"Bearer"`
	ExpiresIn    int64  `json:"expires_in" doc:"seconds until the access token expires"`
}

type signedIn struct {
	Tokens
	User user `json:"user"`
}

type user struct {
	ID           gate.PrincipalID `json:"id" format:"uuid"`
	Email        string           `json:"email"`
	DisplayName  *string          `json:"display_name"`
	AvatarURL    *string          `json:"avatar_url"`
	Roles        []gate.Role      `json:"roles"`
	IsActive     bool             `json:"is_active"`
	CreatedAt    string           `json:"created_at" format:"date-time"`
	MatrixUserID *string          `json:"matrix_user_id" doc:"null until the homeserver has made the account"`
}

type introspected struct {
	Active  bool         `json:"active"`
	Subject *string      `json:"sub"`
	Email   *string      `json:"email"`
	Roles   *[]gate.Role `json:"roles"`
	Expires *int64       `json:"exp" doc:"seconds since 1970"`
}

type status struct {
	Status string `json:"status" example:"ok"`
}

type health struct {
	Status  string `json:"status" example:"ok"`
	Service string `json:"service"`
	Version string `json:"version"`
	Cause   string `json:"cause,omitempty" doc:"why not, when not ok"`
	Detail  string `json:"detail,omitempty"`
	Fix     string `json:"fix,omitempty"`
}

type accessClaims struct {
	Subject   gate.PrincipalID `json:"sub"`
	Email     string           `json:"email"`
	Name      *string          `json:"name"`
	Roles     []gate.Role      `json:"roles"`
	Type      string           `json:"type"`
	Issuer    string           `json:"iss"`
	IssuedAt  int64            `json:"iat"`
	ExpiresAt int64            `json:"exp"`
	Session   gate.SessionID   `json:"sid"`
	ID        string           `json:"jti"`
}

type refreshClaims struct {
	Subject   gate.PrincipalID `json:"sub"`
	SessionID gate.SessionID   `json:"session_id"`
	Type      string           `json:"type"`
	Issuer    string           `json:"iss"`
	IssuedAt  int64            `json:"iat"`
	ExpiresAt int64            `json:"exp"`
	ID        string           `json:"jti"`
}

// timestamps have microseconds, as the original's.
const timestamp = "2006-01-02T15:04:05.000000Z"

func userOf(u gate.User) user {
	return user{
		ID: u.ID, Email: u.Email, DisplayName: orNull(u.DisplayName), AvatarURL: orNull(u.AvatarURL), Roles: roleNames(u),
		IsActive: !u.Disabled(), CreatedAt: u.CreatedAt.Format(timestamp), MatrixUserID: orNull(u.MatrixUserID),
	}
}

func tokensOf(a login.Admission) Tokens {
	return Tokens{
		AccessToken: a.Access.Reveal(), RefreshToken: a.Refresh.Reveal(),
		TokenType: "Bearer", ExpiresIn: int64(a.ExpiresIn.Seconds()),
	}
}

func renderIntrospection(v *authn.Verified) ([]byte, error) {
	subject, roles, expires := string(v.User.ID), roleNames(v.User), v.ExpiresAt.Unix()
	return json.Marshal(introspected{Active: true, Subject: &subject, Email: orNull(v.User.Email), Roles: &roles, Expires: &expires})
}
