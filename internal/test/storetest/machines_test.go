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

const (
	logs    = gate.PrincipalID("0c0c0c0c-0000-4000-8000-000000000011") // an app
	mail    = gate.PrincipalID("0c0c0c0c-0000-4000-8000-000000000012") // another
	kitchen = gate.PrincipalID("0d0d0d0d-0000-4000-8000-000000000021") // a node
	hall    = gate.PrincipalID("0d0d0d0d-0000-4000-8000-000000000022") // another

	farm = gate.OrgID("0f0f0f0f-0000-4000-8000-000000000031")
	mill = gate.OrgID("0f0f0f0f-0000-4000-8000-000000000032")
)

func (b *bench) app(id gate.PrincipalID, name string) (a gate.App) {
	b.Helper()
	b.write(func(tx *store.Tx) (err error) {
		a, err = tx.AddApp(gate.App{ID: id, Name: name, Title: "The " + name})
		return err
	})
	return a
}

// places adds the orgs that nodes stand in.
func (b *bench) places() {
	b.Helper()
	b.write(func(tx *store.Tx) error {
		_, err := tx.AddOrg(gate.Org{ID: farm, Kind: gate.KindHousehold, Name: "Farm"})
		_, err2 := tx.AddOrg(gate.Org{ID: mill, Kind: gate.KindHousehold, Name: "Mill"})
		return errors.Join(err, err2)
	})
}

func (b *bench) node(id gate.PrincipalID, name string, org gate.OrgID) (n gate.Node) {
	b.Helper()
	b.write(func(tx *store.Tx) (err error) {
		n, err = tx.AddNode(gate.Node{ID: id, Name: name, Title: "The " + name, Org: org})
		return err
	})
	return n
}

// usable returns the refusal after it has seen that the transaction goes on.
func usable(tx *store.Tx, refusal error) error {
	if gate.AsError(refusal).Kind == gate.Conflict {
		if _, err := tx.Apps("", 1); err != nil {
			return err
		}
	}
	return refusal
}

func testAddApp(b *bench) {
	a := b.app(logs, "logs")
	same(b, "created", a.CreatedAt, b.now())
	add := func(id gate.PrincipalID, name string) error {
		return b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
			_, err := tx.AddApp(gate.App{ID: id, Name: name})
			return usable(tx, err)
		})
	}
	b.want("the same name", add(mail, "logs"), gate.ErrAppTaken)
	b.want("the same id", add(logs, "other"), gate.ErrConflict)
	b.want("another name", add(mail, "Logs"), nil)
}

func testApp(b *bench) {
	a := b.app(logs, "logs")
	b.read(func(tx *store.Tx) error {
		found, err := tx.App("logs")
		same(b, "as it was added", found, a)
		for _, name := range []string{"LOGS", "log", "", string(logs)} {
			_, err := tx.App(name)
			b.want(name, err, gate.ErrNotFound)
		}
		return err
	})
}

func testApps(b *bench) {
	for i := range 5 {
		b.app(gate.PrincipalID(fmt.Sprintf("0c0c0c0c-0000-4000-8000-00000000010%d", i)), string(rune('e'-i)))
	}
	names := func(after string, limit int) (names string) {
		b.read(func(tx *store.Tx) error {
			apps, err := tx.Apps(after, limit)
			for _, a := range apps {
				names += a.Name
			}
			return err
		})
		return names
	}
	same(b, "the first page", names("", 3), "abc")
	same(b, "the second", names("c", 3), "de")
	same(b, "the end", names("e", 3), "")
}

func testAppKey(b *bench) {
	b.app(logs, "logs")
	b.read(func(tx *store.Tx) error {
		k, err := tx.AppKey("logs")
		same(b, "without a key", k.Verifier, "")
		_, none := tx.AppKey("mail")
		b.want("nobody's", none, gate.ErrNotFound)
		return err
	})
	b.write(func(tx *store.Tx) error {
		err := tx.SetKey(logs, digest("key"))
		_, err2 := tx.SetDisabled(logs, true)
		return errors.Join(err, err2)
	})
	b.read(func(tx *store.Tx) error {
		k, err := tx.AppKey("logs")
		same(b, "the key", k.Verifier, digest("key").String())
		same(b, "disabled", k.App.DisabledAt, b.now())
		return err
	})
}

