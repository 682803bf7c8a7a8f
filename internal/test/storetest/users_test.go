//go:build unix

package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

func testNow(b *bench) {
	b.write(func(tx *store.Tx) error {
		first := tx.Now()
		b.m.Clock.Forward(time.Hour)
		same(b, "a transaction has one moment", tx.Now(), first)
		return nil
	})
}

func testTenant(b *bench) {
	b.read(func(tx *store.Tx) error { same(b, "tenant", tx.Tenant(), gate.DefaultTenant); return nil })
}

func testAddUser(b *bench) {
	u := b.user(ada, "ada")
	same(b, "the first number", u.Number, 1)
	same(b, "created", u.CreatedAt, b.now())
	add := func(id gate.PrincipalID, address string) error {
		return b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
			_, err := tx.AddUser(gate.User{ID: id}, email(b, address))
			if gate.AsError(err).Kind == gate.Conflict { // the transaction has to be usable after it
				if _, err := tx.User(ada); err != nil {
					return err
				}
			}
			return err
		})
	}
	for _, variant := range []string{"ada@example.org", "ADA@EXAMPLE.ORG", " Ada@Example.org ", "ａｄａ@example.org", "ada@ｅxample.org"} {
		b.want(variant, add(bob, variant), gate.ErrEmailTaken)
	}
	twin := ada[:8] + bob[8:]
	err := add(twin, "twin@example.org")
	b.want("the same first eight digits", err, store.ErrShortIDTaken)
	if errors.Is(err, gate.ErrEmailTaken) {
		b.Error("a short id that is taken must not read as an address that is taken")
	}
	b.want("the same id", add(ada, "other@example.org"), gate.ErrConflict)
	b.want("somebody else", add(bob, "bob@example.org"), nil)
	b.read(func(tx *store.Tx) error {
		u, err := tx.User(bob)
		same(b, "a number that was rolled back is given again", u.Number, 2)
		return err
	})
}

// TestNumbersAreUniqueUnderFiftyAdds would fail if a number were read first and
// written later.
func TestNumbersAreUniqueUnderFiftyAdds(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		db := m.Open(t)
		const n = 50
		Race(n, func(i int) {
			id := gate.PrincipalID(string(rune('a'+i/16)) + "0123456789abcdef"[i%16:i%16+1] + "000000-0000-4000-8000-000000000000")
			err := db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
				_, err := tx.AddUser(gate.User{ID: id}, email(t, "u"+string(id[:8])+"@example.org"))
				return err
			})
			if err != nil {
				t.Errorf("user %d: %v", i, err)
			}
		})
		Read(t, db, func(tx *store.Tx) error {
			users, err := tx.Users(0, 100)
			for i, u := range users {
				if u.Number != int64(i+1) {
					t.Errorf("user %d has number %d", i+1, u.Number)
				}
			}
			if len(users) != n {
				t.Errorf("%d users, want %d", len(users), n)
			}
			return err
		})
	})
}

// TestANumberThatIsGivenIsKept, and later ones follow the greatest: numbers of
// another life must not be given out a second time.
func TestANumberThatIsGivenIsKept(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		b := &bench{t, m, m.Open(t)}
		for i, step := range []struct {
			what        string
			given, want int64
		}{
			{"the first of all", 93, 93}, {"it goes on from there", 0, 94}, {"a lower one", 40, 40}, {"turns nothing back", 0, 95},
			{"the next one", 96, 96}, {"and on", 0, 97}, {"a greater one", 1001, 1001}, {"and on from there", 0, 1002},
		} {
			id := gate.PrincipalID(string("abcdef01"[i])) + ada[1:]
			b.write(func(tx *store.Tx) error {
				u, err := tx.AddUser(gate.User{ID: id, Number: step.given}, gate.Email{})
				same(b, step.what, u.Number, step.want)
				return err
			})
			b.read(func(tx *store.Tx) error {
				u, err := tx.UserByNumber(step.want)
				same(b, step.what+", looked up", u.ID, id)
				return err
			})
		}
	})
}

