package store

import (
	"strconv"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

const flowColumns = `connector, COALESCE(principal, ''), destination, created_at, expires_at, used_at, COALESCE(session, ''), refusal`

func scanFlow(row scanner) (f gate.Flow, err error) {
	err = row.Scan(&f.Connector, &f.Principal, &f.Destination, at(&f.CreatedAt), at(&f.ExpiresAt), at(&f.UsedAt), &f.Session, &f.Refusal)
	return f, err
}

// AddFlow remembers a browser that leaves for a provider: by the digest of the
// state that the provider brings back, and of the secret that the browser keeps.
func (tx *Tx) AddFlow(state, browser secret.Digest, f gate.Flow) error {
	return tx.must(`INSERT INTO flows (tenant, state, browser, connector, principal, destination, created_at, expires_at, refusal) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '')`,
		tx.tenant, state.String(), browser.String(), f.Connector, nullable(string(f.Principal)), f.Destination, tx.now.UnixMilli(), f.ExpiresAt.UnixMilli())
}

// Flow returns the flow with this state that one of the browsers began, or
// gate.ErrNotFound; also when it has expired.
func (tx *Tx) Flow(state secret.Digest, browsers ...secret.Digest) (gate.Flow, error) {
	query, args := `SELECT `+flowColumns+` FROM flows WHERE tenant = $1 AND state = $2 AND expires_at > $3 AND browser IN (''`, []any{tx.tenant, state.String(), tx.now.UnixMilli()}
	for _, browser := range browsers {
		args = append(args, browser.String())
		query += `, $` + strconv.Itoa(len(args))
	}
	return one(tx, scanFlow, query+`)`, args...)
}

// UseFlow uses a flow up: of those who try, it returns true to the first.
func (tx *Tx) UseFlow(state secret.Digest) (bool, error) {
	n, err := tx.exec(`UPDATE flows SET used_at = $3 WHERE tenant = $1 AND state = $2 AND used_at IS NULL AND expires_at > $3`,
		tx.tenant, state.String(), tx.now.UnixMilli())
	return n == 1, err
}

// EndFlow notes what a flow that was used has led to: a session, or a refusal.
// It returns gate.ErrNotFound when that is known already.
func (tx *Tx) EndFlow(state secret.Digest, session gate.SessionID, refusal string) error {
	return tx.must(`UPDATE flows SET session = $3, refusal = $4 WHERE tenant = $1 AND state = $2 AND used_at IS NOT NULL AND session IS NULL AND refusal = ''`,
		tx.tenant, state.String(), nullable(string(session)), refusal)
}
