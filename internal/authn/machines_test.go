//go:build unix

package authn_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/machine"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const farm = gate.OrgID("0f0f0f0f-0000-4000-8000-000000000031")

var (
	ctx      = context.Background()
	operator = gate.OperatorCaller(gate.DefaultTenant)
)

// fleet is one memory with two processes over it: keys are kept by the one and
// verified by both.
type fleet struct {
	*testing.T
	db       *store.DB
	s        *machine.Service
	replicas map[string]*authn.Machines
	people   []gate.User // the farm's first members
	keys     map[string]secret.Text
}

func onBothEngines(t *testing.T, test func(f *fleet)) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		m.Options.Clock = time.Now
		here, there := m.Open(t), m.Open(t)
		f := &fleet{
			T: t, db: here, s: &machine.Service{DB: here}, keys: map[string]secret.Text{},
			replicas: map[string]*authn.Machines{"here": authn.NewMachines(here), "there": authn.NewMachines(there)},
		}
		storetest.Write(t, here, func(tx *store.Tx) error {
			_, err := tx.AddOrg(gate.Org{ID: farm, Kind: gate.KindHousehold, Name: "Farm"})
			return err
		})
		f.people = []gate.User{f.user("ada"), f.user("bob")}
		for _, u := range f.people {
			f.join(u)
		}
		var err error
		_, f.keys["logs"], err = f.s.CreateApp(ctx, operator, "logs", "Logs")
		f.must(err)
		_, f.keys["kitchen"], err = f.s.RegisterNode(ctx, operator, machine.Registration{Name: "kitchen", Title: "Kitchen", Org: farm, Services: []string{"logs"}})
		f.must(err)
		test(f)
	})
}

func (f *fleet) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fleet) user(name string) (u gate.User) {
	f.Helper()
	email, _ := gate.ParseEmail(name + "@example.org")
	storetest.Write(f.T, f.db, func(tx *store.Tx) (err error) {
		u, err = tx.AddUser(gate.User{ID: gate.PrincipalID(secret.RandomID())}, email)
		return err
	})
	return u
}

func (f *fleet) join(u gate.User) {
	f.Helper()
	storetest.Write(f.T, f.db, func(tx *store.Tx) error { _, err := tx.AddMember(farm, u.ID, gate.OrgMember); return err })
}

// settled waits until both replicas keep what they verified: until each gives
// the very same proof twice.
func (f *fleet) settled() {
	f.Helper()
	f.within("the caches", 5*time.Second, func(m *authn.Machines) bool {
		a, err := m.App(ctx, gate.DefaultTenant, "logs", f.keys["logs"])
		b, err2 := m.App(ctx, gate.DefaultTenant, "logs", f.keys["logs"])
		c, err3 := m.Node(ctx, gate.DefaultTenant, f.asks("kitchen", f.keys["kitchen"], "logs"))
		d, err4 := m.Node(ctx, gate.DefaultTenant, f.asks("kitchen", f.keys["kitchen"], "logs"))
		f.must(errors.Join(err, err2, err3, err4))
		return a == b && c == d
	})
}

