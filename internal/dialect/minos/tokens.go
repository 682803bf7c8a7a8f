package minos

import (
	"slices"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/login"
)

// accessClaims are what the platform's services read, each its own: the gateway
// user_id, username and role, others sub and roles.
type accessClaims struct {
	Issuer    string           `json:"iss"`
	Subject   gate.PrincipalID `json:"sub"`
	Audience  string           `json:"aud"`
	ExpiresAt int64            `json:"exp"`
	NotBefore int64            `json:"nbf"`
	IssuedAt  int64            `json:"iat"`
	ID        string           `json:"jti"`
	Session   gate.SessionID   `json:"sid"`
	Type      string           `json:"type"`
	UserID    gate.PrincipalID `json:"user_id"`
	Username  string           `json:"username"`
	Email     string           `json:"email"`
	Role      gate.Role        `json:"role"`
	Roles     []gate.Role      `json:"roles"`
}

// refreshClaims name nobody by user_id and give no role: a service that does not
// look at the type must not take it for an access token.
type refreshClaims struct {
	Issuer    string           `json:"iss"`
	Subject   gate.PrincipalID `json:"sub"`
	Audience  string           `json:"aud"`
	ExpiresAt int64            `json:"exp"`
	NotBefore int64            `json:"nbf"`
	IssuedAt  int64            `json:"iat"`
	ID        string           `json:"jti"`
	Session   gate.SessionID   `json:"session_id"`
	Type      string           `json:"type"`
}

// AccessClaims is the payload of an access token.
func AccessClaims(g login.Grant) any {
	return accessClaims{
		Issuer: g.Issuer, Subject: g.User.ID, Audience: g.Audience, ExpiresAt: g.ExpiresAt.Unix(), NotBefore: g.IssuedAt.Unix(), IssuedAt: g.IssuedAt.Unix(),
		ID: g.ID, Session: g.Session, Type: "access",
		UserID: g.User.ID, Username: usernameOf(g.User), Email: g.User.Email, Role: roleOf(g.User), Roles: rolesOf(g.User),
	}
}

// RefreshClaims is the payload of a refresh token.
func RefreshClaims(g login.Grant) any {
	return refreshClaims{
		Issuer: g.Issuer, Subject: g.User.ID, Audience: g.Audience, ExpiresAt: g.ExpiresAt.Unix(), NotBefore: g.IssuedAt.Unix(), IssuedAt: g.IssuedAt.Unix(),
		ID: g.ID, Session: g.Session, Type: "refresh",
	}
}

// usernameOf is the name that tells users apart. Accounts of other faces may have
// none, and then it is the address: never a display name, which anybody may
// choose.
func usernameOf(u gate.User) string {
	if u.Username != "" {
		return u.Username
	}
	return u.Email
}

// The platform's own roles.
const (
	roleProvider gate.Role = "provider"
	roleRenter   gate.Role = "renter"
)

// roleOf is the one role that most of the platform reads: the first of these
// that the user has.
func roleOf(u gate.User) gate.Role {
	for _, role := range []gate.Role{gate.RoleAdmin, roleProvider, roleRenter} {
		if slices.Contains(u.Roles, role) {
			return role
		}
	}
	return gate.RoleUser
}

func rolesOf(u gate.User) []gate.Role {
	if u.Roles == nil {
		return []gate.Role{}
	}
	return u.Roles
}

// permissionsOf are words for clients, which show or hide things by them. What
// somebody may do is decided by roles.
func permissionsOf(u gate.User) []string {
	switch roleOf(u) {
	case gate.RoleAdmin:
		return []string{"admin:all"}
	default:
		return []string{"user:read", "wallet:read", "job:submit"}
	}
}
