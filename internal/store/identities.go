package store

import (
	"github.com/gatehouse/gatehouse/internal/gate"
)

const identityColumns = `i.id, i.principal, i.connector, i.issuer, i.subject, i.email, i.email_verified, i.created_at, i.used_at`

func scanIdentity(row scanner) (i gate.Identity, err error) {
	err = row.Scan(&i.ID, &i.Principal, &i.Connector, &i.Issuer, &i.Subject, &i.Email, &i.EmailVerified, at(&i.CreatedAt), at(&i.UsedAt))
	return i, err
}

// AddIdentity links a user to an account at a provider, as of now. It returns
// gate.ErrIdentityTaken when the account is somebody's already, which leaves the
// transaction usable.
func (tx *Tx) AddIdentity(i gate.Identity) (gate.Identity, error) {
	i.CreatedAt, i.UsedAt = tx.now, tx.now
	n, err := tx.exec(`INSERT INTO identities (tenant, id, principal, connector, issuer, subject, email, email_verified, created_at, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT DO NOTHING`,
		tx.tenant, i.ID, i.Principal, i.Connector, i.Issuer, i.Subject, i.Email, i.EmailVerified, tx.now.UnixMilli())
	if err == nil && n == 0 {
		err = gate.ErrIdentityTaken
	}
	return i, err
}

// Identity returns the identity with this issuer and subject, or
// gate.ErrNotFound.
func (tx *Tx) Identity(issuer, subject string) (gate.Identity, error) {
	return one(tx, scanIdentity, `SELECT `+identityColumns+` FROM identities i WHERE i.tenant = $1 AND i.issuer = $2 AND i.subject = $3`, tx.tenant, issuer, subject)
}

// IdentitiesOf returns at most limit identities of a user, the oldest first.
func (tx *Tx) IdentitiesOf(id gate.PrincipalID, limit int) ([]gate.Identity, error) {
	return many(tx, scanIdentity, `SELECT `+identityColumns+` FROM identities i WHERE i.tenant = $1 AND i.principal = $2 ORDER BY i.created_at, i.id LIMIT $3`,
		tx.tenant, id, limit)
}

// IdentityUsed notes that somebody signed in with an identity, and what the
// provider said of their address. It returns gate.ErrNotFound when the identity
// was removed meanwhile.
func (tx *Tx) IdentityUsed(i gate.Identity) error {
	return tx.must(`UPDATE identities SET connector = $3, email = $4, email_verified = $5, used_at = $6 WHERE tenant = $1 AND id = $2`,
		tx.tenant, i.ID, i.Connector, i.Email, i.EmailVerified, tx.now.UnixMilli())
}

// RemoveIdentity ends a user's link to a provider, or returns gate.ErrNotFound.
func (tx *Tx) RemoveIdentity(of gate.PrincipalID, id gate.IdentityID) error {
	return tx.must(`DELETE FROM identities WHERE tenant = $1 AND principal = $2 AND id = $3`, tx.tenant, of, id)
}
