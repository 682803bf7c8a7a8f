package machine

import (
	"context"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Page says which part of a list of nodes is wanted. The zero value is the
// beginning.
type Page struct {
	AfterTitle string // title and name of the last node of the page before
	AfterName  string
	Limit      int // 0: MaxPage
}

// Nodes returns nodes of all orgs, by title and then name, for an
// administrator.
//
// Refused: gate.ErrForbidden.
func (s *Service) Nodes(ctx context.Context, caller gate.Caller, p Page) (nodes []Node, err error) {
	if err := policy.May(caller, policy.ManageMachines); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		nodes, err = tx.Nodes("", p.AfterTitle, p.AfterName, page(p.Limit))
		return err
	})
	return nodes, err
}

// NodesOf returns an org's nodes, by title and then name, for its members and
// for administrators.
//
// Refused: gate.ErrForbidden, gate.ErrNotMember, and for an administrator
// gate.ErrOrgNotFound.
func (s *Service) NodesOf(ctx context.Context, caller gate.Caller, org gate.OrgID, p Page) (nodes []Node, err error) {
	may, err := everywhere(caller, policy.ManageMachines)
	if err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		if may {
			_, err = tx.Org(org)
			err = or(err, gate.ErrOrgNotFound)
		} else {
			err = mustBe(tx, caller, org, gate.OrgMember)
		}
		if err == nil {
			nodes, err = tx.Nodes(org, p.AfterTitle, p.AfterName, page(p.Limit))
		}
		return err
	})
	return nodes, err
}

// Node returns the node with a name, for administrators and apps.
//
// Refused: gate.ErrForbidden, gate.ErrNodeNotFound.
func (s *Service) Node(ctx context.Context, caller gate.Caller, name string) (node Node, err error) {
	if err := policy.May(caller, policy.ReadNodes); err != nil {
		return node, err
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		node, err = tx.Node(name)
		return or(err, gate.ErrNodeNotFound)
	})
	return node, err
}

// Belongs reports whether the node with a name is of an org, for administrators
// and apps.
//
// Refused: gate.ErrForbidden, gate.ErrNodeNotFound.
func (s *Service) Belongs(ctx context.Context, caller gate.Caller, name string, org gate.OrgID) (bool, error) {
	node, err := s.Node(ctx, caller, name)
	return err == nil && node.Org == org, err
}

// DisableNode takes everything from a node: no service lets it in any more.
// Doing it again does nothing. Administrators may, and an app whose service the
// node was granted by somebody else, or by the app when it registered the node.
//
// Refused: gate.ErrForbidden, gate.ErrNodeNotFound.
func (s *Service) DisableNode(ctx context.Context, caller gate.Caller, name string) (Node, error) {
	return s.changeNode(ctx, caller, name, policy.KeepNodes, func(tx *store.Tx, node Node) error {
		if !keeps(caller, node.Node) {
			return gate.ErrForbidden
		}
		changed, err := tx.SetDisabled(node.ID, true)
		if err != nil || !changed {
			return err
		}
		return tx.Record(caller.Event(gate.EventNodeDisabled, node.ID, "", nil))
	})
}

// RotateNode gives a node a new key, for an administrator. The old one stops
// working at once; a disabled node stays disabled.
//
// Refused: gate.ErrForbidden, gate.ErrNodeNotFound.
func (s *Service) RotateNode(ctx context.Context, caller gate.Caller, name string) (node Node, key secret.Text, err error) {
	made := newKey()
	node, err = s.changeNode(ctx, caller, name, policy.ManageMachines, func(tx *store.Tx, node Node) error {
		if err := tx.RotateKey(node.ID, secret.DigestOf(made)); err != nil {
			return err
		}
		return tx.Record(caller.Event(gate.EventKeyRotated, node.ID, "", nil))
	})
	if err != nil {
		return node, key, err
	}
	return node, made, nil
}

// changeNode does something to a node and returns what it is after that.
func (s *Service) changeNode(ctx context.Context, caller gate.Caller, name string, action policy.Action, change func(*store.Tx, Node) error) (node Node, err error) {
	if err := policy.May(caller, action); err != nil {
		return node, err
	}
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		found, err := tx.Node(name)
		if err != nil {
			return or(err, gate.ErrNodeNotFound)
		}
		if err := change(tx, found); err != nil {
			return err
		}
		node, err = tx.Node(name)
		return err
	})
	if err != nil {
		return Node{}, err
	}
	return node, nil
}
