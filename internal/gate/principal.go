package gate

import (
	"cmp"
	"time"
)

// Principal is whoever a request acts as, of whatever kind, as the house knows
// them today.
type Principal struct {
	ID          PrincipalID
	Kind        PrincipalKind
	Number      int64        // of a user, 0 for others
	Name        string       // what an agent or app calls itself by; of a user, the user name
	Title       string       // what people call it
	Roles       []Role       // sorted by name
	Memberships []Membership // the oldest first; without times
	Owner       Owner
	DisabledAt  time.Time
}

// Disabled reports whether the principal may not act at all.
func (p Principal) Disabled() bool { return !p.DisabledAt.IsZero() }

// HasRole reports whether the principal holds the role.
func (p Principal) HasRole(role Role) bool { return User{Roles: p.Roles}.HasRole(role) }

// RoleIn returns what the principal is in an org, "" when not a member.
func (p Principal) RoleIn(org OrgID) OrgRole { return User{Memberships: p.Memberships}.RoleIn(org) }

// Principal is the user without what only humans have.
func (u User) Principal() Principal {
	return Principal{
		ID: u.ID, Kind: cmp.Or(u.Kind, KindUser), Number: u.Number, Name: u.Username, Title: u.DisplayName,
		Roles: u.Roles, Memberships: u.Memberships, DisabledAt: u.DisabledAt,
	}
}

// AsKey returns the caller acting as the principal, as far as a key reaches.
func (c Caller) AsKey(p Principal, key APIKeyID) Caller {
	c.Principal, c.Kind, c.Name, c.Session, c.Roles = p.ID, p.Kind, p.Name, "", p.Roles
	c.Key, c.Bounded, c.Within = key, true, p.Memberships
	return c
}

// Bound returns what a caller who is something in an org may be there: less, if
// they came with a key that reaches less far.
func (c Caller) Bound(org OrgID, role OrgRole) OrgRole {
	if !c.Bounded {
		return role
	}
	return role.Lesser(Principal{Memberships: c.Within}.RoleIn(org))
}

// Owner is who answers for an agent or an app, and whose rights bound its own: a
// user or an org; the operator if it is neither.
type Owner struct {
	User PrincipalID
	Org  OrgID
}

// Agent is a principal that is no human and has a name of its own: an AI agent
// (KindAgent), or a service (KindApp).
type Agent struct {
	ID         PrincipalID
	Kind       PrincipalKind
	Name       string // what it calls itself by, unique per tenant and kind
	Title      string // what people call it
	Owner      Owner
	DisabledAt time.Time
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Disabled reports whether the agent may not act at all.
func (a Agent) Disabled() bool { return !a.DisabledAt.IsZero() }

// APIKeyID names an API key.
type APIKeyID string

// APIKey stands for a principal, as far as its scopes reach. The key itself is
// shown once and not kept.
type APIKey struct {
	ID        APIKeyID
	Principal PrincipalID
	Preview   string   // its first characters
	Label     string   // what its owner calls it
	Scopes    []string // see policy.Narrow
	CreatedBy PrincipalID
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	UsedAt    time.Time // zero: not yet
	RevokedAt time.Time
}

// Good reports whether the key can still be used at the given time.
func (k APIKey) Good(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}

// PasskeyID names a passkey.
type PasskeyID string

// Passkey is the public half of a credential that an authenticator holds (W3C
// Web Authentication). Bytes are base64url without padding.
type Passkey struct {
	ID             PasskeyID
	Principal      PrincipalID
	CredentialID   string
	PublicKey      string // COSE_Key (RFC 9052 §7)
	SignCount      int64
	AAGUID         string // of the model of authenticator
	Transports     []string
	BackupEligible bool
	BackedUp       bool
	Attestation    string // format of the attestation, which is not verified
	Label          string // what its owner calls it
	CreatedAt      time.Time
	UsedAt         time.Time // zero: not yet
}
