package store

import "github.com/gatehouse/gatehouse/internal/gate"

// Place is an org as one of its members sees it.
type Place struct {
	Org  gate.Org
	Role gate.OrgRole
}

// OrgsOf returns the orgs that a principal is a member of, by name as the engine
// sorts text. How many these can be is for the verbs to bound.
func (tx *Tx) OrgsOf(id gate.PrincipalID) ([]Place, error) {
	scan := func(row scanner) (p Place, err error) {
		err = row.Scan(append(orgFields(&p.Org), &p.Role)...)
		return p, err
	}
	return many(tx, scan, `SELECT `+orgColumns+`, m.role FROM memberships m JOIN orgs o ON o.tenant = m.tenant AND o.id = m.org
		WHERE m.tenant = $1 AND o.tenant = $1 AND m.principal = $2 ORDER BY o.name, o.id`, tx.tenant, id)
}

const membershipColumns = `m.org, m.principal, m.role, m.created_at, m.updated_at`

func membershipFields(m *gate.Membership) []any {
	return []any{&m.Org, &m.Principal, &m.Role, at(&m.CreatedAt), at(&m.UpdatedAt)}
}

func scanMembership(row scanner) (m gate.Membership, err error) {
	err = row.Scan(membershipFields(&m)...)
	return m, err
}

// Membership returns what a principal is in an org today, or gate.ErrNotFound.
func (tx *Tx) Membership(org gate.OrgID, id gate.PrincipalID) (gate.Membership, error) {
	return one(tx, scanMembership, `SELECT `+membershipColumns+` FROM memberships m WHERE m.tenant = $1 AND m.org = $2 AND m.principal = $3`,
		tx.tenant, org, id)
}

// OldestMembership returns the first of a principal's memberships that are left,
// or gate.ErrNotFound.
func (tx *Tx) OldestMembership(id gate.PrincipalID) (gate.Membership, error) {
	return one(tx, scanMembership, `SELECT `+membershipColumns+` FROM memberships m WHERE m.tenant = $1 AND m.principal = $2 ORDER BY m.created_at, m.org LIMIT 1`,
		tx.tenant, id)
}

// Member is a user's membership, and how others know the user.
type Member struct {
	gate.Membership
	Number   int64
	Username string // "" when unset
	Email    string // "" when unset
}

const (
	memberColumns = membershipColumns + `, u.number, COALESCE(u.username, ''), COALESCE(u.email, '')`
	memberTables  = `memberships m JOIN users u ON u.tenant = m.tenant AND u.id = m.principal`
)

func scanMember(row scanner) (m Member, err error) {
	err = row.Scan(append(membershipFields(&m.Membership), &m.Number, &m.Username, &m.Email)...)
	return m, err
}

// Member returns the membership of the user with this number, or
// gate.ErrNotFound.
func (tx *Tx) Member(org gate.OrgID, number int64) (Member, error) {
	return one(tx, scanMember, `SELECT `+memberColumns+` FROM `+memberTables+` WHERE m.tenant = $1 AND u.tenant = $1 AND m.org = $2 AND u.number = $3`,
		tx.tenant, org, number)
}

// Members returns at most limit users who are members of an org and whose
// number is greater than after, by number.
func (tx *Tx) Members(org gate.OrgID, after int64, limit int) ([]Member, error) {
	return many(tx, scanMember, `SELECT `+memberColumns+` FROM `+memberTables+` WHERE m.tenant = $1 AND u.tenant = $1 AND m.org = $2 AND u.number > $3
		ORDER BY u.number LIMIT $4`, tx.tenant, org, after, limit)
}

// AddMember makes a principal a member of an org. It returns false when they
// are one already, or when one of the two does not exist.
func (tx *Tx) AddMember(org gate.OrgID, id gate.PrincipalID, role gate.OrgRole) (bool, error) {
	n, err := tx.exec(`INSERT INTO memberships (tenant, org, principal, role, created_at, updated_at)
		SELECT p.tenant, o.id, p.id, $4, CAST($5 AS BIGINT), CAST($5 AS BIGINT) FROM principals p JOIN orgs o ON o.tenant = p.tenant
		WHERE p.tenant = $1 AND o.tenant = $1 AND o.id = $2 AND p.id = $3 ON CONFLICT DO NOTHING`,
		tx.tenant, org, id, role, tx.now.UnixMilli())
	return tx.memberChanged(org, id, n, err)
}

