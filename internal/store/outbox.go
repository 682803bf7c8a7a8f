package store

import (
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// Job is a piece of work that somebody's transaction asked for.
type Job struct {
	ID       gate.JobID
	Kind     string
	Subject  string
	Payload  string // never a secret in the clear
	Attempts int64
}

func scanJob(row scanner) (j Job, err error) {
	err = row.Scan(&j.ID, &j.Kind, &j.Subject, &j.Payload, &j.Attempts)
	return j, err
}

// Enqueue asks for work to be done after the commit.
func (tx *Tx) Enqueue(kind, subject, payload string) (gate.JobID, error) {
	id := gate.JobID(secret.ID())
	return id, tx.must(`INSERT INTO outbox (tenant, id, kind, subject, payload, created_at, run_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
		tx.tenant, id, kind, subject, payload, tx.now.UnixMilli())
}

// DueJobs returns ids of work that is due and not leased, oldest first.
func (tx *Tx) DueJobs(limit int) ([]gate.JobID, error) {
	scan := func(row scanner) (id gate.JobID, err error) { err = row.Scan(&id); return id, err }
	return many(tx, scan, `SELECT id FROM outbox WHERE tenant = $1 AND done_at IS NULL AND dead_at IS NULL AND run_at <= $2 AND leased_until <= $2
		ORDER BY run_at LIMIT $3`, tx.tenant, tx.now.UnixMilli(), limit)
}

// LeaseJob claims work until a time: one worker gets it, the others get
// gate.ErrNotFound. A worker that dies loses it when the lease runs out.
func (tx *Tx) LeaseJob(id gate.JobID, until time.Time) (Job, error) {
	return one(tx, scanJob, `UPDATE outbox SET leased_until = $3, attempts = attempts + 1
		WHERE tenant = $1 AND id = $2 AND done_at IS NULL AND dead_at IS NULL AND leased_until <= $4
		RETURNING id, kind, subject, payload, attempts`, tx.tenant, id, until.UnixMilli(), tx.now.UnixMilli())
}

// FinishJob marks work as done. It belongs into the transaction that stores
// the work's result.
func (tx *Tx) FinishJob(id gate.JobID) error {
	_, err := tx.exec(`UPDATE outbox SET done_at = $3, last_error = '' WHERE tenant = $1 AND id = $2 AND done_at IS NULL`, tx.tenant, id, tx.now.UnixMilli())
	return err
}

// RetryJob gives work back, to be tried again at a time.
func (tx *Tx) RetryJob(id gate.JobID, when time.Time, reason string) error {
	_, err := tx.exec(`UPDATE outbox SET run_at = $3, leased_until = 0, last_error = $4 WHERE tenant = $1 AND id = $2 AND done_at IS NULL`,
		tx.tenant, id, when.UnixMilli(), reason)
	return err
}

// BuryJob gives work up for good; an operator can see why.
func (tx *Tx) BuryJob(id gate.JobID, reason string) error {
	_, err := tx.exec(`UPDATE outbox SET dead_at = $3, leased_until = 0, last_error = $4 WHERE tenant = $1 AND id = $2 AND done_at IS NULL`,
		tx.tenant, id, tx.now.UnixMilli(), reason)
	return err
}

// JobCounts says how much work is waiting and how much was given up.
func (tx *Tx) JobCounts() (waiting, dead int64, err error) {
	type counts struct{ waiting, dead int64 }
	scan := func(row scanner) (c counts, err error) { err = row.Scan(&c.waiting, &c.dead); return c, err }
	c, err := one(tx, scan, `SELECT COUNT(*) FILTER (WHERE dead_at IS NULL), COUNT(*) FILTER (WHERE dead_at IS NOT NULL)
		FROM outbox WHERE tenant = $1 AND done_at IS NULL`, tx.tenant)
	return c.waiting, c.dead, err
}

// UsersNeverAsked returns at most limit users without a Matrix account for whom
// no job of this kind was ever written.
func (tx *Tx) UsersNeverAsked(kind string, limit int) ([]gate.PrincipalID, error) {
	scan := func(row scanner) (id gate.PrincipalID, err error) { err = row.Scan(&id); return id, err }
	return many(tx, scan, `SELECT u.id FROM users u WHERE u.tenant = $1 AND u.matrix_user_id IS NULL
		AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.tenant = u.tenant AND o.subject = u.id AND o.kind = $2) LIMIT $3`, tx.tenant, kind, limit)
}
