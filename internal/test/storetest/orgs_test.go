//go:build unix

package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

const (
	home    = gate.OrgID("0c0c0c0c-0000-4000-8000-000000000001")
	work    = gate.OrgID("0d0d0d0d-0000-4000-8000-000000000002")
	nowhere = gate.OrgID("ffffffff-0000-4000-8000-00000000000f")
)

// org adds a household whose members are all administrators.
func (b *bench) org(id gate.OrgID, name string, admins ...gate.PrincipalID) gate.Org {
	b.Helper()
	var o gate.Org
	b.write(func(tx *store.Tx) (err error) {
		o, err = tx.AddOrg(gate.Org{ID: id, Kind: gate.KindHousehold, Name: name})
		for _, admin := range admins {
			added, err2 := tx.AddMember(id, admin, gate.OrgAdmin)
			same(b, "added", added, true)
			err = errors.Join(err, err2)
		}
		return err
	})
	return o
}

func testAddOrg(b *bench) {
	o := b.org(home, "Home")
	same(b, "as it was added", o, gate.Org{ID: home, Kind: gate.KindHousehold, Name: "Home", CreatedAt: b.now(), UpdatedAt: b.now()})
	err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
		_, err := tx.AddOrg(gate.Org{ID: home})
		return err
	})
	b.want("the same id", err, gate.ErrConflict)
	b.org(work, "Home") // names are not unique
}

func testOrg(b *bench) {
	o := b.org(home, "Home")
	b.read(func(tx *store.Tx) error {
		got, err := tx.Org(home)
		same(b, "as it was added", got, o)
		_, none := tx.Org(nowhere)
		b.want("none", none, gate.ErrNotFound)
		return err
	})
}

func testOrgs(b *bench) {
	second, first := b.org(home, "b"), b.org(work, "a")
	var lab gate.Org
	b.write(func(tx *store.Tx) (err error) {
		lab, err = tx.AddOrg(gate.Org{ID: nowhere, Kind: gate.KindWorkspace, Name: "c"})
		return err
	})
	b.read(func(tx *store.Tx) error {
		all, err := tx.Orgs("", 10)
		same(b, "all by name", all, []gate.Org{first, second, lab})
		few, err2 := tx.Orgs("", 2)
		same(b, "the first two", few, []gate.Org{first, second})
		labs, err3 := tx.Orgs(gate.KindWorkspace, 10)
		same(b, "of a kind", labs, []gate.Org{lab})
		return errors.Join(err, err2, err3)
	})
}

func testRenameOrg(b *bench) {
	o := b.org(home, "Home")
	b.m.Clock.Forward(time.Minute)
	b.write(func(tx *store.Tx) error {
		b.want("none", tx.RenameOrg(nowhere, "x"), gate.ErrNotFound)
		return tx.RenameOrg(home, "Castle")
	})
	o.Name, o.UpdatedAt = "Castle", b.now()
	b.read(func(tx *store.Tx) error {
		got, err := tx.Org(home)
		same(b, "renamed", got, o)
		return err
	})
}

func testRemoveOrg(b *bench) {
	for id, name := range map[gate.PrincipalID]string{ada: "ada", bob: "bob", eve: "eve"} {
		b.user(id, name)
	}
	const node = gate.PrincipalID("0f0f0f0f-0000-4000-8000-000000000004")
	b.org(home, "Home", ada, bob)
	kept := b.org(work, "Work", bob, eve)
	b.invitation("code", time.Hour)
	b.m.Exec(b, `INSERT INTO principals (tenant, id, kind, display_name, created_at, updated_at) VALUES ('main', $1, 'node', 'Kitchen', 0, 0)`, node)
	b.m.Exec(b, `INSERT INTO nodes (tenant, id, name, org) VALUES ('main', $1, 'kitchen', $2)`, node, home)
	b.m.Exec(b, `INSERT INTO credentials (tenant, id, principal, kind, verifier, label, created_at, updated_at) VALUES ('main', 'k', $1, 'key', 'digest', '', 0, 0)`, node)
	mark := listening(b.T, b.db)
	same(b, "the node is believed", b.db.Feed().Fresh(mark, gate.DefaultTenant, node, ""), true)
	b.write(func(tx *store.Tx) error {
		nodes, err := tx.RemoveOrg(home)
		same(b, "nodes", nodes, []gate.PrincipalID{node})
		_, none := tx.RemoveOrg(home)
		b.want("again", none, gate.ErrNotFound)
		return err
	})
	same(b, "the node is still believed", b.db.Feed().Fresh(mark, gate.DefaultTenant, node, ""), false)
	for what, query := range map[string]string{
		"nodes": `SELECT COUNT(*) FROM nodes`, "principals": `SELECT COUNT(*) FROM principals WHERE kind = 'node'`, "keys": `SELECT COUNT(*) FROM credentials`,
		"invitations": `SELECT COUNT(*) FROM invitations`, "memberships": `SELECT COUNT(*) FROM memberships WHERE org <> '` + string(work) + `'`,
	} {
		var left int
		if err := b.m.Raw(b).QueryRow(query).Scan(&left); err != nil || left != 0 {
			b.Errorf("%s: %d left, %v", what, left, err)
		}
	}
	b.read(func(tx *store.Tx) error {
		places, err := tx.OrgsOf(bob)
		same(b, "the other org", places, []store.Place{{Org: kept, Role: gate.OrgAdmin}})
		_, err2 := tx.User(ada)
		return errors.Join(err, err2)
	})
}

func testLockOrg(b *bench) {
	b.org(home, "Home")
	b.write(func(tx *store.Tx) error {
		b.want("none", tx.LockOrg(nowhere), gate.ErrNotFound)
		return tx.LockOrg(home)
	})
}

func testLockMember(b *bench) {
	b.user(ada, "ada")
	b.write(func(tx *store.Tx) error {
		b.want("nobody", tx.LockMember(nay), gate.ErrNotFound)
		return tx.LockMember(ada)
	})
}

// TestLocksMakeOthersWait: of fifty who look whether the org is empty and then
// enter it, one finds it empty. Without the lock, on Postgres, many do.
func TestLocksMakeOthersWait(t *testing.T) {
	for name, lock := range map[string]func(tx *store.Tx) error{
		"LockOrg":    func(tx *store.Tx) error { return tx.LockOrg(home) },
		"LockMember": func(tx *store.Tx) error { return tx.LockMember(ada) },
	} {
		t.Run(name, func(t *testing.T) {
			OnBothEngines(t, func(t *testing.T, m *Memory) {
				b := &bench{t, m, m.Open(t)}
				b.user(ada, "ada")
				b.org(home, "Home")
				won := make([]bool, 50)
				Race(50, func(i int) {
					err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
						if err := lock(tx); err != nil {
							return err
						}
						n, err := tx.CountOpenInvitations(home)
						if won[i] = err == nil && n == 0; !won[i] {
							return err
						}
						_, err = tx.AddInvitation(gate.Invitation{ID: gate.InvitationID(rune('a' + i)), Org: home, Role: gate.OrgMember, ExpiresAt: tx.Now().Add(time.Hour)}, digest(string(rune(i))), "")
						return err
					})
					if err != nil {
						t.Error(err)
					}
				})
				if n := count(won); n != 1 {
					t.Errorf("%d found none, want 1", n)
				}
			})
		})
	}
}
