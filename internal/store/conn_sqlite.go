package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
)

// cachedConn is one SQLite connection and its prepared statements: parsing the
// same SQL for every request would cost more than running it.
type cachedConn struct {
	conn *sql.Conn
	mu   sync.Mutex
	stmt map[string]*sql.Stmt
}

func newCachedConn(conn *sql.Conn) *cachedConn {
	return &cachedConn{conn: conn, stmt: map[string]*sql.Stmt{}}
}

func (c *cachedConn) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.stmt[query]; s != nil {
		return s, nil
	}
	s, err := c.conn.PrepareContext(ctx, query)
	if err == nil {
		c.stmt[query] = s
	}
	return s, err
}

// ExecContext runs a statement, prepared at its first use.
func (c *cachedConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext runs a query, prepared at its first use.
func (c *cachedConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// snapshot runs work in a read transaction, which ends whatever happens in it:
// also when work panics, the connection goes back clean.
func (c *cachedConn) snapshot(ctx context.Context, run work) (err error) {
	if err := c.do(ctx, "BEGIN DEFERRED"); err != nil {
		return err
	}
	defer func() {
		if end := c.do(context.WithoutCancel(ctx), "COMMIT"); err == nil {
			err = end
		}
	}()
	return run(ctx, c)
}

func (c *cachedConn) do(ctx context.Context, statement string) error {
	_, err := c.ExecContext(ctx, statement)
	return err
}

// discard closes the connection for good instead of giving it back to the pool.
func (c *cachedConn) discard() {
	_ = c.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = c.conn.Close()
}
