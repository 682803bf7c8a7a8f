// Package gate holds the nouns of the house and the errors it can answer with.
//
// It promises to do no I/O, to carry no wire tags and to import nothing else of
// ours: every other package may speak these words, so they must not depend on
// how anything is stored, checked or sent. Rules about the nouns live in the
// verbs (session, account, login, …), shapes on the wire in the dialects.
package gate

import (
	"cmp"
	"strings"
	"time"
)

// Clock tells the time. It is injected everywhere a decision depends on it, so
// that tests decide what "later" means.
type Clock func() time.Time

// Named types for every id, so that the compiler notices a session passed where
// a principal was meant. Each is a lower-case UUID in text, except TenantID,
// which is a short name.
type (
	TenantID    string
	PrincipalID string
	SessionID   string
	EventID     string
	JobID       string
)

// DefaultTenant owns every row until an operator makes another tenant.
const DefaultTenant TenantID = "main"

// PrincipalKind says what a principal is.
type PrincipalKind string

// The four kinds of principals.
const (
	KindUser  PrincipalKind = "user"  // a human
	KindAgent PrincipalKind = "agent" // an AI agent
	KindApp   PrincipalKind = "app"   // a service
	KindNode  PrincipalKind = "node"  // a device at the edge
)

// Role is the name of a role. The three below exist in every tenant.
type Role string

// Built-in roles.
const (
	RoleUser        Role = "user"
	RoleAdmin       Role = "admin"
	RoleAgentSystem Role = "agent-system"
)

// User is a human principal as the house knows them today.
type User struct {
	ID              PrincipalID
	Kind            PrincipalKind // "" is KindUser; an agent may have an address and sign in, too
	Number          int64         // unique per tenant, for dialects that speak integers
	Email           string        // as the user typed it, whitespace removed
	EmailVerifiedAt time.Time     // when it was shown to be theirs; zero: not yet
	Username        string        // "" when unset
	DisplayName     string        // "" when unset
	AvatarURL       string        // "" when unset
	Locale          string
	Timezone        string
	MatrixUserID    string       // "" until provisioned
	Roles           []Role       // sorted by name
	Memberships     []Membership // today's, the oldest first; without times
	DisabledAt      time.Time
	CreatedAt       time.Time
	UpdatedAt       time.Time

	MustChangePassword bool      // somebody else chose it
	PasswordExpiresAt  time.Time // zero: never
}

// Name is what others see: the user name, or what stands in for one.
func (u User) Name() string {
	if u.Username != "" {
		return u.Username
	}
	if u.DisplayName != "" {
		return u.DisplayName
	}
	local, _, _ := strings.Cut(u.Email, "@")
	return local
}

// PasswordExpired reports whether the user's password was a temporary one whose
// time is over.
func (u User) PasswordExpired(now time.Time) bool {
	return !u.PasswordExpiresAt.IsZero() && !now.Before(u.PasswordExpiresAt)
}

// RoleIn returns what the user is in an org, "" when not a member.
func (u User) RoleIn(org OrgID) OrgRole {
	for _, m := range u.Memberships {
		if m.Org == org {
			return m.Role
		}
	}
	return ""
}

// Disabled reports whether the user may not act at all.
func (u User) Disabled() bool { return !u.DisabledAt.IsZero() }

// HasRole reports whether the user holds the role today.
func (u User) HasRole(role Role) bool {
	for _, r := range u.Roles {
		if r == role {
			return true
		}
	}
	return false
}

// Session is one continuous presence of a principal. A chain of refresh tokens
// (a family, RFC 6749 §1.5) hangs under it and dies with it.
type Session struct {
	ID        SessionID
	Principal PrincipalID
	Client    string // the face it was opened through
	Org       OrgID  // the org that its tokens speak of, "" for the user's oldest
	IP        string
	UserAgent string
	CreatedAt time.Time
	ExpiresAt time.Time
	EndedAt   time.Time
	EndReason string
}

// Live reports whether the session can still be used at the given time.
func (s Session) Live(now time.Time) bool {
	return s.EndedAt.IsZero() && now.Before(s.ExpiresAt)
}

// Caller is who asks, and from where. It is the second parameter of every verb
// and passed by value, so nobody can change it on the way.
type Caller struct {
	Principal PrincipalID   // "" for an anonymous caller
	Kind      PrincipalKind // "" for an anonymous caller
	Name      string        // what an app calls itself by, "" for others
	Session   SessionID     // "" unless the caller came with a session
	Key       APIKeyID      // "" unless the caller came with an API key
	Roles     []Role
	Bounded   bool         // may do less than the principal: in orgs, no more than Within says
	Within    []Membership // of a bounded caller
	Tenant    TenantID
	Client    string // the face, or "cli"
	IP        string
	UserAgent string
	RequestID string
}

// HasRole reports whether the caller holds the role.
func (c Caller) HasRole(role Role) bool { return User{Roles: c.Roles}.HasRole(role) }

// As returns the caller acting as the given user in the given session.
func (c Caller) As(user User, session SessionID) Caller {
	c.Principal, c.Kind, c.Name, c.Session, c.Roles = user.ID, cmp.Or(user.Kind, KindUser), "", session, user.Roles
	return c
}

// AsApp returns the caller acting as the given app, which has no roles.
func (c Caller) AsApp(app App) Caller {
	c.Principal, c.Kind, c.Name, c.Session, c.Roles = app.ID, KindApp, app.Name, "", nil
	return c
}

// Event is an audit record. It is written in the same transaction as the deed
// that it records, and chained to the one before it.
type Event struct {
	ID      EventID
	At      time.Time
	Name    string // see events.go
	Actor   PrincipalID
	Subject PrincipalID
	Session SessionID
	Client  string
	IP      string
	Request string
	Detail  map[string]string // never a secret
}

// Event returns an audit record of something this caller did to a subject.
func (c Caller) Event(name string, subject PrincipalID, session SessionID, detail map[string]string) Event {
	return Event{
		Name: name, Actor: c.Principal, Subject: subject, Session: session,
		Client: c.Client, IP: c.IP, Request: c.RequestID, Detail: detail,
	}
}

// Operator is whoever has a shell on the machine and so owns the house anyway.
const Operator PrincipalID = "operator"

// OperatorCaller returns the caller for the command line.
func OperatorCaller(tenant TenantID) Caller {
	return Caller{Principal: Operator, Roles: []Role{RoleAdmin}, Tenant: tenant, Client: "cli"}
}

// Build says what is running.
type Build struct {
	Version string // of the release
	Commit  string // of the source
	Time    string // of the build, RFC 3339
	Schema  int    // the newest migration it knows
}
