// Package agent owns the life of principals that are not humans and act for
// themselves: AI agents, and services. Each has an owner, a user or an org, who
// answers for it: it may never do more than they may, nobody gives it more than
// they have, and it may do nothing while they may not. What it may do at the
// moment is worked out where its keys are verified (authn, policy.Within);
// here is who may make and change it.
package agent

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Service keeps the agents and services of a house.
type Service struct{ DB *store.DB }

// What there may be at most.
const (
	MaxName   = 255 // code points of a name or title
	MaxOwned  = 100 // agents and services of one owner
	MaxOrgs   = 100 // that one is a member of
	MaxListed = 1000
)

// Create makes an agent or a service. Without an owner the caller is; only the
// operator makes one that nobody else answers for.
//
// Users may call it for themselves, administrators of an org for the org,
// administrators of the house for everybody; services are made by
// administrators alone. Refused: gate.ErrNotAuthenticated,
// gate.ErrNeedsSession, gate.ErrForbidden, gate.ErrNotMember,
// gate.ErrValidation, gate.ErrAgentTaken, gate.ErrOrgLimit.
func (s *Service) Create(ctx context.Context, caller gate.Caller, a gate.Agent) (gate.Agent, error) {
	if err := policy.InPerson(caller); err != nil {
		return gate.Agent{}, err
	}
	if !gate.CleanText(string(a.Owner.User)) || !gate.CleanText(string(a.Owner.Org)) { // Postgres refuses to look for NUL
		return gate.Agent{}, gate.ErrValidation.At(gate.Problem{Path: []string{"owner"}, Rule: gate.RuleValue, Words: "an id"})
	}
	if a.Owner == (gate.Owner{}) && caller.Principal != gate.Operator {
		a.Owner.User = caller.Principal
	}
	if err := check(a); err != nil {
		return gate.Agent{}, err
	}
	a.ID = gate.PrincipalID(secret.RandomID())
	var made gate.Agent
	err := s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if err := mayOwn(tx, caller, a); err != nil {
			return err
		}
		if err := withinLimit(tx, a.Owner); err != nil {
			return err
		}
		var err error
		if made, err = tx.AddAgent(a); err != nil {
			return err
		}
		return tx.Record(caller.Event(gate.EventAgentCreated, a.ID, "", map[string]string{
			"kind": string(a.Kind), "name": a.Name, "owner_user": string(a.Owner.User), "owner_org": string(a.Owner.Org),
		}))
	})
	return made, err
}

// mayOwn asks whether the caller may make something that the owner answers for,
// and whether the owner can.
func mayOwn(tx *store.Tx, caller gate.Caller, a gate.Agent) error {
	if err := manages(tx, caller, a); err != nil {
		return err
	}
	switch {
	case a.Owner.Org != "":
		return instead(tx.LockOrg(a.Owner.Org), gate.ErrOrgNotFound)
	case a.Owner.User != "":
		owner, err := tx.Principal(a.Owner.User)
		if err == nil && owner.Kind != gate.KindUser {
			err = gate.ErrNotFound
		}
		if err != nil {
			return instead(err, gate.ErrUserNotFound)
		}
		return instead(tx.LockMember(owner.ID), gate.ErrUserNotFound)
	}
	return nil
}

// withinLimit counts, under the lock that mayOwn took, what an owner answers
// for.
func withinLimit(tx *store.Tx, owner gate.Owner) error {
	if owner == (gate.Owner{}) {
		return nil
	}
	count, err := tx.CountAgentsOf(owner)
	if err == nil && count >= MaxOwned {
		err = gate.ErrOrgLimit
	}
	return err
}

// manages returns nil when the caller may change the agent: its owner, an
// administrator of the org that owns it, an administrator of the house; of
// services only the latter.
func manages(tx *store.Tx, caller gate.Caller, a gate.Agent) error {
	if policy.May(caller, policy.ManageMachines) == nil {
		return nil
	}
	switch {
	case a.Kind == gate.KindApp || caller.Kind != gate.KindUser:
		return gate.ErrForbidden
	case a.Owner.Org != "":
		m, err := tx.Membership(a.Owner.Org, caller.Principal)
		if err == nil && !caller.Bound(m.Org, m.Role).AtLeast(gate.OrgAdmin) {
			err = gate.ErrForbidden
		}
		return instead(err, gate.ErrNotMember)
	case a.Owner.User != caller.Principal || caller.Bounded:
		return gate.ErrForbidden
	}
	return nil
}

// change runs fn upon an agent that the caller manages. Others learn nothing of
// it.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNeedsSession,
// gate.ErrAgentNotFound.
func (s *Service) change(ctx context.Context, caller gate.Caller, kind gate.PrincipalKind, name string, fn func(*store.Tx, gate.Agent) error) (a gate.Agent, err error) {
	if err := policy.InPerson(caller); err != nil {
		return a, err
	}
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if a, err = find(tx, caller, kind, name); err != nil {
			return err
		}
		return fn(tx, a)
	})
	return a, err
}

func find(tx *store.Tx, caller gate.Caller, kind gate.PrincipalKind, name string) (gate.Agent, error) {
	if !gate.CleanText(name) { // it comes from a URL; Postgres refuses to look for NUL
		return gate.Agent{}, gate.ErrAgentNotFound
	}
	a, err := tx.Agent(kind, name)
	if err != nil {
		return a, instead(err, gate.ErrAgentNotFound)
	}
	err = manages(tx, caller, a)
	if errors.Is(err, gate.ErrForbidden) || errors.Is(err, gate.ErrNotMember) {
		return gate.Agent{}, gate.ErrAgentNotFound
	}
	return a, err
}

func check(a gate.Agent) error {
	var problems []gate.Problem
	for _, text := range []struct{ field, value string }{{"name", a.Name}, {"title", a.Title}} {
		problem := gate.Problem{Path: []string{text.field}}
		switch {
		case text.value == "":
			problem.Rule, problem.Limit = gate.RuleTooShort, 1
		case utf8.RuneCountInString(text.value) > MaxName:
			problem.Rule, problem.Limit = gate.RuleTooLong, MaxName
		case !gate.CleanText(text.value):
			problem.Rule, problem.Words = gate.RuleValue, "text without control characters"
		case text.field == "name" && !speakable(text.value):
			problem.Rule, problem.Words = gate.RuleValue, "a name without blanks, commas, colons, slashes and invisible signs"
		default:
			continue
		}
		problems = append(problems, problem)
	}
	if a.Owner.User != "" && a.Owner.Org != "" {
		problems = append(problems, gate.Problem{Path: []string{"owner_org"}, Rule: gate.RuleValue, Words: "one owner: a user or an org"})
	}
	if len(problems) > 0 {
		return gate.ErrValidation.At(problems...)
	}
	return nil
}

// speakable reports whether a name can stand in a path and in lists, and is the
// one that people read.
func speakable(name string) bool {
	return name != "." && name != ".." && !strings.ContainsFunc(name, func(r rune) bool {
		return strings.ContainsRune("/,:", r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)
	})
}

// instead returns the refusal for what the store did not find, and any other
// error as it is.
func instead(err error, refusal *gate.Error) error {
	if errors.Is(err, gate.ErrNotFound) {
		return refusal
	}
	return err
}
