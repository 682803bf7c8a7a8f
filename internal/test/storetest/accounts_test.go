//go:build unix

package storetest

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

// called adds a user with a name of their own.
func (b *bench) called(id gate.PrincipalID, name string) (u gate.User) {
	b.Helper()
	b.write(func(tx *store.Tx) (err error) {
		u, err = tx.AddUser(gate.User{ID: id, Username: name}, email(b, string(id[:8])+"@example.org"))
		return err
	})
	return u
}

func username(b *bench, name string) gate.Username {
	b.Helper()
	u, ok := gate.ParseUsername(name)
	if !ok {
		b.Fatalf("%q is no user name", name)
	}
	return u
}

func testAccountByUsername(b *bench) {
	added := b.called(ada, "Ada")
	again := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
		_, err := tx.AddUser(gate.User{ID: bob, Username: "ADA"}, email(b, "bob@example.org"))
		return err
	})
	b.want("a name in other letters", again, gate.ErrUsernameTaken)
	b.read(func(tx *store.Tx) error {
		account, err := tx.AccountByUsername(username(b, "aDA").Key)
		same(b, "account", account, store.Account{User: added})
		_, none := tx.AccountByUsername("")
		b.want("nobody's name", none, gate.ErrNotFound)
		return err
	})
}

func testAccountOf(b *bench) {
	added := b.user(ada, "ada")
	b.write(func(tx *store.Tx) error { return tx.SetPasswordVerifier(ada, "verifier") })
	b.read(func(tx *store.Tx) error {
		account, err := tx.AccountOf(ada)
		same(b, "account", account, store.Account{User: added, Verifier: "verifier"})
		_, none := tx.AccountOf(bob)
		b.want("nobody", none, gate.ErrNotFound)
		return err
	})
}

func testMakePasswordTemporary(b *bench) {
	b.user(ada, "ada")
	expires := b.now().Add(time.Hour).Truncate(time.Millisecond)
	temporary := func() (must bool, until time.Time) {
		b.read(func(tx *store.Tx) error {
			u, err := tx.User(ada)
			must, until = u.MustChangePassword, u.PasswordExpiresAt
			return err
		})
		return must, until
	}
	b.write(func(tx *store.Tx) error {
		b.want("without a password", tx.MakePasswordTemporary(ada, expires), gate.ErrNotFound)
		return nil
	})
	b.write(func(tx *store.Tx) error { return tx.SetPasswordVerifier(ada, "given") })
	b.write(func(tx *store.Tx) error { return tx.MakePasswordTemporary(ada, expires) })
	if must, until := temporary(); !must || !until.Equal(expires) {
		b.Errorf("temporary: %v until %v, want true until %v", must, until, expires)
	}
	b.write(func(tx *store.Tx) error { return tx.SetPasswordVerifier(ada, "chosen") })
	if must, until := temporary(); must || !until.IsZero() {
		b.Errorf("chosen by themselves: still %v until %v", must, until)
	}
}

func testUserByNumber(b *bench) {
	added := b.user(ada, "ada")
	b.read(func(tx *store.Tx) error {
		u, err := tx.UserByNumber(added.Number)
		same(b, "by number", u, added)
		for _, number := range []int64{0, -1, added.Number + 1} {
			_, none := tx.UserByNumber(number)
			b.want("by another number", none, gate.ErrNotFound)
		}
		return err
	})
}

func testSetProfile(b *bench) {
	b.called(ada, "ada")
	b.called(bob, "bob")
	set := func(e, name string) error {
		var err error
		b.write(func(tx *store.Tx) error {
			err = tx.SetProfile(ada, store.Profile{Email: email(b, e), Username: username(b, name)})
			return nil // what it returns leaves the transaction usable
		})
		return err
	}
	b.want("another's address", set(string(bob[:8])+"@example.org", "ada"), gate.ErrEmailTaken)
	b.want("another's name", set("ada@example.org", "BOB"), gate.ErrUsernameTaken)
	b.want("her own name again, larger", set("new@example.org", "ADA"), nil)
	b.read(func(tx *store.Tx) error {
		u, err := tx.User(ada)
		same(b, "profile", []string{u.Email, u.Username}, []string{"new@example.org", "ADA"})
		return err
	})
	b.write(func(tx *store.Tx) error {
		b.want("nobody", tx.SetProfile(eve, store.Profile{Email: email(b, "eve@example.org")}), gate.ErrNotFound)
		return nil
	})
}

func testRemoveUser(b *bench) {
	b.user(ada, "ada")
	b.session(session1, ada, "192.0.2.1")
	b.write(func(tx *store.Tx) error { return tx.SetPasswordVerifier(ada, "verifier") })
	b.write(func(tx *store.Tx) error { return tx.RemoveUser(ada) })
	b.read(func(tx *store.Tx) error {
		_, err := tx.User(ada)
		b.want("the user", err, gate.ErrNotFound)
		_, err = tx.Presence(session1)
		b.want("the session", err, gate.ErrNotFound)
		return nil
	})
	b.write(func(tx *store.Tx) error {
		b.want("again", tx.RemoveUser(ada), gate.ErrNotFound)
		return nil
	})
}

func testSetSessionOrg(b *bench) {
	b.user(ada, "ada")
	b.session(session1, ada, "192.0.2.1")
	b.write(func(tx *store.Tx) error { return tx.SetSessionOrg(session1, home) })
	b.read(func(tx *store.Tx) error {
		p, err := tx.Presence(session1)
		same(b, "org", p.Session.Org, home)
		return err
	})
	b.write(func(tx *store.Tx) error {
		_, err := tx.EndSession(session1, "test")
		b.want("an ended session", tx.SetSessionOrg(session1, work), gate.ErrNotFound)
		return err
	})
}

// TestTwoRolesAtOneDatabase: one makes the tables, the other works with them and
// can make none.
func TestTwoRolesAtOneDatabase(t *testing.T) {
	m, server := Empty(t, Postgres), pgtest.Shared(t)
	const worker = "gatehouse_worker"
	if err := server.Exec(`CREATE ROLE ` + worker + ` LOGIN PASSWORD '` + server.Password + `'`); err != nil {
		t.Fatal(err)
	}
	m.Options.MigrateDSN = m.DSNOf(t, pgtest.Superuser)
	m.Options.DSN = m.DSNOf(t, worker)
	b := &bench{t, m, m.Open(t)}
	b.user(ada, "ada")
	b.session(session1, ada, "192.0.2.1")
	b.write(func(tx *store.Tx) error { return tx.RemoveUser(ada) })

	db, err := sql.Open("pgx", m.Options.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, more := range []string{`CREATE TABLE gatehouse.mine (id TEXT)`, `DROP TABLE gatehouse.users`, `ALTER TABLE gatehouse.users DISABLE ROW LEVEL SECURITY`} {
		if _, err := db.Exec(more); err == nil {
			t.Errorf("the working role may: %s", more)
		}
	}
}
