//go:build unix

package machine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/machine"
	"github.com/gatehouse/gatehouse/internal/secret"
)

func TestARegisteredNode(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		node, key, err := b.s.RegisterNode(ctx, b.callers["center"], machine.Registration{
			Name: "kitchen", Title: "Kitchen", Org: farm, RegisteredBy: b.numbers["child"], Services: []string{"logs", "whisper", "logs"},
		})
		b.want("register", err, nil)
		if len(key.Reveal()) != 64 || b.digestOf("", "kitchen") != secret.DigestOf(key).String() {
			b.Error("the key is not one of 64 characters whose digest is stored")
		}
		if services(node) != "center logs whisper" {
			b.Errorf("services %q: its own, and each once", services(node))
		}
		found, err := b.s.Node(ctx, b.callers["center"], "kitchen")
		b.want("find", err, nil)
		if found.ID != node.ID || found.RegistrarNumber != b.numbers["child"] || found.RegisteredBy != b.callers["child"].Principal ||
			found.Org != farm || found.Title != "Kitchen" || services(found) != services(node) || found.Services[0].GrantedBy != b.callers["center"].Principal {
			b.Errorf("found %+v", found)
		}
		if n := b.events(node.ID, gate.EventServiceGranted); n != 3 || b.events(node.ID, gate.EventNodeCreated) != 1 {
			b.Errorf("%d grants recorded, want 3", n)
		}
		if n := b.register("operator", "hall", "logs"); n.Services[0].GrantedBy != "" {
			b.Errorf("the operator is somebody: %q", n.Services[0].GrantedBy)
		}
	})
}

func TestRefusalsOfARegistration(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		b.register("operator", "taken")
		good := func() machine.Registration {
			return machine.Registration{Name: "kitchen", Title: "Kitchen", Org: farm}
		}
		many := strings.Split(strings.Repeat("s ", 101), " ")
		cases := []struct {
			name string
			who  string
			wish func(r *machine.Registration)
			want error
		}{
			{"nobody", "nobody", func(*machine.Registration) {}, gate.ErrNotAuthenticated},
			{"of another org", "miller", func(*machine.Registration) {}, gate.ErrNotMember},
			{"of no org", "boss", func(r *machine.Registration) { r.Org = absent }, gate.ErrNotMember},
			{"a mere member", "child", func(*machine.Registration) {}, gate.ErrOrgRole},
			{"a mere member, name taken", "child", func(r *machine.Registration) { r.Name = "taken" }, gate.ErrOrgRole},
			{"no name", "boss", func(r *machine.Registration) { r.Name = "" }, gate.ErrValidation},
			{"control characters", "boss", func(r *machine.Registration) { r.Title = "a\x00" }, gate.ErrValidation},
			{"a bad service", "boss", func(r *machine.Registration) { r.Services = []string{"ok", "a\nb"} }, gate.ErrValidation},
			{"too many services", "boss", func(r *machine.Registration) { r.Services = many }, gate.ErrValidation},
			{"name before org", "center", func(r *machine.Registration) { r.Name, r.Org, r.RegisteredBy = "taken", absent, 99 }, gate.ErrNodeTaken},
			{"org before user", "center", func(r *machine.Registration) { r.Org, r.RegisteredBy = absent, 99 }, gate.ErrOrgNotFound},
			{"unknown user", "center", func(r *machine.Registration) { r.RegisteredBy = 99 }, gate.ErrUserNotFound},
			{"a negative user", "operator", func(r *machine.Registration) { r.RegisteredBy = -1 }, gate.ErrUserNotFound},
			{"somebody of another org", "operator", func(r *machine.Registration) { r.RegisteredBy = b.numbers["miller"] }, gate.ErrMemberNotFound},
		}
		for _, c := range cases {
			r := good()
			c.wish(&r)
			node, key, err := b.s.RegisterNode(ctx, b.callers[c.who], r)
			if b.want(c.name, err, c.want); !key.Empty() || node.ID != "" {
				b.Errorf("%s: refused, and given a node", c.name)
			}
		}
		for _, who := range []string{"helper", "boss", "center", "operator"} {
			b.register(who, "of "+who)
		}
		nodes, err := b.s.Nodes(ctx, b.callers["operator"], machine.Page{})
		if b.want("list", err, nil); len(nodes) != 5 {
			b.Errorf("%d nodes, want 5: a refusal left something behind", len(nodes))
		}
	})
}