// TestAUserIsOfTheKindThatWasGiven, a human if none was.
func TestAUserIsOfTheKindThatWasGiven(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		b := &bench{t, m, m.Open(t)}
		for id, c := range map[gate.PrincipalID]struct{ given, want gate.PrincipalKind }{ada: {"", gate.KindUser}, bob: {gate.KindUser, gate.KindUser}, eve: {gate.KindAgent, gate.KindAgent}} {
			b.write(func(tx *store.Tx) error {
				u, err := tx.AddUser(gate.User{ID: id, Kind: c.given}, gate.Email{})
				same(b, "added", u.Kind, c.want)
				return err
			})
			b.read(func(tx *store.Tx) error {
				u, err := tx.User(id)
				same(b, "kept", u.Kind, c.want)
				return err
			})
		}
	})
}

// TestOneAddressOneAccount: of fifty who register the same address at once, in
// as many spellings, one gets it.
func TestOneAddressOneAccount(t *testing.T) {
	spellings := []string{"ada@example.org", "Ada@example.org", "ADA@EXAMPLE.ORG", "ａda@example.org", "ada@exampｌe.org"}
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		db := m.Open(t)
		won := make([]bool, 50)
		Race(50, func(i int) {
			id := gate.PrincipalID(string(rune('a'+i/16)) + "0123456789abcdef"[i%16:i%16+1] + "000000-0000-4000-8000-000000000000")
			err := db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
				_, err := tx.AddUser(gate.User{ID: id}, email(t, spellings[i%len(spellings)]))
				return err
			})
			if won[i] = err == nil; err != nil && !errors.Is(err, gate.ErrEmailTaken) {
				t.Errorf("loser %d: %v", i, err)
			}
		})
		if n := count(won); n != 1 {
			t.Errorf("%d got the address, want 1", n)
		}
	})
}

func count(won []bool) (n int) {
	for _, w := range won {
		if w {
			n++
		}
	}
	return n
}

func testUser(b *bench) {
	added := b.user(ada, "ada")
	b.read(func(tx *store.Tx) error {
		u, err := tx.User(ada)
		same(b, "as it was added", u, added)
		_, none := tx.User(nay)
		b.want("nobody", none, gate.ErrNotFound)
		return err
	})
	b.write(func(tx *store.Tx) error {
		_, err := tx.GrantRole(ada, gate.RoleUser)
		_, err2 := tx.GrantRole(ada, gate.RoleAdmin)
		_, err3 := tx.AddUser(gate.User{ID: bob}, gate.Email{})
		return errors.Join(err, err2, err3)
	})
	b.read(func(tx *store.Tx) error {
		u, err := tx.User(ada)
		same(b, "roles by name", u.Roles, []gate.Role{gate.RoleAdmin, gate.RoleUser})
		u, err2 := tx.User(bob)
		same(b, "no address", u.Email, "")
		return errors.Join(err, err2)
	})
}

func testUserByEmail(b *bench) {
	added := b.user(ada, "ada")
	b.read(func(tx *store.Tx) error {
		u, err := tx.UserByEmail("ada@example.org")
		same(b, "by key", u, added)
		for _, key := range []string{"ADA@example.org", "", "%", "ada@example.org "} {
			_, none := tx.UserByEmail(key)
			b.want("by "+key, none, gate.ErrNotFound)
		}
		return err
	})
}

func testUsers(b *bench) {
	all := []gate.User{b.user(ada, "ada"), b.user(bob, "bob"), b.user(eve, "eve")}
	b.read(func(tx *store.Tx) error {
		first, err := tx.Users(0, 2)
		same(b, "first page", first, all[:2])
		second, err2 := tx.Users(2, 2)
		same(b, "second page", second, all[2:])
		third, err3 := tx.Users(3, 2)
		same(b, "after the last", len(third), 0)
		return errors.Join(err, err2, err3)
	})
}

func testSetDisabled(b *bench) {
	b.user(ada, "ada")
	for _, step := range []struct {
		id               gate.PrincipalID
		disable, changed bool
	}{{ada, false, false}, {ada, true, true}, {ada, true, false}, {ada, false, true}, {nay, true, false}} {
		b.m.Clock.Forward(time.Minute)
		b.write(func(tx *store.Tx) error {
			changed, err := tx.SetDisabled(step.id, step.disable)
			same(b, "changed", changed, step.changed)
			return err
		})
		b.read(func(tx *store.Tx) error {
			u, err := tx.User(ada)
			if step.id == ada {
				same(b, "disabled", u.Disabled(), step.disable)
			}
			if step.changed && step.disable {
				same(b, "since", u.DisabledAt, b.now())
			}
			return err
		})
	}
}