func testSetKey(b *bench) {
	b.app(logs, "logs")
	b.app(mail, "mail")
	for _, key := range []string{"first", "second"} {
		b.write(func(tx *store.Tx) error { return tx.SetKey(logs, digest(key)) })
		b.read(func(tx *store.Tx) error {
			k, err := tx.AppKey("logs")
			same(b, key, k.Verifier, digest(key).String())
			same(b, "not rotated", k.App.RotatedAt, time.Time{})
			other, err2 := tx.AppKey("mail")
			same(b, "another's", other.Verifier, "")
			return errors.Join(err, err2)
		})
	}
	err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return tx.SetKey(nay, digest("x")) })
	if err == nil {
		b.Error("nobody got a key")
	}
}

func testRotateKey(b *bench) {
	b.app(logs, "logs")
	b.places()
	b.node(kitchen, "kitchen", farm)
	b.user(ada, "ada")
	b.write(func(tx *store.Tx) error {
		_, err := tx.SetDisabled(logs, true)
		return errors.Join(err, tx.SetKey(logs, digest("old")), tx.SetKey(kitchen, digest("old")))
	})
	disabled := b.now()
	b.m.Clock.Forward(time.Hour)
	b.write(func(tx *store.Tx) error {
		return errors.Join(tx.RotateKey(logs, digest("new")), tx.RotateKey(kitchen, digest("newer")))
	})
	b.read(func(tx *store.Tx) error {
		a, err := tx.AppKey("logs")
		same(b, "the app's key", a.Verifier, digest("new").String())
		same(b, "the app's rotation", a.App.RotatedAt, b.now())
		same(b, "still disabled", a.App.DisabledAt, disabled)
		n, err2 := tx.NodeKey("kitchen")
		same(b, "the node's key", n.Verifier, digest("newer").String())
		same(b, "the node's rotation", n.Node.RotatedAt, b.now())
		same(b, "the node's change", n.Node.UpdatedAt, b.now())
		return errors.Join(err, err2)
	})
	for _, id := range []gate.PrincipalID{ada, nay} {
		b.want("neither app nor node", b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
			return tx.RotateKey(id, digest("x"))
		}), gate.ErrNotFound)
	}
}

func testAddNode(b *bench) {
	b.places()
	n := b.node(kitchen, "kitchen", farm)
	same(b, "created", n.CreatedAt, b.now())
	add := func(id gate.PrincipalID, name string, org gate.OrgID) error {
		return b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
			_, err := tx.AddNode(gate.Node{ID: id, Name: name, Org: org})
			return usable(tx, err)
		})
	}
	b.want("the same name", add(hall, "kitchen", mill), gate.ErrNodeTaken)
	b.want("the same id", add(kitchen, "other", farm), gate.ErrConflict)
	if add(hall, "hall", "nowhere") == nil {
		b.Error("a node of no org")
	}
	b.want("another", add(hall, "hall", mill), nil)
}

func testNode(b *bench) {
	b.places()
	u := b.user(ada, "ada")
	want := store.RegisteredNode{RegistrarNumber: u.Number}
	b.write(func(tx *store.Tx) (err error) {
		want.Node, err = tx.AddNode(gate.Node{ID: kitchen, Name: "kitchen", Title: "The kitchen", Org: farm, RegisteredBy: ada})
		return err
	})
	for _, service := range []string{"whisper, loud", "a b c", "logs"} {
		b.write(func(tx *store.Tx) error { _, err := tx.GrantService(kitchen, service, ""); return err })
	}
	b.write(func(tx *store.Tx) error { _, err := tx.GrantService(kitchen, "mail", mail); return err })
	want.Services = []gate.NodeGrant{
		{Service: "a b c", GrantedAt: b.now()}, {Service: "logs", GrantedAt: b.now()},
		{Service: "mail", GrantedAt: b.now(), GrantedBy: mail}, {Service: "whisper, loud", GrantedAt: b.now()},
	}
	b.node(hall, "hall", mill)
	b.read(func(tx *store.Tx) error {
		n, err := tx.Node("kitchen")
		same(b, "all of it", n, want)
		n, err2 := tx.Node("hall")
		same(b, "without grants", len(n.Services), 0)
		same(b, "registered by nobody", n.RegistrarNumber, 0)
		_, none := tx.Node("Kitchen")
		b.want("another name", none, gate.ErrNotFound)
		return errors.Join(err, err2)
	})
}

