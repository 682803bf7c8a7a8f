//go:build unix

package agent_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/token"
)

// verifier is what keys are shown to.
func (b *bench) verifier() *authn.Service {
	tokens := &token.Issuer{Opaque: bytes.Repeat([]byte{7}, 32), Clock: b.m.Clock.Now}
	profile := token.Profile{Face: "native", Tenant: gate.DefaultTenant, OpaqueAccess: true, AccessTTL: time.Minute}
	return authn.New(b.db, tokens, profile, b.m.Clock.Now).Widen(apikey.NewUses(b.db, slog.New(slog.DiscardHandler)))
}

// may tells what a key may at this very moment: "[roles] farm:role mill:role",
// or why it may nothing.
func (b *bench) may(v *authn.Service, key secret.Text) string {
	proof, err := v.Credential(ctx, key)
	if err != nil {
		return gate.AsError(err).Code
	}
	rights := fmt.Sprint(proof.Principal.Roles)
	if role := proof.Principal.RoleIn(farm); role != "" {
		rights += " farm:" + string(role)
	}
	if role := proof.Principal.RoleIn(mill); role != "" {
		rights += " mill:" + string(role)
	}
	return rights
}

// equip makes an agent administrator of both orgs and of the house, whoever its
// owner is, and gives it a key for everything: what is left is what bounds it.
func (b *bench) equip(who, name string) (gate.PrincipalID, secret.Text) {
	b.Helper()
	_, shown, err := b.key(who, gate.KindAgent, name, "*")
	b.want("a key", err, nil)
	var id gate.PrincipalID
	b.write(func(tx *store.Tx) error {
		a, err := tx.Agent(gate.KindAgent, name)
		if err != nil {
			return err
		}
		id = a.ID
		for _, org := range []gate.OrgID{farm, mill} {
			if _, err := tx.AddMember(org, id, gate.OrgAdmin); err != nil {
				return err
			}
		}
		_, err = tx.GrantRole(id, gate.RoleAdmin)
		return err
	})
	return id, shown
}

// TestAnAgentLosesAtOnceWhatItsOwnerLoses, and gets it back with them.
func TestAnAgentLosesAtOnceWhatItsOwnerLoses(t *testing.T) {
	boss := func(b *bench, do func(tx *store.Tx, id gate.PrincipalID) error) {
		b.write(func(tx *store.Tx) error { return do(tx, b.id("boss")) })
	}
	const whole = "[admin] farm:admin mill:member"
	cases := []struct {
		name       string
		deed, undo func(tx *store.Tx, id gate.PrincipalID) error // undo: nil if it cannot be
		want       string
	}{
		{"a role of the house", func(tx *store.Tx, id gate.PrincipalID) error { _, err := tx.RevokeRole(id, gate.RoleAdmin); return err },
			func(tx *store.Tx, id gate.PrincipalID) error { _, err := tx.GrantRole(id, gate.RoleAdmin); return err }, "[] farm:admin mill:member"},
		{"a role in an org", func(tx *store.Tx, id gate.PrincipalID) error {
			_, err := tx.SetMemberRole(farm, id, gate.OrgMember)
			return err
		},
			func(tx *store.Tx, id gate.PrincipalID) error {
				_, err := tx.SetMemberRole(farm, id, gate.OrgAdmin)
				return err
			}, "[admin] farm:member mill:member"},
		{"a membership", func(tx *store.Tx, id gate.PrincipalID) error { _, err := tx.RemoveMember(farm, id); return err },
			func(tx *store.Tx, id gate.PrincipalID) error {
				_, err := tx.AddMember(farm, id, gate.OrgAdmin)
				return err
			}, "[admin] mill:member"},
		{"an org", func(tx *store.Tx, _ gate.PrincipalID) error { _, err := tx.RemoveOrg(farm); return err }, nil, "[admin] mill:member"},
		{"their account", func(tx *store.Tx, id gate.PrincipalID) error { _, err := tx.SetDisabled(id, true); return err },
			func(tx *store.Tx, id gate.PrincipalID) error { _, err := tx.SetDisabled(id, false); return err }, "principal_gone"},
		{"everything", func(tx *store.Tx, id gate.PrincipalID) error { return tx.RemoveUser(id) }, nil, "invalid_token"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			onBothEngines(t, func(b *bench) {
				b.create("boss", gate.Agent{Kind: gate.KindAgent, Name: "imp"})
				_, key := b.equip("boss", "imp")
				v := b.verifier()
				b.equal("whose owner is not in the mill", b.may(v, key), "[] farm:admin")
				boss(b, func(tx *store.Tx, id gate.PrincipalID) error { _, err := tx.GrantRole(id, gate.RoleAdmin); return err })
				boss(b, func(tx *store.Tx, id gate.PrincipalID) error {
					_, err := tx.AddMember(mill, id, gate.OrgMember)
					return err
				})
				b.equal("before", b.may(v, key), whole)
				boss(b, c.deed)
				b.equal("after", b.may(v, key), c.want)
				if c.undo != nil {
					boss(b, c.undo)
					b.equal("undone", b.may(v, key), whole)
				}
			})
		})
	}
}

// TestAnAgentOfAnOrgActsThereAlone, whatever it was given elsewhere, and goes
// with its org.
func TestAnAgentOfAnOrgActsThereAlone(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		id, key := b.equip("boss", "bee")
		v := b.verifier()
		b.equal("in the farm alone", b.may(v, key), "[] farm:admin")
		b.write(func(tx *store.Tx) error { _, err := tx.SetMemberRole(farm, id, gate.OrgMember); return err })
		b.equal("no more than it is there", b.may(v, key), "[] farm:member")
		b.write(func(tx *store.Tx) error { return tx.RemoveUser(b.id("boss")) })
		b.equal("whoever made it", b.may(v, key), "[] farm:member")
		b.write(func(tx *store.Tx) error { _, err := tx.RemoveMember(farm, id); return err })
		b.equal("as no member", b.may(v, key), "[]")
		b.write(func(tx *store.Tx) error { _, err := tx.RemoveOrg(farm); return err })
		b.equal("without its org", b.may(v, key), "invalid_token")
	})
}

// TestWhatTheOperatorAnswersForIsBoundByNobody.
func TestWhatTheOperatorAnswersForIsBoundByNobody(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		b.create("operator", gate.Agent{Kind: gate.KindAgent, Name: "owl"})
		_, key := b.equip("operator", "owl")
		v := b.verifier()
		b.equal("all that it was given", b.may(v, key), "[admin] farm:admin mill:admin")
		b.want("disable", b.s.SetDisabled(ctx, b.as("chief"), gate.KindAgent, "owl", true), nil)
		b.equal("disabled", b.may(v, key), "principal_gone")
		b.want("enable", b.s.SetDisabled(ctx, b.as("chief"), gate.KindAgent, "owl", false), nil)
		b.equal("enabled", b.may(v, key), "[admin] farm:admin mill:admin")
		b.want("remove", b.s.Remove(ctx, b.as("operator"), gate.KindAgent, "owl"), nil)
		b.equal("removed", b.may(v, key), "invalid_token")
	})
}
