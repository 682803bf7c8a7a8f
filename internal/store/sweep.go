package store

import "time"

// Sweep removes at most limit rows of each kind that nobody can use any more,
// and returns how many it removed. Call it until it returns 0. Ended sessions
// are kept for a while, so that "signed in from here before" stays known.
func (tx *Tx) Sweep(keepSessions time.Duration, limit int) (int64, error) {
	now := tx.now.UnixMilli()
	old := tx.now.Add(-keepSessions).UnixMilli()
	var total int64
	for _, s := range []struct {
		query  string
		before int64
	}{
		{`DELETE FROM sessions WHERE tenant = $1 AND id IN (SELECT id FROM sessions WHERE tenant = $1 AND expires_at < $2 LIMIT $3)`, old},
		{`DELETE FROM one_time_tokens WHERE tenant = $1 AND digest IN (SELECT digest FROM one_time_tokens WHERE tenant = $1 AND expires_at < $2 LIMIT $3)`, now},
		{`DELETE FROM flows WHERE tenant = $1 AND state IN (SELECT state FROM flows WHERE tenant = $1 AND expires_at < $2 LIMIT $3)`, now},
		{`DELETE FROM limits WHERE tenant = $1 AND name IN (SELECT name FROM limits WHERE tenant = $1 AND tat < $2 LIMIT $3)`, now},
		{`DELETE FROM api_keys WHERE tenant = $1 AND id IN (SELECT id FROM api_keys WHERE tenant = $1 AND (revoked_at < $2 OR expires_at < $2) LIMIT $3)`, old},
		{`DELETE FROM outbox WHERE tenant = $1 AND id IN (SELECT id FROM outbox WHERE tenant = $1 AND done_at < $2 LIMIT $3)`, old},
	} {
		n, err := tx.exec(s.query, tx.tenant, s.before, limit)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}
