package store

import (
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

const sessionColumns = `s.id, s.principal, s.client, s.org, s.ip, s.user_agent, s.created_at, s.expires_at, s.ended_at, s.end_reason`

func sessionFields(s *gate.Session) []any {
	return []any{&s.ID, &s.Principal, &s.Client, &s.Org, &s.IP, &s.UserAgent, at(&s.CreatedAt), at(&s.ExpiresAt), at(&s.EndedAt), &s.EndReason}
}

// AddSession inserts a session with the first refresh token of its chain. It
// returns gate.ErrNotFound when there is no such principal that may act at this
// very moment.
func (tx *Tx) AddSession(s gate.Session, refresh secret.Digest, refreshExpires time.Time) error {
	return tx.must(`INSERT INTO sessions (tenant, id, principal, client, ip, user_agent, created_at, expires_at, refresh_digest, refresh_expires_at, org)
		SELECT p.tenant, $2, p.id, $4, $5, $6, CAST($7 AS BIGINT), CAST($8 AS BIGINT), $9, CAST($10 AS BIGINT), $11
		FROM principals p WHERE p.tenant = $1 AND p.id = $3 AND p.disabled_at IS NULL`,
		tx.tenant, s.ID, s.Principal, s.Client, s.IP, s.UserAgent, s.CreatedAt.UnixMilli(), s.ExpiresAt.UnixMilli(), refresh.String(), refreshExpires.UnixMilli(), s.Org)
}

// Presence is a session with whom it belongs to.
type Presence struct {
	Session gate.Session
	User    gate.User
}

func scanPresence(row scanner) (p Presence, err error) {
	err = row.Scan(append(sessionFields(&p.Session), userFields(&p.User)...)...)
	return p, err
}

// Presence returns a session and its user, or gate.ErrNotFound. Whether either
// may still act is for the caller to judge.
func (tx *Tx) Presence(id gate.SessionID) (Presence, error) {
	return one(tx, scanPresence, `SELECT `+sessionColumns+`, `+userColumns+` FROM sessions s
		JOIN principals p ON p.tenant = s.tenant AND p.id = s.principal
		JOIN users u ON u.tenant = s.tenant AND u.id = s.principal
		WHERE s.tenant = $1 AND s.id = $2`, tx.tenant, id)
}

// SetSessionOrg chooses the org that a session's tokens speak of from now on.
func (tx *Tx) SetSessionOrg(id gate.SessionID, org gate.OrgID) error {
	if err := tx.must(`UPDATE sessions SET org = $3 WHERE tenant = $1 AND id = $2 AND ended_at IS NULL`, tx.tenant, id, org); err != nil {
		return err
	}
	return tx.changed(string(id))
}

// EndSession ends a session once. It returns false when it had ended before.
func (tx *Tx) EndSession(id gate.SessionID, reason string) (bool, error) {
	n, err := tx.exec(`UPDATE sessions SET ended_at = $3, end_reason = $4 WHERE tenant = $1 AND id = $2 AND ended_at IS NULL`,
		tx.tenant, id, tx.now.UnixMilli(), reason)
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.changed(string(id))
}

// EndSessionsOf ends all sessions of a principal except one, and returns how
// many there were.
func (tx *Tx) EndSessionsOf(id gate.PrincipalID, except gate.SessionID, reason string) (int64, error) {
	n, err := tx.exec(`UPDATE sessions SET ended_at = $4, end_reason = $5 WHERE tenant = $1 AND principal = $2 AND id <> $3 AND ended_at IS NULL`,
		tx.tenant, id, except, tx.now.UnixMilli(), reason)
	if err != nil || n == 0 {
		return n, err
	}
	return n, tx.changed(string(id))
}

// SeenFrom reports whether the principal has signed in from the address before.
func (tx *Tx) SeenFrom(id gate.PrincipalID, ip string) (bool, error) {
	n, err := one(tx, scanNumber, `SELECT COUNT(*) FROM (SELECT 1 FROM sessions WHERE tenant = $1 AND principal = $2 AND ip = $3 LIMIT 1) AS seen`, tx.tenant, id, ip)
	return n > 0, err
}

// EndAllSessions ends every session of the tenant and returns how many there
// were.
func (tx *Tx) EndAllSessions(reason string) (int64, error) {
	n, err := tx.exec(`UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE tenant = $1 AND ended_at IS NULL`, tx.tenant, tx.now.UnixMilli(), reason)
	if err != nil {
		return n, err
	}
	return n, tx.changed(everything)
}

// ForgetOneTimeTokens makes every link and code that was not used unusable.
func (tx *Tx) ForgetOneTimeTokens() error {
	_, err := tx.exec(`DELETE FROM one_time_tokens WHERE tenant = $1`, tx.tenant)
	return err
}
