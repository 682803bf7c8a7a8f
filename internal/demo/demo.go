// Package demo furnishes a house with the people of the microDAO city's
// documentation, whose password everybody knows. It is for trying things out on
// one's own machine, and takes care not to be used for anything else: it refuses
// a house where somebody else lives.
package demo

import (
	"context"
	"fmt"

	"github.com/gatehouse/gatehouse/internal/factor/password"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Password is everybody's.
const Password = "any"

// resident is somebody of the demo.
type resident struct {
	user  gate.User
	agent string // the name it acts under, of an agent
	roles []gate.Role
	in    map[gate.OrgID]gate.OrgRole
}

const (
	city     = gate.OrgID("daarion")
	district = gate.OrgID("7")
)

var residents = []resident{
	{
		user:  gate.User{ID: "d1a00001-0000-4000-8000-000000000001", Number: 1, Email: "admin@daarion.city", DisplayName: "Admin"},
		roles: []gate.Role{gate.RoleAdmin, gate.RoleUser}, in: map[gate.OrgID]gate.OrgRole{city: gate.OrgAdmin},
	},
	{
		user:  gate.User{ID: "d1a00093-0000-4000-8000-000000000093", Number: 93, Email: "user@daarion.city", DisplayName: "User"},
		roles: []gate.Role{gate.RoleUser}, in: map[gate.OrgID]gate.OrgRole{city: gate.OrgMember, district: gate.OrgAdmin},
	},
	{
		user:  gate.User{ID: "d1a0050f-0000-4000-8000-0000000050f1", Number: 1001, Email: "sofia@agents.daarion.city", Username: "sofia", DisplayName: "Sofia"},
		agent: "sofia", in: map[gate.OrgID]gate.OrgRole{city: gate.OrgMember},
	},
}

// Furnish makes the demo's people and microDAOs, unless they are there already.
// It returns gate.CauseInhabited for a house where others live. What it furnished
// is served as a demo only, from then on.
func Furnish(ctx context.Context, db *store.DB, hasher *password.Hasher) error {
	slot, err := hasher.Slot(ctx)
	if err != nil {
		return err
	}
	verifier, err := slot.Hash(secret.NewText(Password))
	slot.Release()
	if err != nil {
		return err
	}
	err = db.Write(ctx, gate.DefaultTenant, func(tx *store.Tx) error {
		settled, err := uninhabited(tx)
		if err != nil || settled {
			return err
		}
		for _, org := range []gate.Org{{ID: city, Name: "DAARION"}, {ID: district, Name: "microDAO 7"}} {
			org.Kind = gate.KindMicroDAO
			if _, err := tx.AddOrg(org); err != nil {
				return err
			}
		}
		for _, r := range residents {
			if err := r.moveIn(tx, verifier); err != nil {
				return fmt.Errorf("%s: %w", r.user.Email, err)
			}
		}
		if err := join(tx, city); err != nil {
			return err
		}
		if err := tx.MarkDemo(); err != nil {
			return err
		}
		return tx.Record(gate.OperatorCaller(gate.DefaultTenant).Event(gate.EventDemo, "", "", nil))
	})
	if err != nil {
		return err
	}
	// A moment later, because the oldest membership comes first wherever they are listed.
	return db.Write(ctx, gate.DefaultTenant, func(tx *store.Tx) error { return join(tx, district) })
}

// join makes everybody a member who is to be one.
func join(tx *store.Tx, org gate.OrgID) error {
	for _, r := range residents {
		if role := r.in[org]; role != "" {
			if _, err := tx.AddMember(org, r.user.ID, role); err != nil {
				return err
			}
		}
	}
	return nil
}

// uninhabited reports whether the demo's people are there already, and refuses
// if anybody else is.
func uninhabited(tx *store.Tx) (settled bool, err error) {
	users, err := tx.Users(0, len(residents)+1)
	if err != nil {
		return false, err
	}
	for i, u := range users {
		if i >= len(residents) || u.ID != residents[i].user.ID {
			return false, gate.CauseInhabited
		}
	}
	return len(users) > 0, nil
}

func (r resident) moveIn(tx *store.Tx, verifier string) error {
	email, _ := gate.ParseEmail(r.user.Email)
	user, err := tx.AddUser(r.user, email)
	if err != nil {
		return err
	}
	if r.agent != "" {
		if err := tx.MakeAgent(user.ID, r.agent); err != nil {
			return err
		}
	}
	for _, role := range r.roles {
		if _, err := tx.GrantRole(user.ID, role); err != nil {
			return err
		}
	}
	return tx.SetPasswordVerifier(user.ID, verifier)
}
