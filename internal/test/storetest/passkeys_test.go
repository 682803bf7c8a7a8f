//go:build unix

package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

// aPasskey is one with something in every field, as an authenticator sends it.
func aPasskey(id gate.PasskeyID, of gate.PrincipalID) gate.Passkey {
	return gate.Passkey{
		ID: id, Principal: of, CredentialID: "credential-" + string(id), PublicKey: "cose", SignCount: 7, AAGUID: "model",
		Transports: []string{"usb", "hybrid"}, BackupEligible: true, Attestation: "packed", Label: "The " + string(id),
	}
}

func (b *bench) passkey(id gate.PasskeyID, of gate.PrincipalID) (k gate.Passkey) {
	b.Helper()
	b.write(func(tx *store.Tx) (err error) {
		k, err = tx.AddPasskey(aPasskey(id, of))
		return err
	})
	return k
}

// passkeyNow is a passkey as it is stored at the moment.
func (b *bench) passkeyNow(id gate.PasskeyID) (k gate.Passkey) {
	b.Helper()
	b.read(func(tx *store.Tx) (err error) {
		k, err = tx.PasskeyByCredential("credential-" + string(id))
		return err
	})
	return k
}

func testAddPasskey(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	same(b, "created", b.passkey("one", ada).CreatedAt, b.now())
	add := func(id gate.PasskeyID, of gate.PrincipalID, credential string) error {
		return b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
			k := aPasskey(id, of)
			k.CredentialID = credential
			_, err := tx.AddPasskey(k)
			return usable(tx, err)
		})
	}
	for _, c := range []struct {
		what       string
		of         gate.PrincipalID
		credential string
		want       error
	}{
		{"her own again", ada, "credential-one", gate.ErrPasskeyTaken},
		{"somebody else's", bob, "credential-one", gate.ErrPasskeyTaken},
		{"another in other letters, which matter", bob, "Credential-one", nil},
	} {
		b.want(c.what, add("two", c.of, c.credential), c.want)
	}
	if add("three", nay, "credential-three") == nil {
		b.Error("nobody has a passkey")
	}
	won := make([]bool, 50)
	Race(len(won), func(i int) {
		err := add(gate.PasskeyID(fmt.Sprint("raced ", i)), []gate.PrincipalID{ada, bob}[i%2], "raced")
		if won[i] = err == nil; err != nil && !errors.Is(err, gate.ErrPasskeyTaken) {
			b.Errorf("racer: %v", err)
		}
	})
	same(b, "of fifty at once", count(won), 1)
	same(b, "passkeys", b.rows("passkeys"), 3)
}

func testPasskeyByCredential(b *bench) {
	b.user(ada, "ada")
	k := b.passkey("one", ada)
	same(b, "as it was added", b.passkeyNow("one"), k)
	b.write(func(tx *store.Tx) error { _, err := tx.SetDisabled(ada, true); return err })
	same(b, "of who may not act, which is for others to judge", b.passkeyNow("one"), k)
	b.read(func(tx *store.Tx) error {
		for _, credential := range []string{"", "one", "Credential-one", "credential-on"} {
			_, none := tx.PasskeyByCredential(credential)
			b.want(credential, none, gate.ErrNotFound)
		}
		return nil
	})
	b.write(func(tx *store.Tx) error { return tx.RemoveUser(ada) })
	b.read(func(tx *store.Tx) error {
		_, none := tx.PasskeyByCredential("credential-one")
		b.want("of who is gone", none, gate.ErrNotFound)
		return nil
	})
}

func testPasskeysOf(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	oldest := b.passkey("z", ada)
	b.m.Clock.Forward(time.Minute)
	high, low := b.passkey("b", ada), b.passkey("a", ada)
	his := b.passkey("c", bob)
	all := []gate.Passkey{oldest, low, high}
	for _, c := range []struct {
		what  string
		of    gate.PrincipalID
		limit int
		want  []gate.Passkey
	}{{"all of hers", ada, 9, all}, {"the first two", ada, 2, all[:2]}, {"his", bob, 9, []gate.Passkey{his}}, {"nobody's", nay, 9, nil}} {
		b.read(func(tx *store.Tx) error {
			keys, err := tx.PasskeysOf(c.of, c.limit)
			same(b, c.what, keys, c.want)
			return err
		})
	}
}

func testPasskeyUsed(b *bench) {
	b.user(ada, "ada")
	k, other := b.passkey("one", ada), b.passkey("other", ada)
	b.m.Clock.Forward(time.Minute)
	use := func(id gate.PasskeyID, to, checked int64) (did bool) {
		b.want("use", b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) (err error) {
			// Of what else it says, only counter and flags are taken over.
			did, err = tx.PasskeyUsed(gate.Passkey{ID: id, SignCount: to, BackedUp: true, Label: "forged", PublicKey: "forged"}, checked)
			return err
		}), nil)
		return did
	}
	for _, c := range []struct {
		what        string
		id          gate.PasskeyID
		to, checked int64
		did         bool
	}{
		{"not the counter that was checked", "one", 9, 8, false},
		{"the one that was", "one", 9, 7, true},
		{"again", "one", 9, 7, false},
		{"back to nothing, for who does not count any more", "one", 0, 9, true},
		{"one that never counts", "one", 0, 0, true},
		{"and does not again", "one", 0, 0, true},
		{"unknown", "unknown", 1, 0, false},
	} {
		same(b, c.what, use(c.id, c.to, c.checked), c.did)
	}
	k.SignCount, k.BackupEligible, k.BackedUp, k.UsedAt = 0, false, true, b.now()
	same(b, "what was noted", b.passkeyNow("one"), k)
	same(b, "another", b.passkeyNow("other"), other)
	won := make([]bool, 50)
	Race(len(won), func(i int) { won[i] = use("other", 8+int64(i), 7) })
	same(b, "of fifty at once", count(won), 1)
	for i, w := range won {
		if w {
			same(b, "the winner's counter", b.passkeyNow("other").SignCount, 8+int64(i))
		}
	}
}