func TestWhoSeesWhichNodes(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		b.register("operator", "b")
		b.register("operator", "a")
		if _, _, err := b.s.RegisterNode(ctx, b.callers["miller"], machine.Registration{Name: "m", Title: "m", Org: mill}); err != nil {
			b.Fatal(err)
		}
		names := func(nodes []machine.Node) (names string) {
			for _, n := range nodes {
				names += n.Name
			}
			return names
		}
		all := func(who string, p machine.Page) (string, error) {
			nodes, err := b.s.Nodes(ctx, b.callers[who], p)
			return names(nodes), err
		}
		of := func(who string, org gate.OrgID) (string, error) {
			nodes, err := b.s.NodesOf(ctx, b.callers[who], org, machine.Page{})
			return names(nodes), err
		}
		if got, err := all("operator", machine.Page{}); err != nil || got != "abm" {
			b.Errorf("all: %q, %v", got, err)
		}
		if got, err := all("operator", machine.Page{AfterTitle: "a", AfterName: "a", Limit: 1}); err != nil || got != "b" {
			b.Errorf("the second page: %q, %v", got, err)
		}
		for _, who := range []string{"boss", "center"} {
			_, err := all(who, machine.Page{})
			b.want("all as "+who, err, gate.ErrForbidden)
		}
		for _, who := range []string{"child", "helper", "operator"} {
			if got, err := of(who, farm); err != nil || got != "ab" {
				b.Errorf("the farm's as %s: %q, %v", who, got, err)
			}
		}
		for org, who := range map[gate.OrgID]string{farm: "miller", absent: "boss"} {
			_, err := of(who, org)
			b.want("as "+who, err, gate.ErrNotMember)
		}
		_, err := of("operator", absent)
		b.want("no such org", err, gate.ErrOrgNotFound)
		_, err = of("center", farm)
		b.want("an org's as an app", err, gate.ErrForbidden)
		_, err = b.s.Node(ctx, b.callers["boss"], "a")
		b.want("one as a user", err, gate.ErrForbidden)
		_, err = b.s.Node(ctx, b.callers["logs"], "nope")
		b.want("unknown", err, gate.ErrNodeNotFound)
		for org, want := range map[gate.OrgID]bool{farm: true, mill: false, absent: false} {
			if got, err := b.s.Belongs(ctx, b.callers["logs"], "a", org); err != nil || got != want {
				b.Errorf("belongs to %s: %v, %v", org, got, err)
			}
		}
		_, err = b.s.Belongs(ctx, b.callers["logs"], "nope", farm)
		b.want("belonging, unknown", err, gate.ErrNodeNotFound)
	})
}

