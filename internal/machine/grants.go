package machine

import (
	"context"
	"errors"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/store"
)

// GrantService lets a node in to a service. Administrators may grant every
// service, an app only its own.
//
// Refused: gate.ErrForbidden, gate.ErrValidation, gate.ErrNodeNotFound,
// gate.ErrGrantTaken.
func (s *Service) GrantService(ctx context.Context, caller gate.Caller, name, service string) (made gate.NodeGrant, err error) {
	if err := mayGrant(caller, service); err != nil {
		return made, err
	}
	if err := refuse(checkText("service", service)); err != nil {
		return made, err
	}
	_, err = s.changeNode(ctx, caller, name, policy.KeepNodes, func(tx *store.Tx, node Node) (err error) {
		made, err = grant(tx, caller, node.ID, service)
		return err
	})
	return made, err
}

// RevokeService takes a service from a node. Administrators may take every
// service, an app only its own.
//
// Refused: gate.ErrForbidden; gate.ErrGrantNotFound, also when there is no such
// node.
func (s *Service) RevokeService(ctx context.Context, caller gate.Caller, name, service string) error {
	if err := mayGrant(caller, service); err != nil {
		return err
	}
	_, err := s.changeNode(ctx, caller, name, policy.KeepNodes, func(tx *store.Tx, node Node) error {
		revoked, err := tx.RevokeService(node.ID, service)
		if err != nil {
			return err
		}
		if !revoked {
			return gate.ErrGrantNotFound
		}
		return tx.Record(caller.Event(gate.EventServiceRevoked, node.ID, "", map[string]string{"service": service}))
	})
	if errors.Is(err, gate.ErrNodeNotFound) {
		err = gate.ErrGrantNotFound
	}
	return err
}

// mayGrant refuses an app that would open or close another's door.
func mayGrant(caller gate.Caller, service string) error {
	if err := policy.May(caller, policy.KeepNodes); err != nil {
		return err
	}
	if caller.Kind == gate.KindApp && caller.Name != service {
		return gate.ErrForbidden
	}
	return nil
}

// keeps reports whether the caller may do to the node as a whole what its
// services will notice. An app may if the node was granted its service when it
// was registered, or since then by somebody else: what an app grants itself
// later opens its own door, and gives it no say over the others'.
func keeps(caller gate.Caller, node gate.Node) bool {
	if caller.Kind != gate.KindApp {
		return true // an administrator, says the policy
	}
	for _, g := range node.Services {
		if g.Service == caller.Name && (g.GrantedBy != caller.Principal || g.GrantedAt.Equal(node.CreatedAt)) {
			return true
		}
	}
	return false
}

// grant lets a node in to a service, with its event. The operator is nobody in
// particular.
func grant(tx *store.Tx, caller gate.Caller, node gate.PrincipalID, service string) (gate.NodeGrant, error) {
	by := caller.Principal
	if by == gate.Operator {
		by = ""
	}
	made, err := tx.GrantService(node, service, by)
	if err != nil {
		return made, err
	}
	return made, tx.Record(caller.Event(gate.EventServiceGranted, node, "", map[string]string{"service": service}))
}
