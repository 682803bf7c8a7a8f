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
	mole  = gate.PrincipalID("0a9e0000-0000-4000-8000-000000000041") // an agent
	shrew = gate.PrincipalID("0a9e0000-0000-4000-8000-000000000042") // another
	depot = gate.PrincipalID("0a9e0000-0000-4000-8000-000000000051") // a service
	wharf = gate.PrincipalID("0a9e0000-0000-4000-8000-000000000052") // another
)

// Who answers for agents and services here.
var (
	adas  = gate.Owner{User: ada}
	homes = gate.Owner{Org: home}
	alone = gate.Owner{} // the operator does
)

// agent adds one, or a service if that is its kind.
func (b *bench) agent(id gate.PrincipalID, kind gate.PrincipalKind, name string, owner gate.Owner) (a gate.Agent) {
	b.Helper()
	b.write(func(tx *store.Tx) (err error) {
		a, err = tx.AddAgent(gate.Agent{ID: id, Kind: kind, Name: name, Title: "The " + name, Owner: owner})
		return err
	})
	return a
}

// owners adds ada and home, for whom an agent and a service can be.
func (b *bench) owners() gate.User {
	b.Helper()
	u := b.user(ada, "ada")
	b.org(home, "Home")
	return u
}

func testAddAgent(b *bench) {
	b.owners()
	b.app(logs, "logs")
	same(b, "as it was added", b.agent(mole, gate.KindAgent, "mole", adas),
		gate.Agent{ID: mole, Kind: gate.KindAgent, Name: "mole", Title: "The mole", Owner: adas, CreatedAt: b.now(), UpdatedAt: b.now()})
	for _, c := range []struct {
		what  string
		id    gate.PrincipalID
		kind  gate.PrincipalKind
		name  string
		owner gate.Owner
		want  error
	}{
		{"the same name", shrew, gate.KindAgent, "mole", adas, gate.ErrAgentTaken},
		{"the same name for another owner", shrew, gate.KindAgent, "mole", homes, gate.ErrAgentTaken},
		{"the same id", mole, gate.KindAgent, "shrew", adas, gate.ErrConflict},
		{"the same id as a service", mole, gate.KindApp, "shrew", adas, gate.ErrConflict},
		{"a service called like an agent", depot, gate.KindApp, "mole", homes, nil},
		{"a service called like a service", wharf, gate.KindApp, "mole", alone, gate.ErrAgentTaken},
		{"a service called like an app, which it is", wharf, gate.KindApp, "logs", alone, gate.ErrAgentTaken},
		{"an agent called like an app", shrew, gate.KindAgent, "logs", alone, nil},
		{"other letters", wharf, gate.KindApp, "Mole", alone, nil},
	} {
		err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
			_, err := tx.AddAgent(gate.Agent{ID: c.id, Kind: c.kind, Name: c.name, Owner: c.owner})
			return usable(tx, err)
		})
		b.want(c.what, err, c.want)
	}
	for what, owner := range map[string]gate.Owner{"nobody's": {User: nay}, "of no org": {Org: nowhere}} {
		err := b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
			_, err := tx.AddAgent(gate.Agent{ID: hall, Kind: gate.KindAgent, Name: "hall", Owner: owner})
			return err
		})
		if err == nil {
			b.Error(what + " was stored")
		}
	}
}

func testAgent(b *bench) {
	b.owners()
	added := map[gate.PrincipalKind][]gate.Agent{
		gate.KindAgent: {b.agent(mole, gate.KindAgent, "mole", adas), b.agent(shrew, gate.KindAgent, "shrew", alone)},
		gate.KindApp:   {b.agent(depot, gate.KindApp, "mole", homes), b.agent(wharf, gate.KindApp, "wharf", adas)},
	}
	for kind, agents := range added {
		for _, a := range agents {
			b.read(func(tx *store.Tx) error {
				found, err := tx.Agent(kind, a.Name)
				same(b, string(kind)+" "+a.Name, found, a)
				return err
			})
		}
	}
	b.write(func(tx *store.Tx) error { _, err := tx.SetDisabled(mole, true); return err })
	b.read(func(tx *store.Tx) error {
		a, err := tx.Agent(gate.KindAgent, "mole")
		same(b, "disabled since", a.DisabledAt, b.now())
		for _, other := range []struct {
			kind gate.PrincipalKind
			name string
		}{{gate.KindAgent, "wharf"}, {gate.KindApp, "shrew"}, {gate.KindAgent, "Mole"}, {gate.KindAgent, ""}, {gate.KindAgent, string(mole)}} {
			_, none := tx.Agent(other.kind, other.name)
			b.want(string(other.kind)+" "+other.name, none, gate.ErrNotFound)
		}
		return err
	})
}

