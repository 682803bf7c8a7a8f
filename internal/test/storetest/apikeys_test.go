//go:build unix

package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// apiKey adds one whose secret is its id; without a lifetime it does not expire.
func (b *bench) apiKey(id gate.APIKeyID, of gate.PrincipalID, lifetime time.Duration) gate.APIKey {
	b.Helper()
	k := gate.APIKey{ID: id, Principal: of, Preview: "gh_" + string(id[:1]), Label: "The " + string(id), Scopes: []string{"read", "write"}, CreatedBy: ada}
	if lifetime != 0 {
		k.ExpiresAt = b.now().Add(lifetime)
	}
	b.write(func(tx *store.Tx) (err error) {
		k, err = tx.AddAPIKey(k, digest(string(id)))
		return err
	})
	return k
}

// revoke ends a key of a principal.
func (b *bench) revoke(of gate.PrincipalID, key gate.APIKeyID) (did bool, err error) {
	err = b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) (err error) {
		did, err = tx.RevokeAPIKey(of, key)
		return err
	})
	return did, err
}

// keyNow is a key as it is stored at the moment.
func (b *bench) keyNow(id gate.APIKeyID) (k gate.APIKey) {
	b.Helper()
	b.read(func(tx *store.Tx) (err error) {
		k, err = tx.APIKeyByDigest(digest(string(id)))
		return err
	})
	return k
}

func testAddAPIKey(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	b.agent(mole, gate.KindAgent, "mole", adas)
	b.agent(depot, gate.KindApp, "depot", alone)
	b.write(func(tx *store.Tx) error {
		_, err := tx.SetDisabled(bob, true)
		_, err2 := tx.SetDisabled(depot, true)
		return errors.Join(err, err2)
	})
	b.m.Clock.Forward(time.Minute)
	k := b.apiKey("first", ada, time.Hour)
	same(b, "created", k.CreatedAt, b.now())
	for _, c := range []struct {
		what   string
		id     gate.APIKeyID
		of     gate.PrincipalID
		digest secret.Digest
		want   error
	}{
		{"a user's", "second", ada, digest("second"), nil},
		{"an agent's", "third", mole, digest("third"), nil},
		{"a disabled user's", "fourth", bob, digest("fourth"), gate.ErrNotFound},
		{"a disabled service's", "fourth", depot, digest("fourth"), gate.ErrNotFound},
		{"nobody's", "fourth", nay, digest("fourth"), gate.ErrNotFound},
		{"the same id", "first", mole, digest("fourth"), gate.ErrConflict},
		{"the same secret", "fourth", mole, digest("first"), gate.ErrConflict},
	} {
		err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
			_, err := tx.AddAPIKey(gate.APIKey{ID: c.id, Principal: c.of}, c.digest)
			return err
		})
		b.want(c.what, err, c.want)
	}
	same(b, "what was stored", b.rows("api_keys"), 3)
	b.write(func(tx *store.Tx) error { _, err := tx.SetDisabled(bob, false); return err })
	b.apiKey("fourth", bob, 0) // who is enabled again may have one
}

func testAPIKeyByDigest(b *bench) {
	b.user(ada, "ada")
	forever, brief := b.apiKey("forever", ada, 0), b.apiKey("brief", ada, time.Minute)
	same(b, "as it was added", b.keyNow("forever"), forever)
	same(b, "that expires", b.keyNow("brief"), brief)
	b.m.Clock.Forward(time.Hour)
	did, err := b.revoke(ada, "forever")
	b.want("revoke", err, nil)
	same(b, "revoked", did, true)
	forever.RevokedAt = b.now()
	same(b, "used up, and found all the same", b.keyNow("forever"), forever)
	same(b, "expired, and found all the same", b.keyNow("brief"), brief)
	b.read(func(tx *store.Tx) error {
		for _, text := range []string{"FOREVER", "", "gh_f"} {
			_, none := tx.APIKeyByDigest(digest(text))
			b.want(text, none, gate.ErrNotFound)
		}
		return nil
	})
}

func testAPIKeysOf(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	oldest := b.apiKey("z", ada, time.Minute)
	b.m.Clock.Forward(time.Hour)                              // and it has expired
	low, high := b.apiKey("a", ada, 0), b.apiKey("b", ada, 0) // of one moment: by id, so that pages do not change
	his := b.apiKey("c", bob, 0)
	if did, err := b.revoke(ada, "a"); !did || err != nil {
		b.Fatal(did, err)
	}
	low.RevokedAt = b.now()
	all := []gate.APIKey{high, low, oldest} // what has ended last, of those the newest first
	for _, c := range []struct {
		what  string
		of    gate.PrincipalID
		limit int
		want  []gate.APIKey
	}{{"all of hers", ada, 9, all}, {"the first two", ada, 2, all[:2]}, {"his", bob, 9, []gate.APIKey{his}}, {"nobody's", nay, 9, nil}} {
		b.read(func(tx *store.Tx) error {
			keys, err := tx.APIKeysOf(c.of, c.limit)
			same(b, c.what, keys, c.want)
			return err
		})
	}
}

