package gatehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Tx is as much of a transaction as SetRowSecurity needs. *sql.Tx is one; a pgx.Tx
// becomes one with
//
//	type pgxTx struct{ pgx.Tx }
//
//	func (t pgxTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
//		tag, err := t.Exec(ctx, query, args...)
//		return driver.RowsAffected(tag.RowsAffected()), err
//	}
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// SET LOCAL takes no parameters (42601), set_config does; true makes it local.
const setRowSecurity = `SELECT set_config('app.current_user_id', $1, true), set_config('app.current_actor_id', $2, true), ` +
	`set_config('app.current_actor_type', $3, true), set_config('app.current_roles', $4, true), set_config('app.current_microdao_ids', $5, true)`

// SetRowSecurity tells Postgres who is acting, until the end of the transaction,
// for policies of row security. Call it first in every transaction. It sets
// app.current_user_id ("" when the actor is not human), app.current_actor_id,
// app.current_actor_type, and app.current_roles and app.current_microdao_ids as
// JSON lists.
//
// After the transaction the settings are empty texts and not NULL, so a policy
// compares with this, which is NULL for nobody:
//
//	NULLIF(current_setting('app.current_user_id', true), '')
//
// It refuses to run without an actor, and on a *sql.DB or *sql.Conn, where it
// would set nothing. Any other error is the database's.
func SetRowSecurity(ctx context.Context, tx Tx, actor *Actor) error {
	if actor == nil || actor.ID == "" {
		return errors.New("gatehouse: SetRowSecurity needs an actor")
	}
	type beginner interface { // a transaction cannot begin another
		BeginTx(context.Context, *sql.TxOptions) (*sql.Tx, error)
	}
	if _, ok := tx.(beginner); ok {
		return errors.New("gatehouse: SetRowSecurity needs a transaction: outside of one it would set nothing")
	}
	values := rowSecurityValues(actor)
	if _, err := tx.ExecContext(ctx, setRowSecurity, values[:]...); err != nil {
		return fmt.Errorf("gatehouse: SetRowSecurity: %w", err)
	}
	return nil
}

// rowSecurityValues are user id, actor id, actor type, roles and microDAOs.
func rowSecurityValues(actor *Actor) [5]any {
	return [5]any{actor.UserID, actor.ID, string(actor.Type), jsonList(actor.Roles), jsonList(actor.MicroDAOs)}
}

// jsonList writes compact JSON that escapes nothing but what must be, so that the
// SDKs of all languages write the same. The standard library also escapes <, >, &,
// U+2028 and U+2029.
func jsonList[T ~string](texts []T) string {
	var out strings.Builder
	out.WriteByte('[')
	for i, text := range texts {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('"')
		for j := range len(text) {
			writeEscaped(&out, text[j])
		}
		out.WriteByte('"')
	}
	out.WriteByte(']')
	return out.String()
}

func writeEscaped(out *strings.Builder, b byte) {
	const named = "\b\f\n\r\t\"\\"
	if i := strings.IndexByte(named, b); i >= 0 {
		out.WriteByte('\\')
		out.WriteByte(`bfnrt"\`[i])
		return
	}
	if b < ' ' {
		fmt.Fprintf(out, `\u%04x`, b)
		return
	}
	out.WriteByte(b)
}
