package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// postgresEngine keeps everything in schema "gatehouse", so that tables of an
// original beside it stay untouched.
type postgresEngine struct {
	pool   *sql.DB
	config *pgx.ConnConfig
	groups []*group // for transactions that are shared, see writeRow
}

const (
	postgresSchema  = "gatehouse"
	postgresChannel = "gatehouse_changes"
	connectTimeout  = 3 * time.Second
	listenPing      = 250 * time.Millisecond

	// Few enough that requests meet in a batch, enough to keep one batch's
	// statements running while another waits for the disk.
	postgresGroups = 2
)

func openPostgres(dsn string, maxConnections int) (*postgresEngine, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the database URL is not valid") // the parser's words can hold the password
	}
	config.ConnectTimeout = connectTimeout
	config.RuntimeParams["search_path"] = postgresSchema
	config.RuntimeParams["application_name"] = "gatehouse"
	config.RuntimeParams["statement_timeout"] = "5000"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "10000"
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(maxConnections + postgresGroups) // each group keeps one
	pool.SetMaxIdleConns(maxConnections + postgresGroups)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	e := &postgresEngine{pool: pool, config: config}
	for range postgresGroups {
		e.groups = append(e.groups, newGroup(&postgresBatch{engine: e}))
	}
	return e, nil
}

// createPostgres makes the missing database, through the database "postgres"
// of the same server.
func createPostgres(ctx context.Context, dsn string) error {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return errors.New("the database URL is not valid")
	}
	name := config.Database
	config.Database, config.ConnectTimeout = "postgres", connectTimeout
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	return err
}

// tenantName is what a tenant may be called; it makes the name safe to stand in
// the statement that begins a transaction.
var tenantName = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)

func (e *postgresEngine) read(ctx context.Context, tenant gate.TenantID, run work) error {
	return e.transaction(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", tenant, run)
}

func (e *postgresEngine) write(ctx context.Context, tenant gate.TenantID, run work) error {
	return e.transaction(ctx, "BEGIN", tenant, run)
}

// writeRow shares a transaction with others that write at the same time. Those
// who touch the same row meet in the same group and so never wait for each
// other's transaction. Who went down with somebody else's failure goes alone.
func (e *postgresEngine) writeRow(ctx context.Context, tenant gate.TenantID, row string, run work) error {
	h := fnv.New32a()
	_, _ = h.Write([]byte(row))
	err := e.groups[h.Sum32()%postgresGroups].submit(ctx, tenant, run)
	if errors.Is(err, errBatchAborted) {
		return e.write(ctx, tenant, run)
	}
	return err
}

// transaction begins, runs, and commits or rolls back: also when run panics, the
// connection goes back clean.
func (e *postgresEngine) transaction(ctx context.Context, begin string, tenant gate.TenantID, run work) error {
	conn, err := e.pool.Conn(ctx)
	if err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed {
			e.rollback(ctx, conn)
		}
		_ = conn.Close()
	}()
	if err := e.enter(ctx, conn, begin, tenant); err != nil {
		return err
	}
	if err := run(ctx, conn); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		return commitError{err}
	}
	committed = true
	return nil
}

// enter begins a transaction and names its tenant in one round trip. The
// setting is local to the transaction: nothing is left on the pooled connection.
func (e *postgresEngine) enter(ctx context.Context, conn *sql.Conn, begin string, tenant gate.TenantID) error {
	if !tenantName.MatchString(string(tenant)) {
		return fmt.Errorf("tenant %q is not a valid name", tenant)
	}
	_, err := conn.ExecContext(ctx, begin+"; SELECT set_config('gatehouse.tenant', '"+string(tenant)+"', true)")
	return err
}

// native is pgx's own connection below database/sql.
func native(raw any) *pgx.Conn { return raw.(*stdlib.Conn).Conn() }

