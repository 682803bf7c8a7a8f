//go:build unix

package apikey_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var ctx = context.Background()

// drawer is a house with ada and bob, who are signed in.
type drawer struct {
	*testing.T
	m        *storetest.Memory
	db       *store.DB
	s        *apikey.Service
	ada, bob gate.Caller
}

func onBothEngines(t *testing.T, test func(d *drawer)) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		db := m.Open(t)
		d := &drawer{T: t, m: m, db: db, s: &apikey.Service{DB: db}}
		d.ada, d.bob = d.user("ada"), d.user("bob")
		test(d)
	})
}

func (d *drawer) user(name string) (c gate.Caller) {
	d.Helper()
	email, _ := gate.ParseEmail(name + "@example.org")
	storetest.Write(d.T, d.db, func(tx *store.Tx) error {
		u, err := tx.AddUser(gate.User{ID: gate.PrincipalID(secret.RandomID())}, email)
		c = gate.Caller{Tenant: gate.DefaultTenant}.As(u, "a session")
		return err
	})
	return c
}

func (d *drawer) want(what string, got, want error) {
	d.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		d.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (d *drawer) make(who gate.Caller, w apikey.Wish) (gate.APIKey, secret.Text) {
	d.Helper()
	w.Prefix = secret.NativeKey
	key, shown, err := d.s.Create(ctx, who, w)
	if err != nil {
		d.Fatal(err)
	}
	return key, shown
}

// stored is a key as it is in the database.
func (d *drawer) stored(shown secret.Text) (key gate.APIKey) {
	d.Helper()
	storetest.Read(d.T, d.db, func(tx *store.Tx) (err error) { key, err = tx.APIKeyByDigest(secret.DigestOf(shown)); return err })
	return key
}

func (d *drawer) events(about gate.PrincipalID, name string) (n int) {
	d.Helper()
	storetest.Read(d.T, d.db, func(tx *store.Tx) error {
		list, err := tx.EventsAbout(about, name)
		n = len(list)
		return err
	})
	return n
}

func TestTheLifeOfAKey(t *testing.T) {
	onBothEngines(t, func(d *drawer) {
		now := d.m.Clock.Now()
		key, shown := d.make(d.ada, apikey.Wish{Label: "Backups", Scopes: []string{"roles:user", "orgs:*"}, Days: 30})
		if key.Principal != d.ada.Principal || key.CreatedBy != d.ada.Principal || key.Label != "Backups" || !key.ExpiresAt.Equal(now.AddDate(0, 0, 30)) || !slices.Equal(key.Scopes, []string{"roles:user", "orgs:*"}) {
			d.Errorf("made %+v", key)
		}
		if !strings.HasPrefix(shown.Reveal(), key.Preview) || len(key.Preview) != len("gh_ak_")+5 {
			d.Errorf("it begins with %q", key.Preview)
		}
		if found := d.stored(shown); found.ID != key.ID || !found.ExpiresAt.Equal(key.ExpiresAt) || !slices.Equal(found.Scopes, key.Scopes) {
			d.Errorf("stored %+v", found)
		}
		if strings.Contains(d.m.Dump(d.T, gate.DefaultTenant), shown.Reveal()) {
			d.Error("the key itself is in the database")
		}
		d.m.Clock.Forward(time.Second)
		second, other := d.make(d.ada, apikey.Wish{})
		if other.Reveal() == shown.Reveal() || !second.ExpiresAt.IsZero() || len(second.Scopes) != 0 {
			d.Errorf("the second %+v", second)
		}
		list, err := d.s.Mine(ctx, d.ada)
		if d.want("list", err, nil); len(list) != 2 || list[0].ID != second.ID || list[1].ID != key.ID {
			d.Errorf("listed %+v", list)
		}
		for range 2 { // the second time changes nothing
			d.want("revoke", d.s.Revoke(ctx, d.ada, key.ID), nil)
			d.m.Clock.Forward(time.Second)
		}
		if found := d.stored(shown); !found.RevokedAt.Equal(now.Add(time.Second)) || found.Good(d.m.Clock.Now()) || !d.stored(other).Good(d.m.Clock.Now()) {
			d.Errorf("revoked %+v", found)
		}
		if made, ended := d.events(d.ada.Principal, gate.EventAPIKeyCreated), d.events(d.ada.Principal, gate.EventAPIKeyRevoked); made != 2 || ended != 1 {
			d.Errorf("%d events of making and %d of revoking", made, ended)
		}
	})
}

// NT-KEY-1: Better Auth CVE-2025-61928, where whoever named a user got a key of
// theirs. Here nobody can name one: a key is for who asks, and they signed in.
func TestNT_KEY_1_NobodyMakesOrEndsKeysOfOthers(t *testing.T) {
	onBothEngines(t, func(d *drawer) {
		key, _ := d.make(d.ada, apikey.Wish{Scopes: apikey.Everything()})
		byKey := gate.Caller{Tenant: gate.DefaultTenant}.AsKey(gate.Principal{ID: d.ada.Principal, Kind: gate.KindUser}, key.ID)
		app := gate.Caller{Tenant: gate.DefaultTenant}.AsApp(gate.App{ID: d.ada.Principal, Name: "logs"})
		both := d.ada
		both.Key = key.ID
		for _, c := range []struct {
			name                 string
			who                  gate.Caller
			create, list, revoke error
		}{
			{"nobody", gate.Caller{Tenant: gate.DefaultTenant}, gate.ErrNotAuthenticated, gate.ErrNotAuthenticated, gate.ErrNotAuthenticated},
			{"nobody, as an administrator", gate.Caller{Tenant: gate.DefaultTenant, Session: "s", Roles: []gate.Role{gate.RoleAdmin}}, gate.ErrNotAuthenticated, gate.ErrNotAuthenticated, gate.ErrNotAuthenticated},
			{"her key", byKey, gate.ErrNeedsSession, nil, gate.ErrNeedsSession},
			{"her key, with a session beside it", both, gate.ErrNeedsSession, nil, gate.ErrNeedsSession},
			{"an app", app, gate.ErrNeedsSession, nil, gate.ErrNeedsSession},
			{"bob", d.bob, nil, nil, gate.ErrAPIKeyNotFound},
		} {
			made, shown, err := d.s.Create(ctx, c.who, apikey.Wish{Prefix: secret.NativeKey})
			if d.want(c.name+" makes one", err, c.create); err != nil && (made.ID != "" || !shown.Empty()) {
				d.Errorf("%s: refused, and given %+v", c.name, made)
			}
			list, err := d.s.Mine(ctx, c.who)
			d.want(c.name+" lists", err, c.list)
			for _, k := range list {
				if k.Principal != c.who.Principal {
					d.Errorf("%s sees %+v", c.name, k)
				}
			}
			d.want(c.name+" revokes", d.s.Revoke(ctx, c.who, key.ID), c.revoke)
		}
		list, err := d.s.Mine(ctx, d.ada)
		if d.want("list", err, nil); len(list) != 1 || !list[0].Good(d.m.Clock.Now()) {
			d.Errorf("of ada's keys there is left %+v", list)
		}
	})
}

func TestRefusalsOfAKey(t *testing.T) {
	onBothEngines(t, func(d *drawer) {
		for name, c := range map[string]struct {
			wish apikey.Wish
			want error
		}{
			"a scope that is none":    {apikey.Wish{Scopes: []string{"*", "admin"}}, gate.ErrScope},
			"too many scopes":         {apikey.Wish{Scopes: strings.Fields(strings.Repeat("* ", 65))}, gate.ErrScope},
			"a label too long":        {apikey.Wish{Label: strings.Repeat("я", 256)}, gate.ErrValidation},
			"a label with a break":    {apikey.Wish{Label: "a\nb"}, gate.ErrValidation},
			"a label with NUL":        {apikey.Wish{Label: "\x00"}, gate.ErrValidation},
			"a label of bytes":        {apikey.Wish{Label: "\xff"}, gate.ErrValidation},
			"for less than no days":   {apikey.Wish{Days: -1}, gate.ErrValidation},
			"for more than ten years": {apikey.Wish{Days: apikey.MaxDays + 1}, gate.ErrValidation},
			"for as long as may be":   {apikey.Wish{Days: apikey.MaxDays, Label: strings.Repeat("я", 255)}, nil},
		} {
			_, _, err := d.s.Create(ctx, d.ada, c.wish)
			d.want(name, err, c.want)
		}
		for _, id := range []gate.APIKeyID{"unknown", "", "\x00", "\xff"} {
			d.want("revoke "+string(id), d.s.Revoke(ctx, d.ada, id), gate.ErrAPIKeyNotFound)
		}
		storetest.Write(d.T, d.db, func(tx *store.Tx) error { _, err := tx.SetDisabled(d.ada.Principal, true); return err })
		_, _, err := d.s.Create(ctx, d.ada, apikey.Wish{})
		d.want("disabled a moment ago", err, gate.ErrPrincipalGone)
		list, err := d.s.Mine(ctx, d.ada)
		if d.want("list", err, nil); len(list) != 1 {
			d.Errorf("%d keys, want 1: a refusal left something behind", len(list))
		}
	})
}

// TestAtTheLimitOneOfFiftyWins, and what has ended does not count.
func TestAtTheLimitOneOfFiftyWins(t *testing.T) {
	onBothEngines(t, func(d *drawer) {
		brief, _ := d.make(d.ada, apikey.Wish{Days: 1})
		for range apikey.MaxKeys - 2 {
			d.make(d.ada, apikey.Wish{})
		}
		race := func(want int64) {
			d.Helper()
			var won atomic.Int64
			storetest.Race(50, func(i int) {
				_, shown, err := d.s.Create(ctx, d.ada, apikey.Wish{Prefix: secret.NativeKey})
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, gate.ErrAPIKeyLimit) || !shown.Empty() {
					d.Errorf("loser %d: %v", i, err)
				}
			})
			if won.Load() != want {
				d.Errorf("%d keys were made, want %d", won.Load(), want)
			}
		}
		race(1)
		d.make(d.bob, apikey.Wish{}) // whose drawer is another
		d.want("revoke", d.s.Revoke(ctx, d.ada, brief.ID), nil)
		race(1)
		list, err := d.s.Mine(ctx, d.ada)
		if d.want("list", err, nil); len(list) != apikey.MaxKeys+1 {
			d.Errorf("%d keys, want all that are good and the one that ended", len(list))
		}
	})
}

