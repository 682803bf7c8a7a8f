package store

import (
	"cmp"
	"database/sql"
	"strings"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// placeColumns reads the roles and memberships of principals p.
const placeColumns = `COALESCE((SELECT string_agg(g.role, ',' ORDER BY g.role) FROM role_grants g WHERE g.tenant = p.tenant AND g.principal = p.id), ''),
		COALESCE((SELECT string_agg(m.org || ' ' || o.kind || ' ' || m.role, ',' ORDER BY m.created_at, m.org) FROM memberships m
			JOIN orgs o ON o.tenant = m.tenant AND o.id = m.org WHERE m.tenant = p.tenant AND m.principal = p.id), '')`

// userColumns reads a whole user with today's roles, from principals p and
// users u.
const (
	userColumns = `p.id, p.kind, u.number, COALESCE(u.email, ''), u.email_verified, COALESCE(u.username, ''), p.display_name, u.avatar_url, u.locale, u.timezone,
		COALESCE(u.matrix_user_id, ''), p.disabled_at, p.created_at, p.updated_at,
		` + placeColumns + `,
		COALESCE((SELECT k.must_change FROM credentials k WHERE k.tenant = p.tenant AND k.principal = p.id AND k.kind = 'password'), FALSE),
		(SELECT k.expires_at FROM credentials k WHERE k.tenant = p.tenant AND k.principal = p.id AND k.kind = 'password')`
	userTables = `principals p JOIN users u ON u.tenant = p.tenant AND u.id = p.id`
)

// userFields lists where userColumns go.
func userFields(u *gate.User) []any {
	return []any{&u.ID, &u.Kind, &u.Number, &u.Email, at(&u.EmailVerifiedAt), &u.Username, &u.DisplayName, &u.AvatarURL, &u.Locale, &u.Timezone,
		&u.MatrixUserID, at(&u.DisabledAt), at(&u.CreatedAt), at(&u.UpdatedAt), rolesIn{&u.Roles}, membershipsIn{&u.ID, &u.Memberships},
		&u.MustChangePassword, at(&u.PasswordExpiresAt)}
}

func scanUser(row scanner) (u gate.User, err error) {
	err = row.Scan(userFields(&u)...)
	return u, err
}

// rolesIn scans names with commas between them.
type rolesIn struct{ to *[]gate.Role }

// Scan reads the list.
func (l rolesIn) Scan(value any) error {
	return scanList(value, func(name string) { *l.to = append(*l.to, gate.Role(name)) })
}

// membershipsIn scans orgs, their kinds, and roles in them: "org kind role,…".
type membershipsIn struct {
	of *gate.PrincipalID // scanned before
	to *[]gate.Membership
}

// Scan reads the list.
func (l membershipsIn) Scan(value any) error {
	return scanList(value, func(text string) {
		org, rest, _ := strings.Cut(text, " ")
		kind, role, _ := strings.Cut(rest, " ")
		*l.to = append(*l.to, gate.Membership{Org: gate.OrgID(org), Kind: gate.OrgKind(kind), Principal: *l.of, Role: gate.OrgRole(role)})
	})
}

func scanList(value any, each func(string)) error {
	var list sql.NullString
	if err := list.Scan(value); err != nil || list.String == "" {
		return err
	}
	for name := range strings.SplitSeq(list.String, ",") {
		each(name)
	}
	return nil
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

// UserByNumber returns the user with this number, or gate.ErrNotFound.
func (tx *Tx) UserByNumber(number int64) (gate.User, error) {
	return one(tx, scanUser, `SELECT `+userColumns+` FROM `+userTables+` WHERE p.tenant = $1 AND u.tenant = $1 AND u.number = $2`, tx.tenant, number)
}

// AddUser inserts a user with a new number, or with the one that it has
// already; EmailVerifiedAt is as given. It returns ErrShortIDTaken, or
// gate.ErrEmailTaken and gate.ErrUsernameTaken for what another user has, in
// this order; none of it ends the transaction.
func (tx *Tx) AddUser(u gate.User, email gate.Email) (gate.User, error) {
	u.Kind, u.CreatedAt, u.UpdatedAt = cmp.Or(u.Kind, gate.KindUser), tx.now, tx.now
	if err := tx.must(`INSERT INTO principals (tenant, id, kind, display_name, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)`,
		tx.tenant, u.ID, u.Kind, u.DisplayName, tx.now.UnixMilli()); err != nil {
		return u, err
	}
	number, err := tx.nextNumber(u.Number)
	if err != nil {
		return u, err
	}
	u.Number, u.Email = number, email.Address
	username, _ := gate.ParseUsername(u.Username)
	n, err := tx.exec(`INSERT INTO users (tenant, id, number, short_id, email, email_key, username, username_key, avatar_url, locale, timezone, email_verified)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
		tx.tenant, u.ID, number, shortID(u.ID), nullable(email.Address), nullable(email.Key),
		nullable(username.Name), nullable(username.Key), u.AvatarURL, u.Locale, u.Timezone, orNull(u.EmailVerifiedAt))
	if err != nil || n == 1 {
		return u, err
	}
	if err := tx.taken(u.ID, email.Key, username.Key); err != nil {
		return u, err
	}
	return u, ErrShortIDTaken
}

// nextNumber draws the next user's number, or takes the wanted one and makes the
// later ones follow it.
func (tx *Tx) nextNumber(wanted int64) (int64, error) {
	if wanted != 0 {
		_, err := tx.exec(`INSERT INTO counters (tenant, name, value) VALUES ($1, 'users', $2)
			ON CONFLICT (tenant, name) DO UPDATE SET value = CASE WHEN counters.value < $2 THEN $2 ELSE counters.value END`, tx.tenant, wanted)
		return wanted, err
	}
	return one(tx, scanNumber, `INSERT INTO counters (tenant, name, value) VALUES ($1, 'users', 1)
		ON CONFLICT (tenant, name) DO UPDATE SET value = counters.value + 1 RETURNING value`, tx.tenant)
}

// taken says which of the two names another user has, if one does.
func (tx *Tx) taken(id gate.PrincipalID, emailKey, usernameKey string) error {
	for _, unique := range []struct {
		column, key string
		refusal     *gate.Error
	}{{"email_key", emailKey, gate.ErrEmailTaken}, {"username_key", usernameKey, gate.ErrUsernameTaken}} {
		holders, err := one(tx, scanNumber, `SELECT COUNT(*) FROM users WHERE tenant = $1 AND id <> $2 AND `+unique.column+` = $3`, tx.tenant, id, unique.key)
		if err != nil {
			return err
		}
		if holders > 0 {
			return unique.refusal
		}
	}
	return nil
}

// Profile is what users say about themselves.
type Profile struct {
	Email    gate.Email
	Username gate.Username
}

// SetProfile replaces what a user says about themselves. A new address is one
// that nobody has verified. It returns
// gate.ErrEmailTaken and gate.ErrUsernameTaken, which leave the transaction
// usable, and gate.ErrNotFound.
func (tx *Tx) SetProfile(id gate.PrincipalID, p Profile) error {
	n, err := tx.exec(`UPDATE users SET email = $3, email_key = $4, username = $5, username_key = $6,
		email_verified = CASE WHEN email_key = $4 THEN email_verified END WHERE tenant = $1 AND id = $2
		AND NOT EXISTS (SELECT 1 FROM users o WHERE o.tenant = $1 AND o.id <> $2 AND (o.email_key = $4 OR o.username_key = $6))`,
		tx.tenant, id, nullable(p.Email.Address), nullable(p.Email.Key), nullable(p.Username.Name), nullable(p.Username.Key))
	if err != nil {
		return err
	}
	if n == 0 {
		if err := tx.taken(id, p.Email.Key, p.Username.Key); err != nil {
			return err
		}
		return gate.ErrNotFound
	}
	if err := tx.must(`UPDATE principals SET updated_at = $3 WHERE tenant = $1 AND id = $2`, tx.tenant, id, tx.now.UnixMilli()); err != nil {
		return err
	}
	return tx.changed(string(id))
}

// VerifyEmail notes that an address was shown to be its user's: if it still is
// the user's, and was not verified before. It returns whether that changed
// anything.
func (tx *Tx) VerifyEmail(id gate.PrincipalID, key string) (bool, error) {
	n, err := tx.exec(`UPDATE users SET email_verified = $4 WHERE tenant = $1 AND id = $2 AND email_key = $3 AND email_verified IS NULL`,
		tx.tenant, id, key, tx.now.UnixMilli())
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.changed(string(id))
}

// RemoveUser removes a user with all that belongs to them: roles, memberships,
// credentials, sessions, agents. Audit events stay.
func (tx *Tx) RemoveUser(id gate.PrincipalID) error {
	if err := tx.removeAgentsOf("owner_user", string(id)); err != nil {
		return err
	}
	if err := tx.must(`DELETE FROM principals WHERE tenant = $1 AND id = $2 AND id IN (SELECT u.id FROM users u WHERE u.tenant = $1)`, tx.tenant, id); err != nil {
		return err
	}
	return tx.changed(string(id))
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
