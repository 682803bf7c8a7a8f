package store

import (
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// Invitation is one with what is kept of its code, and the name of its org.
type Invitation struct {
	gate.Invitation
	Sealed  string
	OrgName string
}

// An UPDATE … RETURNING on SQLite knows its table by its whole name only.
const (
	invitationColumns = `invitations.id, invitations.number, invitations.org, invitations.role, invitations.created_by, COALESCE(invitations.max_uses, 0),
		invitations.use_count, invitations.created_at, invitations.expires_at, invitations.revoked_at`
	invitationTables = `invitations JOIN orgs o ON o.tenant = invitations.tenant AND o.id = invitations.org`
)

func invitationFields(i *gate.Invitation) []any {
	return []any{&i.ID, &i.Number, &i.Org, &i.Role, &i.CreatedBy, &i.MaxUses, &i.UseCount, at(&i.CreatedAt), at(&i.ExpiresAt), at(&i.RevokedAt)}
}

func scanInvitation(row scanner) (i Invitation, err error) {
	err = row.Scan(append(invitationFields(&i.Invitation), &i.Sealed, &i.OrgName)...)
	return i, err
}

// AddInvitation inserts an invitation with a new number. It returns
// gate.ErrConflict when another one has this code, and leaves the transaction
// usable.
func (tx *Tx) AddInvitation(i gate.Invitation, code secret.Digest, sealed string) (gate.Invitation, error) {
	number, err := one(tx, scanNumber, `INSERT INTO counters (tenant, name, value) VALUES ($1, 'invitations', 1)
		ON CONFLICT (tenant, name) DO UPDATE SET value = counters.value + 1 RETURNING value`, tx.tenant)
	if err != nil {
		return i, err
	}
	i.Number, i.CreatedAt = number, tx.now
	n, err := tx.exec(`INSERT INTO invitations (tenant, id, number, org, code_digest, code_sealed, role, created_by, max_uses, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULLIF(CAST($9 AS BIGINT), 0), $10, $11) ON CONFLICT DO NOTHING`,
		tx.tenant, i.ID, number, i.Org, code.String(), sealed, i.Role, i.CreatedBy, i.MaxUses, tx.now.UnixMilli(), i.ExpiresAt.UnixMilli())
	if err == nil && n == 0 {
		err = gate.ErrConflict
	}
	return i, err
}

// Invitations returns at most limit invitations of an org that are not revoked,
// those that are over included, the newest first.
func (tx *Tx) Invitations(org gate.OrgID, limit int) ([]Invitation, error) {
	return many(tx, scanInvitation, `SELECT `+invitationColumns+`, invitations.code_sealed, o.name FROM `+invitationTables+`
		WHERE invitations.tenant = $1 AND o.tenant = $1 AND invitations.org = $2 AND invitations.revoked_at IS NULL ORDER BY invitations.number DESC LIMIT $3`, tx.tenant, org, limit)
}

// CountOpenInvitations returns how many invitations of an org one may still join
// with.
func (tx *Tx) CountOpenInvitations(org gate.OrgID) (int64, error) {
	return one(tx, scanNumber, `SELECT COUNT(*) FROM invitations WHERE tenant = $1 AND org = $2 AND revoked_at IS NULL AND expires_at > $3
		AND (max_uses IS NULL OR use_count < max_uses)`, tx.tenant, org, tx.now.UnixMilli())
}

// InvitationByCode returns the invitation with this code, or gate.ErrNotFound.
// Whether it is still open is for the caller to judge.
func (tx *Tx) InvitationByCode(code secret.Digest) (Invitation, error) {
	return one(tx, scanInvitation, `SELECT `+invitationColumns+`, invitations.code_sealed, o.name FROM `+invitationTables+`
		WHERE invitations.tenant = $1 AND o.tenant = $1 AND invitations.code_digest = $2`, tx.tenant, code.String())
}

// UseInvitation uses an invitation once and returns it; one that is used up,
// expired, revoked or unknown is gate.ErrNotFound.
func (tx *Tx) UseInvitation(code secret.Digest) (gate.Invitation, error) {
	scan := func(row scanner) (i gate.Invitation, err error) {
		err = row.Scan(invitationFields(&i)...)
		return i, err
	}
	return one(tx, scan, `UPDATE invitations SET use_count = use_count + 1 WHERE tenant = $1 AND code_digest = $2
		AND revoked_at IS NULL AND expires_at > $3 AND (max_uses IS NULL OR use_count < max_uses)
		RETURNING `+invitationColumns, tx.tenant, code.String(), tx.now.UnixMilli())
}

// RevokeInvitation makes an invitation of an org unusable. It returns false when
// there is none with this number, or when it was revoked before.
func (tx *Tx) RevokeInvitation(org gate.OrgID, number int64) (bool, error) {
	n, err := tx.exec(`UPDATE invitations SET revoked_at = $4 WHERE tenant = $1 AND org = $2 AND number = $3 AND revoked_at IS NULL`,
		tx.tenant, org, number, tx.now.UnixMilli())
	return n == 1, err
}

// RevokeInvitationsBy makes all invitations to an org that a principal made
// unusable, and returns how many there were.
func (tx *Tx) RevokeInvitationsBy(org gate.OrgID, by gate.PrincipalID) (int64, error) {
	return tx.exec(`UPDATE invitations SET revoked_at = $4 WHERE tenant = $1 AND org = $2 AND created_by = $3 AND revoked_at IS NULL`,
		tx.tenant, org, by, tx.now.UnixMilli())
}
