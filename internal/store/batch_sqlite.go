package store

import (
	"context"
	"database/sql"
	"fmt"
)

// sqliteBatch is SQLite's only writer. Each request has a savepoint of its own,
// so its failure undoes only what it did.
type sqliteBatch struct {
	db   *sql.DB
	conn *cachedConn // nil until first used, and after a failure
}

func (b *sqliteBatch) begin(ctx context.Context) error {
	if b.conn == nil {
		conn, err := b.db.Conn(ctx)
		if err != nil {
			return err
		}
		b.conn = newCachedConn(conn)
	}
	return b.conn.do(ctx, "BEGIN IMMEDIATE")
}

func (b *sqliteBatch) run(_ context.Context, requests []*request, results []error) (fatal error) {
	for i := 0; fatal == nil && i < len(requests); i++ {
		results[i], fatal = b.one(requests[i])
	}
	return fatal
}

// one runs a request in its savepoint. The second result is not nil when the
// whole transaction is lost.
func (b *sqliteBatch) one(r *request) (own, fatal error) {
	ctx, stop := r.detached()
	defer stop()
	if err := b.conn.do(ctx, "SAVEPOINT request"); err != nil {
		return err, err
	}
	own = protect(ctx, r.run, b.conn)
	if own != nil {
		if err := b.conn.do(ctx, "ROLLBACK TO request"); err != nil {
			return own, fmt.Errorf("%w: %w", errBatchAborted, err)
		}
	}
	if err := b.conn.do(ctx, "RELEASE request"); err != nil {
		return own, fmt.Errorf("%w: %w", errBatchAborted, err)
	}
	return own, nil
}

func (b *sqliteBatch) commit(ctx context.Context) error { return b.conn.do(ctx, "COMMIT") }

func (b *sqliteBatch) abort(ctx context.Context) {
	if b.conn != nil {
		_ = b.conn.do(ctx, "ROLLBACK")
		b.conn.discard()
		b.conn = nil
	}
}

func (b *sqliteBatch) close() {
	if b.conn != nil {
		_ = b.conn.conn.Close()
	}
}
