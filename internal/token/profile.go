// Package token mints and verifies access and refresh tokens. What they look
// like is a face's business and arrives as a Profile; that they are signed
// with the right key, of the right type, and unambiguous, is decided here.
//
// A token that verifies is not yet a credential: whether its session lives and
// its principal may act today is asked in authn (access) and session (refresh).
package token

import (
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// Profile is how one face's tokens are made.
type Profile struct {
	Face       string
	Tenant     gate.TenantID
	Issuer     string
	Algorithm  string      // JWS alg (RFC 7518 §3.1, RFC 8037 §3.1)
	Secret     secret.Text // for HS*; with the others the tenant's own key signs
	HeaderType string      // JOSE "typ" of access tokens: "JWT", or "at+jwt" (RFC 9068 §2.1)
	AccessTTL  time.Duration
	RefreshTTL time.Duration

	// AccessClaims returns the payload of an access token.
	AccessClaims func(Grant) any
	// RefreshClaims returns the payload of a refresh token. Without it, refresh
	// tokens are opaque.
	RefreshClaims func(Grant) any
	// ClaimType is the value of the "type" claim that tells the two kinds apart
	// where the header does not: "access" and "refresh". Empty: typ decides.
	ClaimTypes bool
}

// Grant is what a token is about.
type Grant struct {
	User      gate.User
	Session   gate.SessionID
	ID        string // jti
	Issuer    string
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Claims are the parts of a verified token that the house itself reads.
type Claims struct {
	Subject   string `json:"sub"`
	Session   string `json:"sid"`
	SessionID string `json:"session_id"` // as refresh tokens of originals name it
	Type      string `json:"type"`
	ID        string `json:"jti"`
	Issuer    string `json:"iss"`
	ExpiresAt int64  `json:"exp"`
	NotBefore int64  `json:"nbf"`
}

// symmetric reports whether the profile signs with a shared secret.
func (p Profile) symmetric() bool { return len(p.Algorithm) == 5 && p.Algorithm[:2] == "HS" }
