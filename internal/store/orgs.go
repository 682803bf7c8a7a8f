package store

import (
	"github.com/gatehouse/gatehouse/internal/gate"
)

const orgColumns = `o.id, o.kind, o.name, o.created_at, o.updated_at`

func orgFields(o *gate.Org) []any {
	return []any{&o.ID, &o.Kind, &o.Name, at(&o.CreatedAt), at(&o.UpdatedAt)}
}

func scanOrg(row scanner) (o gate.Org, err error) {
	err = row.Scan(orgFields(&o)...)
	return o, err
}

// AddOrg inserts an org that has no members yet.
func (tx *Tx) AddOrg(o gate.Org) (gate.Org, error) {
	o.CreatedAt, o.UpdatedAt = tx.now, tx.now
	return o, tx.must(`INSERT INTO orgs (tenant, id, kind, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)`,
		tx.tenant, o.ID, o.Kind, o.Name, tx.now.UnixMilli())
}

// Org returns the org with this id, or gate.ErrNotFound.
func (tx *Tx) Org(id gate.OrgID) (gate.Org, error) {
	return one(tx, scanOrg, `SELECT `+orgColumns+` FROM orgs o WHERE o.tenant = $1 AND o.id = $2`, tx.tenant, id)
}

// Orgs returns at most limit orgs of a kind, or of all kinds if it is "", by
// name as the engine sorts text.
func (tx *Tx) Orgs(kind gate.OrgKind, limit int) ([]gate.Org, error) {
	return many(tx, scanOrg, `SELECT `+orgColumns+` FROM orgs o WHERE o.tenant = $1 AND ($2 = '' OR o.kind = $2) ORDER BY o.name, o.id LIMIT $3`,
		tx.tenant, kind, limit)
}

// RenameOrg gives an org another name, or returns gate.ErrNotFound.
func (tx *Tx) RenameOrg(id gate.OrgID, name string) error {
	return tx.must(`UPDATE orgs SET name = $3, updated_at = $4 WHERE tenant = $1 AND id = $2`, tx.tenant, id, name, tx.now.UnixMilli())
}

// LockOrg makes every other transaction that calls it for the same org wait
// until this one ends, so that what was read of its members stays true. It
// returns gate.ErrNotFound for an org that is none. Whoever changes members,
// invitations or nodes of an org calls it first.
func (tx *Tx) LockOrg(id gate.OrgID) error {
	return tx.must(`UPDATE orgs SET kind = kind WHERE tenant = $1 AND id = $2`, tx.tenant, id)
}

// RemoveOrg removes an org with its memberships, invitations, nodes
// and agents, and returns which nodes those were: their keys are gone with them. It returns
// gate.ErrNotFound for an org that is none.
func (tx *Tx) RemoveOrg(id gate.OrgID) ([]gate.PrincipalID, error) {
	members, err := many(tx, scanText, `SELECT principal FROM memberships WHERE tenant = $1 AND org = $2`, tx.tenant, id)
	if err != nil {
		return nil, err
	}
	names, err := many(tx, scanText, `SELECT id FROM nodes WHERE tenant = $1 AND org = $2 ORDER BY id`, tx.tenant, id)
	if err != nil {
		return nil, err
	}
	if _, err := tx.exec(`DELETE FROM principals WHERE tenant = $1 AND id IN (SELECT n.id FROM nodes n WHERE n.tenant = $1 AND n.org = $2)`, tx.tenant, id); err != nil {
		return nil, err
	}
	if err := tx.removeAgentsOf("owner_org", string(id)); err != nil {
		return nil, err
	}
	if err := tx.must(`DELETE FROM orgs WHERE tenant = $1 AND id = $2`, tx.tenant, id); err != nil {
		return nil, err
	}
	for _, subject := range append(members, names...) {
		if err := tx.changed(subject); err != nil {
			return nil, err
		}
	}
	nodes := make([]gate.PrincipalID, len(names))
	for i, name := range names {
		nodes[i] = gate.PrincipalID(name)
	}
	return nodes, nil
}
