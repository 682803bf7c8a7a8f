//go:build unix

package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

const issuer = "https://idp.example.org"

// anIdentity is one with something in every field, as a provider tells it.
func anIdentity(id gate.IdentityID, of gate.PrincipalID) gate.Identity {
	return gate.Identity{
		ID: id, Principal: of, Connector: "example", Issuer: issuer, Subject: "subject-" + string(id),
		Email: string(id) + "@example.org", EmailVerified: true,
	}
}

func (b *bench) identity(id gate.IdentityID, of gate.PrincipalID) (i gate.Identity) {
	b.Helper()
	b.write(func(tx *store.Tx) (err error) {
		i, err = tx.AddIdentity(anIdentity(id, of))
		return err
	})
	return i
}

// identityNow is an identity as it is stored at the moment.
func (b *bench) identityNow(id gate.IdentityID) (i gate.Identity) {
	b.Helper()
	b.read(func(tx *store.Tx) (err error) {
		i, err = tx.Identity(issuer, "subject-"+string(id))
		return err
	})
	return i
}

// likeOne are an issuer and a subject that a careless comparison takes for those
// of the identity "one" or for each other. OpenID Connect compares both octet by
// octet, so each is somebody else.
var likeOne = []struct{ what, issuer, subject string }{
	{"at another provider", "https://other.example.org", "subject-one"},
	{"the subject in other letters", issuer, "Subject-one"},
	{"a blank after the subject", issuer, "subject-one "},
	{"a blank before the subject", issuer, " subject-one"},
	{"a line after the subject", issuer, "subject-one\n"},
	{"a pattern", issuer, "subject-%"},
	{"the subject in full width", issuer, "ｓｕｂｊｅｃｔ-one"},
	{"the issuer in other letters", "https://IDP.example.org", "subject-one"},
	{"a slash after the issuer", issuer + "/", "subject-one"},
	{"a blank after the issuer", issuer + " ", "subject-one"},
	{"a letter moved from one to the other", issuer + "s", "ubject-one"},
	{"the two exchanged", "subject-one", issuer},
	{"an accent in its letter", issuer, "subject-on\u00e9"},
	{"an accent of its own", issuer, "subject-one\u0301"},
	{"a number", issuer, "7"},
	{"the same number, longer", issuer, "07"},
}

func testAddIdentity(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	made, given := b.identity("one", ada), anIdentity("one", ada)
	given.CreatedAt, given.UsedAt = b.now(), b.now()
	same(b, "as it was made", made, given)
	add := func(id gate.IdentityID, of gate.PrincipalID, issuer, subject string) error {
		return b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
			i := anIdentity(id, of)
			i.Issuer, i.Subject = issuer, subject
			_, err := tx.AddIdentity(i)
			return usable(tx, err)
		})
	}
	b.want("her own again", add("two", ada, issuer, "subject-one"), gate.ErrIdentityTaken)
	b.want("somebody else's", add("two", bob, issuer, "subject-one"), gate.ErrIdentityTaken)
	same(b, "whose it stays", b.identityNow("one"), made)
	for n, c := range likeOne {
		b.want(c.what, add(gate.IdentityID(fmt.Sprint("like ", n)), []gate.PrincipalID{ada, bob}[n%2], c.issuer, c.subject), nil)
	}
	if err := add("three", nay, issuer, "subject-three"); err == nil || errors.Is(err, gate.ErrIdentityTaken) {
		b.Errorf("an identity of nobody: %v", err)
	}
	won := make([]bool, 50)
	Race(len(won), func(i int) {
		err := add(gate.IdentityID(fmt.Sprint("raced ", i)), []gate.PrincipalID{ada, bob}[i%2], issuer, "raced")
		if won[i] = err == nil; err != nil && !errors.Is(err, gate.ErrIdentityTaken) {
			b.Errorf("racer: %v", err)
		}
	})
	same(b, "of fifty at once", count(won), 1)
	same(b, "identities", b.rows("identities"), 1+len(likeOne)+1)
}

func testIdentity(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	one, his := b.identity("one", ada), b.identity("his", bob)
	same(b, "as it was added", b.identityNow("one"), one)
	b.write(func(tx *store.Tx) error { _, err := tx.SetDisabled(ada, true); return err })
	same(b, "of who may not act, which is for others to judge", b.identityNow("one"), one)
	b.read(func(tx *store.Tx) error {
		for _, c := range likeOne {
			_, none := tx.Identity(c.issuer, c.subject)
			b.want(c.what, none, gate.ErrNotFound)
		}
		for what, c := range map[string][2]string{"no subject": {issuer, ""}, "no issuer": {"", "subject-one"}, "its id": {issuer, "one"}, "its address": {issuer, "one@example.org"}} {
			_, none := tx.Identity(c[0], c[1])
			b.want(what, none, gate.ErrNotFound)
		}
		return nil
	})
	for n, c := range likeOne {
		i := gate.Identity{ID: gate.IdentityID(fmt.Sprint("like ", n)), Principal: bob, Issuer: c.issuer, Subject: c.subject}
		b.write(func(tx *store.Tx) (err error) { i, err = tx.AddIdentity(i); return err })
		b.read(func(tx *store.Tx) error {
			found, err := tx.Identity(c.issuer, c.subject)
			same(b, c.what, found, i)
			return err
		})
	}
	b.write(func(tx *store.Tx) error { return tx.RemoveUser(ada) })
	b.read(func(tx *store.Tx) error {
		_, none := tx.Identity(issuer, "subject-one")
		b.want("of who is gone", none, gate.ErrNotFound)
		return nil
	})
	same(b, "of who stays", b.identityNow("his"), his)
	same(b, "identities that are left", b.rows("identities"), 1+len(likeOne))
}

