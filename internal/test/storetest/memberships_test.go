//go:build unix

package storetest

import (
	"errors"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

// three are users of whom the last two are members of home: bob an
// administrator, eve not.
func (b *bench) three() {
	b.Helper()
	b.user(ada, "ada")
	b.user(bob, "bob")
	b.user(eve, "eve")
	b.org(home, "Home", bob)
	b.write(func(tx *store.Tx) error { _, err := tx.AddMember(home, eve, gate.OrgMember); return err })
}

func testOrgsOf(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	second, first := b.org(home, "b", ada), b.org(work, "a", ada)
	b.read(func(tx *store.Tx) error {
		places, err := tx.OrgsOf(ada)
		same(b, "by name", places, []store.Place{{Org: first, Role: gate.OrgAdmin}, {Org: second, Role: gate.OrgAdmin}})
		none, err2 := tx.OrgsOf(bob)
		same(b, "of who is in none", len(none), 0)
		return errors.Join(err, err2)
	})
}

func testMembership(b *bench) {
	b.three()
	b.read(func(tx *store.Tx) error {
		m, err := tx.Membership(home, eve)
		same(b, "of eve", m, gate.Membership{Org: home, Principal: eve, Role: gate.OrgMember, CreatedAt: b.now(), UpdatedAt: b.now()})
		_, none := tx.Membership(home, ada)
		b.want("of who is none", none, gate.ErrNotFound)
		_, none = tx.Membership(nowhere, eve)
		b.want("in no org", none, gate.ErrNotFound)
		return err
	})
}

func testOldestMembership(b *bench) {
	b.user(ada, "ada")
	b.org(work, "z", ada)
	b.m.Clock.Forward(time.Minute)
	b.org(home, "a", ada)
	b.read(func(tx *store.Tx) error {
		m, err := tx.OldestMembership(ada)
		same(b, "the oldest", m.Org, work)
		_, none := tx.OldestMembership(nay)
		b.want("of nobody", none, gate.ErrNotFound)
		return err
	})
}

func testMember(b *bench) {
	b.three()
	b.read(func(tx *store.Tx) error {
		u, err := tx.User(eve)
		m, err2 := tx.Member(home, u.Number)
		want, err3 := tx.Membership(home, eve)
		same(b, "eve", m, store.Member{Membership: want, Number: u.Number, Email: "eve@example.org"})
		_, none := tx.Member(work, u.Number)
		b.want("elsewhere", none, gate.ErrNotFound)
		_, none = tx.Member(home, 99)
		b.want("nobody", none, gate.ErrNotFound)
		return errors.Join(err, err2, err3)
	})
}

func testMembers(b *bench) {
	b.three()
	b.m.Exec(b, `UPDATE users SET username = 'Bob' WHERE id = $1`, bob)
	b.read(func(tx *store.Tx) error {
		members, err := tx.Members(home, 0, 10)
		if len(members) != 2 || members[0].Principal != bob || members[0].Username != "Bob" || members[1].Email != "eve@example.org" {
			b.Fatalf("%+v", members)
		}
		first, err2 := tx.Members(home, 0, 1)
		same(b, "the first page", first, members[:1])
		second, err3 := tx.Members(home, members[0].Number, 10)
		same(b, "the second page", second, members[1:])
		return errors.Join(err, err2, err3)
	})
}

func testAddMember(b *bench) {
	b.three()
	b.write(func(tx *store.Tx) error {
		added, err := tx.AddMember(home, ada, gate.OrgPowerUser)
		same(b, "added", added, true)
		return err
	})
	b.write(func(tx *store.Tx) error {
		again, err := tx.AddMember(home, ada, gate.OrgAdmin)
		same(b, "again", again, false)
		nobody, err2 := tx.AddMember(home, nay, gate.OrgAdmin)
		same(b, "nobody", nobody, false)
		none, err3 := tx.AddMember(nowhere, ada, gate.OrgAdmin)
		same(b, "to no org", none, false)
		return errors.Join(err, err2, err3)
	})
	b.read(func(tx *store.Tx) error {
		m, err := tx.Membership(home, ada)
		same(b, "the role stays", m.Role, gate.OrgPowerUser)
		return err
	})
}

func testSetMemberRole(b *bench) {
	b.three()
	b.write(func(tx *store.Tx) error {
		changed, err := tx.SetMemberRole(home, eve, gate.OrgAdmin)
		same(b, "changed", changed, true)
		return err
	})
	b.write(func(tx *store.Tx) error {
		again, err := tx.SetMemberRole(home, eve, gate.OrgAdmin)
		same(b, "again", again, false)
		nobody, err2 := tx.SetMemberRole(home, ada, gate.OrgAdmin)
		same(b, "of who is none", nobody, false)
		return errors.Join(err, err2)
	})
	b.m.Clock.Forward(time.Minute)
	b.write(func(tx *store.Tx) error { _, err := tx.SetMemberRole(home, eve, gate.OrgPowerUser); return err })
	b.read(func(tx *store.Tx) error {
		m, err := tx.Membership(home, eve)
		same(b, "role", m.Role, gate.OrgPowerUser)
		same(b, "since", m.UpdatedAt, b.now())
		return err
	})
}

func testRemoveMember(b *bench) {
	b.three()
	b.write(func(tx *store.Tx) error {
		removed, err := tx.RemoveMember(home, eve)
		same(b, "removed", removed, true)
		return err
	})
	b.write(func(tx *store.Tx) error {
		again, err := tx.RemoveMember(home, eve)
		same(b, "again", again, false)
		return err
	})
	b.read(func(tx *store.Tx) error {
		_, none := tx.Membership(home, eve)
		b.want("removed", none, gate.ErrNotFound)
		_, err := tx.Membership(home, bob)
		return err
	})
}

func testCountMembers(b *bench) {
	b.three()
	b.read(func(tx *store.Tx) error {
		n, err := tx.CountMembers(home)
		same(b, "members", n, 2)
		n, err2 := tx.CountMembers(nowhere)
		same(b, "of none", n, 0)
		return errors.Join(err, err2)
	})
}

func testCountOrgAdmins(b *bench) {
	b.three()
	counts := func(except gate.PrincipalID) (n int64) {
		b.read(func(tx *store.Tx) (err error) { n, err = tx.CountOrgAdmins(home, except); return err })
		return n
	}
	same(b, "one", counts(""), 1)
	same(b, "besides bob", counts(bob), 0)
	same(b, "besides eve, who is none", counts(eve), 1)
	b.write(func(tx *store.Tx) error {
		_, err := tx.SetMemberRole(home, eve, gate.OrgAdmin)
		_, err2 := tx.SetDisabled(bob, true)
		return errors.Join(err, err2)
	})
	same(b, "bob is disabled", counts(""), 1)
	same(b, "besides eve, while bob is disabled", counts(eve), 0)
}

func testCountOrgsOf(b *bench) {
	b.three()
	b.org(work, "Work", bob)
	b.read(func(tx *store.Tx) error {
		n, err := tx.CountOrgsOf(bob)
		same(b, "bob's", n, 2)
		n, err2 := tx.CountOrgsOf(ada)
		same(b, "ada's", n, 0)
		return errors.Join(err, err2)
	})
}
