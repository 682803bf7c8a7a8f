package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// Tx is one transaction of one tenant at one moment.
type Tx struct {
	ctx     context.Context
	q       querier
	tenant  gate.TenantID
	now     time.Time
	db      *DB
	notify  func(ctx context.Context, q querier, subject string) error
	lane    *lane    // the audit chain this transaction writes to, if any
	end     lane     // where that chain ends within the transaction
	changes []string // subjects whose cached answers die with the commit
}

// Now is the moment of the transaction: the same for everything in it.
func (tx *Tx) Now() time.Time { return tx.now }

// Tenant is the owner of all rows that the transaction can see.
func (tx *Tx) Tenant() gate.TenantID { return tx.tenant }

// changed notes that what was known about a principal or session is no longer
// true. The notice takes effect with the commit, never before.
func (tx *Tx) changed(subject string) error {
	subject = string(tx.tenant) + "/" + subject
	tx.changes = append(tx.changes, subject)
	return tx.notify(tx.ctx, tx.q, subject)
}

// exec runs a statement and returns how many rows it touched.
func (tx *Tx) exec(query string, args ...any) (int64, error) {
	result, err := tx.q.ExecContext(tx.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// must runs a statement that has to touch exactly one row.
func (tx *Tx) must(query string, args ...any) error {
	n, err := tx.exec(query, args...)
	if err == nil && n != 1 {
		err = gate.ErrNotFound
	}
	return err
}

// Last promises that the next statement is the last one that writes, and that it
// does write if anything before it did; what follows only reads. Where
// transactions are shared, COMMIT then travels with it.
func (tx *Tx) Last() *Tx {
	if shared, ok := tx.q.(interface{ lastStatement() }); ok {
		shared.lastStatement()
	}
	return tx
}

// scanner is what a row offers to a scan function.
type scanner interface{ Scan(dest ...any) error }

// one returns the first row, or gate.ErrNotFound.
func one[T any](tx *Tx, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	var none T
	rows, err := tx.q.QueryContext(tx.ctx, query, args...)
	if err != nil {
		return none, err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return none, err
		}
		return none, gate.ErrNotFound
	}
	value, err := scan(rows)
	if err != nil {
		return none, err
	}
	return value, rows.Close()
}

// many returns all rows.
func many[T any](tx *Tx, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.q.QueryContext(tx.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var values []T
	for rows.Next() {
		value, err := scan(rows)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, rows.Err()
}

func scanText(row scanner) (s string, err error)  { err = row.Scan(&s); return s, err }
func scanNumber(row scanner) (n int64, err error) { err = row.Scan(&n); return n, err }

// Times are stored as milliseconds; NULL is the zero time.

type moment struct{ to *time.Time }

// at scans a stored time into t.
func at(t *time.Time) moment { return moment{t} }

// Scan reads milliseconds or NULL.
func (m moment) Scan(value any) error {
	var n sql.NullInt64
	if err := n.Scan(value); err != nil {
		return err
	}
	*m.to = time.Time{}
	if n.Valid {
		*m.to = time.UnixMilli(n.Int64).UTC()
	}
	return nil
}

// orNull is a time for a column that is NULL for none.
func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// nullable stores "" as NULL, for columns where unique values may be absent.
func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
