package store

import (
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// SetKey gives a principal a key, in place of an earlier one if there is one:
// of several at once, the last one counts. It fails when there is no such
// principal.
func (tx *Tx) SetKey(id gate.PrincipalID, key secret.Digest) error {
	if err := tx.must(`INSERT INTO credentials (tenant, id, principal, kind, verifier, label, created_at, updated_at)
		VALUES ($1, $2, $3, 'key', $4, '', $5, $5)
		ON CONFLICT (tenant, principal) WHERE kind = 'key' DO UPDATE SET verifier = excluded.verifier, updated_at = excluded.updated_at`,
		tx.tenant, secret.ID(), id, key.String(), tx.now.UnixMilli()); err != nil {
		return err
	}
	return tx.changed(string(id))
}

// RotateKey is SetKey for an app or a node that exists already, and notes when
// it happened. Whether the principal is disabled stays as it is. It returns
// gate.ErrNotFound when there is no such app or node.
func (tx *Tx) RotateKey(id gate.PrincipalID, key secret.Digest) error {
	if err := tx.must(`UPDATE principals SET updated_at = $3 WHERE tenant = $1 AND id = $2 AND kind IN ('app', 'node')`, tx.tenant, id, tx.now.UnixMilli()); err != nil {
		return err
	}
	for _, table := range []string{"apps", "nodes"} { // it is in one of them
		if _, err := tx.exec(`UPDATE `+table+` SET rotated_at = $3 WHERE tenant = $1 AND id = $2`, tx.tenant, id, tx.now.UnixMilli()); err != nil {
			return err
		}
	}
	return tx.SetKey(id, key)
}
