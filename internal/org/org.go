// Package org owns the life of orgs: households, workspaces and other circles of
// people. It promises that nobody learns whether an org exists that they are not
// a member of, that nobody gives more than they have, and that an org with
// members has an administrator.
//
// What somebody may do is asked of their membership in the transaction of the
// deed, never of their token. Deeds upon one org wait for one another
// (store.Tx.LockOrg). Administrators of the house are members like anybody
// else; only the operator may do everything.
package org

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Service keeps the orgs of a house.
type Service struct {
	DB  *store.DB
	Box *secret.Box // seals the codes of invitations, and keys their digests

	// Guess takes one from a network's budget of codes to try, or returns
	// gate.ErrRateLimited. Nil: as many as one likes.
	Guess func(tx *store.Tx, ip string) error
}

// What there may be at most. A user's memberships are read with the user at
// every sign-in, so they have to stay few.
const (
	MaxName        = 255  // code points of a name
	MaxOrgs        = 100  // that one principal is a member of
	MaxMembers     = 1000 // of one org
	MaxInvitations = 100  // to one org that are open at a time
	MaxListed      = 1000 // in one answer
)

// What verbs answer with.
type (
	// Place is an org as one of its members sees it.
	Place = store.Place
	// Member is a user's membership, and how others know the user.
	Member = store.Member
)

// Create makes an org whose only member is the caller, as its administrator. The
// operator makes one without members.
//
// Users may call it. Refused: gate.ErrNotAuthenticated, gate.ErrForbidden,
// gate.ErrValidation for the name, gate.ErrOrgLimit.
func (s *Service) Create(ctx context.Context, caller gate.Caller, kind gate.OrgKind, name string) (org gate.Org, err error) {
	switch {
	case caller.Principal == "":
		return org, gate.ErrNotAuthenticated
	case caller.Kind != gate.KindUser && caller.Principal != gate.Operator:
		return org, gate.ErrForbidden
	}
	founder := caller.Principal
	if founder == gate.Operator {
		founder = ""
	}
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		org, err = Found(tx, caller, kind, name, founder)
		return err
	})
	return org, err
}

// Mine returns the caller's orgs of a kind, or of all kinds if it is "", by name.
// There are at most MaxOrgs. Refused: gate.ErrNotAuthenticated.
func (s *Service) Mine(ctx context.Context, caller gate.Caller, kind gate.OrgKind) (places []Place, err error) {
	if caller.Principal == "" {
		return nil, gate.ErrNotAuthenticated
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		places, err = tx.OrgsOf(caller.Principal)
		return err
	})
	places = slices.DeleteFunc(places, func(p Place) bool { return kind != "" && p.Org.Kind != kind })
	slices.SortFunc(places, func(a, b Place) int { return byName(a.Org, b.Org) })
	return places, err
}

// Get returns an org, to its members. Refused: gate.ErrNotAuthenticated,
// gate.ErrNotMember.
func (s *Service) Get(ctx context.Context, caller gate.Caller, id gate.OrgID) (org gate.Org, err error) {
	err = s.look(ctx, caller, id, gate.OrgMember, func(tx *store.Tx, _ gate.OrgRole) (err error) {
		org, err = tx.Org(id)
		return err
	})
	return org, err
}

// Rename gives an org another name, for its administrators.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNotMember, gate.ErrOrgRole,
// gate.ErrValidation for the name.
func (s *Service) Rename(ctx context.Context, caller gate.Caller, id gate.OrgID, name string) (org gate.Org, err error) {
	err = s.change(ctx, caller, id, gate.OrgAdmin, func(tx *store.Tx, _ gate.OrgRole) error {
		name, err := cleanName(name)
		if err != nil {
			return err
		}
		if err := tx.RenameOrg(id, name); err != nil {
			return err
		}
		if org, err = tx.Org(id); err != nil {
			return err
		}
		return tx.Record(event(caller, gate.EventOrgRenamed, id, nil))
	})
	return org, err
}

// Remove removes an org with its memberships, invitations and nodes, for its
// administrators. The keys of the nodes are dead at once.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNotMember, gate.ErrOrgRole.
func (s *Service) Remove(ctx context.Context, caller gate.Caller, id gate.OrgID) error {
	return s.change(ctx, caller, id, gate.OrgAdmin, func(tx *store.Tx, _ gate.OrgRole) error { return remove(tx, caller, id) })
}

