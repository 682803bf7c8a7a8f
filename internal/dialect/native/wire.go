package native

import (
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/login"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/web"
	"github.com/gatehouse/gatehouse/internal/web/actor"
)

type registerRequest struct {
	Email       string      `json:"email" format:"email" example:"ada@example.org"`
	Password    secret.Text `json:"password" minLength:"8" maxLength:"128"`
	DisplayName string      `json:"display_name,omitempty" maxLength:"100"`
}

type loginRequest struct {
	Email    string      `json:"email" maxLength:"320" example:"ada@example.org"`
	Password secret.Text `json:"password"`
}

type refreshRequest struct {
	RefreshToken secret.Text `json:"refresh_token"`
}

type introspectForm struct {
	Token string `json:"token"`
}

// Tokens is what every grant of tokens answers with (RFC 6749 §5.1).
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
	Number       int64            `json:"number" doc:"the user's number in this tenant"`
	Email        string           `json:"email,omitempty"`
	DisplayName  string           `json:"display_name,omitempty"`
	AvatarURL    string           `json:"avatar_url,omitempty"`
	MatrixUserID string           `json:"matrix_user_id,omitempty"`
	Roles        []gate.Role      `json:"roles"`
	Disabled     bool             `json:"disabled"`
	CreatedAt    string           `json:"created_at" format:"date-time"`
}

type introspected struct {
	Active    bool             `json:"active"`
	Issuer    string           `json:"iss,omitempty"`
	Subject   gate.PrincipalID `json:"sub,omitempty"`
	Username  string           `json:"username,omitempty"`
	TokenType string           `json:"token_type,omitempty"`
	Expires   int64            `json:"exp,omitempty,omitzero"`
	ID        string           `json:"jti,omitempty"`
	Session   gate.SessionID   `json:"sid,omitempty"`
	Roles     []gate.Role      `json:"roles,omitempty"`
}

type status struct {
	Status string `json:"status" example:"ok"`
}

type readiness struct {
	Status string `json:"status" example:"ok"`
	Cause  string `json:"cause,omitempty"`
	Detail string `json:"detail,omitempty"`
	Fix    string `json:"fix,omitempty"`
}

type accessClaims struct {
	Issuer    string           `json:"iss"`
	Subject   gate.PrincipalID `json:"sub"`
	Audience  string           `json:"aud"`
	ClientID  string           `json:"client_id"`
	IssuedAt  int64            `json:"iat"`
	ExpiresAt int64            `json:"exp"`
	ID        string           `json:"jti"`
	Session   gate.SessionID   `json:"sid"`
	Roles     []gate.Role      `json:"roles"`
	Actor     actor.Identity   `json:"actor"` // for services that check the token on their own
}

func userOf(u gate.User) user {
	return user{
		ID: u.ID, Number: u.Number, Email: u.Email, DisplayName: u.DisplayName, AvatarURL: u.AvatarURL, MatrixUserID: u.MatrixUserID,
		Roles: roles(u), Disabled: u.Disabled(), CreatedAt: u.CreatedAt.Format(time.RFC3339Nano),
	}
}

func roles(u gate.User) []gate.Role {
	if u.Roles == nil {
		return []gate.Role{}
	}
	return u.Roles
}

func tokensOf(a login.Admission) Tokens {
	return Tokens{
		AccessToken: a.Access.Reveal(), RefreshToken: a.Refresh.Reveal(),
		TokenType: "Bearer", ExpiresIn: int64(a.ExpiresIn.Seconds()),
	}
}

func renderIntrospection(v *authn.Verified) ([]byte, error) {
	return json.Marshal(introspected{
		Active: true, Issuer: v.Issuer, Subject: v.User.ID, Username: v.User.Email, TokenType: "Bearer",
		Expires: v.ExpiresAt.Unix(), ID: v.TokenID, Session: v.Session, Roles: v.User.Roles,
	})
}

var statuses = web.Statuses{}

const problemMedia = "application/problem+json"

// problem is RFC 9457's, with the stable code and what is wrong with which
// field (a JSON Pointer, RFC 6901).
type problem struct {
	Type      string       `json:"type" example:"about:blank"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Code      string       `json:"code" doc:"stable; match on this"`
	RequestID string       `json:"request_id" doc:"the log has it, too"`
	Errors    []fieldError `json:"errors,omitempty"`
}

type fieldError struct {
	Pointer string `json:"pointer"`
	Rule    string `json:"rule"`
	Limit   int    `json:"limit,omitempty,omitzero"`
	Wanted  string `json:"wanted,omitempty"`
}

func refuse(w http.ResponseWriter, _ *http.Request, e *gate.Error) {
	code := statuses.Of(e)
	p := problem{
		Type: "about:blank", Title: http.StatusText(code), Status: code, Detail: e.Message, Code: e.Code, RequestID: web.RequestID(w),
	}
	for _, each := range e.Problems {
		if e.Code == gate.ErrMalformed.Code {
			p.Detail += " It cannot be read from byte " + each.Path[0] + " on."
			continue
		}
		p.Errors = append(p.Errors, fieldError{pointer(each.Path), string(each.Rule), each.Limit, each.Words})
	}
	if code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", challenge(e))
	}
	w.Header().Set("Content-Type", problemMedia)
	_ = web.Reply(w, code, p)
}

// pointer is RFC 6901's; that of the whole body is empty.
func pointer(path []string) string {
	var out strings.Builder
	for _, step := range path {
		out.WriteString("/" + escaped.Replace(step))
	}
	return out.String()
}

var escaped = strings.NewReplacer("~", "~0", "/", "~1")

// challenge is RFC 6750 §3.
func challenge(e *gate.Error) string {
	switch e.Code {
	case gate.ErrInvalidToken.Code, gate.ErrPrincipalGone.Code, gate.ErrPrincipalUnknown.Code:
		return `Bearer error="invalid_token"`
	}
	return "Bearer"
}
