package gate

import "time"

// OrgID names an org.
type OrgID string

// InvitationID names an invitation.
type InvitationID string

// OrgKind says what people call an org: the rules are the same for all.
type OrgKind string

// The kinds of orgs.
const (
	KindHousehold OrgKind = "household"
	KindMicroDAO  OrgKind = "microdao"
	KindWorkspace OrgKind = "workspace"
)

// Org is a circle of principals with roles of its own.
type Org struct {
	ID        OrgID
	Kind      OrgKind
	Name      string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// OrgRole is what a principal is within one org. It says nothing about others.
type OrgRole string

// The roles in an org, each of which may do what those before it may.
const (
	OrgMember    OrgRole = "member"
	OrgPowerUser OrgRole = "power_user"
	OrgAdmin     OrgRole = "admin"
)

var orgRanks = map[OrgRole]int{OrgMember: 1, OrgPowerUser: 2, OrgAdmin: 3}

// Known reports whether there is such a role.
func (r OrgRole) Known() bool { return orgRanks[r] > 0 }

// AtLeast reports whether r may do what other may. An unknown role may nothing.
func (r OrgRole) AtLeast(other OrgRole) bool {
	return orgRanks[r] > 0 && orgRanks[other] > 0 && orgRanks[r] >= orgRanks[other]
}

// Lesser returns the role of the two that may do less.
func (r OrgRole) Lesser(other OrgRole) OrgRole {
	if r.AtLeast(other) {
		return other
	}
	if other.AtLeast(r) {
		return r
	}
	return ""
}

// Membership is a principal's place in an org.
type Membership struct {
	Org       OrgID
	Kind      OrgKind // of the org, where it was asked for
	Principal PrincipalID
	Role      OrgRole
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Invitation lets whoever knows its code into an org, until it expires, is
// revoked or has been used MaxUses times.
type Invitation struct {
	ID        InvitationID
	Number    int64 // unique per tenant, for dialects that speak integers
	Org       OrgID
	Role      OrgRole // what who joins becomes, never admin
	CreatedBy PrincipalID
	MaxUses   int64 // 0: as often as one likes
	UseCount  int64
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt time.Time
}

// Open reports whether one may still join with it.
func (i Invitation) Open(now time.Time) bool {
	return i.RevokedAt.IsZero() && now.Before(i.ExpiresAt) && (i.MaxUses == 0 || i.UseCount < i.MaxUses)
}
