package store

import (
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

const apiKeyColumns = `k.id, k.principal, k.preview, k.label, k.scopes, k.created_by, k.created_at, k.expires_at, k.used_at, k.revoked_at`

func scanAPIKey(row scanner) (k gate.APIKey, err error) {
	var scopes string
	err = row.Scan(&k.ID, &k.Principal, &k.Preview, &k.Label, &scopes, &k.CreatedBy, at(&k.CreatedAt), at(&k.ExpiresAt), at(&k.UsedAt), at(&k.RevokedAt))
	if scopes != "" {
		k.Scopes = strings.Split(scopes, " ")
	}
	return k, err
}

// AddAPIKey inserts a key. It returns gate.ErrNotFound when there is no such
// principal that may act at this very moment.
func (tx *Tx) AddAPIKey(k gate.APIKey, digest secret.Digest) (gate.APIKey, error) {
	k.CreatedAt = tx.now
	return k, tx.must(`INSERT INTO api_keys (tenant, id, principal, digest, preview, label, scopes, created_by, created_at, expires_at)
		SELECT p.tenant, $2, p.id, $4, $5, $6, $7, $8, CAST($9 AS BIGINT), CAST($10 AS BIGINT)
		FROM principals p WHERE p.tenant = $1 AND p.id = $3 AND p.disabled_at IS NULL`,
		tx.tenant, k.ID, k.Principal, digest.String(), k.Preview, k.Label, strings.Join(k.Scopes, " "), k.CreatedBy, tx.now.UnixMilli(), orNull(k.ExpiresAt))
}

// APIKeyByDigest returns the key with this digest, used up or not, or
// gate.ErrNotFound.
func (tx *Tx) APIKeyByDigest(digest secret.Digest) (gate.APIKey, error) {
	return one(tx, scanAPIKey, `SELECT `+apiKeyColumns+` FROM api_keys k WHERE k.tenant = $1 AND k.digest = $2`, tx.tenant, digest.String())
}

// APIKeysOf returns at most limit keys of a principal, the newest first and ended
// ones last: none that works is ever behind the limit.
func (tx *Tx) APIKeysOf(id gate.PrincipalID, limit int) ([]gate.APIKey, error) {
	return many(tx, scanAPIKey, `SELECT `+apiKeyColumns+` FROM api_keys k WHERE k.tenant = $1 AND k.principal = $2 
		ORDER BY (k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $4)) DESC, k.created_at DESC, k.id DESC LIMIT $3`, tx.tenant, id, limit, tx.now.UnixMilli())
}

// CountAPIKeys returns how many keys of a principal could be used now.
func (tx *Tx) CountAPIKeys(id gate.PrincipalID) (int64, error) {
	return one(tx, scanNumber, `SELECT COUNT(*) FROM api_keys WHERE tenant = $1 AND principal = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)`,
		tx.tenant, id, tx.now.UnixMilli())
}

// RevokeAPIKey ends a key of a principal. It returns false when it had ended
// before, and gate.ErrNotFound when the principal has no such key.
func (tx *Tx) RevokeAPIKey(id gate.PrincipalID, key gate.APIKeyID) (bool, error) {
	known, err := one(tx, scanNumber, `SELECT COUNT(*) FROM api_keys WHERE tenant = $1 AND principal = $2 AND id = $3`, tx.tenant, id, key)
	if err != nil {
		return false, err
	}
	if known == 0 {
		return false, gate.ErrNotFound
	}
	n, err := tx.exec(`UPDATE api_keys SET revoked_at = $4 WHERE tenant = $1 AND principal = $2 AND id = $3 AND revoked_at IS NULL`, tx.tenant, id, key, tx.now.UnixMilli())
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.changed(string(key))
}

// APIKeyUsed notes when a key was last used. An earlier moment than the one that
// is known changes nothing.
func (tx *Tx) APIKeyUsed(key gate.APIKeyID, when time.Time) error {
	_, err := tx.exec(`UPDATE api_keys SET used_at = $3 WHERE tenant = $1 AND id = $2 AND (used_at IS NULL OR used_at < $3)`, tx.tenant, key, when.UnixMilli())
	return err
}
