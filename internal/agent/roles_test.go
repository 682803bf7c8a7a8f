//go:build unix

package agent_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

// robed gives ada the role user and boss the role agent-system; chief is admin
// and nothing else.
func (b *bench) robed() *bench {
	b.write(func(tx *store.Tx) error {
		_, err := tx.GrantRole(b.id("ada"), gate.RoleUser)
		_, err2 := tx.GrantRole(b.id("boss"), gate.RoleAgentSystem)
		return errors.Join(err, err2)
	})
	b.signIn("ada")
	b.signIn("boss")
	return b
}

func (b *bench) setRole(who, name string, role gate.Role, held bool) error {
	kind := gate.KindAgent
	if name == "logs" {
		kind = gate.KindApp
	}
	return b.s.SetRole(ctx, b.as(who), kind, name, role, held)
}

// rolesOf are what an agent holds, whatever it reaches.
func (b *bench) rolesOf(name string) string {
	b.Helper()
	kind := gate.KindAgent
	if name == "logs" {
		kind = gate.KindApp
	}
	whole, err := b.s.Get(ctx, b.as("operator"), kind, name)
	b.want("get "+name, err, nil)
	return strings.Trim(fmt.Sprint(whole.Roles), "[]")
}

// TestWhoGivesWhichRole walks every caller over every role: who manages an agent
// gives it what they hold, and who does not learns nothing.
func TestWhoGivesWhichRole(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		b.robed()
		keepers := map[string]string{"ant": " ada chief operator ", "bee": " boss chief operator ", "logs": " chief operator "}
		holds := map[string]gate.Role{"ada": gate.RoleUser, "boss": gate.RoleAgentSystem, "chief": gate.RoleAdmin}
		known := []gate.Role{gate.RoleUser, gate.RoleAdmin, gate.RoleAgentSystem}
		unknown := []gate.Role{"unknown", "", "Admin", "admin ", "\x00", "\xff", "admin\x00"}
		for name, keeper := range keepers {
			for _, who := range everybody {
				for _, role := range append(slices.Clone(known), unknown...) {
					give, take := error(gate.ErrAgentNotFound), error(gate.ErrAgentNotFound)
					switch {
					case who == "nobody":
						give, take = gate.ErrNotAuthenticated, gate.ErrNotAuthenticated
					case b.as(who).Key != "":
						give, take = gate.ErrNeedsSession, gate.ErrNeedsSession
					case !strings.Contains(keeper, " "+who+" "):
					case who == "operator" && slices.Contains(known, role), who != "operator" && role == holds[who]:
						give, take = nil, nil
					case who == "operator":
						give, take = gate.ErrRoleUnknown, nil
					default:
						give, take = gate.ErrAgentRights, nil
					}
					held := ""
					if give == nil {
						held = string(role)
					}
					what := fmt.Sprintf("%s, %s, %q", who, name, role)
					b.want(what+": give", b.setRole(who, name, role, true), give)
					b.equal(what+": it holds", b.rolesOf(name), held)
					b.want(what+": take", b.setRole(who, name, role, false), take)
					b.equal(what+": it holds in the end", b.rolesOf(name), "")
				}
			}
		}
		b.equal("grants besides those of people", b.rows("role_grants"), 3)
	})
}

