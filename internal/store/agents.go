package store

import (
	"database/sql"
	"strconv"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// agentTables has the table of each kind of agent.
var agentTables = map[gate.PrincipalKind]string{gate.KindAgent: "agents", gate.KindApp: "apps"}

const agentColumns = `p.id, p.kind, a.name, p.display_name, COALESCE(a.owner_user, ''), COALESCE(a.owner_org, ''), p.disabled_at, p.created_at, p.updated_at`

func scanAgent(row scanner) (a gate.Agent, err error) {
	err = row.Scan(&a.ID, &a.Kind, &a.Name, &a.Title, &a.Owner.User, &a.Owner.Org, at(&a.DisabledAt), at(&a.CreatedAt), at(&a.UpdatedAt))
	return a, err
}

func agentQuery(kind gate.PrincipalKind) string {
	return `SELECT ` + agentColumns + ` FROM principals p JOIN ` + agentTables[kind] + ` a ON a.tenant = p.tenant AND a.id = p.id WHERE p.tenant = $1 AND a.tenant = $1`
}

// AddAgent inserts an agent or a service. It returns gate.ErrAgentTaken when
// another one of its kind has the name, which leaves the transaction usable.
func (tx *Tx) AddAgent(a gate.Agent) (gate.Agent, error) {
	a.CreatedAt, a.UpdatedAt = tx.now, tx.now
	if err := tx.addMachine(a.ID, a.Kind, a.Title); err != nil {
		return a, err
	}
	return a, tx.nameAgent(a)
}

// nameAgent says of a principal that it is an agent.
func (tx *Tx) nameAgent(a gate.Agent) error {
	n, err := tx.exec(`INSERT INTO `+agentTables[a.Kind]+` (tenant, id, name, owner_user, owner_org) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		tx.tenant, a.ID, a.Name, nullable(string(a.Owner.User)), nullable(string(a.Owner.Org)))
	if err == nil && n == 0 {
		err = gate.ErrAgentTaken
	}
	return err
}

// MakeAgent says that a user with an address is an agent, who signs in like a
// human and acts under this name. It returns gate.ErrAgentTaken like AddAgent.
func (tx *Tx) MakeAgent(id gate.PrincipalID, name string) error {
	if err := tx.must(`UPDATE principals SET kind = 'agent' WHERE tenant = $1 AND id = $2`, tx.tenant, id); err != nil {
		return err
	}
	if err := tx.nameAgent(gate.Agent{ID: id, Kind: gate.KindAgent, Name: name}); err != nil {
		return err
	}
	return tx.changed(string(id))
}

// Agent returns the agent or service with this name, or gate.ErrNotFound.
func (tx *Tx) Agent(kind gate.PrincipalKind, name string) (gate.Agent, error) {
	return one(tx, scanAgent, agentQuery(kind)+` AND a.name = $2`, tx.tenant, name)
}

// AgentsOf returns at most limit agents or services that one of the owners
// answers for, or all if there are none to look for, by name as the engine sorts
// text, beginning after the given name.
func (tx *Tx) AgentsOf(kind gate.PrincipalKind, owners []gate.Owner, after string, limit int) ([]gate.Agent, error) {
	query, args := agentQuery(kind)+` AND a.name > $2`, []any{tx.tenant, after, limit}
	for i, o := range owners {
		column, value := "a.owner_user", string(o.User)
		if o.Org != "" {
			column, value = "a.owner_org", string(o.Org)
		}
		args = append(args, value)
		query += [...]string{" AND (", " OR "}[min(i, 1)] + column + " = " + "$" + strconv.Itoa(len(args))
	}
	if len(owners) > 0 {
		query += ")"
	}
	return many(tx, scanAgent, query+` ORDER BY a.name LIMIT $3`, args...)
}

// CountAgentsOf returns how many agents and services an owner answers for.
func (tx *Tx) CountAgentsOf(o gate.Owner) (int64, error) {
	column, value := "owner_user", string(o.User)
	if o.Org != "" {
		column, value = "owner_org", string(o.Org)
	}
	return one(tx, scanNumber, `SELECT (SELECT COUNT(*) FROM agents WHERE tenant = $1 AND `+column+` = $2) + (SELECT COUNT(*) FROM apps WHERE tenant = $1 AND `+column+` = $2)`,
		tx.tenant, value)
}

// RemoveAgent removes an agent or a service with its memberships and keys, or
// returns gate.ErrNotFound.
func (tx *Tx) RemoveAgent(id gate.PrincipalID) error {
	if err := tx.must(`DELETE FROM principals WHERE tenant = $1 AND id = $2 AND kind IN ('agent', 'app')`, tx.tenant, id); err != nil {
		return err
	}
	return tx.changed(string(id))
}

// removeAgentsOf removes the agents and services of an owner who goes: nobody
// answers for them any more.
func (tx *Tx) removeAgentsOf(column, owner string) error {
	ids, err := many(tx, scanText, `SELECT id FROM agents WHERE tenant = $1 AND `+column+` = $2 UNION ALL SELECT id FROM apps WHERE tenant = $1 AND `+column+` = $2`, tx.tenant, owner)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := tx.RemoveAgent(gate.PrincipalID(id)); err != nil {
			return err
		}
	}
	return nil
}

// Principal returns whoever has this id, of whatever kind but a node, or
// gate.ErrNotFound. An agent whose owner is gone is nobody.
func (tx *Tx) Principal(id gate.PrincipalID) (gate.Principal, error) {
	return one(tx, scanPrincipal, `SELECT p.id, p.kind, COALESCE(u.number, 0), COALESCE(a.name, s.name, u.username), p.display_name, p.disabled_at,
		`+placeColumns+`, COALESCE(a.owner_user, s.owner_user, ''), COALESCE(a.owner_org, s.owner_org, '')
		FROM principals p
		LEFT JOIN users u ON u.tenant = p.tenant AND u.id = p.id
		LEFT JOIN agents a ON a.tenant = p.tenant AND a.id = p.id
		LEFT JOIN apps s ON s.tenant = p.tenant AND s.id = p.id
		WHERE p.tenant = $1 AND p.id = $2 AND (p.kind = 'user' AND u.id IS NOT NULL OR p.kind = 'agent' AND a.id IS NOT NULL OR p.kind = 'app' AND s.id IS NOT NULL)`,
		tx.tenant, id)
}

func scanPrincipal(row scanner) (p gate.Principal, err error) {
	var name sql.NullString // users need not have one
	err = row.Scan(&p.ID, &p.Kind, &p.Number, &name, &p.Title, at(&p.DisabledAt), rolesIn{&p.Roles}, membershipsIn{&p.ID, &p.Memberships}, &p.Owner.User, &p.Owner.Org)
	p.Name = name.String
	return p, err
}