func testAgentsOf(b *bench) {
	b.owners()
	b.user(bob, "bob")
	b.org(work, "Work")
	for i, owner := range []gate.Owner{alone, homes, adas, {User: bob}, adas} { // so that names are not in the order of ids
		b.agent(mole[:35]+gate.PrincipalID("abcde"[i]), gate.KindAgent, string("edcba"[i]), owner)
	}
	b.agent(depot, gate.KindApp, "f", adas)
	for _, c := range []struct {
		what   string
		kind   gate.PrincipalKind
		owners []gate.Owner
		after  string
		limit  int
		want   string
	}{
		{"all agents", gate.KindAgent, nil, "", 9, "abcde"},
		{"the first page", gate.KindAgent, nil, "", 3, "abc"},
		{"the second", gate.KindAgent, nil, "c", 3, "de"},
		{"the end", gate.KindAgent, nil, "e", 3, ""},
		{"all services", gate.KindApp, nil, "", 9, "f"},
		{"ada's", gate.KindAgent, []gate.Owner{adas}, "", 9, "ac"},
		{"ada's, later", gate.KindAgent, []gate.Owner{adas}, "a", 9, "c"},
		{"ada's services", gate.KindApp, []gate.Owner{adas}, "", 9, "f"},
		{"an org's", gate.KindAgent, []gate.Owner{homes}, "", 9, "d"},
		{"ada's and bob's and an org's", gate.KindAgent, []gate.Owner{adas, homes, {User: bob}}, "", 9, "abcd"},
		{"the first two of them", gate.KindAgent, []gate.Owner{adas, homes, {User: bob}}, "", 2, "ab"},
		{"of them, later", gate.KindAgent, []gate.Owner{adas, homes, {User: bob}}, "b", 9, "cd"},
		{"of who has none", gate.KindAgent, []gate.Owner{{User: eve}, {Org: work}}, "", 9, ""},
		{"of no owner at all, who is none to look for", gate.KindAgent, []gate.Owner{alone}, "", 9, ""},
	} {
		b.read(func(tx *store.Tx) error {
			agents, err := tx.AgentsOf(c.kind, c.owners, c.after, c.limit)
			names := ""
			for _, a := range agents {
				names += a.Name
			}
			same(b, c.what, names, c.want)
			return err
		})
	}
}

func testCountAgentsOf(b *bench) {
	b.owners()
	b.agent(mole, gate.KindAgent, "mole", adas)
	b.agent(depot, gate.KindApp, "depot", adas)
	b.agent(shrew, gate.KindAgent, "shrew", alone)
	b.agent(wharf, gate.KindApp, "wharf", homes)
	for what, c := range map[string]struct {
		owner gate.Owner
		want  int64
	}{"an agent and a service": {adas, 2}, "an org's": {homes, 1}, "nobody's": {gate.Owner{User: nay}, 0}, "the operator's are not counted": {alone, 0}} {
		b.read(func(tx *store.Tx) error {
			n, err := tx.CountAgentsOf(c.owner)
			same(b, what, n, c.want)
			return err
		})
	}
}

func testRemoveAgent(b *bench) {
	b.owners()
	b.places()
	b.node(kitchen, "kitchen", farm)
	b.agent(mole, gate.KindAgent, "mole", adas)
	b.agent(depot, gate.KindApp, "depot", homes)
	for _, id := range []gate.PrincipalID{mole, depot} {
		b.apiKey(gate.APIKeyID(id), id, 0)
		b.write(func(tx *store.Tx) error {
			_, err := tx.AddMember(home, id, gate.OrgMember)
			return errors.Join(err, tx.SetKey(id, digest("key")))
		})
		mark := listening(b.T, b.db)
		b.write(func(tx *store.Tx) error { return tx.RemoveAgent(id) })
		same(b, "still believed", believed(b.db, mark, string(id)), nil)
	}
	for what, id := range map[string]gate.PrincipalID{"again": mole, "a user": ada, "a node": kitchen, "nobody": nay} {
		b.want(what, b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return tx.RemoveAgent(id) }), gate.ErrNotFound)
	}
	for _, table := range []string{"agents", "apps", "api_keys", "credentials", "memberships"} {
		same(b, "left in "+table, b.rows(table), 0)
	}
	same(b, "who is left", b.rows("principals"), 2)
}