// TestARoleThatWasTakenIsNotGivenOn: what the giver holds today counts, not what
// they held when they signed in.
func TestARoleThatWasTakenIsNotGivenOn(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		b.robed()
		b.write(func(tx *store.Tx) error {
			_, err := tx.RevokeRole(b.id("ada"), gate.RoleUser)
			_, err2 := tx.RevokeRole(b.id("chief"), gate.RoleAdmin)
			return errors.Join(err, err2)
		})
		b.want("ada", b.setRole("ada", "ant", gate.RoleUser, true), gate.ErrAgentRights)
		b.want("chief", b.setRole("chief", "bee", gate.RoleAdmin, true), gate.ErrAgentRights)
		b.write(func(tx *store.Tx) error {
			_, err := tx.GrantRole(b.id("ada"), gate.RoleUser)
			_, err2 := tx.SetDisabled(b.id("ada"), true)
			return errors.Join(err, err2)
		})
		b.want("who is disabled", b.setRole("ada", "ant", gate.RoleUser, true), gate.ErrAgentRights)
		b.write(func(tx *store.Tx) error { _, err := tx.SetDisabled(b.id("ada"), false); return err })
		b.want("who has it again", b.setRole("ada", "ant", gate.RoleUser, true), nil)
		b.equal("ant holds", b.rolesOf("ant"), "user")
		b.equal("bee holds", b.rolesOf("bee"), "")
	})
}

// TestARoleReachesAsFarAsTheOwnersDoes, at every moment.
func TestARoleReachesAsFarAsTheOwnersDoes(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		b.create("operator", gate.Agent{Kind: gate.KindAgent, Name: "owl"})
		v := b.verifier()
		may := func(what, name, want string) {
			b.Helper()
			_, key, err := b.key("operator", gate.KindAgent, name, "*")
			b.want("a key", err, nil)
			b.equal(what, b.may(v, key), want)
		}
		for _, name := range []string{"ant", "bee", "owl"} {
			b.want("give "+name, b.setRole("operator", name, gate.RoleAdmin, true), nil)
		}
		may("an org's holds none of the house", "bee", "[]")
		may("the operator's is bound by nobody", "owl", "[admin]")
		_, key, err := b.key("ada", gate.KindAgent, "ant", "*")
		b.want("a key", err, nil)
		_, narrow, err := b.key("ada", gate.KindAgent, "ant", "orgs:*")
		b.want("a key for less", err, nil)
		b.equal("whose owner holds none", b.may(v, key), "[]")
		b.write(func(tx *store.Tx) error { _, err := tx.GrantRole(b.id("ada"), gate.RoleAdmin); return err })
		b.equal("whose owner holds it", b.may(v, key), "[admin]")
		b.equal("with a key that does not reach it", b.may(v, narrow), "[]")
		b.write(func(tx *store.Tx) error { _, err := tx.RevokeRole(b.id("ada"), gate.RoleAdmin); return err })
		b.equal("whose owner lost it", b.may(v, key), "[]")
		b.write(func(tx *store.Tx) error { _, err := tx.GrantRole(b.id("ada"), gate.RoleAdmin); return err })
		b.want("take it", b.setRole("ada", "ant", gate.RoleAdmin, false), nil)
		b.equal("that lost it itself, remembered or not", b.may(v, key), "[]")
		b.want("give it back", b.setRole("chief", "ant", gate.RoleAdmin, true), nil)
		b.equal("and has it again", b.may(v, key), "[admin]")
	})
}

// TestARoleIsRecordedOnce, however often and at once it is given or taken.
func TestARoleIsRecordedOnce(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		ant := b.id("ada's agent")
		for _, held := range []bool{true, false} {
			won := b.race(gate.ErrConflict, func(int) error { return b.setRole("operator", "ant", gate.RoleAdmin, held) })
			b.equal("who was answered", won, racers)
		}
		for _, event := range []string{gate.EventRoleGranted, gate.EventRoleRevoked} {
			b.equal(event, b.events(ant, event), 1)
		}
		b.want("a role that is none", b.setRole("operator", "ant", "unknown", true), gate.ErrRoleUnknown)
		for _, role := range []gate.Role{gate.RoleAdmin, "unknown", "\x00"} {
			b.want("take what it has not", b.setRole("ada", "ant", role, false), nil)
		}
		b.equal("granted, after refusals", b.events(ant, gate.EventRoleGranted), 1)
		b.equal("revoked, after nothing happened", b.events(ant, gate.EventRoleRevoked), 1)
	})
}
