package store

import (
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// Account is a user with what their password is checked against, "" for one
// without a password.
type Account struct {
	User     gate.User
	Verifier string
}

// AccountByEmail returns the account with this canonical address, or
// gate.ErrNotFound.
func (tx *Tx) AccountByEmail(key string) (Account, error) {
	return tx.account("u.email_key", key)
}

// AccountByUsername returns the account with this canonical user name, or
// gate.ErrNotFound.
func (tx *Tx) AccountByUsername(key string) (Account, error) {
	return tx.account("u.username_key", key)
}

// AccountOf returns the account of a user, or gate.ErrNotFound.
func (tx *Tx) AccountOf(id gate.PrincipalID) (Account, error) { return tx.account("u.id", string(id)) }

func (tx *Tx) account(column, value string) (Account, error) {
	scan := func(row scanner) (a Account, err error) {
		err = row.Scan(append(userFields(&a.User), &a.Verifier)...)
		return a, err
	}
	return one(tx, scan, `SELECT `+userColumns+`, COALESCE(c.verifier, '') FROM `+userTables+`
		LEFT JOIN credentials c ON c.tenant = u.tenant AND c.principal = u.id AND c.kind = 'password'
		WHERE p.tenant = $1 AND u.tenant = $1 AND `+column+` = $2`, tx.tenant, value)
}

// SetPasswordVerifier stores a principal's password verifier, in place of an
// earlier one if there is one.
func (tx *Tx) SetPasswordVerifier(id gate.PrincipalID, verifier string) error {
	err := tx.must(`INSERT INTO credentials (tenant, id, principal, kind, verifier, label, created_at, updated_at)
		VALUES ($1, $2, $3, 'password', $4, '', $5, $5)
		ON CONFLICT (tenant, principal) WHERE kind = 'password' DO UPDATE SET verifier = excluded.verifier, updated_at = excluded.updated_at,
			must_change = FALSE, expires_at = NULL`,
		tx.tenant, secret.ID(), id, verifier, tx.now.UnixMilli())
	if err != nil {
		return err
	}
	return tx.changed(string(id))
}

// MakePasswordTemporary says that a principal's password was chosen by somebody
// else: it has to be changed, and works until expires.
func (tx *Tx) MakePasswordTemporary(id gate.PrincipalID, expires time.Time) error {
	if err := tx.must(`UPDATE credentials SET must_change = TRUE, expires_at = $3 WHERE tenant = $1 AND principal = $2 AND kind = 'password'`,
		tx.tenant, id, expires.UnixMilli()); err != nil {
		return err
	}
	return tx.changed(string(id))
}

// ReplacePasswordVerifier stores a better hash of the same password, unless the
// password was changed meanwhile.
func (tx *Tx) ReplacePasswordVerifier(id gate.PrincipalID, old, verifier string) error {
	_, err := tx.exec(`UPDATE credentials SET verifier = $4 WHERE tenant = $1 AND principal = $2 AND kind = 'password' AND verifier = $3`,
		tx.tenant, id, old, verifier)
	return err
}

// UsePassword notes that the password was used to sign in. It returns false
// when the verifier is not the current one any more: the password was changed
// while it was being checked. Until the transaction ends, a change waits.
func (tx *Tx) UsePassword(id gate.PrincipalID, verifier string) (bool, error) {
	n, err := tx.exec(`UPDATE credentials SET used_at = $4 WHERE tenant = $1 AND principal = $2 AND kind = 'password' AND verifier = $3`,
		tx.tenant, id, verifier, tx.now.UnixMilli())
	return n == 1, err
}

// HoldPassword makes logins with the principal's password wait until this
// transaction ends, so that they see what it did.
func (tx *Tx) HoldPassword(id gate.PrincipalID) error {
	_, err := tx.exec(`UPDATE credentials SET updated_at = $3 WHERE tenant = $1 AND principal = $2 AND kind = 'password'`, tx.tenant, id, tx.now.UnixMilli())
	return err
}
