package machine

import (
	"context"
	"errors"
	"slices"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Node is a node as verbs return it.
type Node = store.RegisteredNode

// Registration is a wish for a node.
type Registration struct {
	Name         string
	Title        string
	Org          gate.OrgID
	RegisteredBy int64    // the number of a member of the org, 0 for nobody in particular
	Services     []string // that it is granted from the beginning
}

// RegisterNode makes a node of an org, and its key. Administrators and apps may
// do so for every org, who is at least a power user of an org for that one. What
// an app registers is granted the app's own service, whether or not that is
// among those named.
//
// Refused, in this order: gate.ErrForbidden; gate.ErrValidation;
// gate.ErrNotMember and gate.ErrOrgRole for a user who has no say in the org;
// gate.ErrNodeTaken; gate.ErrOrgNotFound; gate.ErrUserNotFound and
// gate.ErrMemberNotFound for who is not a user, or not of the org.
func (s *Service) RegisterNode(ctx context.Context, caller gate.Caller, r Registration) (node Node, key secret.Text, err error) {
	may, err := everywhere(caller, policy.RegisterNodes)
	if err != nil {
		return node, key, err
	}
	if err := r.check(); err != nil {
		return node, key, err
	}
	made := newKey()
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		if !may {
			if err := mustBe(tx, caller, r.Org, gate.OrgPowerUser); err != nil {
				return err
			}
		}
		node, err = r.insert(tx, caller, made)
		return err
	})
	if err != nil {
		return Node{}, key, err
	}
	return node, made, nil
}

func (r Registration) check() error {
	problems := append(checkText("name", r.Name), checkText("title", r.Title)...)
	if len(r.Services) > maxServices {
		problems = append(problems, gate.Problem{Path: []string{"services"}, Rule: gate.RuleTooLong, Limit: maxServices})
	}
	for _, service := range r.Services {
		if bad := checkText("services", service); bad != nil {
			problems = append(problems, bad...)
			break
		}
	}
	return refuse(problems)
}

func (r Registration) insert(tx *store.Tx, caller gate.Caller, key secret.Text) (Node, error) {
	switch _, err := tx.Node(r.Name); {
	case err == nil:
		return Node{}, gate.ErrNodeTaken
	case !errors.Is(err, gate.ErrNotFound):
		return Node{}, err
	}
	if err := tx.LockOrg(r.Org); err != nil {
		return Node{}, or(err, gate.ErrOrgNotFound)
	}
	registrar, err := r.registrar(tx)
	if err != nil {
		return Node{}, err
	}
	node, err := tx.AddNode(gate.Node{ID: newID(), Name: r.Name, Title: r.Title, Org: r.Org, RegisteredBy: registrar})
	if err != nil {
		return Node{}, err
	}
	if err := tx.SetKey(node.ID, secret.DigestOf(key)); err != nil {
		return Node{}, err
	}
	if err := tx.Record(caller.Event(gate.EventNodeCreated, node.ID, "", map[string]string{"name": r.Name, "org": string(r.Org)})); err != nil {
		return Node{}, err
	}
	for _, service := range r.services(caller) {
		grant, err := grant(tx, caller, node.ID, service)
		if err != nil {
			return Node{}, err
		}
		node.Services = append(node.Services, grant)
	}
	return Node{Node: node, RegistrarNumber: r.RegisteredBy}, nil
}

// registrar returns the member of the org with the number.
func (r Registration) registrar(tx *store.Tx) (gate.PrincipalID, error) {
	if r.RegisteredBy == 0 {
		return "", nil
	}
	user, err := tx.UserByNumber(r.RegisteredBy)
	if err != nil {
		return "", or(err, gate.ErrUserNotFound)
	}
	_, err = tx.Membership(r.Org, user.ID)
	return user.ID, or(err, gate.ErrMemberNotFound)
}

// services returns what the node is granted, sorted and each once.
func (r Registration) services(caller gate.Caller) []string {
	all := slices.Clone(r.Services)
	if caller.Kind == gate.KindApp {
		all = append(all, caller.Name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
