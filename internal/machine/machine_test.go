//go:build unix

package machine_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/machine"
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

// bench is a house with two orgs. Of the farm, boss is an administrator, helper
// a power user and child a member; miller is of the mill alone.
type bench struct {
	*testing.T
	m       *storetest.Memory
	db      *store.DB
	s       *machine.Service
	numbers map[string]int64
	callers map[string]gate.Caller
}

func onBothEngines(t *testing.T, test func(b *bench)) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		b := &bench{T: t, m: m, db: m.Open(t), numbers: map[string]int64{}, callers: map[string]gate.Caller{
			"operator": gate.OperatorCaller(gate.DefaultTenant), "nobody": {Tenant: gate.DefaultTenant},
		}}
		b.s = &machine.Service{DB: b.db}
		storetest.Write(t, b.db, func(tx *store.Tx) error {
			_, err := tx.AddOrg(gate.Org{ID: farm, Kind: gate.KindHousehold, Name: "Farm"})
			_, err2 := tx.AddOrg(gate.Org{ID: mill, Kind: gate.KindHousehold, Name: "Mill"})
			return errors.Join(err, err2)
		})
		b.member("boss", farm, gate.OrgAdmin)
		b.member("helper", farm, gate.OrgPowerUser)
		b.member("child", farm, gate.OrgMember)
		b.member("miller", mill, gate.OrgAdmin)
		for _, name := range []string{"center", "logs"} {
			app, _, err := b.s.CreateApp(ctx, b.callers["operator"], name, "The "+name)
			if err != nil {
				t.Fatal(err)
			}
			b.callers[name] = gate.Caller{Tenant: gate.DefaultTenant}.AsApp(app)
		}
		test(b)
	})
}

func (b *bench) member(name string, org gate.OrgID, role gate.OrgRole) {
	b.Helper()
	email, _ := gate.ParseEmail(name + "@example.org")
	storetest.Write(b.T, b.db, func(tx *store.Tx) error {
		u, err := tx.AddUser(gate.User{ID: gate.PrincipalID(secret.RandomID())}, email)
		if err != nil {
			return err
		}
		b.numbers[name], b.callers[name] = u.Number, gate.Caller{Tenant: gate.DefaultTenant}.As(u, "")
		_, err = tx.AddMember(org, u.ID, role)
		return err
	})
}

func (b *bench) want(what string, got, want error) {
	b.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		b.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// register makes a node of the farm as somebody.
func (b *bench) register(who, name string, services ...string) machine.Node {
	b.Helper()
	n, _, err := b.s.RegisterNode(ctx, b.callers[who], machine.Registration{Name: name, Title: name, Org: farm, Services: services})
	if err != nil {
		b.Fatalf("%s registers %s: %v", who, name, err)
	}
	return n
}

// digestOf returns what the app's or node's key is checked against.
func (b *bench) digestOf(app, node string) (verifier string) {
	b.Helper()
	storetest.Read(b.T, b.db, func(tx *store.Tx) error {
		if app != "" {
			k, err := tx.AppKey(app)
			verifier = k.Verifier
			return err
		}
		k, err := tx.NodeKey(node)
		verifier = k.Verifier
		return err
	})
	return verifier
}

// events returns the names of the events about somebody since the beginning.
func (b *bench) events(about gate.PrincipalID, name string) int {
	b.Helper()
	var n int
	storetest.Read(b.T, b.db, func(tx *store.Tx) error {
		list, err := tx.EventsAbout(about, name)
		n = len(list)
		return err
	})
	return n
}

func services(n machine.Node) (names string) {
	for _, g := range n.Services {
		names += g.Service + " "
	}
	return strings.TrimSpace(names)
}

func TestTheLifeOfAnApp(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		operator := b.callers["operator"]
		app, key, err := b.s.CreateApp(ctx, operator, "mail", "Mail")
		b.want("create", err, nil)
		if !regexp.MustCompile(`^[A-Za-z0-9_-]{64}$`).MatchString(key.Reveal()) {
			b.Errorf("the key has %d characters or strange ones", len(key.Reveal()))
		}
		if b.digestOf("mail", "") != secret.DigestOf(key).String() {
			b.Error("what is stored is not the digest of the key")
		}
		revoked, err := b.s.RevokeApp(ctx, operator, "mail")
		if b.want("revoke", err, nil); !revoked.Disabled() {
			b.Error("not revoked")
		}
		rotated, second, err := b.s.RotateApp(ctx, operator, "mail")
		b.want("rotate", err, nil)
		if !rotated.Disabled() || rotated.RotatedAt.IsZero() {
			b.Errorf("a new key pardoned a revoked app: %+v", rotated)
		}
		if second.Reveal() == key.Reveal() || b.digestOf("mail", "") != secret.DigestOf(second).String() {
			b.Error("the key is not a new one")
		}
		enabled, err := b.s.EnableApp(ctx, operator, "mail")
		if b.want("enable", err, nil); enabled.Disabled() {
			b.Error("not enabled")
		}
		_, err = b.s.EnableApp(ctx, operator, "mail")
		b.want("enable again", err, nil)
		for _, name := range []string{gate.EventAppCreated, gate.EventAppDisabled, gate.EventKeyRotated, gate.EventAppEnabled} {
			if n := b.events(app.ID, name); n != 1 {
				b.Errorf("%d events %s, want 1", n, name)
			}
		}
		list, err := b.s.Apps(ctx, operator, "center", 0)
		if b.want("list", err, nil); len(list) != 2 || list[0].Name != "logs" || list[1].Title != "Mail" {
			b.Errorf("apps after center: %+v", list)
		}
	})
}

