package agent

import (
	"context"
	"errors"

	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/session"
	"github.com/gatehouse/gatehouse/internal/store"
)

// List returns at most limit agents or services that the caller manages, by name
// as the engine sorts text, beginning after the given name: their own and those
// of orgs they administer; to administrators of the house, all. A limit of 0 is
// MaxListed. A key shows those of orgs that it reaches, and none of one's own.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrForbidden, gate.ErrValidation.
func (s *Service) List(ctx context.Context, caller gate.Caller, kind gate.PrincipalKind, after string, limit int) (agents []gate.Agent, err error) {
	if caller.Principal == "" {
		return nil, gate.ErrNotAuthenticated
	}
	everything := policy.May(caller, policy.ManageMachines) == nil
	if !everything && (kind == gate.KindApp || caller.Kind != gate.KindUser) {
		return nil, gate.ErrForbidden
	}
	if !gate.CleanText(after) { // it comes from a URL; Postgres refuses to look for NUL
		return nil, gate.ErrValidation.At(gate.Problem{In: "query", Path: []string{"after"}, Rule: gate.RuleValue, Words: "a name"})
	}
	if limit <= 0 || limit > MaxListed {
		limit = MaxListed
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) error {
		var owners []gate.Owner
		if !everything {
			places, err := tx.OrgsOf(caller.Principal)
			if err != nil {
				return err
			}
			if !caller.Bounded {
				owners = append(owners, gate.Owner{User: caller.Principal})
			}
			for _, p := range places {
				if caller.Bound(p.Org.ID, p.Role).AtLeast(gate.OrgAdmin) {
					owners = append(owners, gate.Owner{Org: p.Org.ID})
				}
			}
		}
		if everything || len(owners) > 0 {
			agents, err = tx.AgentsOf(kind, owners, after, limit)
		}
		return err
	})
	return agents, err
}

// Whole is an agent with what it is in orgs, and its keys.
type Whole struct {
	gate.Agent
	Roles       []gate.Role
	Memberships []gate.Membership
	Keys        []gate.APIKey // the newest first, ended ones among them
}

// Get returns an agent or a service to who manages it.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrAgentNotFound.
func (s *Service) Get(ctx context.Context, caller gate.Caller, kind gate.PrincipalKind, name string) (w Whole, err error) {
	if caller.Principal == "" {
		return w, gate.ErrNotAuthenticated
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) error {
		if w.Agent, err = find(tx, caller, kind, name); err != nil {
			return err
		}
		p, err := tx.Principal(w.ID)
		if err != nil {
			return instead(err, gate.ErrAgentNotFound)
		}
		w.Roles, w.Memberships = p.Roles, p.Memberships
		w.Keys, err = tx.APIKeysOf(w.ID, apikey.MaxListed)
		return err
	})
	return w, err
}

// SetDisabled disables or enables an agent or a service. Disabled, nothing it
// has works any more, everywhere within a second. Doing it again does nothing.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNeedsSession,
// gate.ErrAgentNotFound.
func (s *Service) SetDisabled(ctx context.Context, caller gate.Caller, kind gate.PrincipalKind, name string, disabled bool) error {
	_, err := s.change(ctx, caller, kind, name, func(tx *store.Tx, a gate.Agent) error {
		if err := tx.HoldPassword(a.ID); err != nil { // of one that signs in, as a user who was made an agent does
			return err
		}
		changed, err := tx.SetDisabled(a.ID, disabled)
		if err != nil || !changed {
			return err
		}
		event := gate.EventAgentEnabled
		if disabled {
			event = gate.EventAgentDisabled
			if err := session.EndAll(tx, caller, a.ID, "", session.EndedByDisable); err != nil {
				return err
			}
		}
		return tx.Record(caller.Event(event, a.ID, "", nil))
	})
	return err
}

// Remove removes an agent or a service with its memberships and keys.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNeedsSession,
// gate.ErrAgentNotFound.
func (s *Service) Remove(ctx context.Context, caller gate.Caller, kind gate.PrincipalKind, name string) error {
	_, err := s.change(ctx, caller, kind, name, func(tx *store.Tx, a gate.Agent) error {
		if err := tx.RemoveAgent(a.ID); err != nil {
			return instead(err, gate.ErrAgentNotFound)
		}
		return tx.Record(caller.Event(gate.EventAgentRemoved, a.ID, "", map[string]string{"kind": string(a.Kind), "name": a.Name}))
	})
	return err
}

