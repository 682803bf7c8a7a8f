package store

import (
	"strconv"
	"strings"
	"time"
)

// Bucket is one limiter: it holds Burst and refills one every Interval.
type Bucket struct {
	Name     string
	Burst    int
	Interval time.Duration
}

// TakeFrom is the generic cell rate algorithm (GCRA) as one conditional upsert.
// It returns false, and changes nothing, when the bucket is empty.
func (tx *Tx) TakeFrom(b Bucket) (bool, error) {
	n, err := tx.exec(`INSERT INTO limits (tenant, name, tat) VALUES ($1, $2, CAST($3 AS BIGINT) + CAST($4 AS BIGINT))
		ON CONFLICT (tenant, name) DO UPDATE SET tat = CASE WHEN limits.tat > $3 THEN limits.tat ELSE CAST($3 AS BIGINT) END + $4
		WHERE CASE WHEN limits.tat > $3 THEN limits.tat ELSE CAST($3 AS BIGINT) END + $4 - $3 <= $5`,
		tx.tenant, b.Name, tx.now.UnixMilli(), b.Interval.Milliseconds(), b.Interval.Milliseconds()*int64(b.Burst))
	return n == 1, err
}

// Waits returns for each bucket that was ever taken from how long it is until
// one can be taken again: 0 when one can be taken now.
func (tx *Tx) Waits(buckets []Bucket) (map[string]time.Duration, error) {
	if len(buckets) == 0 {
		return nil, nil
	}
	args, marks := []any{tx.tenant}, make([]string, len(buckets))
	full := map[string]int64{}
	for i, b := range buckets {
		args, marks[i] = append(args, b.Name), "$"+strconv.Itoa(i+2)
		full[b.Name] = tx.now.UnixMilli() + b.Interval.Milliseconds()*int64(b.Burst-1)
	}
	type row struct {
		name string
		tat  int64
	}
	scan := func(s scanner) (r row, err error) { err = s.Scan(&r.name, &r.tat); return r, err }
	rows, err := many(tx, scan, `SELECT name, tat FROM limits WHERE tenant = $1 AND name IN (`+strings.Join(marks, ", ")+`)`, args...)
	waits := make(map[string]time.Duration, len(rows))
	for _, r := range rows {
		waits[r.name] = time.Duration(max(0, r.tat-full[r.name])) * time.Millisecond
	}
	return waits, err
}

// Refill makes the bucket full again.
func (tx *Tx) Refill(name string) error {
	_, err := tx.exec(`DELETE FROM limits WHERE tenant = $1 AND name = $2`, tx.tenant, name)
	return err
}
