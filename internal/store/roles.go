package store

import "github.com/gatehouse/gatehouse/internal/gate"

// RoleExists reports whether the tenant knows the role.
func (tx *Tx) RoleExists(role gate.Role) (bool, error) {
	n, err := one(tx, scanNumber, `SELECT COUNT(*) FROM roles WHERE tenant = $1 AND id = $2`, tx.tenant, role)
	return n > 0, err
}

// GrantRole gives a principal a role. It returns false when they had it.
func (tx *Tx) GrantRole(id gate.PrincipalID, role gate.Role) (bool, error) {
	n, err := tx.exec(`INSERT INTO role_grants (tenant, principal, role, granted_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		tx.tenant, id, role, tx.now.UnixMilli())
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.changed(string(id))
}

// RevokeRole takes a role from a principal. It returns false when they did not
// have it.
func (tx *Tx) RevokeRole(id gate.PrincipalID, role gate.Role) (bool, error) {
	n, err := tx.exec(`DELETE FROM role_grants WHERE tenant = $1 AND principal = $2 AND role = $3`, tx.tenant, id, role)
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.changed(string(id))
}

// ActiveHolders counts the humans who hold the role, other than except, and are
// not disabled.
func (tx *Tx) ActiveHolders(role gate.Role, except gate.PrincipalID) (int64, error) {
	return one(tx, scanNumber, `SELECT COUNT(*) FROM role_grants g JOIN principals p ON p.tenant = g.tenant AND p.id = g.principal
		WHERE g.tenant = $1 AND g.role = $2 AND g.principal <> $3 AND p.kind = 'user' AND p.disabled_at IS NULL`, tx.tenant, role, except)
}

// LockRole makes every other transaction that calls it for the same role wait
// until this one ends, so that a count of its holders stays true.
func (tx *Tx) LockRole(role gate.Role) error {
	return tx.must(`UPDATE roles SET description = description WHERE tenant = $1 AND id = $2`, tx.tenant, role)
}