func testNodes(b *bench) {
	b.places()
	for i, title := range []string{"b", "a", "b", "c"} {
		org := farm
		if i == 2 {
			org = mill
		}
		id := gate.PrincipalID(fmt.Sprintf("0d0d0d0d-0000-4000-8000-00000000020%d", i))
		b.write(func(tx *store.Tx) error {
			_, err := tx.AddNode(gate.Node{ID: id, Name: fmt.Sprint(9 - i), Title: title, Org: org})
			return err
		})
	}
	b.write(func(tx *store.Tx) error {
		_, err := tx.GrantService("0d0d0d0d-0000-4000-8000-000000000202", "logs", "")
		return err
	})
	list := func(org gate.OrgID, title, name string, limit int) (names string) {
		b.read(func(tx *store.Tx) error {
			nodes, err := tx.Nodes(org, title, name, limit)
			for _, n := range nodes {
				names += fmt.Sprint(n.Title, n.Name, len(n.Services), " ")
			}
			return err
		})
		return names
	}
	same(b, "the first page", list("", "", "", 2), "a80 b71 ")
	same(b, "the second", list("", "b", "7", 2), "b90 c60 ")
	same(b, "the end", list("", "c", "6", 2), "")
	same(b, "an org's", list(farm, "", "", 9), "a80 b90 c60 ")
	same(b, "an org's, later", list(farm, "a", "8", 1), "b90 ")
	same(b, "no org's", list("nowhere", "", "", 9), "")
}

func testNodesRegisteredBy(b *bench) {
	b.places()
	b.user(ada, "ada")
	b.write(func(tx *store.Tx) error {
		_, err := tx.AddNode(gate.Node{ID: kitchen, Name: "kitchen", Org: farm, RegisteredBy: ada})
		_, err2 := tx.SetDisabled(kitchen, true)
		_, err3 := tx.AddNode(gate.Node{ID: hall, Name: "hall", Org: farm})
		return errors.Join(err, err2, err3)
	})
	b.read(func(tx *store.Tx) error {
		n, err := tx.NodesRegisteredBy(ada)
		same(b, "hers, though disabled", n, 1)
		n, err2 := tx.NodesRegisteredBy(bob)
		same(b, "his", n, 0)
		return errors.Join(err, err2)
	})
}

func testNodeKey(b *bench) {
	b.places()
	b.node(kitchen, "kitchen", farm)
	b.node(hall, "hall", farm)
	b.write(func(tx *store.Tx) error {
		_, err := tx.GrantService(kitchen, "logs", "")
		return errors.Join(err, tx.SetKey(kitchen, digest("key")))
	})
	b.read(func(tx *store.Tx) error {
		k, err := tx.NodeKey("kitchen")
		same(b, "the key", k.Verifier, digest("key").String())
		same(b, "its org", k.Node.Org, farm)
		same(b, "its grant", k.Node.May("logs"), true)
		k, err2 := tx.NodeKey("hall")
		same(b, "without a key", k.Verifier, "")
		_, none := tx.NodeKey("cellar")
		b.want("nobody's", none, gate.ErrNotFound)
		return errors.Join(err, err2)
	})
}

func testGrantService(b *bench) {
	b.places()
	b.node(kitchen, "kitchen", farm)
	grant := func(node gate.PrincipalID, service string) (g gate.NodeGrant, err error) {
		err = b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) (err error) {
			g, err = tx.GrantService(node, service, mail)
			return usable(tx, err)
		})
		return g, err
	}
	g, err := grant(kitchen, "logs")
	b.want("the first time", err, nil)
	same(b, "the grant", g, gate.NodeGrant{Service: "logs", GrantedAt: b.now(), GrantedBy: mail})
	_, err = grant(kitchen, "logs")
	b.want("again", err, gate.ErrGrantTaken)
	if _, err := grant(nay, "logs"); err == nil {
		b.Error("nobody was granted something")
	}
}

