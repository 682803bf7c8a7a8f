package policy

import (
	"slices"
	"strings"
	"unicode"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// Within returns an agent with no more than its owner has today: the roles that
// both hold, and in each org the lesser of what the two are there.
func Within(agent, owner gate.Principal) gate.Principal {
	return narrowed(agent, owner.HasRole, owner.RoleIn)
}

// WithinOrg returns an agent with no more than its org gives it: what it is
// there, and nothing anywhere else.
func WithinOrg(agent gate.Principal, org gate.OrgID) gate.Principal {
	nothing := func(gate.Role) bool { return false }
	return narrowed(agent, nothing, func(other gate.OrgID) gate.OrgRole {
		if other == org {
			return gate.OrgAdmin
		}
		return ""
	})
}

// A scope is a right of its principal that a key may use. A key without any
// proves who its principal is and nothing else.
const (
	ScopeAll      = "*"
	scopeRoles    = "roles:"
	scopeOrgs     = "orgs:"
	maxScopes     = 64
	maxScopeBytes = 128
)

// Narrow returns a principal with no more than the scopes of a key reach: the
// rights of today that they name, and never others.
func Narrow(p gate.Principal, scopes []string) gate.Principal {
	if slices.Contains(scopes, ScopeAll) {
		return p
	}
	covers := func(prefix, name string) bool {
		return slices.Contains(scopes, prefix+"*") || slices.Contains(scopes, prefix+name)
	}
	return narrowed(p, func(role gate.Role) bool { return covers(scopeRoles, string(role)) }, func(org gate.OrgID) gate.OrgRole {
		if covers(scopeOrgs, string(org)) {
			return gate.OrgAdmin
		}
		return ""
	})
}

func narrowed(p gate.Principal, role func(gate.Role) bool, atMost func(gate.OrgID) gate.OrgRole) gate.Principal {
	roles, memberships := p.Roles, p.Memberships
	p.Roles, p.Memberships = nil, nil
	for _, r := range roles {
		if role(r) {
			p.Roles = append(p.Roles, r)
		}
	}
	for _, m := range memberships {
		if m.Role = m.Role.Lesser(atMost(m.Org)); m.Role != "" {
			p.Memberships = append(p.Memberships, m)
		}
	}
	return p
}

// KnownScopes returns gate.ErrScope when one of them is none.
func KnownScopes(scopes []string) error {
	if len(scopes) > maxScopes {
		return gate.ErrScope
	}
	for _, scope := range scopes {
		role, isRole := strings.CutPrefix(scope, scopeRoles)
		org, isOrg := strings.CutPrefix(scope, scopeOrgs)
		named := isRole && role != "" || isOrg && org != ""
		if scope != ScopeAll && !named || len(scope) > maxScopeBytes || !gate.CleanText(scope) || strings.ContainsFunc(scope, separates) {
			return gate.ErrScope
		}
	}
	return nil
}

// separates reports whether scopes could be told apart by a sign, somewhere: then
// it is in none, so that nobody reads two where one was given.
func separates(r rune) bool { return r == ',' || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// InPerson returns nil for who signed in, and gate.ErrNeedsSession for who came
// with an API key: a key makes no keys and changes nothing that one signs in
// with.
func InPerson(c gate.Caller) error {
	switch {
	case c.Principal == "":
		return gate.ErrNotAuthenticated
	case c.Key != "" || c.Session == "" && c.Principal != gate.Operator:
		return gate.ErrNeedsSession
	}
	return nil
}
