//go:build unix

package storetest

import (
	"errors"
	"testing"
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

// TestMembershipsSayOfWhichKindTheirOrgIs, wherever they come with whom they
// belong to: the oldest first, and those of one moment by org.
func TestMembershipsSayOfWhichKindTheirOrgIs(t *testing.T) {
	const circle = gate.OrgID("0b0b0b0b-0000-4000-8000-000000000003")
	want := []gate.Membership{
		{Org: work, Kind: gate.KindWorkspace, Principal: ada, Role: gate.OrgAdmin},
		{Org: circle, Kind: gate.KindMicroDAO, Principal: ada, Role: gate.OrgMember},
		{Org: home, Kind: gate.KindHousehold, Principal: ada, Role: gate.OrgPowerUser},
	}
	for name, look := range map[string]func(tx *store.Tx) ([]gate.Membership, error){
		"User":         func(tx *store.Tx) ([]gate.Membership, error) { u, err := tx.User(ada); return u.Memberships, err },
		"UserByNumber": func(tx *store.Tx) ([]gate.Membership, error) { u, err := tx.UserByNumber(1); return u.Memberships, err },
		"AccountByEmail": func(tx *store.Tx) ([]gate.Membership, error) {
			a, err := tx.AccountByEmail("ada@example.org")
			return a.User.Memberships, err
		},
		"Presence": func(tx *store.Tx) ([]gate.Membership, error) {
			p, err := tx.Presence(session1)
			return p.User.Memberships, err
		},
		"Principal": func(tx *store.Tx) ([]gate.Membership, error) { p, err := tx.Principal(ada); return p.Memberships, err },
	} {
		t.Run(name, func(t *testing.T) {
			OnBothEngines(t, func(t *testing.T, m *Memory) {
				b := &bench{t, m, m.Open(t)}
				b.user(ada, "ada")
				b.user(bob, "bob")
				b.session(session1, ada, "192.0.2.1")
				for i, place := range want {
					b.write(func(tx *store.Tx) error {
						_, err := tx.AddOrg(gate.Org{ID: place.Org, Kind: place.Kind, Name: "Zoë's, and a comma"})
						_, err2 := tx.AddMember(place.Org, ada, place.Role)
						_, err3 := tx.AddMember(place.Org, bob, gate.OrgMember)
						return errors.Join(err, err2, err3)
					})
					if i == 0 {
						m.Clock.Forward(time.Minute)
					}
				}
				b.read(func(tx *store.Tx) error {
					got, err := look(tx)
					same(b, "memberships", got, want)
					return err
				})
			})
		})
	}
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
	b.servants()
	b.read(func(tx *store.Tx) error {
		n, err := tx.CountMembers(home, "")
		same(b, "humans", n, 2)
		others, err3 := tx.CountMembers(home, bob)
		same(b, "humans besides bob", others, 1)
		n, err2 := tx.CountMembers(nowhere, "")
		same(b, "of none", n, 0)
		return errors.Join(err, err2, err3)
	})
}

// servants are an agent and a service that bob answers for, and an agent that
// nobody does, all of them administrators of home.
func (b *bench) servants() {
	b.write(func(tx *store.Tx) error {
		var all error
		for _, a := range []gate.Agent{
			{ID: "agent", Kind: gate.KindAgent, Name: "agent", Owner: gate.Owner{User: bob}}, {ID: "service", Kind: gate.KindApp, Name: "service", Owner: gate.Owner{User: bob}},
			{ID: "free", Kind: gate.KindAgent, Name: "free"},
		} {
			_, err := tx.AddAgent(a)
			_, err2 := tx.AddMember(home, a.ID, gate.OrgAdmin)
			all = errors.Join(all, err, err2)
		}
		return all
	})
}

func testRemoveAgentsFrom(b *bench) {
	b.three()
	b.org(work, "Work", bob)
	b.servants()
	b.write(func(tx *store.Tx) error {
		_, err := tx.AddMember(work, "agent", gate.OrgMember)
		return errors.Join(err, tx.RemoveAgentsFrom(nowhere, bob), tx.RemoveAgentsFrom(home, eve), tx.RemoveAgentsFrom(home, bob))
	})
	b.read(func(tx *store.Tx) error {
		for id, want := range map[gate.PrincipalID]int64{"agent": 1, "service": 0, "free": 1, bob: 2, eve: 1} {
			n, err := tx.CountOrgsOf(id)
			if same(b, string(id), n, want); err != nil {
				return err
			}
		}
		return nil
	})
}

func testCountOrgAdmins(b *bench) {
	b.three()
	counts := func(except gate.PrincipalID) (n int64) {
		b.read(func(tx *store.Tx) (err error) { n, err = tx.CountOrgAdmins(home, except); return err })
		return n
	}
	b.servants()
	same(b, "one human", counts(""), 1)
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