func testSetMatrixUserID(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	set := func(id gate.PrincipalID, matrix string) error {
		return b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return tx.SetMatrixUserID(id, matrix) })
	}
	b.want("ada's", set(ada, "@one:example.org"), nil)
	b.want("ada's again", set(ada, "@one:example.org"), nil)
	b.want("bob takes ada's", set(bob, "@one:example.org"), gate.ErrConflict)
	b.want("bob's own", set(bob, "@two:example.org"), nil)
	won := make([]bool, 20)
	Race(len(won), func(i int) {
		id := []gate.PrincipalID{ada, bob}[i%2]
		err := set(id, "@three:example.org")
		if won[i] = err == nil; err != nil && !errors.Is(err, gate.ErrConflict) {
			b.Errorf("racer: %v", err)
		}
	})
	b.read(func(tx *store.Tx) error {
		first, err := tx.User(ada)
		second, err2 := tx.User(bob)
		if first.MatrixUserID == second.MatrixUserID {
			b.Errorf("both have %s", first.MatrixUserID)
		}
		return errors.Join(err, err2)
	})
}

func testRoleExists(b *bench) {
	b.read(func(tx *store.Tx) error {
		for role, want := range map[gate.Role]bool{gate.RoleUser: true, gate.RoleAdmin: true, gate.RoleAgentSystem: true, "nope": false, "Admin": false} {
			exists, err := tx.RoleExists(role)
			b.want(string(role), err, nil)
			same(b, string(role), exists, want)
		}
		return nil
	})
}

func testGrantRole(b *bench) {
	b.user(ada, "ada")
	for _, want := range []bool{true, false} {
		b.write(func(tx *store.Tx) error {
			granted, err := tx.GrantRole(ada, gate.RoleAdmin)
			same(b, "granted", granted, want)
			return err
		})
	}
	for _, grant := range []struct {
		id   gate.PrincipalID
		role gate.Role
	}{{nay, gate.RoleAdmin}, {ada, "nope"}} {
		err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
			_, err := tx.GrantRole(grant.id, grant.role)
			return err
		})
		if err == nil {
			b.Errorf("%v was granted", grant)
		}
	}
}

func testRevokeRole(b *bench) {
	b.user(ada, "ada")
	b.write(func(tx *store.Tx) error { _, err := tx.GrantRole(ada, gate.RoleAdmin); return err })
	for _, want := range []bool{true, false} {
		b.write(func(tx *store.Tx) error {
			revoked, err := tx.RevokeRole(ada, gate.RoleAdmin)
			same(b, "revoked", revoked, want)
			return err
		})
	}
}

func testActiveHolders(b *bench) {
	for i, id := range []gate.PrincipalID{ada, bob, eve} {
		b.user(id, []string{"ada", "bob", "eve"}[i])
		b.write(func(tx *store.Tx) error { _, err := tx.GrantRole(id, gate.RoleAdmin); return err })
	}
	b.write(func(tx *store.Tx) error { _, err := tx.SetDisabled(eve, true); return err })
	b.read(func(tx *store.Tx) error {
		admins, err := tx.ActiveHolders(gate.RoleAdmin, "")
		same(b, "administrators", admins, 2)
		none, err2 := tx.ActiveHolders("nope", "")
		same(b, "of no role", none, 0)
		return errors.Join(err, err2)
	})
}

// testLockRole: two administrators who demote each other at once must not both
// succeed, or nobody is left.
func testLockRole(b *bench) {
	both := []gate.PrincipalID{ada, bob}
	b.user(ada, "ada")
	b.user(bob, "bob")
	errLast := gate.ErrLastAdmin
	for range 10 {
		b.write(func(tx *store.Tx) error {
			_, err := tx.GrantRole(ada, gate.RoleAdmin)
			_, err2 := tx.GrantRole(bob, gate.RoleAdmin)
			return errors.Join(err, err2)
		})
		won := make([]bool, 2)
		Race(2, func(i int) {
			err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
				if err := tx.LockRole(gate.RoleAdmin); err != nil {
					return err
				}
				if n, err := tx.ActiveHolders(gate.RoleAdmin, ""); err != nil || n < 2 {
					return errors.Join(err, errLast)
				}
				_, err := tx.RevokeRole(both[i], gate.RoleAdmin)
				return err
			})
			if won[i] = err == nil; err != nil && !errors.Is(err, errLast) {
				b.Error(err)
			}
		})
		same(b, "demoted", count(won), 1)
	}
	err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return tx.LockRole("nope") })
	b.want("no such role", err, gate.ErrNotFound)
}