// rows counts those of a table.
func (b *bench) rows(table string) (n int) {
	b.Helper()
	if err := b.m.Raw(b).QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

func testMakeAgent(b *bench) {
	added := b.called(ada, "Ada")
	b.called(bob, "bob")
	b.session(session1, ada, "192.0.2.1")
	b.agent(mole, gate.KindAgent, "mole", alone)
	mark := listening(b.T, b.db)
	b.write(func(tx *store.Tx) error { return tx.MakeAgent(ada, "sofia") })
	same(b, "still believed to be human", believed(b.db, mark, string(ada)), nil)
	added.Kind = gate.KindAgent
	b.read(func(tx *store.Tx) error {
		u, err := tx.User(ada)
		same(b, "the user", u, added)
		p, err2 := tx.Principal(ada)
		same(b, "the principal", p, gate.Principal{ID: ada, Kind: gate.KindAgent, Number: added.Number, Name: "sofia"})
		a, err3 := tx.Agent(gate.KindAgent, "sofia")
		same(b, "the agent", a, gate.Agent{ID: ada, Kind: gate.KindAgent, Name: "sofia", CreatedAt: b.now(), UpdatedAt: b.now()})
		_, err4 := tx.Presence(session1) // who was signed in stays so
		return errors.Join(err, err2, err3, err4)
	})
	for _, c := range []struct {
		what string
		id   gate.PrincipalID
		name string
		want error
	}{{"again", ada, "sofia", gate.ErrAgentTaken}, {"a user's name", bob, "sofia", gate.ErrAgentTaken}, {"an agent's name", bob, "mole", gate.ErrAgentTaken}, {"nobody", nay, "nay", gate.ErrNotFound}} {
		b.want(c.what, b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return usable(tx, tx.MakeAgent(c.id, c.name)) }), c.want)
	}
	b.read(func(tx *store.Tx) error {
		u, err := tx.User(bob)
		same(b, "who was refused", u.Kind, gate.KindUser)
		return err
	})
}

func testPrincipal(b *bench) {
	u := b.owners()
	b.called(bob, "Bob")
	b.places()
	b.node(kitchen, "kitchen", farm)
	b.agent(mole, gate.KindAgent, "mole", adas)
	b.agent(shrew, gate.KindAgent, "shrew", alone)
	b.agent(depot, gate.KindApp, "depot", homes)
	b.agent(wharf, gate.KindApp, "wharf", adas)
	b.write(func(tx *store.Tx) error {
		_, err := tx.AddMember(home, mole, gate.OrgPowerUser)
		_, err2 := tx.GrantRole(mole, gate.RoleUser)
		_, err3 := tx.GrantRole(mole, gate.RoleAgentSystem)
		_, err4 := tx.SetDisabled(shrew, true)
		return errors.Join(err, err2, err3, err4)
	})
	for what, want := range map[string]gate.Principal{
		"a user without a name": u.Principal(),
		"a user":                {ID: bob, Kind: gate.KindUser, Number: 2, Name: "Bob"},
		"an agent with rights": {ID: mole, Kind: gate.KindAgent, Name: "mole", Title: "The mole", Owner: adas, Roles: []gate.Role{gate.RoleAgentSystem, gate.RoleUser},
			Memberships: []gate.Membership{{Org: home, Kind: gate.KindHousehold, Principal: mole, Role: gate.OrgPowerUser}}},
		"an agent who is disabled": {ID: shrew, Kind: gate.KindAgent, Name: "shrew", Title: "The shrew", DisabledAt: b.now()},
		"an org's service":         {ID: depot, Kind: gate.KindApp, Name: "depot", Title: "The depot", Owner: homes},
		"a user's service":         {ID: wharf, Kind: gate.KindApp, Name: "wharf", Title: "The wharf", Owner: adas},
	} {
		b.read(func(tx *store.Tx) error {
			p, err := tx.Principal(want.ID)
			same(b, what, p, want)
			return err
		})
	}
	// Even if somebody takes the owners away around the store, nothing that was
	// theirs may act. What nobody answered for stays.
	b.m.Exec(b, `DELETE FROM principals WHERE id = $1`, ada)
	b.m.Exec(b, `DELETE FROM orgs WHERE id = $1`, home)
	for id, want := range map[gate.PrincipalID]error{kitchen: gate.ErrNotFound, nay: gate.ErrNotFound, "": gate.ErrNotFound, ada: gate.ErrNotFound, mole: gate.ErrNotFound, depot: gate.ErrNotFound, wharf: gate.ErrNotFound, shrew: nil} {
		b.read(func(tx *store.Tx) error {
			_, err := tx.Principal(id)
			b.want(string(id), err, want)
			return nil
		})
	}
}

