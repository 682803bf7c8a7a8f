package minos

import (
	"net/http"

	"github.com/gatehouse/gatehouse/internal/admission"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/web"
)

type registerRequest struct {
	Username *string     `json:"username,omitempty" minLength:"3" maxLength:"50" nullable:"true" doc:"without one, the local part of the address"`
	Email    string      `json:"email" format:"email" example:"ada@example.org"`
	Password secret.Text `json:"password" doc:"8 characters or more, and hard to guess"`
}

type loginRequest struct {
	Username *string     `json:"username,omitempty" nullable:"true" doc:"a user name or an e-mail address"`
	Email    *string     `json:"email,omitempty" nullable:"true" doc:"instead of username"`
	Password secret.Text `json:"password"`
}

// name is who wants to come in; the original's member goes first.
func (in loginRequest) name() (string, error) {
	for _, name := range []*string{in.Username, in.Email} {
		if name != nil {
			return *name, nil
		}
	}
	return "", gate.ErrValidation.At(gate.Problem{Path: []string{"username"}, Rule: gate.RuleMissing})
}

type refreshRequest struct {
	RefreshToken *secret.Text `json:"refresh_token,omitempty" nullable:"true"`
}

// refreshToken is in the query, where the original wanted it, or in the body.
func (f *Face) refreshToken(r *http.Request) (secret.Text, error) {
	if values := r.URL.Query()["refresh_token"]; len(values) == 1 {
		return secret.NewText(values[0]), nil
	}
	missing := gate.ErrValidation.At(gate.Problem{In: "query", Path: []string{"refresh_token"}, Rule: gate.RuleMissing})
	if r.ContentLength == 0 {
		return secret.Text{}, missing
	}
	in, err := web.Decode[refreshRequest](f.Web, r)
	switch {
	case err != nil:
		return secret.Text{}, err
	case in.RefreshToken == nil:
		return secret.Text{}, missing
	}
	return *in.RefreshToken, nil
}

type profileRequest struct {
	Email    *string      `json:"email,omitempty" format:"email" nullable:"true"`
	Username *string      `json:"username,omitempty" minLength:"3" maxLength:"50" nullable:"true"`
	Password *secret.Text `json:"password,omitempty" nullable:"true" doc:"refused: use change-password"`
}

type changePasswordRequest struct {
	Current secret.Text `json:"current_password"`
	New     secret.Text `json:"new_password" doc:"8 characters or more, and hard to guess"`
}

// signedIn has what every client of the platform reads, whichever member it
// looks for.
type signedIn struct {
	Token        string           `json:"token" doc:"the access token"`
	AccessToken  string           `json:"access_token" doc:"the same"`
	RefreshToken string           `json:"refresh_token"`
	TokenType    string           `json:"token_type" example:"Bearer"`
	ExpiresIn    int64            `json:"expires_in" doc:"seconds until the access token expires"`
	ExpiresAt    string           `json:"expires_at" format:"date-time"`
	UserID       gate.PrincipalID `json:"user_id" format:"uuid"`
	Username     string           `json:"username"`
	Email        string           `json:"email"`
	Role         gate.Role        `json:"role"`
	Roles        []gate.Role      `json:"roles"`
	Permissions  []string         `json:"permissions"`
	User         user             `json:"user"`
}

type user struct {
	ID          gate.PrincipalID `json:"id" format:"uuid"`
	Username    string           `json:"username"`
	Email       string           `json:"email"`
	Role        gate.Role        `json:"role" doc:"the first of admin, provider, renter and user that the user has"`
	Roles       []gate.Role      `json:"roles"`
	Permissions []string         `json:"permissions"`
	IsActive    bool             `json:"is_active"`
	CreatedAt   string           `json:"created_at" format:"date-time"`
	UpdatedAt   string           `json:"updated_at" format:"date-time"`
}

type message struct {
	Message string `json:"message"`
}

type about struct {
	Message string `json:"message"`
	Version string `json:"version"`
	Docs    string `json:"docs"`
}

type health struct {
	Status    string `json:"status" example:"healthy"`
	Service   string `json:"service"`
	Timestamp string `json:"timestamp" format:"date-time"`
	Version   string `json:"version"`
	Cause     string `json:"cause,omitempty" doc:"why not, when not healthy"`
	Detail    string `json:"detail,omitempty"`
	Fix       string `json:"fix,omitempty"`
}

func userOf(u gate.User) user {
	return user{
		ID: u.ID, Username: usernameOf(u), Email: u.Email, Role: roleOf(u), Roles: rolesOf(u), Permissions: permissionsOf(u),
		IsActive: !u.Disabled(), CreatedAt: stamp(u.CreatedAt), UpdatedAt: stamp(u.UpdatedAt),
	}
}

func signedInOf(a admission.Admission) signedIn {
	u := userOf(a.User)
	return signedIn{
		Token: a.Access.Reveal(), AccessToken: a.Access.Reveal(), RefreshToken: a.Refresh.Reveal(),
		TokenType: "Bearer", ExpiresIn: int64(a.ExpiresIn.Seconds()), ExpiresAt: stamp(a.ExpiresAt),
		UserID: u.ID, Username: u.Username, Email: u.Email, Role: u.Role, Roles: u.Roles, Permissions: u.Permissions, User: u,
	}
}