func testRevokeService(b *bench) {
	b.places()
	b.node(kitchen, "kitchen", farm)
	b.node(hall, "hall", farm)
	b.write(func(tx *store.Tx) error {
		_, err := tx.GrantService(kitchen, "logs", "")
		_, err2 := tx.GrantService(kitchen, "mail", "")
		_, err3 := tx.GrantService(hall, "logs", "")
		return errors.Join(err, err2, err3)
	})
	for i, want := range []bool{true, false} {
		b.write(func(tx *store.Tx) error {
			did, err := tx.RevokeService(kitchen, "logs")
			same(b, fmt.Sprint("time ", i+1), did, want)
			return err
		})
	}
	b.read(func(tx *store.Tx) error {
		n, err := tx.Node("kitchen")
		same(b, "what is left", [2]bool{n.May("logs"), n.May("mail")}, [2]bool{false, true})
		n, err2 := tx.Node("hall")
		same(b, "another's", n.May("logs"), true)
		return errors.Join(err, err2)
	})
}

// TestAMachineChangesAtItsCommit: each deed after which a key must not be
// believed any more is heard, here and in another process.
func TestAMachineChangesAtItsCommit(t *testing.T) {
	deeds := []struct {
		name string
		do   func(tx *store.Tx) error
	}{
		{"set key", func(tx *store.Tx) error { return tx.SetKey(kitchen, digest("new")) }},
		{"rotate", func(tx *store.Tx) error { return tx.RotateKey(kitchen, digest("new")) }},
		{"grant", func(tx *store.Tx) error { _, err := tx.GrantService(kitchen, "logs", ""); return err }},
		{"revoke", func(tx *store.Tx) error { _, err := tx.RevokeService(kitchen, "logs"); return err }},
		{"disable", func(tx *store.Tx) error { _, err := tx.SetDisabled(kitchen, true); return err }},
	}
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		m.Options.Clock = time.Now
		here, there := m.Open(t), m.Open(t)
		b := &bench{t, m, here}
		b.places()
		b.node(kitchen, "kitchen", farm)
		fresh := func(db *store.DB, mark store.Mark) bool {
			return db.Feed().FreshAll(mark, gate.DefaultTenant, "somebody", string(farm), string(kitchen))
		}
		for _, deed := range deeds {
			time.Sleep(300 * time.Millisecond) // so that the echo of the one before has died away
			mark, theirs := listening(t, here), listening(t, there)
			b.write(deed.do)
			if fresh(here, mark) {
				t.Errorf("%s: the process that did it still believes the old", deed.name)
			}
			deadline := time.Now().Add(time.Second)
			for fresh(there, theirs) && time.Now().Before(deadline) {
				time.Sleep(5 * time.Millisecond)
			}
			if fresh(there, theirs) {
				t.Errorf("%s: still believed elsewhere after a second", deed.name)
			}
			if !here.Feed().FreshAll(listening(t, here), gate.DefaultTenant, string(hall), string(farm)) {
				t.Errorf("%s: others are not concerned", deed.name)
			}
		}
	})
}

// populateMachines gives the first tenant an app and a node with a key each, and
// a grant.
func populateMachines(b *bench) {
	b.Helper()
	b.write(func(tx *store.Tx) error {
		_, err := tx.AddOrg(gate.Org{ID: farm, Kind: gate.KindHousehold, Name: "Farm"})
		_, err2 := tx.AddApp(gate.App{ID: logs, Name: "logs", Title: "Logs"})
		_, err3 := tx.AddNode(gate.Node{ID: kitchen, Name: "kitchen", Title: "Kitchen", Org: farm, RegisteredBy: ada})
		_, err4 := tx.GrantService(kitchen, "logs", logs)
		return errors.Join(err, err2, err3, err4, tx.SetKey(logs, digest("key")), tx.SetKey(kitchen, digest("key")))
	})
}
