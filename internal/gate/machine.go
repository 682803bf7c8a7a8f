package gate

import "time"

// App is a service that calls others with a key of its own.
type App struct {
	ID         PrincipalID
	Name       string // what it calls itself by, unique per tenant
	Title      string // what people call it
	DisabledAt time.Time
	CreatedAt  time.Time
	RotatedAt  time.Time // zero if its key is the first one
}

// Disabled reports whether the app may not act at all.
func (a App) Disabled() bool { return !a.DisabledAt.IsZero() }

// Node is a device at the edge. It belongs to an org and is let in only to the
// services that were granted to it.
type Node struct {
	ID           PrincipalID
	Name         string // what it calls itself by, unique per tenant
	Title        string // what people call it
	Org          OrgID
	RegisteredBy PrincipalID // "" when nobody in particular
	Services     []NodeGrant // by name
	DisabledAt   time.Time
	CreatedAt    time.Time
	UpdatedAt    time.Time
	RotatedAt    time.Time // zero if its key is the first one
}

// NodeGrant lets a node in to a service.
type NodeGrant struct {
	Service   string
	GrantedAt time.Time
	GrantedBy PrincipalID // "" when the operator did
}

// Disabled reports whether the node may not act at all.
func (n Node) Disabled() bool { return !n.DisabledAt.IsZero() }

// May reports whether the node was granted the service.
func (n Node) May(service string) bool {
	for _, g := range n.Services {
		if g.Service == service {
			return true
		}
	}
	return false
}
