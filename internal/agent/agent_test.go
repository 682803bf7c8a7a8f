//go:build unix

package agent_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gatehouse/gatehouse/internal/agent"
	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	farm   = gate.OrgID("0f0f0f0f-0000-4000-8000-000000000031")
	mill   = gate.OrgID("0f0f0f0f-0000-4000-8000-000000000032")
	absent = gate.OrgID("0f0f0f0f-0000-4000-8000-00000000003f")
)

var ctx = context.Background()

// bench is a house with two orgs. Of the farm, boss is an administrator and
// child a member; miller administers the mill; ada is in neither; chief
// administers the house. "boss by key" is boss with a key for everything, so are
// ada and chief; "ada's agent" came with a key of its own. Ada owns the agent ant, the farm the agent
// bee, the operator the service logs.
type bench struct {
	*testing.T
	m       *storetest.Memory
	db      *store.DB
	s       *agent.Service
	callers map[string]gate.Caller
}

func onBothEngines(t *testing.T, test func(b *bench)) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		db := m.Open(t)
		b := &bench{T: t, m: m, db: db, s: &agent.Service{DB: db}, callers: map[string]gate.Caller{
			"operator": gate.OperatorCaller(gate.DefaultTenant), "nobody": {Tenant: gate.DefaultTenant},
		}}
		storetest.Write(t, db, func(tx *store.Tx) error {
			_, err := tx.AddOrg(gate.Org{ID: farm, Kind: gate.KindHousehold, Name: "Farm"})
			_, err2 := tx.AddOrg(gate.Org{ID: mill, Kind: gate.KindHousehold, Name: "Mill"})
			return errors.Join(err, err2)
		})
		for _, name := range []string{"ada", "boss", "child", "miller", "chief"} {
			b.user(name)
		}
		b.write(func(tx *store.Tx) error {
			_, err := tx.AddMember(farm, b.id("boss"), gate.OrgAdmin)
			_, err2 := tx.AddMember(farm, b.id("child"), gate.OrgMember)
			_, err3 := tx.AddMember(mill, b.id("miller"), gate.OrgAdmin)
			_, err4 := tx.GrantRole(b.id("chief"), gate.RoleAdmin)
			return errors.Join(err, err2, err3, err4)
		})
		for _, name := range []string{"ada", "boss", "child", "miller", "chief"} {
			b.signIn(name)
		}
		ant := b.create("ada", gate.Agent{Kind: gate.KindAgent, Name: "ant"})
		b.create("boss", gate.Agent{Kind: gate.KindAgent, Name: "bee", Owner: gate.Owner{Org: farm}})
		b.create("operator", gate.Agent{Kind: gate.KindApp, Name: "logs"})
		anonymous := b.callers["nobody"]
		for _, name := range []string{"ada", "boss", "chief"} {
			b.callers[name+" by key"] = anonymous.AsKey(b.principal(b.id(name)), "a key")
		}
		b.callers["ada's agent"] = anonymous.AsKey(b.principal(ant.ID), "a key")
		test(b)
	})
}

func (b *bench) write(fn func(tx *store.Tx) error) { b.Helper(); storetest.Write(b.T, b.db, fn) }

func (b *bench) user(name string) {
	b.Helper()
	email, _ := gate.ParseEmail(name + "@example.org")
	b.write(func(tx *store.Tx) error {
		u, err := tx.AddUser(gate.User{ID: gate.PrincipalID(secret.RandomID())}, email)
		b.callers[name] = gate.Caller{Principal: u.ID}
		return err
	})
}

// signIn makes a caller of who a user is today.
func (b *bench) signIn(name string) {
	b.Helper()
	storetest.Read(b.T, b.db, func(tx *store.Tx) error {
		u, err := tx.User(b.id(name))
		b.callers[name] = gate.Caller{Tenant: gate.DefaultTenant}.As(u, "a session")
		return err
	})
}

func (b *bench) id(name string) gate.PrincipalID { return b.as(name).Principal }

func (b *bench) as(name string) gate.Caller {
	b.Helper()
	c, known := b.callers[name]
	if !known {
		b.Fatalf("nobody is called %q", name)
	}
	return c
}

func (b *bench) principal(id gate.PrincipalID) (p gate.Principal) {
	b.Helper()
	storetest.Read(b.T, b.db, func(tx *store.Tx) (err error) { p, err = tx.Principal(id); return err })
	return p
}