func testIdentitiesOf(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	oldest := b.identity("z", ada)
	b.m.Clock.Forward(time.Minute)
	high, low := b.identity("b", ada), b.identity("a", ada)
	his := b.identity("c", bob)
	all := []gate.Identity{oldest, low, high}
	list := func(what string, of gate.PrincipalID, limit int, want []gate.Identity) {
		b.read(func(tx *store.Tx) error {
			kept, err := tx.IdentitiesOf(of, limit)
			same(b, what, kept, want)
			return err
		})
	}
	list("all of hers", ada, 9, all)
	list("as many as there are", ada, 3, all)
	list("the first two", ada, 2, all[:2])
	list("none of hers", ada, 0, nil)
	list("his", bob, 9, []gate.Identity{his})
	list("nobody's", nay, 9, nil)
	b.m.Clock.Forward(time.Minute)
	oldest.UsedAt = b.now()
	b.write(func(tx *store.Tx) error { return tx.IdentityUsed(oldest) })
	list("used last, and still the oldest", ada, 9, []gate.Identity{oldest, low, high})
}

func testIdentityUsed(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	one, another := b.identity("one", ada), b.identity("another", ada)
	for _, c := range []struct {
		what, connector, email string
		verified               bool
	}{
		{"through another connector, with another address", "second", "new@example.org", false},
		{"that is verified now", "second", "new@example.org", true},
		{"without any address", "example", "", false},
	} {
		b.m.Clock.Forward(time.Minute)
		b.write(func(tx *store.Tx) error {
			// Of what else it says, nothing is taken over: whose it is never changes.
			return tx.IdentityUsed(gate.Identity{ID: "one", Principal: bob, Connector: c.connector, Issuer: "forged", Subject: "forged",
				Email: c.email, EmailVerified: c.verified, CreatedAt: b.now(), UsedAt: b.now().Add(time.Hour)})
		})
		one.Connector, one.Email, one.EmailVerified, one.UsedAt = c.connector, c.email, c.verified, b.now()
		same(b, c.what, b.identityNow("one"), one)
	}
	same(b, "another", b.identityNow("another"), another)
	b.write(func(tx *store.Tx) error { return tx.RemoveIdentity(ada, "one") })
	for what, i := range map[string]gate.Identity{"removed meanwhile": one, "unknown": anIdentity("unknown", ada), "without an id": {Issuer: issuer, Subject: "subject-another"}} {
		b.want(what, b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return tx.IdentityUsed(i) }), gate.ErrNotFound)
	}
	same(b, "another, in the end", b.identityNow("another"), another)
	same(b, "identities", b.rows("identities"), 1)
}

func testRemoveIdentity(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	b.identity("one", ada)
	other, his := b.identity("other", ada), b.identity("his", bob)
	for _, c := range []struct {
		what string
		of   gate.PrincipalID
		id   gate.IdentityID
		want error
	}{
		{"somebody else's", bob, "one", gate.ErrNotFound}, {"unknown", ada, "unknown", gate.ErrNotFound}, {"none", ada, "", gate.ErrNotFound},
		{"nobody's", nay, "one", gate.ErrNotFound}, {"her own", ada, "one", nil}, {"again", ada, "one", gate.ErrNotFound},
	} {
		b.want(c.what, b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return tx.RemoveIdentity(c.of, c.id) }), c.want)
	}
	same(b, "her other", b.identityNow("other"), other)
	same(b, "his", b.identityNow("his"), his)
	same(b, "identities that are left", b.rows("identities"), 2)
	again := anIdentity("again", bob)
	again.Subject = "subject-one"
	b.write(func(tx *store.Tx) error { _, err := tx.AddIdentity(again); return err }) // it is nobody's any more
	same(b, "whose it is now", b.identityNow("one").Principal, bob)
}

// TestAnAccountElsewhereIsOneUsersInEachTenant: tenants share providers, and what
// one does with an account there means nothing to another, ids included.
func TestAnAccountElsewhereIsOneUsersInEachTenant(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		b := &bench{t, m, m.Open(t)}
		m.AddTenant(t, other)
		tenants := []gate.TenantID{gate.DefaultTenant, other}
		people := []gate.PrincipalID{ada, bob}
		for n, tenant := range tenants {
			b.want(string(tenant), b.db.Write(context.Background(), tenant, func(tx *store.Tx) error {
				_, err := tx.AddUser(gate.User{ID: people[n]}, gate.Email{})
				_, err2 := tx.AddIdentity(anIdentity("one", people[n]))
				return errors.Join(err, err2)
			}), nil)
		}
		whose := func(tenant gate.TenantID) (id gate.PrincipalID, err error) {
			err = b.db.Read(context.Background(), tenant, func(tx *store.Tx) error {
				i, err := tx.Identity(issuer, "subject-one")
				id = i.Principal
				return err
			})
			return id, err
		}
		for n, tenant := range tenants {
			id, err := whose(tenant)
			b.want(string(tenant), err, nil)
			same(b, "whose it is in "+string(tenant), id, people[n])
		}
		b.write(func(tx *store.Tx) error { return tx.RemoveIdentity(ada, "one") })
		_, err := whose(gate.DefaultTenant)
		b.want("where it was removed", err, gate.ErrNotFound)
		id, err := whose(other)
		b.want("where it was not", err, nil)
		same(b, "whose it still is", id, bob)
	})
}