func testRenamePasskey(b *bench) {
	b.changeOfPasskeys(func(tx *store.Tx, of gate.PrincipalID, id gate.PasskeyID) error {
		return tx.RenamePasskey(of, id, "New")
	})
	labels := ""
	for _, id := range []gate.PasskeyID{"one", "other", "his"} {
		labels += b.passkeyNow(id).Label + ", "
	}
	same(b, "labels", labels, "New, The other, The his, ")
}

func testRemovePasskey(b *bench) {
	b.changeOfPasskeys((*store.Tx).RemovePasskey)
	b.want("again", b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return tx.RemovePasskey(ada, "one") }), gate.ErrNotFound)
	left := ""
	for _, of := range []gate.PrincipalID{ada, bob} {
		b.read(func(tx *store.Tx) error {
			keys, err := tx.PasskeysOf(of, 9)
			for _, k := range keys {
				left += string(k.ID) + ", "
			}
			return err
		})
	}
	same(b, "left", left, "other, his, ")
	k := aPasskey("again", bob)
	k.CredentialID = "credential-one"
	b.write(func(tx *store.Tx) error { _, err := tx.AddPasskey(k); return err }) // it is nobody's any more
}

// changeOfPasskeys does to ada's passkey "one" what only she may, after others
// have tried.
func (b *bench) changeOfPasskeys(do func(tx *store.Tx, of gate.PrincipalID, id gate.PasskeyID) error) {
	b.Helper()
	b.user(ada, "ada")
	b.user(bob, "bob")
	b.passkey("one", ada)
	b.passkey("other", ada)
	b.passkey("his", bob)
	for _, c := range []struct {
		what string
		of   gate.PrincipalID
		id   gate.PasskeyID
		want error
	}{
		{"somebody else's", bob, "one", gate.ErrNotFound}, {"unknown", ada, "unknown", gate.ErrNotFound},
		{"nobody's", nay, "one", gate.ErrNotFound}, {"her own", ada, "one", nil},
	} {
		b.want(c.what, b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return do(tx, c.of, c.id) }), c.want)
	}
}

// testMarkDemo: a database that was furnished as a demo opens as nothing else,
// however often it was marked.
func testMarkDemo(b *bench) {
	for range 2 {
		b.write(func(tx *store.Tx) error { return tx.MarkDemo() })
	}
	if cause := b.db.Health(); cause != nil {
		b.Errorf("while it is open: %v", cause)
	}
	eventually(b.T, b.m.OpenUnready(b.T), gate.CauseDemo)
	b.m.Options.Demo = true
	b.m.Open(b.T)
	b.m.Options.Demo = false
	b.m.Exec(b.T, `DELETE FROM meta WHERE name = 'demo'`)
}

// testSpend: what carries its own proof counts once, for as long as it could be
// shown at all.
func testSpend(b *bench) {
	spend := func(token, purpose string) (did bool) {
		b.want(token, b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) (err error) {
			did, err = tx.Spend(digest(token), purpose, b.now().Add(time.Hour))
			return err
		}), nil)
		return did
	}
	won := make([]bool, 50)
	Race(len(won), func(i int) { won[i] = spend("token", "login") })
	same(b, "of fifty at once", count(won), 1)
	addOnce(b, "link", "reset", "ada")
	for _, c := range []struct {
		what, token, purpose string
		did                  bool
	}{{"again", "token", "login", false}, {"for another purpose", "token", "other", false}, {"another", "another", "login", true}, {"what is a link", "link", "login", false}} {
		same(b, c.what, spend(c.token, c.purpose), c.did)
	}
	_, err := useOnce(b, "another", "login")
	b.want("what was spent is no link", err, gate.ErrNotFound)
	_, err = useOnce(b, "link", "reset")
	b.want("the link still is one", err, nil)
	sweep := func() {
		b.write(func(tx *store.Tx) error { _, err := tx.Sweep(0, 100); return err })
	}
	b.m.Clock.Forward(time.Hour)
	sweep()
	same(b, "swept at the very moment", spend("token", "login"), false)
	b.m.Clock.Forward(time.Millisecond)
	same(b, "over, but not swept", spend("token", "login"), false)
	sweep()
	same(b, "notes that are left", b.rows("one_time_tokens"), 0)
	same(b, "when nobody remembers", spend("token", "login"), true)
}

// populateKeys gives the first tenant an agent with an API key, a service, a
// passkey, and something that was spent.
func populateKeys(b *bench) {
	b.Helper()
	b.agent(mole, gate.KindAgent, "mole", adas)
	b.agent(depot, gate.KindApp, "depot", homes)
	b.apiKey("key", mole, 0)
	b.passkey("one", ada)
	b.write(func(tx *store.Tx) error {
		did, err := tx.Spend(digest("spent"), "test", b.now().Add(1000*time.Hour))
		same(b, "spent", did, true)
		return err
	})
}
