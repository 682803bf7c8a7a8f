// Package token mints and verifies access and refresh tokens. What they look
// like is a face's business and arrives as a Profile; that they are signed
// with the right key, of the right type, and unambiguous, is decided here.
//
// A token that verifies is not yet a credential: whether its session lives and
// its principal may act today is asked in authn (access) and session (refresh).
package token

import (
	"time"

	"github.com/go-json-experiment/json"

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

	// Audience is who access tokens are for: they carry it as "aud", and one without
	// it is refused (RFC 7519 §4.1.3). Refresh tokens are for the issuer then, so
	// that who looks at the audience takes none for an access token. "" for faces
	// whose originals had no such claim.
	Audience string

	// OpaqueAccess makes session tokens of access tokens: see sessiontoken.go.
	OpaqueAccess bool
	// AccessClaims returns the payload of an access token.
	AccessClaims func(Grant) any
	// RefreshClaims returns the payload of a refresh token. Without it, refresh
	// tokens are opaque.
	RefreshClaims func(Grant) any
	// Subject is the "sub" claim; nil: the user's id.
	Subject func(gate.User) string
	// ClaimType is the value of the "type" claim that tells the two kinds apart
	// where the header does not: "access" and "refresh". Empty: typ decides.
	ClaimTypes bool
}

// Grant is what a token is about.
type Grant struct {
	User      gate.User
	Session   gate.SessionID
	Org       gate.OrgID // "" for none
	ID        string     // jti
	Issuer    string
	Audience  string // "" for none
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
	Audience  names  `json:"aud"`
	ExpiresAt int64  `json:"exp"`
	NotBefore int64  `json:"nbf"`
}

// names is one text or a list of them: a token with one audience may say it
// either way (RFC 7519 §4.1.3).
type names []string

// UnmarshalJSON reads both.
func (n *names) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*n = names{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(n))
}

// SubjectOf returns what the "sub" claim of the user's access tokens says.
func (p Profile) SubjectOf(u gate.User) string {
	if p.Subject == nil {
		return string(u.ID)
	}
	return p.Subject(u)
}

// refreshAudience is who refresh tokens are for: only the issuer reads them.
func (p Profile) refreshAudience() string {
	if p.Audience == "" {
		return ""
	}
	return p.Issuer
}

// symmetric reports whether the profile signs with a shared secret.
func (p Profile) symmetric() bool { return len(p.Algorithm) == 5 && p.Algorithm[:2] == "HS" }