// SetMemberRole gives a member another role. It returns false when nothing
// changed.
func (tx *Tx) SetMemberRole(org gate.OrgID, id gate.PrincipalID, role gate.OrgRole) (bool, error) {
	n, err := tx.exec(`UPDATE memberships SET role = $4, updated_at = $5 WHERE tenant = $1 AND org = $2 AND principal = $3 AND role <> $4`,
		tx.tenant, org, id, role, tx.now.UnixMilli())
	return tx.memberChanged(org, id, n, err)
}

// RemoveMember ends a membership. It returns false when there was none.
func (tx *Tx) RemoveMember(org gate.OrgID, id gate.PrincipalID) (bool, error) {
	n, err := tx.exec(`DELETE FROM memberships WHERE tenant = $1 AND org = $2 AND principal = $3`, tx.tenant, org, id)
	return tx.memberChanged(org, id, n, err)
}

// RemoveAgentsFrom ends the memberships in an org of what a user answers for.
func (tx *Tx) RemoveAgentsFrom(org gate.OrgID, owner gate.PrincipalID) error {
	const owned = `SELECT id FROM agents WHERE tenant = $1 AND owner_user = $3 UNION SELECT id FROM apps WHERE tenant = $1 AND owner_user = $3`
	ids, err := many(tx, scanText, `SELECT principal FROM memberships WHERE tenant = $1 AND org = $2 AND principal IN (`+owned+`)`, tx.tenant, org, owner)
	for _, id := range ids {
		if _, err := tx.RemoveMember(org, gate.PrincipalID(id)); err != nil {
			return err
		}
	}
	return err
}

// memberChanged tells of the member, and of the org: what a node of it may know
// has its members in it.
func (tx *Tx) memberChanged(org gate.OrgID, id gate.PrincipalID, n int64, err error) (bool, error) {
	if err != nil || n == 0 {
		return false, err
	}
	if err := tx.changed(string(org)); err != nil {
		return false, err
	}
	return true, tx.changed(string(id))
}

// CountMembers returns how many humans are members of an org, other than except.
// Agents neither keep one alive nor take somebody's place.
func (tx *Tx) CountMembers(org gate.OrgID, except gate.PrincipalID) (int64, error) {
	return one(tx, scanNumber, `SELECT COUNT(*) FROM memberships m JOIN principals p ON p.tenant = m.tenant AND p.id = m.principal
		WHERE m.tenant = $1 AND m.org = $2 AND m.principal <> $3 AND p.kind = 'user'`, tx.tenant, org, except)
}

// CountOrgAdmins returns how many humans administer an org, other than except,
// and are not disabled.
func (tx *Tx) CountOrgAdmins(org gate.OrgID, except gate.PrincipalID) (int64, error) {
	return one(tx, scanNumber, `SELECT COUNT(*) FROM memberships m JOIN principals p ON p.tenant = m.tenant AND p.id = m.principal
		WHERE m.tenant = $1 AND m.org = $2 AND m.role = $4 AND m.principal <> $3 AND p.kind = 'user' AND p.disabled_at IS NULL`, tx.tenant, org, except, gate.OrgAdmin)
}

// CountOrgsOf returns how many orgs a principal is a member of.
func (tx *Tx) CountOrgsOf(id gate.PrincipalID) (int64, error) {
	return one(tx, scanNumber, `SELECT COUNT(*) FROM memberships WHERE tenant = $1 AND principal = $2`, tx.tenant, id)
}

// LockMember is LockOrg for one principal's memberships in all orgs. Whoever
// needs both locks the org first. It returns gate.ErrNotFound for nobody.
func (tx *Tx) LockMember(id gate.PrincipalID) error {
	return tx.must(`UPDATE principals SET kind = kind WHERE tenant = $1 AND id = $2`, tx.tenant, id)
}