func TestRefusalsAboutApps(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		create := func(who, name, title string) error {
			_, key, err := b.s.CreateApp(ctx, b.callers[who], name, title)
			if err != nil && !key.Empty() {
				b.Errorf("%s: refused, and given a key", name)
			}
			return err
		}
		b.want("taken", create("operator", "logs", "Logs"), gate.ErrAppTaken)
		for name, text := range map[string]string{"empty": "", "blank": " ", "long": strings.Repeat("я", 256), "control": "a\nb", "bytes": "\xff"} {
			b.want(name+" name", create("operator", text, "ok"), gate.ErrValidation)
			b.want(name+" title", create("operator", "ok", text), gate.ErrValidation)
		}
		b.want("the longest", create("operator", strings.Repeat("я", 255), "ok"), nil)
		deeds := map[string]func(caller gate.Caller, name string) error{
			"rotate": func(c gate.Caller, name string) error { _, _, err := b.s.RotateApp(ctx, c, name); return err },
			"revoke": func(c gate.Caller, name string) error { _, err := b.s.RevokeApp(ctx, c, name); return err },
			"enable": func(c gate.Caller, name string) error { _, err := b.s.EnableApp(ctx, c, name); return err },
		}
		for what, do := range deeds {
			b.want(what+" an unknown app", do(b.callers["operator"], "nope"), gate.ErrAppNotFound)
			b.want(what+" as nobody", do(b.callers["nobody"], "logs"), gate.ErrNotAuthenticated)
			for _, who := range []string{"boss", "logs"} {
				b.want(what+" as "+who, do(b.callers[who], "logs"), gate.ErrForbidden)
				b.want(what+" an unknown app as "+who, do(b.callers[who], "nope"), gate.ErrForbidden)
			}
		}
		b.want("create as boss", create("boss", "new", "New"), gate.ErrForbidden)
		_, err := b.s.Apps(ctx, b.callers["logs"], "", 0)
		b.want("list as an app", err, gate.ErrForbidden)
	})
}

// TestOfFiftyRotationsTheLastCounts: each made a key, exactly one of them works.
func TestOfFiftyRotationsTheLastCounts(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		b.register("operator", "kitchen")
		keys := make([]secret.Text, 50)
		storetest.Race(len(keys), func(i int) {
			var err error
			if i%2 == 0 {
				_, keys[i], err = b.s.RotateApp(ctx, b.callers["operator"], "logs")
			} else {
				_, keys[i], err = b.s.RotateNode(ctx, b.callers["operator"], "kitchen")
			}
			b.want("rotation", err, nil)
		})
		for what, stored := range map[string]string{"app": b.digestOf("logs", ""), "node": b.digestOf("", "kitchen")} {
			var fit int
			for _, key := range keys {
				if secret.DigestOf(key).String() == stored {
					fit++
				}
			}
			if fit != 1 {
				b.Errorf("%d keys of the %s work, want 1", fit, what)
			}
		}
	})
}

// TestOfFiftyRegistrationsOneGetsTheName, in two orgs, so that not only the lock
// of an org decides.
func TestOfFiftyRegistrationsOneGetsTheName(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		won := make([]secret.Text, 50)
		storetest.Race(len(won), func(i int) {
			r := machine.Registration{Name: "kitchen", Title: "Kitchen", Org: farm, Services: []string{"logs"}}
			if i%2 == 0 {
				r.Org = mill
			}
			_, key, err := b.s.RegisterNode(ctx, b.callers["center"], r)
			if won[i] = key; err != nil && !errors.Is(err, gate.ErrNodeTaken) {
				b.Errorf("loser %d: %v", i, err)
			}
		})
		var n int
		for _, key := range won {
			if !key.Empty() {
				if n++; secret.DigestOf(key).String() != b.digestOf("", "kitchen") {
					b.Error("the winner's key does not work")
				}
			}
		}
		if n != 1 {
			b.Errorf("%d got the name, want 1", n)
		}
		var left int
		if err := b.m.Raw(b.T).QueryRow(`SELECT COUNT(*) FROM principals WHERE kind = 'node'`).Scan(&left); err != nil || left != 1 {
			b.Errorf("%d principals are nodes, want 1 (%v)", left, err)
		}
	})
}
