//go:build unix

package nt_test

import (
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// without takes every occurrence of a part away, if there is one.
func without(text, part string) string {
	if part == "" {
		return text
	}
	return strings.ReplaceAll(text, part, "")
}

// addUser makes an account without a password.
func addUser(address string) func(tx *store.Tx) error { return importUser(address, "") }

// importUser makes an account with a verifier from elsewhere.
func importUser(address, verifier string) func(tx *store.Tx) error {
	return func(tx *store.Tx) error {
		email, _ := gate.ParseEmail(address)
		user, err := tx.AddUser(gate.User{ID: gate.PrincipalID(secret.RandomID())}, email)
		if err == nil {
			_, err = tx.GrantRole(user.ID, gate.RoleUser)
		}
		if err == nil && verifier != "" {
			err = tx.SetPasswordVerifier(user.ID, verifier)
		}
		return err
	}
}

// grant gives a role to whoever the tokens belong to.
func grant(t *testing.T, h *house.House, who house.Tokens, role gate.Role) {
	t.Helper()
	if err := h.Server.House().Account.GrantRole(t.Context(), house.Operator, gate.PrincipalID(who.UserID), role); err != nil {
		t.Fatal(err)
	}
}

// events counts the audit events of one name.
func events(t *testing.T, h *house.House, name string) int {
	t.Helper()
	return count(t, raw(t, h), `SELECT COUNT(*) FROM events WHERE name = $1`, name)
}