// Place makes an agent or a service a member of an org, or gives it another role
// there, or ends its membership if the role is "".
//
// Who manages it may, if they are at least that in the org themselves; to end a
// membership, managing it is enough. Refused: gate.ErrNotAuthenticated,
// gate.ErrNeedsSession, gate.ErrAgentNotFound, gate.ErrAgentRights,
// gate.ErrValidation for the role, gate.ErrMemberNotFound, gate.ErrOrgLimit;
// gate.ErrOrgNotFound to the operator.
func (s *Service) Place(ctx context.Context, caller gate.Caller, kind gate.PrincipalKind, name string, org gate.OrgID, role gate.OrgRole) error {
	if role != "" && !role.Known() {
		return gate.ErrValidation.At(gate.Problem{Path: []string{"role"}, Rule: gate.RuleValue, Words: "member, power_user or admin"})
	}
	_, err := s.change(ctx, caller, kind, name, func(tx *store.Tx, a gate.Agent) error {
		if !gate.CleanText(string(org)) { // as in find
			return noSuchOrg(caller)
		}
		if role == "" {
			return leave(tx, caller, a, org)
		}
		if err := mayGive(tx, caller, org, role); err != nil {
			return err
		}
		return enter(tx, caller, a, org, role)
	})
	return err
}

// mayGive asks whether the caller is in the org, today and under its lock, what
// they want to make of an agent there.
func mayGive(tx *store.Tx, caller gate.Caller, org gate.OrgID, role gate.OrgRole) error {
	if err := tx.LockOrg(org); err != nil {
		return instead(err, noSuchOrg(caller))
	}
	if caller.Principal == gate.Operator {
		return nil
	}
	m, err := tx.Membership(org, caller.Principal)
	if err == nil && !m.Role.AtLeast(role) {
		err = gate.ErrAgentRights
	}
	return instead(err, gate.ErrAgentRights)
}

// noSuchOrg is what a caller learns about an org that does not exist: what they
// learn about one they are not in. The operator is in none and may know.
func noSuchOrg(caller gate.Caller) *gate.Error {
	if caller.Principal == gate.Operator {
		return gate.ErrOrgNotFound
	}
	return gate.ErrAgentRights
}

func enter(tx *store.Tx, caller gate.Caller, a gate.Agent, org gate.OrgID, role gate.OrgRole) error {
	if err := tx.LockMember(a.ID); err != nil { // so that a count stays true
		return instead(err, gate.ErrAgentNotFound)
	}
	detail := map[string]string{"org": string(org), "role": string(role)}
	count, err := tx.CountOrgsOf(a.ID)
	if err != nil {
		return err
	}
	added, err := tx.AddMember(org, a.ID, role)
	switch {
	case err != nil:
		return err
	case added && count >= MaxOrgs:
		return gate.ErrOrgLimit
	case added:
		return tx.Record(caller.Event(gate.EventMemberAdded, a.ID, "", detail))
	}
	changed, err := tx.SetMemberRole(org, a.ID, role)
	if err != nil || !changed {
		return err
	}
	return tx.Record(caller.Event(gate.EventMemberRoleChanged, a.ID, "", detail))
}

func leave(tx *store.Tx, caller gate.Caller, a gate.Agent, org gate.OrgID) error {
	removed, err := tx.RemoveMember(org, a.ID)
	if err != nil {
		return err
	}
	if !removed {
		return gate.ErrMemberNotFound
	}
	return tx.Record(caller.Event(gate.EventMemberRemoved, a.ID, "", map[string]string{"org": string(org)}))
}

// CreateKey makes an API key for an agent or a service, which is shown this
// once.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNeedsSession,
// gate.ErrAgentNotFound, gate.ErrScope, gate.ErrValidation,
// gate.ErrAPIKeyLimit, gate.ErrAgentDisabled.
func (s *Service) CreateKey(ctx context.Context, caller gate.Caller, kind gate.PrincipalKind, name string, wish apikey.Wish) (key gate.APIKey, shown secret.Text, err error) {
	made := secret.NewAPIKey(wish.Prefix)
	_, err = s.change(ctx, caller, kind, name, func(tx *store.Tx, a gate.Agent) (err error) {
		if key, err = apikey.Make(tx, caller, a.ID, wish, made); errors.Is(err, gate.ErrPrincipalGone) {
			err = gate.ErrAgentDisabled
		}
		return err
	})
	if err != nil {
		return gate.APIKey{}, shown, err
	}
	return key, made, nil
}

// RevokeKey ends a key of an agent or a service, everywhere within a second.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNeedsSession,
// gate.ErrAgentNotFound, gate.ErrAPIKeyNotFound.
func (s *Service) RevokeKey(ctx context.Context, caller gate.Caller, kind gate.PrincipalKind, name string, key gate.APIKeyID) error {
	_, err := s.change(ctx, caller, kind, name, func(tx *store.Tx, a gate.Agent) error { return apikey.End(tx, caller, a.ID, key) })
	return err
}