// TestOfFiftyRevocationsOneIsRecorded.
func TestOfFiftyRevocationsOneIsRecorded(t *testing.T) {
	onBothEngines(t, func(d *drawer) {
		key, _ := d.make(d.ada, apikey.Wish{})
		storetest.Race(50, func(int) { d.want("revoke", d.s.Revoke(ctx, d.ada, key.ID), nil) })
		if n := d.events(d.ada.Principal, gate.EventAPIKeyRevoked); n != 1 {
			d.Errorf("%d events, want 1", n)
		}
	})
}

// TestALiveKeyIsNeverBehindTheLimit of a list: who has ended many still sees, and
// can end, each that works.
func TestALiveKeyIsNeverBehindTheLimit(t *testing.T) {
	for name, end := range map[string]func(tx *store.Tx, key gate.APIKey) error{
		"revoked": func(tx *store.Tx, key gate.APIKey) error {
			_, err := tx.RevokeAPIKey(key.Principal, key.ID)
			return err
		},
		"expired": nil, // they do so by themselves
	} {
		t.Run(name, func(t *testing.T) {
			onBothEngines(t, func(d *drawer) {
				live, _ := d.make(d.ada, apikey.Wish{Label: "Live"})
				d.m.Clock.Forward(time.Hour)
				storetest.Write(d.T, d.db, func(tx *store.Tx) error {
					for range apikey.MaxListed + 5 {
						key := gate.APIKey{ID: gate.APIKeyID(secret.ID()), Principal: d.ada.Principal, ExpiresAt: tx.Now().Add(time.Hour)}
						key, err := tx.AddAPIKey(key, secret.DigestOf(secret.NewAPIKey(secret.NativeKey)))
						if err == nil && end != nil {
							err = end(tx, key)
						}
						if err != nil {
							return err
						}
					}
					return nil
				})
				d.m.Clock.Forward(2 * time.Hour)
				list, err := d.s.Mine(ctx, d.ada)
				d.want("list", err, nil)
				if !slices.ContainsFunc(list, func(k gate.APIKey) bool { return k.ID == live.ID }) || len(list) != apikey.MaxListed {
					d.Errorf("the key that works is not among %d", len(list))
				}
			})
		})
	}
}

