package store

import "time"

// SigningKey is a key pair; the private half is sealed.
type SigningKey struct {
	ID        string
	Algorithm string
	Public    string
	Private   string
	CreatedAt time.Time
	RetiredAt time.Time
}

// AddSigningKey inserts the tenant's current key for an algorithm, unless there
// is one; only one of several replicas gets true.
func (tx *Tx) AddSigningKey(k SigningKey) (bool, error) {
	n, err := tx.exec(`INSERT INTO signing_keys (tenant, kid, algorithm, public, private, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		tx.tenant, k.ID, k.Algorithm, k.Public, k.Private, tx.now.UnixMilli())
	return n == 1, err
}

// SigningKeys returns all keys of the tenant, newest first.
func (tx *Tx) SigningKeys() ([]SigningKey, error) {
	scan := func(row scanner) (k SigningKey, err error) {
		err = row.Scan(&k.ID, &k.Algorithm, &k.Public, &k.Private, at(&k.CreatedAt), at(&k.RetiredAt))
		return k, err
	}
	return many(tx, scan, `SELECT kid, algorithm, public, private, created_at, retired_at FROM signing_keys WHERE tenant = $1 ORDER BY created_at DESC, kid`, tx.tenant)
}
