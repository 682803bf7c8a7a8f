package store

import (
	"crypto/subtle"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// Rotation is what a refresh changes in a session.
type Rotation struct {
	Presented secret.Digest // has to be the newest token of the chain
	Successor secret.Digest
	Sealed    string // the successor, for who can show the presented token again
	ExpiresAt time.Time
}

// RotateRefresh puts the successor in the place of the presented token: exactly
// one caller gets true, and only while the session lives and its principal may
// act.
func (tx *Tx) RotateRefresh(id gate.SessionID, r Rotation) (bool, error) {
	n, err := tx.exec(`UPDATE sessions SET refresh_previous = refresh_digest, refresh_digest = $4, refresh_sealed = $5, refresh_expires_at = $6, refreshed_at = $7
		WHERE tenant = $1 AND id = $2 AND refresh_digest = $3 AND refresh_expires_at > $7 AND expires_at > $7 AND ended_at IS NULL
		AND EXISTS (SELECT 1 FROM principals p WHERE p.tenant = $1 AND p.id = sessions.principal AND p.disabled_at IS NULL)`,
		tx.tenant, id, r.Presented.String(), r.Successor.String(), r.Sealed, r.ExpiresAt.UnixMilli(), tx.now.UnixMilli())
	return n == 1, err
}

// Chain is the head of a session's chain of refresh tokens.
type Chain struct {
	Digest      string // of the newest token
	ExpiresAt   time.Time
	Previous    string // digest of the token before it, "" if there is none
	Sealed      string // the newest token, for who can show the one before it
	RefreshedAt time.Time
}

// Newest reports whether a digest is that of the newest token.
func (c Chain) Newest(d secret.Digest) bool {
	return subtle.ConstantTimeCompare([]byte(d.String()), []byte(c.Digest)) == 1
}

// Chain returns the head of a session's chain, or gate.ErrNotFound.
func (tx *Tx) Chain(id gate.SessionID) (Chain, error) {
	scan := func(row scanner) (c Chain, err error) {
		err = row.Scan(&c.Digest, at(&c.ExpiresAt), &c.Previous, &c.Sealed, at(&c.RefreshedAt))
		return c, err
	}
	return one(tx, scan, `SELECT refresh_digest, refresh_expires_at, refresh_previous, refresh_sealed, refreshed_at FROM sessions WHERE tenant = $1 AND id = $2`,
		tx.tenant, id)
}