func (b *bench) create(who string, a gate.Agent) gate.Agent {
	b.Helper()
	if a.Title == "" {
		a.Title = "The " + a.Name
	}
	made, err := b.s.Create(ctx, b.as(who), a)
	if err != nil {
		b.Fatalf("%s makes %s: %v", who, a.Name, err)
	}
	return made
}

func (b *bench) want(what string, got, want error) {
	b.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		b.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (b *bench) equal(what string, got, want any) {
	b.Helper()
	if got != want {
		b.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// events counts those of a name about somebody.
func (b *bench) events(about gate.PrincipalID, name string) (n int) {
	b.Helper()
	storetest.Read(b.T, b.db, func(tx *store.Tx) error {
		list, err := tx.EventsAbout(about, name)
		n = len(list)
		return err
	})
	return n
}

// rows counts those of a table.
func (b *bench) rows(table string) (n int) {
	b.Helper()
	if err := b.m.Raw(b.T).QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

// key makes one for an agent.
func (b *bench) key(who string, kind gate.PrincipalKind, name string, scopes ...string) (gate.APIKey, secret.Text, error) {
	return b.s.CreateKey(ctx, b.as(who), kind, name, apikey.Wish{Prefix: secret.NativeKey, Scopes: scopes})
}

func TestTheLifeOfAnAgent(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		for kind, who := range map[gate.PrincipalKind]string{gate.KindAgent: "ada", gate.KindApp: "chief"} {
			made := b.create(who, gate.Agent{Kind: kind, Name: "sofia", Title: "Sofia"})
			b.equal("its owner", made.Owner, gate.Owner{User: b.id(who)})
			key, shown, err := b.key(who, kind, "sofia", "*")
			if b.want("a key", err, nil); !secret.IsAPIKey(shown) || key.Principal != made.ID || key.CreatedBy != b.id(who) {
				b.Errorf("key %+v", key)
			}
			for range 2 { // the second time changes nothing
				b.want("disable", b.s.SetDisabled(ctx, b.as(who), kind, "sofia", true), nil)
			}
			_, _, err = b.key(who, kind, "sofia")
			b.want("a key while disabled", err, gate.ErrAgentDisabled)
			whole, err := b.s.Get(ctx, b.as(who), kind, "sofia")
			if b.want("get", err, nil); !whole.Disabled() || len(whole.Keys) != 1 || whole.Keys[0].ID != key.ID || len(whole.Memberships) != 0 {
				b.Errorf("whole %+v", whole)
			}
			for range 2 {
				b.want("enable", b.s.SetDisabled(ctx, b.as(who), kind, "sofia", false), nil)
				b.want("revoke", b.s.RevokeKey(ctx, b.as(who), kind, "sofia", key.ID), nil)
			}
			for _, id := range []gate.APIKeyID{"unknown", "", "\x00", "\xff"} {
				b.want("revoke another", b.s.RevokeKey(ctx, b.as(who), kind, "sofia", id), gate.ErrAPIKeyNotFound)
			}
			b.want("remove", b.s.Remove(ctx, b.as(who), kind, "sofia"), nil)
			b.want("again", b.s.Remove(ctx, b.as(who), kind, "sofia"), gate.ErrAgentNotFound)
			for _, event := range []string{gate.EventAgentCreated, gate.EventAgentDisabled, gate.EventAgentEnabled, gate.EventAgentRemoved, gate.EventAPIKeyCreated, gate.EventAPIKeyRevoked} {
				b.equal(string(kind)+": events "+event, b.events(made.ID, event), 1)
			}
		}
		b.equal("keys that are left", b.rows("api_keys"), 0)
	})
}

// TestAKeyOfAnotherAgentIsNone: who manages one agent does not end the keys of
// another through it.
func TestAKeyOfAnotherAgentIsNone(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		key, _, err := b.key("boss", gate.KindAgent, "bee")
		b.want("a key", err, nil)
		b.want("through one's own", b.s.RevokeKey(ctx, b.as("ada"), gate.KindAgent, "ant", key.ID), gate.ErrAPIKeyNotFound)
		whole, err := b.s.Get(ctx, b.as("boss"), gate.KindAgent, "bee")
		if b.want("get", err, nil); len(whole.Keys) != 1 || !whole.Keys[0].Good(b.m.Clock.Now()) {
			b.Errorf("keys %+v", whole.Keys)
		}
	})
}
