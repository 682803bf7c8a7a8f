//go:build unix

package rowsecurity

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib"

	gatehouse "github.com/gatehouse/gatehouse/sdk/go"
)

var person = &gatehouse.Actor{ID: "user:93", Type: gatehouse.Human, UserID: "93"}

// pgxTx is the adapter of the documentation.
type pgxTx struct{ pgx.Tx }

func (t pgxTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	tag, err := t.Exec(ctx, query, args...)
	return driver.RowsAffected(tag.RowsAffected()), err
}

func connect(t *testing.T) *sql.DB {
	db, err := sql.Open("pgx", address("app"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1) // so that what stays in a connection shows in the next transaction
	return db
}

func begin(t *testing.T, db *sql.DB) *sql.Tx {
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func visibleNotes(t *testing.T, q querier) (ids []int) {
	t.Helper()
	rows, err := q.QueryContext(t.Context(), "SELECT id FROM notes ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}

func mustSee(t *testing.T, q querier, want ...int) {
	t.Helper()
	if ids := visibleNotes(t, q); !slices.Equal(ids, want) {
		t.Errorf("the notes are %v, want %v", ids, want)
	}
}

func TestActorsSeeWhatIsTheirsUntilTheTransactionEnds(t *testing.T) {
	for name, end := range map[string]func(*sql.Tx) error{"commit": (*sql.Tx).Commit, "rollback": (*sql.Tx).Rollback} {
		t.Run(name, func(t *testing.T) {
			db := connect(t)
			mustSee(t, db)
			tx := begin(t, db)
			mustSee(t, tx)
			if err := gatehouse.SetRowSecurity(t.Context(), tx, person); err != nil {
				t.Fatal(err)
			}
			mustSee(t, tx, 1, 2)
			other := &gatehouse.Actor{ID: "user:7", Type: gatehouse.Human, UserID: "7"}
			if err := gatehouse.SetRowSecurity(t.Context(), tx, other); err != nil {
				t.Fatal(err)
			}
			mustSee(t, tx, 3)
			if err := end(tx); err != nil {
				t.Fatal(err)
			}
			mustSee(t, db) // on the same connection
			mustSee(t, begin(t, db))
		})
	}
}

func TestAnActorWithoutUserIDSeesNothingOfAnybody(t *testing.T) {
	tx := begin(t, connect(t))
	agent := &gatehouse.Actor{ID: "agent:sofia", Type: gatehouse.Agent}
	if err := gatehouse.SetRowSecurity(t.Context(), tx, agent); err != nil {
		t.Fatal(err)
	}
	mustSee(t, tx) // not even the note of the empty user id
}

func TestAfterATransactionSettingsAreEmptyAndNotNull(t *testing.T) {
	db := connect(t)
	read := func() (value sql.NullString) {
		if err := db.QueryRowContext(t.Context(), "SELECT current_setting('app.current_user_id', true)").Scan(&value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	if before := read(); before.Valid {
		t.Errorf("before, it is %q", before.String)
	}
	tx := begin(t, db)
	if err := gatehouse.SetRowSecurity(t.Context(), tx, person); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if after := read(); !after.Valid || after.String != "" {
		t.Errorf("after, it is %+v", after)
	}
}

func TestTransactionsOfPgx(t *testing.T) {
	for name, mode := range map[string]pgx.QueryExecMode{"prepared": pgx.QueryExecModeCacheStatement, "simple protocol": pgx.QueryExecModeSimpleProtocol} {
		t.Run(name, func(t *testing.T) {
			config, err := pgx.ParseConfig(address("app"))
			if err != nil {
				t.Fatal(err)
			}
			config.DefaultQueryExecMode = mode
			conn, err := pgx.ConnectConfig(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
			err = pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
				return gatehouse.SetRowSecurity(t.Context(), pgxTx{tx}, person)
			})
			if err != nil {
				t.Fatal(err)
			}
			var count int
			err = pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
				if err := gatehouse.SetRowSecurity(t.Context(), pgxTx{tx}, person); err != nil {
					return err
				}
				return tx.QueryRow(t.Context(), "SELECT count(*) FROM notes").Scan(&count)
			})
			if err != nil || count != 2 {
				t.Errorf("%d notes, %v", count, err)
			}
		})
	}
}

// Postgres is told exactly the values of the vectors, which all languages share.
func TestTheVectorsReachPostgres(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "vectors", "row_security.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Cases []struct {
			Name   string
			Actor  gatehouse.Actor
			Values [5]string
		}
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	db := connect(t)
	for _, c := range vectors.Cases {
		t.Run(c.Name, func(t *testing.T) {
			tx := begin(t, db)
			if err := gatehouse.SetRowSecurity(t.Context(), tx, &c.Actor); err != nil {
				t.Fatal(err)
			}
			var got [5]string
			err := tx.QueryRowContext(t.Context(), `SELECT current_setting('app.current_user_id'), current_setting('app.current_actor_id'),
				current_setting('app.current_actor_type'), current_setting('app.current_roles'), current_setting('app.current_microdao_ids')
				WHERE jsonb_typeof(current_setting('app.current_roles')::jsonb) = 'array'`,
			).Scan(&got[0], &got[1], &got[2], &got[3], &got[4])
			if err != nil || got != c.Values {
				t.Errorf("Postgres has %q, %v; want %q", got, err, c.Values)
			}
			if err := tx.Rollback(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOutsideOfATransactionItRefuses(t *testing.T) {
	db := connect(t)
	if err := gatehouse.SetRowSecurity(t.Context(), db, person); err == nil {
		t.Error("a pool does not mind")
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := gatehouse.SetRowSecurity(t.Context(), conn, person); err == nil {
		t.Error("a connection does not mind")
	}
}

func TestErrorsOfTheDatabaseComeBack(t *testing.T) {
	tx := begin(t, connect(t))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := gatehouse.SetRowSecurity(t.Context(), tx, person); !errors.Is(err, sql.ErrTxDone) {
		t.Errorf("in a transaction that has ended: %v", err)
	}
	tx = begin(t, connect(t))
	evil := &gatehouse.Actor{ID: "user:\x00", Type: gatehouse.Human}
	refused, ok := errors.AsType[*pgconn.PgError](gatehouse.SetRowSecurity(t.Context(), tx, evil))
	if !ok || refused.Code != "22021" {
		t.Errorf("of a text that Postgres cannot keep: %+v", refused)
	}
}

// Why it is not the shorter statement.
func TestSetLocalTakesNoParameters(t *testing.T) {
	tx := begin(t, connect(t))
	_, err := tx.ExecContext(t.Context(), "SET LOCAL app.current_user_id = $1", "93")
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || refused.Code != "42601" {
		t.Errorf("it is %v", err)
	}
}
