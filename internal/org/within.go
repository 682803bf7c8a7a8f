package org

import (
	"cmp"
	"errors"
	"slices"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// What follows is for other conductors, within a transaction of their own. It
// asks nobody for permission.

// Found makes an org with one member, the founder as its administrator, or with
// none if the founder is "".
//
// Refused: gate.ErrValidation for the name, gate.ErrOrgLimit.
func Found(tx *store.Tx, caller gate.Caller, kind gate.OrgKind, name string, founder gate.PrincipalID) (gate.Org, error) {
	name, err := cleanName(name)
	if err != nil {
		return gate.Org{}, err
	}
	org, err := tx.AddOrg(gate.Org{ID: gate.OrgID(secret.RandomID()), Kind: kind, Name: name})
	if err != nil {
		return org, err
	}
	if err := tx.Record(event(caller, gate.EventOrgCreated, org.ID, map[string]string{"kind": string(kind)})); err != nil || founder == "" {
		return org, err
	}
	return org, admit(tx, caller, gate.Membership{Org: org.ID, Principal: founder, Role: gate.OrgAdmin})
}

// Enter makes a principal a member of the org that a code invites to, and uses
// the invitation. Whoever calls it for a code that somebody may be guessing
// calls TakeGuess first, outside the transaction.
//
// Refused: gate.ErrInvitation whatever is wrong with the code,
// gate.ErrAlreadyMember, gate.ErrOrgLimit. The transaction has to end with each.
func (s *Service) Enter(tx *store.Tx, caller gate.Caller, code secret.Text, id gate.PrincipalID) (gate.Org, gate.OrgRole, error) {
	digest := s.digest(tx.Tenant(), code)
	known, err := tx.InvitationByCode(digest)
	if err != nil {
		return gate.Org{}, "", instead(err, gate.ErrInvitation)
	}
	if err := tx.LockOrg(known.Org); err != nil {
		return gate.Org{}, "", instead(err, gate.ErrInvitation)
	}
	used, err := tx.UseInvitation(digest)
	if err != nil {
		return gate.Org{}, "", instead(err, gate.ErrInvitation)
	}
	if err := admit(tx, caller, gate.Membership{Org: used.Org, Principal: id, Role: used.Role}); err != nil {
		return gate.Org{}, "", err
	}
	org, err := tx.Org(used.Org)
	return org, used.Role, err
}

// Default returns the org that a principal has been a member of for longest, and
// what they are in it, or "" for who is in none.
func Default(tx *store.Tx, id gate.PrincipalID) (gate.OrgID, gate.OrgRole, error) {
	m, err := tx.OldestMembership(id)
	if errors.Is(err, gate.ErrNotFound) {
		return "", "", nil
	}
	return m.Org, m.Role, err
}

// LeaveAll ends all memberships of a principal who is about to be removed, and
// removes the orgs that nobody else is in.
//
// Refused: gate.ErrLastOrgAdmin while there are other members.
func LeaveAll(tx *store.Tx, caller gate.Caller, id gate.PrincipalID) error {
	places, err := tx.OrgsOf(id)
	if err != nil {
		return err
	}
	slices.SortFunc(places, func(a, b Place) int { return cmp.Compare(a.Org.ID, b.Org.ID) }) // two who lock in different orders wait for each other
	for _, p := range places {
		if err := tx.LockOrg(p.Org.ID); errors.Is(err, gate.ErrNotFound) {
			continue // somebody else removed it just now
		} else if err != nil {
			return err
		}
		m, err := tx.Membership(p.Org.ID, id)
		if errors.Is(err, gate.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if _, err := leave(tx, caller, m); err != nil {
			return err
		}
	}
	return nil
}
