//go:build unix

package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

// invitation adds one to home that works twice.
func (b *bench) invitation(code string, lifetime time.Duration) gate.Invitation {
	b.Helper()
	var i gate.Invitation
	b.write(func(tx *store.Tx) (err error) {
		i, err = tx.AddInvitation(gate.Invitation{ID: gate.InvitationID(code), Org: home, Role: gate.OrgPowerUser, CreatedBy: ada, MaxUses: 2, ExpiresAt: b.now().Add(lifetime)},
			digest(code), "sealed "+code)
		return err
	})
	return i
}

func testAddInvitation(b *bench) {
	b.org(home, "Home")
	i := b.invitation("code", time.Hour)
	same(b, "the first number", i.Number, 1)
	same(b, "created", i.CreatedAt, b.now())
	b.write(func(tx *store.Tx) error {
		_, err := tx.AddInvitation(gate.Invitation{ID: "another", Org: home, ExpiresAt: b.now()}, digest("code"), "")
		b.want("the same code", err, gate.ErrConflict)
		i, err := tx.AddInvitation(gate.Invitation{ID: "another", Org: home, ExpiresAt: b.now()}, digest("another"), "")
		if i.Number <= 1 {
			b.Errorf("number %d", i.Number)
		}
		return err
	})
}

func testInvitations(b *bench) {
	b.org(home, "Home")
	b.org(work, "Work")
	over := b.invitation("over", time.Minute)
	fresh := b.invitation("fresh", time.Hour)
	revoked := b.invitation("revoked", time.Hour)
	b.m.Clock.Forward(30 * time.Minute)
	b.write(func(tx *store.Tx) error { _, err := tx.RevokeInvitation(home, revoked.Number); return err })
	b.read(func(tx *store.Tx) error {
		list, err := tx.Invitations(home, 10)
		same(b, "the newest first", list, []store.Invitation{{Invitation: fresh, Sealed: "sealed fresh", OrgName: "Home"}, {Invitation: over, Sealed: "sealed over", OrgName: "Home"}})
		first, err2 := tx.Invitations(home, 1)
		same(b, "only one", first, list[:1])
		none, err3 := tx.Invitations(work, 10)
		same(b, "of another org", len(none), 0)
		return errors.Join(err, err2, err3)
	})
}

func testInvitationByCode(b *bench) {
	b.org(home, "Home")
	i := b.invitation("code", time.Hour)
	b.read(func(tx *store.Tx) error {
		got, err := tx.InvitationByCode(digest("code"))
		same(b, "by its code", got, store.Invitation{Invitation: i, Sealed: "sealed code", OrgName: "Home"})
		_, none := tx.InvitationByCode(digest("CODE"))
		b.want("by another", none, gate.ErrNotFound)
		return err
	})
}

func testUseInvitation(b *bench) {
	b.org(home, "Home")
	i := b.invitation("twice", time.Hour)
	revoked := b.invitation("revoked", time.Hour)
	b.invitation("expired", time.Minute)
	b.write(func(tx *store.Tx) error {
		_, err := tx.AddInvitation(gate.Invitation{ID: "often", Org: home, Role: gate.OrgMember, ExpiresAt: b.now().Add(time.Hour)}, digest("often"), "")
		_, err2 := tx.RevokeInvitation(home, revoked.Number)
		return errors.Join(err, err2)
	})
	b.m.Clock.Forward(time.Minute) // to the very end of "expired"
	b.write(func(tx *store.Tx) error {
		for use := range int64(2) {
			used, err := tx.UseInvitation(digest("twice"))
			i.UseCount = use + 1
			same(b, "used", used, i)
			b.want("use", err, nil)
		}
		for range 20 {
			_, err := tx.UseInvitation(digest("often"))
			b.want("as often as one likes", err, nil)
		}
		for _, code := range []string{"twice", "revoked", "expired", "unknown"} {
			_, none := tx.UseInvitation(digest(code))
			b.want(code, none, gate.ErrNotFound)
		}
		return nil
	})
}

func testCountOpenInvitations(b *bench) {
	b.org(home, "Home")
	revoked := b.invitation("revoked", time.Hour)
	b.invitation("over", time.Minute)
	b.invitation("used", time.Hour)
	b.invitation("open", time.Hour)
	b.m.Clock.Forward(time.Minute)
	b.write(func(tx *store.Tx) error {
		_, err := tx.RevokeInvitation(home, revoked.Number)
		_, err2 := tx.UseInvitation(digest("used"))
		_, err3 := tx.UseInvitation(digest("used"))
		_, err4 := tx.UseInvitation(digest("open"))
		n, err5 := tx.CountOpenInvitations(home)
		same(b, "open", n, 1)
		return errors.Join(err, err2, err3, err4, err5)
	})
}

func testRevokeInvitation(b *bench) {
	b.org(home, "Home")
	b.org(work, "Work")
	i := b.invitation("code", time.Hour)
	for _, step := range []struct {
		what   string
		org    gate.OrgID
		number int64
		did    bool
	}{{"of another org", work, i.Number, false}, {"unknown", home, 99, false}, {"revoked", home, i.Number, true}, {"again", home, i.Number, false}} {
		b.write(func(tx *store.Tx) error {
			did, err := tx.RevokeInvitation(step.org, step.number)
			same(b, step.what, did, step.did)
			return err
		})
	}
	b.read(func(tx *store.Tx) error {
		got, err := tx.InvitationByCode(digest("code"))
		same(b, "since", got.RevokedAt, b.now())
		return err
	})
}

func testRevokeInvitationsBy(b *bench) {
	b.org(home, "Home")
	b.invitation("one", time.Hour)
	b.invitation("two", time.Hour)
	for _, step := range []struct {
		org  gate.OrgID
		by   gate.PrincipalID
		want int64
	}{{home, bob, 0}, {work, ada, 0}, {home, ada, 2}, {home, ada, 0}} {
		b.write(func(tx *store.Tx) error {
			n, err := tx.RevokeInvitationsBy(step.org, step.by)
			same(b, "revoked", n, step.want)
			return err
		})
	}
}

// TestAnInvitationIsUsedAsOftenAsItSays: two of fifty at once.
func TestAnInvitationIsUsedAsOftenAsItSays(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		b := &bench{t, m, m.Open(t)}
		b.org(home, "Home")
		b.invitation("code", time.Hour)
		won := make([]bool, 50)
		Race(50, func(i int) {
			err := b.db.Write(t.Context(), gate.DefaultTenant, func(tx *store.Tx) error {
				_, err := tx.UseInvitation(digest("code"))
				return err
			})
			if won[i] = err == nil; err != nil && !errors.Is(err, gate.ErrNotFound) {
				t.Error(err)
			}
		})
		if n := count(won); n != 2 {
			t.Errorf("%d used it, want 2", n)
		}
	})
}
