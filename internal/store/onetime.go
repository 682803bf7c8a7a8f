package store

import (
	"time"

	"github.com/gatehouse/gatehouse/internal/secret"
)

// AddOneTimeToken remembers a link or code by its digest. Earlier ones for the
// same purpose and subject stop working: only the newest does.
func (tx *Tx) AddOneTimeToken(digest secret.Digest, purpose, subject string, expires time.Time) error {
	if _, err := tx.exec(`DELETE FROM one_time_tokens WHERE tenant = $1 AND purpose = $2 AND subject = $3 AND used_at IS NULL`, tx.tenant, purpose, subject); err != nil {
		return err
	}
	return tx.must(`INSERT INTO one_time_tokens (tenant, digest, purpose, subject, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		tx.tenant, digest.String(), purpose, subject, tx.now.UnixMilli(), expires.UnixMilli())
}

// OneTimeTokenGood reports whether a token could be used now. It uses nothing up.
func (tx *Tx) OneTimeTokenGood(digest secret.Digest, purpose string) (bool, error) {
	n, err := one(tx, scanNumber, `SELECT COUNT(*) FROM one_time_tokens WHERE tenant = $1 AND digest = $2 AND purpose = $3 AND used_at IS NULL AND expires_at > $4`,
		tx.tenant, digest.String(), purpose, tx.now.UnixMilli())
	return n > 0, err
}

// UseOneTimeToken uses up a token for a purpose and returns its subject; every
// later try, and every other token, gets gate.ErrNotFound.
func (tx *Tx) UseOneTimeToken(digest secret.Digest, purpose string) (string, error) {
	return one(tx, scanText, `UPDATE one_time_tokens SET used_at = $4 WHERE tenant = $1 AND digest = $2 AND purpose = $3 AND used_at IS NULL AND expires_at > $4
		RETURNING subject`, tx.tenant, digest.String(), purpose, tx.now.UnixMilli())
}
