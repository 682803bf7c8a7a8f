// Package policy says who may do what: one table, and one pure function over
// the nouns of gate. Verbs ask it; faces never do.
package policy

import "github.com/gatehouse/gatehouse/internal/gate"

// Action is something that not everybody may do.
type Action string

// The actions.
const (
	CreateUsers  Action = "users.create"
	ReadUsers    Action = "users.read"
	LookUpUsers  Action = "users.look_up" // one by one, by number
	DisableUsers Action = "users.disable"
	GrantRoles   Action = "roles.grant"
	SetPasswords Action = "passwords.set"
	Introspect   Action = "tokens.introspect"
	ReadAudit    Action = "audit.read"
	ReadSettings Action = "settings.read"
	ReadOrgs     Action = "orgs.read"     // all of them
	CheckMembers Action = "members.check" // what somebody is in an org

	ManageMachines Action = "machines.manage"
	RegisterNodes  Action = "nodes.register" // whoever has a say in an org may do it there, too
	ReadNodes      Action = "nodes.read"     // one by one, by name
	KeepNodes      Action = "nodes.keep"     // an app: within its own service
)

// requirement is what an action asks of its caller.
type requirement func(gate.Caller) bool

func anybodySignedIn(c gate.Caller) bool { return c.Principal != "" }
func administrators(c gate.Caller) bool  { return c.HasRole(gate.RoleAdmin) }
func administratorsAndApps(c gate.Caller) bool {
	return administrators(c) || c.Principal != "" && c.Kind == gate.KindApp && c.Key == ""
}

var table = map[Action]requirement{
	CreateUsers:  administrators,
	ReadUsers:    administrators,
	LookUpUsers:  administratorsAndApps,
	DisableUsers: administrators,
	GrantRoles:   administrators,
	SetPasswords: administrators,
	ReadAudit:    administrators,
	ReadSettings: administratorsAndApps,
	ReadOrgs:     administrators,
	CheckMembers: administratorsAndApps,
	Introspect:   anybodySignedIn,

	ManageMachines: administrators,
	RegisterNodes:  administratorsAndApps,
	ReadNodes:      administratorsAndApps,
	KeepNodes:      administratorsAndApps,
}

// May returns nil when the caller may do it, gate.ErrForbidden when not, and
// gate.ErrNotAuthenticated when nobody knows yet who is asking.
func May(c gate.Caller, action Action) error {
	allowed, known := table[action]
	switch {
	case known && allowed(c):
		return nil
	case c.Principal == "":
		return gate.ErrNotAuthenticated
	}
	return gate.ErrForbidden
}