// within waits until it is so on every replica.
func (f *fleet) within(what string, limit time.Duration, so func(m *authn.Machines) bool) {
	f.Helper()
	deadline := time.Now().Add(limit)
	for name, m := range f.replicas {
		for !so(m) {
			if time.Now().After(deadline) {
				f.Errorf("%s: not so %s after %v", what, name, limit)
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// asks is what the app asks about a node.
func (f *fleet) asks(name string, key secret.Text, service string) authn.NodeQuestion {
	return authn.NodeQuestion{App: "logs", AppKey: f.keys["logs"], Node: name, NodeKey: key, Service: service}
}

func (f *fleet) node(m *authn.Machines, name string, key secret.Text, service string) *authn.NodeVerdict {
	f.Helper()
	v, err := m.Node(ctx, gate.DefaultTenant, f.asks(name, key, service))
	f.must(err)
	return v
}

func TestTheKeyOfAnApp(t *testing.T) {
	onBothEngines(t, func(f *fleet) {
		for _, m := range f.replicas {
			v, err := m.App(ctx, gate.DefaultTenant, "logs", f.keys["logs"])
			f.must(err)
			c := v.AsCaller(gate.Caller{Tenant: gate.DefaultTenant, Client: "jarvis", IP: "192.0.2.1", Roles: []gate.Role{gate.RoleAdmin}})
			want := gate.Caller{Principal: v.App.ID, Kind: gate.KindApp, Name: "logs", Tenant: gate.DefaultTenant, Client: "jarvis", IP: "192.0.2.1"}
			if !reflect.DeepEqual(c, want) {
				f.Errorf("caller %+v, want %+v", c, want)
			}
		}
	})
}

// TestRefusedAppsLookAlike: the same refusal whatever was wrong, and nothing of
// the key in it.
func TestRefusedAppsLookAlike(t *testing.T) {
	onBothEngines(t, func(f *fleet) {
		_, gone, err := f.s.CreateApp(ctx, operator, "gone", "Gone")
		f.must(err)
		_, err = f.s.RevokeApp(ctx, operator, "gone")
		f.must(err)
		wrong := secret.NewText(strings.Repeat("w", 64))
		cases := []struct {
			name, app string
			key       secret.Text
			want      *gate.Error
		}{
			{"no name", "", f.keys["logs"], gate.ErrMissingKey},
			{"no key", "logs", secret.Text{}, gate.ErrMissingKey},
			{"neither", "", secret.NewText(""), gate.ErrMissingKey},
			{"unknown", "nope", wrong, gate.ErrInvalidKey},
			{"wrong", "logs", wrong, gate.ErrInvalidKey},
			{"disabled", "gone", gone, gate.ErrInvalidKey},
			{"disabled, wrong", "gone", wrong, gate.ErrInvalidKey},
			{"another's", "gone", f.keys["logs"], gate.ErrInvalidKey},
			{"a node's", "kitchen", f.keys["kitchen"], gate.ErrInvalidKey},
			{"its own, cut short", "logs", secret.NewText(f.keys["logs"].Reveal()[:63]), gate.ErrInvalidKey},
			{"its digest", "logs", secret.NewText(secret.DigestOf(f.keys["logs"]).String()), gate.ErrInvalidKey},
			{"another spelling", "LOGS", f.keys["logs"], gate.ErrInvalidKey},
			{"name and key run together", "logs" + f.keys["logs"].Reveal()[:1], secret.NewText(f.keys["logs"].Reveal()[1:]), gate.ErrInvalidKey},
			{"a name that cannot be", "logs\x00", f.keys["logs"], gate.ErrInvalidKey},
			{"bytes", "\xff", f.keys["logs"], gate.ErrInvalidKey},
			{"bytes as the key", "logs", secret.NewText("\xff\x00"), gate.ErrInvalidKey},
		}
		for _, c := range cases {
			for range 2 { // as it is the second time, too
				v, err := f.replicas["here"].App(ctx, gate.DefaultTenant, c.app, c.key)
				e := gate.AsError(err)
				if v != nil || e.Code != c.want.Code || e.Kind != c.want.Kind || e.Message != c.want.Message || len(e.Problems) != 0 {
					f.Errorf("%s: %v, %v", c.name, v, err)
				}
				if err != nil && !c.key.Empty() && strings.Contains(err.Error(), c.key.Reveal()) {
					f.Errorf("%s: the key is in the error", c.name)
				}
			}
		}
	})
}

func TestWhyANodeIsNotLetIn(t *testing.T) {
	onBothEngines(t, func(f *fleet) {
		_, gone, err := f.s.RegisterNode(ctx, operator, machine.Registration{Name: "gone", Title: "Gone", Org: farm})
		f.must(err)
		_, err = f.s.DisableNode(ctx, operator, "gone")
		f.must(err)
		cases := []struct {
			name, node string
			key        secret.Text
			service    string
			want       authn.NodeReason
		}{
			{"good", "kitchen", f.keys["kitchen"], "logs", ""},
			{"unknown", "nope", f.keys["kitchen"], "logs", authn.NodeNotFound},
			{"no name", "", f.keys["kitchen"], "logs", authn.NodeNotFound},
			{"an app", "logs", f.keys["logs"], "logs", authn.NodeNotFound},
			{"a name that cannot be", "kitchen\x00", f.keys["kitchen"], "logs", authn.NodeNotFound},
			{"inactive before anything else", "gone", secret.NewText("wrong"), "none", authn.NodeInactive},
			{"inactive", "gone", gone, "logs", authn.NodeInactive},
			{"wrong before not granted", "kitchen", secret.NewText("wrong"), "none", authn.NodeCredentials},
			{"no key", "kitchen", secret.Text{}, "logs", authn.NodeCredentials},
			{"not granted", "kitchen", f.keys["kitchen"], "whisper", authn.NodeServiceNotGranted},
			{"no service", "kitchen", f.keys["kitchen"], "", authn.NodeServiceNotGranted},
			{"strange bytes for a service", "kitchen", f.keys["kitchen"], "\xff\x00", authn.NodeServiceNotGranted},
		}
		for _, c := range cases {
			for range 2 {
				v := f.node(f.replicas["here"], c.node, c.key, c.service)
				if v.Reason != c.want || v.Valid != (c.want == "") || v.Service != c.service {
					f.Errorf("%s: %v %q", c.name, v.Valid, v.Reason)
				}
				if !v.Valid && (v.Node.ID != "" || v.Members != nil) {
					f.Errorf("%s: told about %+v, %v", c.name, v.Node, v.Members)
				}
			}
		}
		v := f.node(f.replicas["there"], "kitchen", f.keys["kitchen"], "logs")
		if v.Node.Name != "kitchen" || v.Node.Org != farm || !slices.Equal(v.Members, []int64{f.people[0].Number, f.people[1].Number}) {
			f.Errorf("verdict %+v", v)
		}
	})
}

// TestAKeyIsTakenBackEverywhere: whatever was remembered, each deed counts at
// once in the process that did it and within a second in the other.
func TestAKeyIsTakenBackEverywhere(t *testing.T) {
	newcomer := func(f *fleet) gate.User { return f.user("newcomer") }
	app := func(f *fleet, m *authn.Machines) error {
		_, err := m.App(ctx, gate.DefaultTenant, "logs", f.keys["logs"])
		return err
	}
	verdict := func(f *fleet, m *authn.Machines) *authn.NodeVerdict {
		return f.node(m, "kitchen", f.keys["kitchen"], "logs")
	}
	refusedApp := func(f *fleet, m *authn.Machines) bool {
		_, asked := m.Node(ctx, gate.DefaultTenant, f.asks("kitchen", f.keys["kitchen"], "logs"))
		return errors.Is(app(f, m), gate.ErrInvalidKey) && errors.Is(asked, gate.ErrInvalidKey)
	}
	because := func(reason authn.NodeReason) func(*fleet, *authn.Machines) bool {
		return func(f *fleet, m *authn.Machines) bool { return verdict(f, m).Reason == reason }
	}
	members := func(n int) func(*fleet, *authn.Machines) bool {
		return func(f *fleet, m *authn.Machines) bool { v := verdict(f, m); return v.Valid && len(v.Members) == n }
	}
	cases := []struct {
		name string
		deed func(f *fleet) error
		seen func(f *fleet, m *authn.Machines) bool
	}{
		{"app revoked", func(f *fleet) error { _, err := f.s.RevokeApp(ctx, operator, "logs"); return err }, refusedApp},
		{"app rotated", func(f *fleet) error { _, _, err := f.s.RotateApp(ctx, operator, "logs"); return err }, refusedApp},
		{"node disabled", func(f *fleet) error { _, err := f.s.DisableNode(ctx, operator, "kitchen"); return err }, because(authn.NodeInactive)},
		{"node rotated", func(f *fleet) error { _, _, err := f.s.RotateNode(ctx, operator, "kitchen"); return err }, because(authn.NodeCredentials)},
		{"grant taken away", func(f *fleet) error { return f.s.RevokeService(ctx, operator, "kitchen", "logs") }, because(authn.NodeServiceNotGranted)},
		{"org removed", func(f *fleet) error {
			return f.db.Write(ctx, gate.DefaultTenant, func(tx *store.Tx) error { _, err := tx.RemoveOrg(farm); return err })
		}, because(authn.NodeNotFound)},
		{"member removed", func(f *fleet) error {
			return f.db.Write(ctx, gate.DefaultTenant, func(tx *store.Tx) error { _, err := tx.RemoveMember(farm, f.people[0].ID); return err })
		}, members(1)},
		{"member added", func(f *fleet) error { f.join(newcomer(f)); return nil }, members(3)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			onBothEngines(t, func(f *fleet) {
				f.settled()
				for name, m := range f.replicas {
					if c.seen(f, m) {
						f.Fatalf("seen %s before it happened", name)
					}
				}
				f.must(c.deed(f))
				if !c.seen(f, f.replicas["here"]) {
					f.Error("not seen at once where it was done")
				}
				f.within(c.name, time.Second, func(m *authn.Machines) bool { return c.seen(f, m) })
			})
		})
	}
}

// TestWhatWasRefusedWorksOnceItIsGood: a refusal is not remembered.
func TestWhatWasRefusedWorksOnceItIsGood(t *testing.T) {
	onBothEngines(t, func(f *fleet) {
		here := f.replicas["here"]
		if v := f.node(here, "kitchen", f.keys["kitchen"], "whisper"); v.Valid {
			f.Fatal("let in without a grant")
		}
		_, err := f.s.GrantService(ctx, operator, "kitchen", "whisper")
		f.must(err)
		_, err = f.s.RevokeApp(ctx, operator, "logs")
		f.must(err)
		if _, err := here.App(ctx, gate.DefaultTenant, "logs", f.keys["logs"]); !errors.Is(err, gate.ErrInvalidKey) {
			f.Errorf("revoked: %v", err)
		}
		_, err = f.s.EnableApp(ctx, operator, "logs")
		f.must(err)
		f.within("enabled and granted", time.Second, func(m *authn.Machines) bool {
			_, err := m.App(ctx, gate.DefaultTenant, "logs", f.keys["logs"])
			return err == nil && f.node(m, "kitchen", f.keys["kitchen"], "whisper").Valid
		})
	})
}

// TestAFloodOfWrongKeysDrivesNothingOut: what is good is remembered as before.
func TestAFloodOfWrongKeysDrivesNothingOut(t *testing.T) {
	onBothEngines(t, func(f *fleet) {
		f.settled()
		here := f.replicas["here"]
		for i := range 500 {
			wrong := secret.NewText(fmt.Sprint("wrong", i))
			if _, err := here.App(ctx, gate.DefaultTenant, "logs", wrong); !errors.Is(err, gate.ErrInvalidKey) {
				f.Fatalf("wrong key: %v", err)
			}
			if f.node(here, "kitchen", wrong, "logs").Valid {
				f.Fatal("let in with a wrong key")
			}
		}
		if apps, nodes := here.Kept(); apps != 1 || nodes != 1 {
			f.Errorf("%d apps and %d nodes are remembered, want 1 and 1", apps, nodes)
		}
	})
}

// TestAnAnswerIsRenderedOnce for as long as the proof is believed.
func TestAnAnswerIsRenderedOnce(t *testing.T) {
	onBothEngines(t, func(f *fleet) {
		f.settled()
		here, rendered := f.replicas["here"], 0
		answer := func(v *authn.NodeVerdict) string {
			text, err := v.Rendered(authn.SlotIntrospect, func(v *authn.NodeVerdict) ([]byte, error) {
				rendered++
				return fmt.Appendf(nil, "%s %d", v.Node.Name, len(v.Members)), nil
			})
			f.must(err)
			return string(text)
		}
		verdict := f.node(here, "kitchen", f.keys["kitchen"], "logs")
		for range 2 {
			if text := answer(verdict); text != "kitchen 2" || rendered != 1 {
				f.Errorf("%q after %d renderings", text, rendered)
			}
		}
		_, err := f.s.GrantService(ctx, operator, "kitchen", "whisper")
		if f.must(err); answer(f.node(here, "kitchen", f.keys["kitchen"], "logs")) != "kitchen 2" || rendered != 2 {
			f.Errorf("after a change rendered %d times, want 2", rendered)
		}
		v, err := here.App(ctx, gate.DefaultTenant, "logs", f.keys["logs"])
		f.must(err)
		failed := errors.New("no")
		if _, err := v.Rendered(authn.SlotMe, func(*authn.VerifiedApp) ([]byte, error) { return nil, failed }); !errors.Is(err, failed) {
			f.Errorf("a rendering that fails: %v", err)
		}
		text, err := v.Rendered(authn.SlotMe, func(v *authn.VerifiedApp) ([]byte, error) { return []byte(v.App.Title), nil })
		if f.must(err); string(text) != "Logs" {
			f.Errorf("a failure was remembered: %q", text)
		}
	})
}

// TestAnOutageIsNoRefusal: neither is a good machine refused for it, nor is its
// key ever called wrong.
func TestAnOutageIsNoRefusal(t *testing.T) {
	onBothEngines(t, func(f *fleet) {
		f.must(f.db.Close())
		here := f.replicas["here"]
		if _, err := here.App(ctx, gate.DefaultTenant, "logs", f.keys["logs"]); !errors.Is(err, gate.ErrDatabaseUnavailable) {
			f.Errorf("app: %v", err)
		}
		if v, err := here.Node(ctx, gate.DefaultTenant, f.asks("kitchen", f.keys["kitchen"], "logs")); v != nil || !errors.Is(err, gate.ErrDatabaseUnavailable) {
			f.Errorf("node: %v, %v", v, err)
		}
	})
}

// TestTenantsHaveMachinesOfTheirOwn, also where something is remembered.
func TestTenantsHaveMachinesOfTheirOwn(t *testing.T) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		db := m.Open(t)
		m.AddTenant(t, "other")
		_, key, err := (&machine.Service{DB: db}).CreateApp(ctx, operator, "logs", "Logs")
		if err != nil {
			t.Fatal(err)
		}
		machines := authn.NewMachines(db)
		for range 2 {
			if _, err := machines.App(ctx, gate.DefaultTenant, "logs", key); err != nil {
				t.Error(err)
			}
			if _, err := machines.App(ctx, "other", "logs", key); !errors.Is(err, gate.ErrInvalidKey) {
				t.Errorf("in another tenant: %v", err)
			}
		}
	})
}

func TestTheAdminToken(t *testing.T) {
	anonymous := gate.Caller{Tenant: "house", Client: "jarvis", IP: "192.0.2.1", RequestID: "r"}
	cases := []struct {
		name           string
		set, presented secret.Text
		want           error
	}{
		{"right", secret.NewText("a token"), secret.NewText("a token"), nil},
		{"wrong", secret.NewText("a token"), secret.NewText("a tokem"), gate.ErrAdminToken},
		{"longer", secret.NewText("a token"), secret.NewText("a token "), gate.ErrAdminToken},
		{"missing", secret.NewText("a token"), secret.Text{}, gate.ErrAdminToken},
		{"not set", secret.Text{}, secret.NewText("a token"), gate.ErrAdminToken},
		{"neither", secret.Text{}, secret.Text{}, gate.ErrAdminToken},
		{"both empty", secret.NewText(""), secret.NewText(""), gate.ErrAdminToken},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := authn.AdminToken{Token: c.set}.Caller(anonymous, c.presented)
			want := anonymous
			if c.want == nil {
				want.Principal, want.Roles = gate.Operator, []gate.Role{gate.RoleAdmin}
			}
			if !reflect.DeepEqual(got, want) || !errors.Is(err, c.want) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
