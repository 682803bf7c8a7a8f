package store

import (
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

const passkeyColumns = `k.id, k.principal, k.credential_id, k.public_key, k.sign_count, k.aaguid, k.transports, k.backup_eligible, k.backed_up, k.attestation, k.label, k.created_at, k.used_at`

func scanPasskey(row scanner) (k gate.Passkey, err error) {
	var transports string
	err = row.Scan(&k.ID, &k.Principal, &k.CredentialID, &k.PublicKey, &k.SignCount, &k.AAGUID, &transports, &k.BackupEligible, &k.BackedUp,
		&k.Attestation, &k.Label, at(&k.CreatedAt), at(&k.UsedAt))
	k.Transports = strings.Fields(transports)
	return k, err
}

// AddPasskey inserts a passkey. It returns gate.ErrPasskeyTaken when the
// credential is somebody's already, which leaves the transaction usable.
func (tx *Tx) AddPasskey(k gate.Passkey) (gate.Passkey, error) {
	k.CreatedAt = tx.now
	n, err := tx.exec(`INSERT INTO passkeys (tenant, id, principal, credential_id, public_key, sign_count, aaguid, transports, backup_eligible, backed_up, attestation, label, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`,
		tx.tenant, k.ID, k.Principal, k.CredentialID, k.PublicKey, k.SignCount, k.AAGUID, strings.Join(k.Transports, " "), k.BackupEligible, k.BackedUp,
		k.Attestation, k.Label, tx.now.UnixMilli())
	if err == nil && n == 0 {
		err = gate.ErrPasskeyTaken
	}
	return k, err
}

// PasskeyByCredential returns the passkey with this credential id, or
// gate.ErrNotFound.
func (tx *Tx) PasskeyByCredential(credentialID string) (gate.Passkey, error) {
	return one(tx, scanPasskey, `SELECT `+passkeyColumns+` FROM passkeys k WHERE k.tenant = $1 AND k.credential_id = $2`, tx.tenant, credentialID)
}

// PasskeysOf returns at most limit passkeys of a principal, the oldest first.
func (tx *Tx) PasskeysOf(id gate.PrincipalID, limit int) ([]gate.Passkey, error) {
	return many(tx, scanPasskey, `SELECT `+passkeyColumns+` FROM passkeys k WHERE k.tenant = $1 AND k.principal = $2 ORDER BY k.created_at, k.id LIMIT $3`,
		tx.tenant, id, limit)
}

// PasskeyUsed notes a use: the authenticator's counter and flags as it sent
// them. It returns false when the counter is not the one that was checked any
// more: the same passkey was used at the same time.
func (tx *Tx) PasskeyUsed(k gate.Passkey, checked int64) (bool, error) {
	n, err := tx.exec(`UPDATE passkeys SET sign_count = $3, backup_eligible = $4, backed_up = $5, used_at = $6 WHERE tenant = $1 AND id = $2 AND sign_count = $7`,
		tx.tenant, k.ID, k.SignCount, k.BackupEligible, k.BackedUp, tx.now.UnixMilli(), checked)
	return n == 1, err
}

// RenamePasskey gives a principal's passkey another label, or returns
// gate.ErrNotFound.
func (tx *Tx) RenamePasskey(of gate.PrincipalID, id gate.PasskeyID, label string) error {
	return tx.must(`UPDATE passkeys SET label = $4 WHERE tenant = $1 AND principal = $2 AND id = $3`, tx.tenant, of, id, label)
}

// RemovePasskey removes a principal's passkey, or returns gate.ErrNotFound.
func (tx *Tx) RemovePasskey(of gate.PrincipalID, id gate.PasskeyID) error {
	return tx.must(`DELETE FROM passkeys WHERE tenant = $1 AND principal = $2 AND id = $3`, tx.tenant, of, id)
}

// Spend notes that something which carries its own proof was used for a
// purpose. It returns false when it was used before. The note is kept until it
// expires; by then the thing must have expired, too.
func (tx *Tx) Spend(digest secret.Digest, purpose string, expires time.Time) (bool, error) {
	n, err := tx.exec(`INSERT INTO one_time_tokens (tenant, digest, purpose, subject, created_at, expires_at, used_at) VALUES ($1, $2, $3, '', $4, $5, $4) ON CONFLICT DO NOTHING`,
		tx.tenant, digest.String(), purpose, tx.now.UnixMilli(), expires.UnixMilli())
	return n == 1, err
}