func verifier(b *bench, id gate.PrincipalID) (v string) {
	b.read(func(tx *store.Tx) error {
		account, err := tx.AccountOf(id)
		v = account.Verifier
		return err
	})
	return v
}

func testAccountByEmail(b *bench) {
	added := b.user(ada, "ada")
	for _, verifier := range []string{"", "first"} {
		if verifier != "" {
			b.write(func(tx *store.Tx) error { return tx.SetPasswordVerifier(ada, verifier) })
		}
		b.read(func(tx *store.Tx) error {
			account, err := tx.AccountByEmail("ada@example.org")
			same(b, "account", account, store.Account{User: added, Verifier: verifier})
			_, none := tx.AccountByEmail("ADA@example.org")
			b.want("by another key", none, gate.ErrNotFound)
			return err
		})
	}
}

func testSetPasswordVerifier(b *bench) {
	b.user(ada, "ada")
	for _, v := range []string{"first", "second"} {
		b.write(func(tx *store.Tx) error { return tx.SetPasswordVerifier(ada, v) })
		same(b, "verifier", verifier(b, ada), v)
	}
	Race(20, func(i int) {
		if err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return tx.SetPasswordVerifier(ada, "raced") }); err != nil {
			b.Error(err)
		}
	})
	var rows int
	if err := b.m.Raw(b).QueryRow(`SELECT COUNT(*) FROM credentials`).Scan(&rows); err != nil || rows != 1 {
		b.Errorf("%d password rows, want 1 (%v)", rows, err)
	}
}

func testReplacePasswordVerifier(b *bench) {
	b.user(ada, "ada")
	b.write(func(tx *store.Tx) error { return tx.SetPasswordVerifier(ada, "old") })
	b.write(func(tx *store.Tx) error { return tx.ReplacePasswordVerifier(ada, "not the old", "better") })
	same(b, "it was changed meanwhile", verifier(b, ada), "old")
	b.write(func(tx *store.Tx) error { return tx.ReplacePasswordVerifier(ada, "old", "better") })
	same(b, "replaced", verifier(b, ada), "better")
}

func testUsePassword(b *bench) {
	b.user(ada, "ada")
	b.write(func(tx *store.Tx) error { return tx.SetPasswordVerifier(ada, "now") })
	got := map[string]bool{}
	b.write(func(tx *store.Tx) (err error) {
		for _, v := range []string{"now", "before", ""} {
			used, e := tx.UsePassword(ada, v)
			got[v], err = used, errors.Join(err, e)
		}
		return err
	})
	same(b, "only the current one", got, map[string]bool{"now": true, "before": false, "": false})
}

// testHoldPassword: a login that overlaps a disabling waits for it, and then
// opens no session.
func testHoldPassword(b *bench) {
	b.user(ada, "ada")
	b.write(func(tx *store.Tx) error { return tx.SetPasswordVerifier(ada, "now") })
	holding, disabled := make(chan struct{}), make(chan error, 1)
	begin := sync.OnceFunc(func() { close(holding) })
	go func() {
		disabled <- b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
			if err := tx.HoldPassword(ada); err != nil {
				return err
			}
			begin()
			time.Sleep(50 * time.Millisecond) // long enough for the login to arrive
			_, err := tx.SetDisabled(ada, true)
			return err
		})
	}()
	<-holding
	err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
		current, err := tx.UsePassword(ada, "now")
		same(b, "the password is still the same", current, true)
		s := gate.Session{ID: session1, Principal: ada, CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(time.Hour)}
		return errors.Join(err, tx.AddSession(s, digest("x"), tx.Now().Add(time.Hour)))
	})
	b.want("a session of someone who was disabled meanwhile", err, gate.ErrNotFound)
	b.want("disabling", <-disabled, nil)
}
