package agent

import (
	"context"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

// SetRole gives an agent or a service a role of the house, or takes it. Doing it
// again does nothing. The role reaches as far as its owner holds it, too.
//
// Who manages it may, and gives no role that they do not hold themselves.
// Refused: gate.ErrNotAuthenticated, gate.ErrNeedsSession,
// gate.ErrAgentNotFound, gate.ErrAgentRights; gate.ErrRoleUnknown to the
// operator.
func (s *Service) SetRole(ctx context.Context, caller gate.Caller, kind gate.PrincipalKind, name string, role gate.Role, held bool) error {
	_, err := s.change(ctx, caller, kind, name, func(tx *store.Tx, a gate.Agent) error {
		change, event := tx.RevokeRole, gate.EventRoleRevoked
		if held {
			if err := mayGrant(tx, caller, role); err != nil {
				return err
			}
			change, event = tx.GrantRole, gate.EventRoleGranted
		}
		if !gate.CleanText(string(role)) { // as in find
			return nil
		}
		changed, err := change(a.ID, role)
		if err != nil || !changed {
			return err
		}
		return tx.Record(caller.Event(event, a.ID, "", map[string]string{"role": string(role)}))
	})
	return err
}

// mayGrant asks whether the caller holds today what they want to give.
func mayGrant(tx *store.Tx, caller gate.Caller, role gate.Role) error {
	if caller.Principal != gate.Operator {
		giver, err := tx.Principal(caller.Principal)
		if err == nil && (giver.Disabled() || !giver.HasRole(role)) {
			err = gate.ErrAgentRights
		}
		return instead(err, gate.ErrAgentRights)
	}
	exists, err := gate.CleanText(string(role)), error(nil)
	if exists {
		exists, err = tx.RoleExists(role)
	}
	if err == nil && !exists {
		err = gate.ErrRoleUnknown
	}
	return err
}