// TestEndedKeysAreSweptAndLiveOnesAreNot: what has ended is kept for a while,
// for who wants to know when it was used.
func TestEndedKeysAreSweptAndLiveOnesAreNot(t *testing.T) {
	const keep = 90 * 24 * time.Hour
	onBothEngines(t, func(d *drawer) {
		swept := func() {
			storetest.Write(d.T, d.db, func(tx *store.Tx) error { _, err := tx.Sweep(keep, 100); return err })
		}
		ever, _ := d.make(d.ada, apikey.Wish{Label: "ever"})
		d.make(d.ada, apikey.Wish{Label: "years", Days: apikey.MaxDays})
		d.make(d.ada, apikey.Wish{Label: "day", Days: 1})
		revoked, _ := d.make(d.ada, apikey.Wish{Label: "revoked"})
		both, _ := d.make(d.ada, apikey.Wish{Label: "both", Days: 365})
		bobs, _ := d.make(d.bob, apikey.Wish{Label: "bob's"})
		d.want("revoke", d.s.Revoke(ctx, d.ada, revoked.ID), nil)
		d.want("revoke", d.s.Revoke(ctx, d.ada, both.ID), nil)
		left := func(when, want string) {
			d.Helper()
			swept()
			list, err := d.s.Mine(ctx, d.ada)
			d.want("list", err, nil)
			var labels []string
			for _, k := range list {
				labels = append(labels, k.Label)
			}
			slices.Sort(labels)
			if got := strings.Join(labels, " "); got != want {
				d.Errorf("%s: %q are left, want %q", when, got, want)
			}
		}
		left("at once", "both day ever revoked years")
		d.m.Clock.Forward(keep)
		left("as long as is kept", "both day ever revoked years")
		d.m.Clock.Forward(time.Hour)
		left("a little later", "day ever years")
		d.m.Clock.Forward(24 * time.Hour)
		left("a day later", "ever years")
		d.m.Clock.Forward(20 * 365 * 24 * time.Hour)
		left("many years later", "ever")
		d.want("and it still works", d.s.Revoke(ctx, d.ada, ever.ID), nil)
		d.want("and so does bob's", d.s.Revoke(ctx, d.bob, bobs.ID), nil)
	})
}

// TestScopesAreReadAsTheyWereGiven, those as well that an older Gatehouse let in
// with blanks of other alphabets: none of them becomes two.
func TestScopesAreReadAsTheyWereGiven(t *testing.T) {
	onBothEngines(t, func(d *drawer) {
		for _, scopes := range [][]string{
			nil, {"*"}, {"roles:user", "orgs:*"}, {"orgs:b", "orgs:a", "orgs:b"}, {"roles:a\u2003roles:admin"}, {"orgs:a\u00a0*", "roles:user"}, {"orgs:\u3000"}, {"orgs:a\u2028*"},
			{"roles:адмін", "orgs:" + strings.Repeat("x", 123)},
		} {
			shown := secret.NewAPIKey(secret.NativeKey)
			storetest.Write(d.T, d.db, func(tx *store.Tx) error {
				_, err := tx.AddAPIKey(gate.APIKey{ID: gate.APIKeyID(secret.ID()), Principal: d.ada.Principal, Scopes: scopes}, secret.DigestOf(shown))
				return err
			})
			if found := d.stored(shown).Scopes; !slices.Equal(found, scopes) {
				d.Errorf("%q became %q", scopes, found)
			}
		}
	})
}