// rollback makes sure that the connection goes back clean, or not at all.
func (e *postgresEngine) rollback(ctx context.Context, conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// commitError marks a failure of COMMIT itself. Unless the server said that it
// rolled back, nobody knows what happened, and trying again could do it twice.
type commitError struct{ error }

func (e commitError) Unwrap() error { return e.error }

func (e *postgresEngine) notify(ctx context.Context, q querier, subject string) error {
	_, err := q.ExecContext(ctx, `SELECT pg_notify($1, $2)`, postgresChannel, subject)
	return err
}

// listen keeps one connection for LISTEN. A ping that comes back proves that
// everything notified before it was sent has been delivered.
func (e *postgresEngine) listen(ctx context.Context, feed *Feed) {
	for ctx.Err() == nil {
		if err := e.listenOnce(ctx, feed); err != nil && ctx.Err() == nil {
			select {
			case <-time.After(listenPing):
			case <-ctx.Done():
			}
		}
	}
}

func (e *postgresEngine) listenOnce(ctx context.Context, feed *Feed) error {
	conn, err := pgx.ConnectConfig(ctx, e.config.Copy())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+postgresChannel); err != nil {
		return err
	}
	feed.reset() // whatever was notified before we listened is lost to us
	for {
		asked := feed.clock()
		pinged, cancel := context.WithTimeout(ctx, time.Second)
		_, err := conn.Exec(pinged, "SELECT 1")
		cancel()
		if err != nil {
			return err
		}
		feed.heard(asked)
		wait, cancel := context.WithTimeout(ctx, listenPing)
		for err == nil {
			var n *pgconn.Notification
			if n, err = conn.WaitForNotification(wait); err == nil {
				feed.publish([]string{n.Payload})
			}
		}
		cancel()
		if !pgconn.Timeout(err) || ctx.Err() != nil {
			return err
		}
	}
}

func (e *postgresEngine) retryable(err error) bool {
	switch code := pgCode(err); {
	case code == "40001", code == "40P01": // serialization failure, deadlock
		return true
	case errors.As(err, new(commitError)):
		return false
	case code != "":
		return strings.HasPrefix(code, "57P0") // the server closed this connection
	}
	return connectionLost(err)
}

func (e *postgresEngine) unique(err error) bool { return pgCode(err) == "23505" }

func (e *postgresEngine) cause(err error) *gate.Cause { return postgresCause(err) }

func postgresCause(err error) *gate.Cause {
	switch code := pgCode(err); {
	case code == "3D000":
		return gate.CauseDatabaseMissing.With(err)
	case code == "28P01", code == "28000":
		return gate.CauseWrongPassword.With(err)
	case code == "42501":
		return gate.CauseNoRights.With(err)
	case code == "42P01", code == "3F000", code == "42703":
		return gate.CauseSchemaOutdated.With(err)
	case code == "53100":
		return gate.CauseDiskFull.With(err)
	case code == "57014": // statement_timeout
		return gate.CauseUnreachable.With(err)
	case strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57P"), strings.HasPrefix(code, "08"), strings.HasPrefix(code, "25006"):
		return gate.CauseUnreachable.With(err)
	case code == "" && (connectionLost(err) || errors.As(err, new(*pgconn.ConnectError))):
		return gate.CauseUnreachable.With(err)
	}
	return nil
}

func connectionLost(err error) bool {
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &network) ||
		pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "database is closed")
}

func pgCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func (e *postgresEngine) schema() *sql.DB        { return e.pool }
func (e *postgresEngine) dialect() goose.Dialect { return goose.DialectPostgres }

func (e *postgresEngine) close() error {
	for _, g := range e.groups {
		g.stop()
	}
	return e.pool.Close()
}

func (e *postgresEngine) mayPrepare(ctx context.Context) error {
	var may bool
	err := e.pool.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) OR has_database_privilege(current_database(), 'CREATE')`,
		postgresSchema).Scan(&may)
	if err == nil && !may {
		err = gate.CauseNoRights.With(errors.New("the user may not create schema " + postgresSchema + " in this database"))
	}
	return err
}

// serve lets a role read and write in our schema, and nothing else.
func (e *postgresEngine) serve(ctx context.Context, role string) error {
	to := pgx.Identifier{role}.Sanitize()
	_, err := e.pool.ExecContext(ctx, `GRANT USAGE ON SCHEMA `+postgresSchema+` TO `+to+`;
		GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA `+postgresSchema+` TO `+to)
	return err
}

func (e *postgresEngine) prepare(ctx context.Context) error {
	var exists bool
	err := e.pool.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`, postgresSchema).Scan(&exists)
	if err != nil || exists {
		return err
	}
	_, err = e.pool.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS `+postgresSchema)
	if e.unique(err) { // somebody else made it at this very moment: IF NOT EXISTS does not look that far
		return nil
	}
	return err
}