// believed lists the subjects of whom nothing new was heard since the mark.
func believed(db *store.DB, mark store.Mark, subjects ...string) (still []string) {
	for _, s := range subjects {
		if db.Feed().FreshAll(mark, gate.DefaultTenant, s) {
			still = append(still, s)
		}
	}
	return still
}

// believedAfterASecond is believed for what another process did.
func believedAfterASecond(db *store.DB, mark store.Mark, subjects ...string) []string {
	deadline := time.Now().Add(time.Second)
	for {
		still := believed(db, mark, subjects...)
		if len(still) == 0 || time.Now().After(deadline) {
			return still
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestWhoseOwnerGoesIsNobody: with a user or an org go its agents, its services
// and their keys, and what was remembered of them is forgotten at the commit,
// here and in another process. Nobody else's are touched.
func TestWhoseOwnerGoesIsNobody(t *testing.T) {
	for _, c := range []struct {
		name  string
		owner gate.Owner
		spare gate.Owner
		end   func(tx *store.Tx) error
	}{
		{"user", adas, homes, func(tx *store.Tx) error { return tx.RemoveUser(ada) }},
		{"org", homes, adas, func(tx *store.Tx) error { _, err := tx.RemoveOrg(home); return err }},
	} {
		t.Run(c.name, func(t *testing.T) {
			OnBothEngines(t, func(t *testing.T, m *Memory) {
				b := &bench{t, m, m.Open(t)}
				there := m.Open(t)
				b.owners()
				theirs := []string{string(mole), string(depot)}
				spared := []string{string(shrew), string(wharf)}
				b.agent(mole, gate.KindAgent, "mole", c.owner)
				b.agent(depot, gate.KindApp, "depot", c.owner)
				b.agent(shrew, gate.KindAgent, "shrew", c.spare)
				b.agent(wharf, gate.KindApp, "wharf", alone)
				for _, id := range append(theirs, spared...) {
					b.apiKey(gate.APIKeyID(id), gate.PrincipalID(id), 0)
				}
				mark, far := listening(t, b.db), listening(t, there)
				b.want("undone", b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
					return errors.Join(c.end(tx), gate.ErrForbidden)
				}), gate.ErrForbidden)
				same(b, "believed after a rollback", believed(b.db, mark, theirs...), theirs)
				b.write(c.end)
				same(b, "still believed", believed(b.db, mark, theirs...), nil)
				same(b, "still believed elsewhere", believedAfterASecond(there, far, theirs...), nil)
				same(b, "spared", believed(b.db, mark, spared...), spared)
				for _, id := range theirs {
					b.want(id, b.exists(id), gate.ErrNotFound)
				}
				for _, id := range spared {
					b.want(id, b.exists(id), nil)
				}
				same(b, "agents, services and their keys that are left", [3]int{b.rows("agents"), b.rows("apps"), b.rows("api_keys")}, [3]int{1, 1, 2})
			})
		})
	}
}

// exists looks for a principal whose key has its id, and returns gate.ErrNotFound
// if both are gone.
func (b *bench) exists(id string) error {
	return b.db.Read(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
		_, err := tx.Principal(gate.PrincipalID(id))
		_, err2 := tx.APIKeyByDigest(digest(id))
		if errors.Is(err, gate.ErrNotFound) != errors.Is(err2, gate.ErrNotFound) {
			b.Errorf("%s: the principal %v, the key %v", id, err, err2)
		}
		return errors.Join(err, err2)
	})
}