func remove(tx *store.Tx, caller gate.Caller, id gate.OrgID) error {
	nodes, err := tx.RemoveOrg(id)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		if err := tx.Record(caller.Event(gate.EventNodeDisabled, node, "", map[string]string{"org": string(id), "reason": "org_removed"})); err != nil {
			return err
		}
	}
	return tx.Record(event(caller, gate.EventOrgRemoved, id, nil))
}

// All returns the first MaxListed orgs of a kind, or of all kinds if it is "",
// by name, to administrators of the house.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrForbidden.
func (s *Service) All(ctx context.Context, caller gate.Caller, kind gate.OrgKind) (orgs []gate.Org, err error) {
	if err := policy.May(caller, policy.ReadOrgs); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		orgs, err = tx.Orgs(kind, MaxListed)
		return err
	})
	slices.SortFunc(orgs, byName)
	return orgs, err
}

// byName sorts alike whatever the engine's collation is.
func byName(a, b gate.Org) int {
	return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}

// look runs fn in a transaction that reads, if the caller may do in the org what
// least may. fn is told what the caller is there.
func (s *Service) look(ctx context.Context, caller gate.Caller, id gate.OrgID, least gate.OrgRole, fn func(*store.Tx, gate.OrgRole) error) error {
	return s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) error {
		role, err := allowed(tx, caller, id, least)
		if err != nil {
			return err
		}
		return fn(tx, role)
	})
}

// change is look in a transaction that writes, while no other changes the org.
func (s *Service) change(ctx context.Context, caller gate.Caller, id gate.OrgID, least gate.OrgRole, fn func(*store.Tx, gate.OrgRole) error) error {
	return s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		// Asked before the lock, so that strangers hold nobody up, and after it,
		// because only then does the answer stay true.
		if _, err := allowed(tx, caller, id, gate.OrgMember); err != nil {
			return err
		}
		if err := tx.LockOrg(id); err != nil && !errors.Is(err, gate.ErrNotFound) {
			return err
		}
		role, err := allowed(tx, caller, id, least)
		if err != nil {
			return err
		}
		return fn(tx, role)
	})
}

// allowed returns what the caller is in an org, if that is enough.
func allowed(tx *store.Tx, caller gate.Caller, id gate.OrgID, least gate.OrgRole) (gate.OrgRole, error) {
	if caller.Principal == "" {
		return "", gate.ErrNotAuthenticated
	}
	if !gate.CleanText(string(id)) { // an id comes from a URL; Postgres refuses to look for NUL
		return "", gate.ErrNotMember
	}
	if caller.Principal == gate.Operator {
		_, err := tx.Org(id)
		return gate.OrgAdmin, instead(err, gate.ErrOrgNotFound)
	}
	m, err := tx.Membership(id, caller.Principal)
	if m.Role = caller.Bound(id, m.Role); err == nil && m.Role == "" {
		err = gate.ErrNotFound
	}
	if err == nil && !m.Role.AtLeast(least) {
		err = gate.ErrOrgRole.At(gate.Problem{Path: []string{"role"}, Rule: gate.RuleValue, Words: string(least)})
	}
	return m.Role, instead(err, gate.ErrNotMember)
}

// instead returns the refusal for what the store did not find, and any other
// error as it is.
func instead(err error, refusal *gate.Error) error {
	if errors.Is(err, gate.ErrNotFound) {
		return refusal
	}
	return err
}

// event is one about an org as a whole.
func event(caller gate.Caller, name string, id gate.OrgID, detail map[string]string) gate.Event {
	return caller.Event(name, gate.PrincipalID(id), "", detail)
}

// memberEvent is one about a member of an org.
func memberEvent(caller gate.Caller, name string, m gate.Membership) gate.Event {
	return caller.Event(name, m.Principal, "", map[string]string{"org": string(m.Org), "role": string(m.Role)})
}

func cleanName(name string) (string, error) {
	name = strings.TrimSpace(name)
	problem := gate.Problem{Path: []string{"name"}}
	switch {
	case name == "":
		problem.Rule, problem.Limit = gate.RuleTooShort, 1
	case utf8.RuneCountInString(name) > MaxName:
		problem.Rule, problem.Limit = gate.RuleTooLong, MaxName
	case !gate.CleanText(name):
		problem.Rule, problem.Words = gate.RuleValue, "text without control characters"
	default:
		return name, nil
	}
	return "", gate.ErrValidation.At(problem)
}

func knownRole(role gate.OrgRole) error {
	if role.Known() {
		return nil
	}
	return gate.ErrValidation.At(gate.Problem{Path: []string{"role"}, Rule: gate.RuleValue, Words: "member, power_user or admin"})
}
