//go:build unix

package storetest

import (
	"context"
	"database/sql"
	"errors"
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

// verifiedAt says since when a user's address is verified, and that all who read
// the user read the same.
func verifiedAt(b *bench, id gate.PrincipalID) (since time.Time) {
	b.Helper()
	b.read(func(tx *store.Tx) error {
		u, err := tx.User(id)
		account, err2 := tx.AccountOf(id)
		users, err3 := tx.Users(u.Number-1, 1)
		since = u.EmailVerifiedAt
		for what, other := range map[string]gate.User{"account": account.User, "list": append(users, gate.User{})[0]} {
			same(b, "verified, by "+what, other.EmailVerifiedAt, since)
		}
		return errors.Join(err, err2, err3)
	})
	return since
}

// verifyEmail notes that an address with this key is somebody's.
func verifyEmail(b *bench, id gate.PrincipalID, key string) (did bool) {
	b.Helper()
	b.want("verify", b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) (err error) {
		did, err = tx.VerifyEmail(id, key)
		return err
	}), nil)
	return did
}

func testVerifyEmail(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	b.write(func(tx *store.Tx) error { _, err := tx.AddUser(gate.User{ID: eve}, gate.Email{}); return err })
	mark := listening(b.T, b.db)
	for _, c := range []struct {
		what string
		id   gate.PrincipalID
		key  string
	}{
		{"another's", ada, "bob@example.org"}, {"nobody's", ada, "new@example.org"}, {"none", ada, ""}, {"a pattern", ada, "%"},
		{"no key", ada, "ADA@example.org"}, {"a blank more", ada, "ada@example.org "}, {"none, of who has none", eve, ""}, {"of nobody", nay, "ada@example.org"},
	} {
		same(b, c.what, verifyEmail(b, c.id, c.key), false)
	}
	same(b, "not verified by any of it", [3]time.Time{verifiedAt(b, ada), verifiedAt(b, bob), verifiedAt(b, eve)}, [3]time.Time{})
	same(b, "still believed", believed(b.db, mark, string(ada), string(eve)), []string{string(ada), string(eve)})

	b.m.Clock.Forward(time.Minute)
	mark = listening(b.T, b.db) // again: after a leap in time it believes nothing older
	since := b.now()
	won := make([]bool, 50)
	Race(len(won), func(i int) { won[i] = verifyEmail(b, ada, "ada@example.org") })
	same(b, "of fifty at once", count(won), 1)
	same(b, "verified", verifiedAt(b, ada), since)
	same(b, "believed of her, and of somebody else", believed(b.db, mark, string(ada), string(eve)), []string{string(eve)})
	b.m.Clock.Forward(time.Minute)
	same(b, "again", verifyEmail(b, ada, "ada@example.org"), false)
	same(b, "verified when it was first", verifiedAt(b, ada), since)
	same(b, "another", verifiedAt(b, bob), time.Time{})

	b.write(func(tx *store.Tx) error { return tx.SetProfile(ada, store.Profile{Email: email(b, "new@example.org")}) })
	same(b, "the address that was hers", verifyEmail(b, ada, "ada@example.org"), false)
	same(b, "the one that is", verifyEmail(b, ada, "new@example.org"), true)
	same(b, "verified, the new one", verifiedAt(b, ada), b.now())
}

// TestWhatWasVerifiedIsTheAddress: who changes it has to show again that it is
// theirs, also when they go back to one that they had; who only writes it
// differently has not changed it.
func TestWhatWasVerifiedIsTheAddress(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		b := &bench{t, m, m.Open(t)}
		b.user(ada, "ada")
		b.user(bob, "bob")
		verifyEmail(b, bob, "bob@example.org")
		his := verifiedAt(b, bob)
		for _, c := range []struct {
			what, address, name string
			refused             error
			stays               bool
		}{
			{"the same", "ada@example.org", "", nil, true},
			{"another name", "ada@example.org", "ada", nil, true},
			{"other letters", "ADA@Example.ORG", "ada", nil, true},
			{"wide letters", "ａda@ｅxample.org", "ada", nil, true},
			{"another's", "bob@example.org", "ada", gate.ErrEmailTaken, true},
			{"a new one", "new@example.org", "ada", nil, false},
			{"a new one that begins alike", "ada@example.com", "ada", nil, false},
			{"a new one with more before the sign", "ada+new@example.org", "ada", nil, false},
			{"none", "", "ada", nil, false},
		} {
			b.m.Clock.Forward(time.Minute)
			b.write(func(tx *store.Tx) error { return tx.SetProfile(ada, store.Profile{Email: email(b, "ada@example.org")}) })
			verifyEmail(b, ada, "ada@example.org")
			since := verifiedAt(b, ada)
			same(b, c.what+": verified before", since.IsZero(), false)
			p := store.Profile{}
			if p.Username, _ = gate.ParseUsername(c.name); c.address != "" {
				p.Email = email(b, c.address)
			}
			b.want(c.what, b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return tx.SetProfile(ada, p) }), c.refused)
			if !c.stays {
				since = time.Time{}
			}
			same(b, c.what, verifiedAt(b, ada), since)
			b.write(func(tx *store.Tx) error { return tx.SetProfile(ada, store.Profile{Email: email(b, "ada@example.org")}) })
			same(b, c.what+", and back", verifiedAt(b, ada), since)
		}
		same(b, "somebody else's", verifiedAt(b, bob), his)
	})
}

// TestAnAddressIsVerifiedSinceWhatIsGiven when its user is added: not at all, or
// since a moment of another life.
func TestAnAddressIsVerifiedSinceWhatIsGiven(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		b := &bench{t, m, m.Open(t)}
		for id, since := range map[gate.PrincipalID]time.Time{ada: {}, bob: b.now(), eve: b.now().Add(-1000 * time.Hour)} {
			address := email(b, string(id[:8])+"@example.org")
			b.write(func(tx *store.Tx) error {
				u, err := tx.AddUser(gate.User{ID: id, EmailVerifiedAt: since}, address)
				same(b, "added", u.EmailVerifiedAt, since)
				return err
			})
			same(b, "kept", verifiedAt(b, id), since)
			same(b, "to be verified", verifyEmail(b, id, address.Key), since.IsZero())
		}
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
