package store

import (
	"errors"
	"strings"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// userColumns reads a whole user with today's roles, from principals p and
// users u.
const (
	userColumns = `p.id, u.number, COALESCE(u.email, ''), p.display_name, u.avatar_url, u.locale, u.timezone,
		COALESCE(u.matrix_user_id, ''), p.disabled_at, p.created_at, p.updated_at,
		COALESCE((SELECT string_agg(g.role, ',' ORDER BY g.role) FROM role_grants g WHERE g.tenant = p.tenant AND g.principal = p.id), '')`
	userTables = `principals p JOIN users u ON u.tenant = p.tenant AND u.id = p.id`
)

// userFields lists where userColumns go.
func userFields(u *gate.User, roles *string) []any {
	return []any{&u.ID, &u.Number, &u.Email, &u.DisplayName, &u.AvatarURL, &u.Locale, &u.Timezone,
		&u.MatrixUserID, at(&u.DisabledAt), at(&u.CreatedAt), at(&u.UpdatedAt), roles}
}

func scanUser(row scanner) (u gate.User, err error) {
	var roles string
	err = row.Scan(userFields(&u, &roles)...)
	u.Roles = splitRoles(roles)
	return u, err
}

func splitRoles(list string) []gate.Role {
	if list == "" {
		return nil
	}
	names := strings.Split(list, ",")
	roles := make([]gate.Role, len(names))
	for i, name := range names {
		roles[i] = gate.Role(name)
	}
	return roles
}

// User returns the user with this id, or gate.ErrNotFound.
func (tx *Tx) User(id gate.PrincipalID) (gate.User, error) {
	return one(tx, scanUser, `SELECT `+userColumns+` FROM `+userTables+` WHERE p.tenant = $1 AND p.id = $2`, tx.tenant, id)
}

// UserByEmail returns the user with this canonical address, or gate.ErrNotFound.
func (tx *Tx) UserByEmail(key string) (gate.User, error) {
	return one(tx, scanUser, `SELECT `+userColumns+` FROM `+userTables+` WHERE p.tenant = $1 AND u.tenant = $1 AND u.email_key = $2`, tx.tenant, key)
}

// Users returns at most limit users whose number is greater than after, by number.
func (tx *Tx) Users(after int64, limit int) ([]gate.User, error) {
	return many(tx, scanUser, `SELECT `+userColumns+` FROM `+userTables+` WHERE p.tenant = $1 AND u.tenant = $1 AND u.number > $2 ORDER BY u.number LIMIT $3`,
		tx.tenant, after, limit)
}

// ErrShortIDTaken says that another user's id begins with the same eight
// digits; draw another id. It is between store and account, and in no
// catalogue: no client ever meets it.
var ErrShortIDTaken = &gate.Error{Kind: gate.Conflict, Code: "short_id_taken", Message: "another id begins with the same digits"}

// AddUser inserts a user with a new number. It returns ErrShortIDTaken, or
// gate.ErrEmailTaken for an address that another user has; both leave the
// transaction usable.
func (tx *Tx) AddUser(u gate.User, email gate.Email) (gate.User, error) {
	u.CreatedAt, u.UpdatedAt = tx.now, tx.now
	if err := tx.must(`INSERT INTO principals (tenant, id, kind, display_name, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)`,
		tx.tenant, u.ID, gate.KindUser, u.DisplayName, tx.now.UnixMilli()); err != nil {
		return u, err
	}
	number, err := one(tx, scanNumber, `INSERT INTO counters (tenant, name, value) VALUES ($1, 'users', 1)
		ON CONFLICT (tenant, name) DO UPDATE SET value = counters.value + 1 RETURNING value`, tx.tenant)
	if err != nil {
		return u, err
	}
	u.Number, u.Email = number, email.Address
	n, err := tx.exec(`INSERT INTO users (tenant, id, number, short_id, email, email_key, avatar_url, locale, timezone)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		tx.tenant, u.ID, number, shortID(u.ID), nullable(email.Address), nullable(email.Key), u.AvatarURL, u.Locale, u.Timezone)
	if err != nil || n == 1 {
		return u, err
	}
	switch _, err := tx.UserByEmail(email.Key); {
	case err == nil:
		return u, gate.ErrEmailTaken
	case errors.Is(err, gate.ErrNotFound):
		return u, ErrShortIDTaken
	default:
		return u, err
	}
}

// shortID is what Matrix names are derived from.
func shortID(id gate.PrincipalID) string {
	return strings.ReplaceAll(string(id), "-", "")[:8]
}

// SetDisabled disables or enables a principal. It returns false when nothing
// changed.
func (tx *Tx) SetDisabled(id gate.PrincipalID, disabled bool) (bool, error) {
	query := `UPDATE principals SET disabled_at = $3, updated_at = $3 WHERE tenant = $1 AND id = $2 AND disabled_at IS NULL`
	if !disabled {
		query = `UPDATE principals SET disabled_at = NULL, updated_at = $3 WHERE tenant = $1 AND id = $2 AND disabled_at IS NOT NULL`
	}
	n, err := tx.exec(query, tx.tenant, id, tx.now.UnixMilli())
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.changed(string(id))
}

// SetMatrixUserID links a user to a Matrix account. It returns gate.ErrConflict
// when another user has that account.
func (tx *Tx) SetMatrixUserID(id gate.PrincipalID, matrixUserID string) error {
	n, err := tx.exec(`UPDATE users SET matrix_user_id = $3 WHERE tenant = $1 AND id = $2
		AND NOT EXISTS (SELECT 1 FROM users o WHERE o.tenant = $1 AND o.matrix_user_id = $3 AND o.id <> $2)`, tx.tenant, id, matrixUserID)
	if err != nil {
		return err
	}
	if n == 0 {
		return gate.ErrConflict
	}
	return tx.changed(string(id))
}
