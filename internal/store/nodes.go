package store

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// RegisteredNode is a node, and the number of the user it was registered by for
// those who know users by number: 0 when there is none.
type RegisteredNode struct {
	gate.Node
	RegistrarNumber int64
}

// nodeColumns reads a whole node with its grants, a line each, from nodeTables.
const (
	nodeColumns = `p.id, n.name, p.display_name, n.org, COALESCE(n.registered_by, ''), p.disabled_at, p.created_at, p.updated_at, n.rotated_at,
		(SELECT string_agg(CAST(s.granted_at AS TEXT) || ' ' || s.granted_by || ' ' || s.service, '
' ORDER BY s.service) FROM node_services s WHERE s.tenant = p.tenant AND s.node = p.id),
		COALESCE(u.number, 0)`
	nodeTables = `principals p JOIN nodes n ON n.tenant = p.tenant AND n.id = p.id
		LEFT JOIN users u ON u.tenant = n.tenant AND u.id = n.registered_by`
)

func nodeFields(n *RegisteredNode) []any {
	return []any{&n.ID, &n.Name, &n.Title, &n.Org, &n.RegisteredBy, at(&n.DisabledAt), at(&n.CreatedAt), at(&n.UpdatedAt), at(&n.RotatedAt),
		grantsIn{&n.Services}, &n.RegistrarNumber}
}

func scanNode(row scanner) (n RegisteredNode, err error) {
	err = row.Scan(nodeFields(&n)...)
	return n, err
}

// grantsIn scans grants, a line each: when, by whom, and the service, which
// comes last because spaces may be in it. Line breaks cannot: see
// gate.CleanText.
type grantsIn struct{ to *[]gate.NodeGrant }

// Scan reads the lines.
func (l grantsIn) Scan(value any) error {
	var lines sql.NullString
	if err := lines.Scan(value); err != nil || lines.String == "" {
		return err
	}
	for line := range strings.SplitSeq(lines.String, "\n") {
		part := strings.SplitN(line, " ", 3)
		if len(part) < 3 {
			return fmt.Errorf("the grant of a node has %d parts", len(part))
		}
		ms, err := strconv.ParseInt(part[0], 10, 64)
		if err != nil {
			return err
		}
		*l.to = append(*l.to, gate.NodeGrant{Service: part[2], GrantedAt: time.UnixMilli(ms).UTC(), GrantedBy: gate.PrincipalID(part[1])})
	}
	return nil
}

// AddNode inserts a node that has neither key nor grants yet. It returns
// gate.ErrNodeTaken when another node has the name, which leaves the transaction
// usable, and fails when there is no such org.
func (tx *Tx) AddNode(n gate.Node) (gate.Node, error) {
	n.CreatedAt, n.UpdatedAt = tx.now, tx.now
	if err := tx.addMachine(n.ID, gate.KindNode, n.Title); err != nil {
		return n, err
	}
	added, err := tx.exec(`INSERT INTO nodes (tenant, id, name, org, registered_by) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		tx.tenant, n.ID, n.Name, n.Org, nullable(string(n.RegisteredBy)))
	if err == nil && added == 0 {
		err = gate.ErrNodeTaken
	}
	return n, err
}

// Node returns the node with this name, or gate.ErrNotFound.
func (tx *Tx) Node(name string) (RegisteredNode, error) {
	return one(tx, scanNode, `SELECT `+nodeColumns+` FROM `+nodeTables+` WHERE p.tenant = $1 AND n.tenant = $1 AND n.name = $2`, tx.tenant, name)
}

// Nodes returns at most limit nodes of an org, or of all orgs if it is "", by
// title and then name as the engine sorts text, beginning after the given title
// and name.
func (tx *Tx) Nodes(org gate.OrgID, afterTitle, afterName string, limit int) ([]RegisteredNode, error) {
	where, args := `p.tenant = $1 AND n.tenant = $1 AND (p.display_name, n.name) > ($2, $3)`, []any{tx.tenant, afterTitle, afterName, limit}
	if org != "" {
		where, args = where+` AND n.org = $5`, append(args, org)
	}
	return many(tx, scanNode, `SELECT `+nodeColumns+` FROM `+nodeTables+` WHERE `+where+` ORDER BY p.display_name, n.name LIMIT $4`, args...)
}

// NodesRegisteredBy counts the nodes that a user registered, disabled ones
// included.
func (tx *Tx) NodesRegisteredBy(id gate.PrincipalID) (int64, error) {
	return one(tx, scanNumber, `SELECT COUNT(*) FROM nodes WHERE tenant = $1 AND registered_by = $2`, tx.tenant, id)
}

// NodeKey is a node with what its key is checked against, "" for one without a
// key.
type NodeKey struct {
	Node     gate.Node
	Verifier string
}

// NodeKey returns the node with this name and its key, or gate.ErrNotFound.
func (tx *Tx) NodeKey(name string) (NodeKey, error) {
	scan := func(row scanner) (k NodeKey, err error) {
		var n RegisteredNode
		err = row.Scan(append(nodeFields(&n), &k.Verifier)...)
		k.Node = n.Node
		return k, err
	}
	return one(tx, scan, `SELECT `+nodeColumns+`, COALESCE(c.verifier, '') FROM `+nodeTables+`
		LEFT JOIN credentials c ON c.tenant = p.tenant AND c.principal = p.id AND c.kind = 'key'
		WHERE p.tenant = $1 AND n.tenant = $1 AND n.name = $2`, tx.tenant, name)
}

// GrantService lets a node in to a service. It returns gate.ErrGrantTaken when it
// was granted before, which leaves the transaction usable, and fails when there
// is no such node.
func (tx *Tx) GrantService(node gate.PrincipalID, service string, by gate.PrincipalID) (gate.NodeGrant, error) {
	grant := gate.NodeGrant{Service: service, GrantedAt: tx.now, GrantedBy: by}
	n, err := tx.exec(`INSERT INTO node_services (tenant, node, service, granted_at, granted_by) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		tx.tenant, node, service, tx.now.UnixMilli(), by)
	if err != nil {
		return grant, err
	}
	if n == 0 {
		return grant, gate.ErrGrantTaken
	}
	return grant, tx.changed(string(node))
}

// RevokeService takes a service from a node. It returns false when the node was
// not granted it.
func (tx *Tx) RevokeService(node gate.PrincipalID, service string) (bool, error) {
	n, err := tx.exec(`DELETE FROM node_services WHERE tenant = $1 AND node = $2 AND service = $3`, tx.tenant, node, service)
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.changed(string(node))
}