func testCountAPIKeys(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	counts := func(what string, want int64) {
		b.Helper()
		b.read(func(tx *store.Tx) error {
			n, err := tx.CountAPIKeys(ada)
			same(b, what, n, want)
			return err
		})
	}
	counts("none yet", 0)
	b.apiKey("forever", ada, 0)
	b.apiKey("brief", ada, time.Hour)
	b.apiKey("long", ada, 2*time.Hour)
	b.apiKey("his", bob, 0)
	counts("hers", 3)
	b.m.Clock.Forward(time.Hour - time.Millisecond)
	counts("a moment before one expires", 3)
	b.m.Clock.Forward(time.Millisecond)
	counts("expired at its very moment", 2)
	for _, key := range []gate.APIKeyID{"forever", "brief"} { // an expired one can be revoked, which changes no count
		if did, err := b.revoke(ada, key); !did || err != nil {
			b.Fatal(did, err)
		}
	}
	counts("one of two revoked", 1)
	b.m.Clock.Forward(time.Hour)
	counts("all gone", 0)
}

func testRevokeAPIKey(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	b.apiKey("hers", ada, 0)
	b.apiKey("other", ada, 0)
	b.apiKey("raced", ada, 0)
	first := b.now()
	for _, c := range []struct {
		what string
		of   gate.PrincipalID
		key  gate.APIKeyID
		did  bool
		want error
	}{
		{"another principal's", bob, "hers", false, gate.ErrNotFound},
		{"unknown", ada, "unknown", false, gate.ErrNotFound},
		{"nobody's", nay, "hers", false, gate.ErrNotFound},
		{"once", ada, "hers", true, nil},
		{"again", ada, "hers", false, nil},
		{"another principal's that had ended", bob, "hers", false, gate.ErrNotFound},
	} {
		did, err := b.revoke(c.of, c.key)
		b.want(c.what, err, c.want)
		same(b, c.what, did, c.did)
		b.m.Clock.Forward(time.Minute)
		if c.did {
			first = b.keyNow("hers").RevokedAt
		}
	}
	same(b, "the first time counts", b.keyNow("hers").RevokedAt, first)
	same(b, "another one of hers", b.keyNow("other").RevokedAt, time.Time{})
	won := make([]bool, 50)
	Race(len(won), func(i int) {
		var err error
		won[i], err = b.revoke(ada, "raced")
		b.want("racer", err, nil)
	})
	same(b, "of fifty at once", count(won), 1)
}

func testAPIKeyUsed(b *bench) {
	b.user(ada, "ada")
	b.apiKey("key", ada, 0)
	b.apiKey("other", ada, 0)
	start := b.now()
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	for _, c := range []struct {
		what       string
		used, want int // minutes
	}{{"the first time", 5, 5}, {"later", 7, 7}, {"told late", 6, 7}, {"the same moment", 7, 7}, {"before all others", 1, 7}, {"the latest", 9, 9}} {
		b.write(func(tx *store.Tx) error { return tx.APIKeyUsed("key", at(c.used)) })
		same(b, c.what, b.keyNow("key").UsedAt, at(c.want))
	}
	Race(50, func(i int) {
		minutes := 10 + (i*7)%50 // in no order
		b.want("racer", b.db.WriteRow(context.Background(), gate.DefaultTenant, "key", func(tx *store.Tx) error { return tx.APIKeyUsed("key", at(minutes)) }), nil)
	})
	same(b, "of fifty at once the latest", b.keyNow("key").UsedAt, at(59))
	same(b, "another key", b.keyNow("other").UsedAt, time.Time{})
	b.write(func(tx *store.Tx) error { return tx.APIKeyUsed("unknown", at(1)) }) // it may have gone meanwhile
}

// TestARevokedKeyIsNotBelieved from its commit on: here at once, elsewhere
// within a second. What changed nothing makes nobody ask again.
func TestARevokedKeyIsNotBelieved(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		here, there := m.Open(t), m.Open(t)
		b := &bench{t, m, here}
		b.user(ada, "ada")
		b.user(bob, "bob")
		b.apiKey("key", ada, 0)
		b.apiKey("over", ada, 0)
		b.apiKey("other", ada, 0)
		if did, err := b.revoke(ada, "over"); !did || err != nil {
			t.Fatal(did, err)
		}
		time.Sleep(300 * time.Millisecond) // so that its echo has died away
		mark, theirs := listening(t, here), listening(t, there)
		for _, nothing := range []struct {
			what string
			do   func(tx *store.Tx) error
		}{
			{"rolled back", func(tx *store.Tx) error {
				_, err := tx.RevokeAPIKey(ada, "key")
				return errors.Join(err, gate.ErrForbidden)
			}},
			{"by another", func(tx *store.Tx) error { _, err := tx.RevokeAPIKey(bob, "key"); return err }},
			{"again", func(tx *store.Tx) error { _, err := tx.RevokeAPIKey(ada, "over"); return err }},
			{"used", func(tx *store.Tx) error { return tx.APIKeyUsed("key", tx.Now()) }},
		} {
			_ = here.Write(context.Background(), gate.DefaultTenant, nothing.do)
			same(b, nothing.what, believed(here, mark, "key", "over", string(ada)), []string{"key", "over", string(ada)})
		}
		if did, err := b.revoke(ada, "key"); !did || err != nil {
			t.Fatal(did, err)
		}
		same(b, "still believed", believed(here, mark, "key"), nil)
		same(b, "still believed elsewhere", believedAfterASecond(there, theirs, "key"), nil)
		same(b, "her other keys", believed(here, mark, "other", string(ada)), []string{"other", string(ada)})
	})
}