// TestAnAppKeepsWhatIsItsOwn: center registered a node; logs did not, and gets no
// power over it by granting itself.
func TestAnAppKeepsWhatIsItsOwn(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		b.register("center", "kitchen")
		b.register("operator", "hall", "logs")
		grant := func(who, node, service string) error {
			_, err := b.s.GrantService(ctx, b.callers[who], node, service)
			return err
		}
		revoke := func(who, node, service string) error {
			return b.s.RevokeService(ctx, b.callers[who], node, service)
		}
		disable := func(who, node string) error { _, err := b.s.DisableNode(ctx, b.callers[who], node); return err }

		b.want("another's service", grant("logs", "kitchen", "center"), gate.ErrForbidden)
		b.want("a third one's", grant("center", "kitchen", "whisper"), gate.ErrForbidden)
		b.want("take another's", revoke("logs", "kitchen", "center"), gate.ErrForbidden)
		b.want("disable without a grant", disable("logs", "kitchen"), gate.ErrForbidden)
		b.m.Clock.Forward(time.Minute)
		b.want("its own service", grant("logs", "kitchen", "logs"), nil)
		b.want("its own again", grant("logs", "kitchen", "logs"), gate.ErrGrantTaken)
		b.want("disable by a grant to itself", disable("logs", "kitchen"), gate.ErrForbidden)
		b.want("take its own", revoke("logs", "kitchen", "logs"), nil)
		b.want("take its own again", revoke("logs", "kitchen", "logs"), gate.ErrGrantNotFound)
		b.want("disable what the operator granted it", disable("logs", "hall"), nil)
		b.want("disable what it registered", disable("center", "kitchen"), nil)
		b.want("again", disable("center", "kitchen"), nil)
		b.want("an unknown one", disable("center", "nope"), gate.ErrNodeNotFound)
		for _, who := range []string{"boss", "child"} {
			b.want("disable as "+who, disable(who, "hall"), gate.ErrForbidden)
			b.want("grant as "+who, grant(who, "hall", "x"), gate.ErrForbidden)
			b.want("revoke as "+who, revoke(who, "hall", "logs"), gate.ErrForbidden)
		}
		b.want("as nobody", disable("nobody", "hall"), gate.ErrNotAuthenticated)
		for _, who := range []string{"center", "boss"} {
			_, _, err := b.s.RotateNode(ctx, b.callers[who], "kitchen")
			b.want("rotate as "+who, err, gate.ErrForbidden)
		}
	})
}

func TestAdministratorsKeepEveryNode(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		node, operator := b.register("center", "kitchen"), b.callers["operator"]
		made, err := b.s.GrantService(ctx, operator, "kitchen", "whisper")
		if b.want("grant", err, nil); made.Service != "whisper" || made.GrantedAt.IsZero() || made.GrantedBy != "" {
			b.Errorf("granted %+v", made)
		}
		_, err = b.s.GrantService(ctx, operator, "kitchen", "whisper")
		b.want("again", err, gate.ErrGrantTaken)
		_, err = b.s.GrantService(ctx, operator, "kitchen", "")
		b.want("nothing", err, gate.ErrValidation)
		_, err = b.s.GrantService(ctx, operator, "nope", "whisper")
		b.want("to nobody", err, gate.ErrNodeNotFound)
		b.want("revoke", b.s.RevokeService(ctx, operator, "kitchen", "center"), nil)
		b.want("revoke again", b.s.RevokeService(ctx, operator, "kitchen", "center"), gate.ErrGrantNotFound)
		b.want("revoke from nobody", b.s.RevokeService(ctx, operator, "nope", "center"), gate.ErrGrantNotFound)
		b.m.Clock.Forward(time.Minute)
		old := b.digestOf("", "kitchen")
		disabled, err := b.s.DisableNode(ctx, operator, "kitchen")
		if b.want("disable", err, nil); !disabled.Disabled() || services(disabled) != "whisper" {
			b.Errorf("disabled: %+v", disabled)
		}
		rotated, key, err := b.s.RotateNode(ctx, operator, "kitchen")
		if b.want("rotate", err, nil); !rotated.Disabled() || !rotated.RotatedAt.Equal(b.m.Clock.Now()) {
			b.Errorf("rotated: %+v", rotated)
		}
		if got := b.digestOf("", "kitchen"); got == old || got != secret.DigestOf(key).String() {
			b.Error("the key is not a new one")
		}
		_, _, err = b.s.RotateNode(ctx, operator, "nope")
		b.want("rotate nobody", err, gate.ErrNodeNotFound)
		for _, name := range []string{gate.EventNodeDisabled, gate.EventKeyRotated, gate.EventServiceRevoked} {
			if n := b.events(node.ID, name); n != 1 {
				b.Errorf("%d events %s, want 1", n, name)
			}
		}
	})
}
