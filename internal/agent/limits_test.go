//go:build unix

package agent_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/gatehouse/gatehouse/internal/agent"
	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

const racers = 50

// race lets all racers go at once and returns how many won. Who lost has to be
// told what is wanted.
func (b *bench) race(lost *gate.Error, try func(i int) error) int {
	b.Helper()
	var won atomic.Int64
	storetest.Race(racers, func(i int) {
		err := try(i)
		if err == nil {
			won.Add(1)
		} else if !errors.Is(err, lost) {
			b.Errorf("loser %d: %v", i, err)
		}
	})
	return int(won.Load())
}

// TestOfFiftyAgentsOneGetsTheName, for different owners, so that not only the
// lock of an owner decides.
func TestOfFiftyAgentsOneGetsTheName(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		who := []string{"ada", "boss", "child", "miller", "chief"}
		before := b.rows("principals")
		for _, kind := range []gate.PrincipalKind{gate.KindAgent, gate.KindApp} {
			won := b.race(gate.ErrAgentTaken, func(i int) error {
				caller := who[i%len(who)]
				if kind == gate.KindApp {
					caller = "chief"
				}
				_, err := b.s.Create(ctx, b.as(caller), gate.Agent{Kind: kind, Name: "sofia", Title: caller})
				return err
			})
			b.equal("who got the name of "+string(kind), won, 1)
		}
		b.equal("principals", b.rows("principals"), before+2)
	})
}

// fill makes an owner answer for n agents around the verb.
func (b *bench) fill(owner gate.Owner, n int) {
	b.Helper()
	b.write(func(tx *store.Tx) error {
		for i := range n {
			a := gate.Agent{ID: gate.PrincipalID(secret.RandomID()), Kind: gate.KindAgent, Name: fmt.Sprint("of-", owner.User, owner.Org, "-", i), Owner: owner}
			if _, err := tx.AddAgent(a); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestAtTheLimitOfAnOwnerOneOfFiftyWins: as many as there may be, and not one
// more, whether a user answers for them or an org.
func TestAtTheLimitOfAnOwnerOneOfFiftyWins(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		for who, owner := range map[string]gate.Owner{"ada": {User: b.id("ada")}, "boss": {Org: farm}} {
			b.fill(owner, agent.MaxOwned-2) // each has one already
			won := b.race(gate.ErrOrgLimit, func(i int) error {
				_, err := b.s.Create(ctx, b.as(who), gate.Agent{Kind: gate.KindAgent, Name: fmt.Sprint(who, i), Title: "New", Owner: owner})
				return err
			})
			b.equal(who+": who was the last", won, 1)
			b.equal(who+" answers for", b.countOf(owner), int64(agent.MaxOwned))
			_, err := b.s.Create(ctx, b.as("operator"), gate.Agent{Kind: gate.KindApp, Name: "for-" + who, Title: "New", Owner: owner})
			b.want(who+": a service counts, too, and the operator is no exception", err, gate.ErrOrgLimit)
		}
		b.want("room again", b.s.Remove(ctx, b.as("ada"), gate.KindAgent, "ant"), nil)
		b.create("ada", gate.Agent{Kind: gate.KindAgent, Name: "ant"})
	})
}

// TestAtTheLimitOfKeysOneOfFiftyWins.
func TestAtTheLimitOfKeysOneOfFiftyWins(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		id := b.id("ada's agent")
		b.write(func(tx *store.Tx) error {
			for range apikey.MaxKeys - 1 {
				if _, err := apikey.Make(tx, b.as("operator"), id, apikey.Wish{}, secret.NewAPIKey(secret.NativeKey)); err != nil {
					return err
				}
			}
			return nil
		})
		won := b.race(gate.ErrAPIKeyLimit, func(int) error { _, _, err := b.key("ada", gate.KindAgent, "ant"); return err })
		b.equal("who got the last", won, 1)
		b.equal("keys", b.rows("api_keys"), apikey.MaxKeys)
	})
}

// orgs makes n of which somebody is an administrator.
func (b *bench) orgs(who string, n int) []gate.OrgID {
	b.Helper()
	ids := make([]gate.OrgID, n)
	b.write(func(tx *store.Tx) error {
		for i := range ids {
			ids[i] = gate.OrgID(secret.RandomID())
			_, err := tx.AddOrg(gate.Org{ID: ids[i], Kind: gate.KindWorkspace, Name: "Mill"})
			_, err2 := tx.AddMember(ids[i], b.id(who), gate.OrgAdmin)
			if err := errors.Join(err, err2); err != nil {
				return err
			}
		}
		return nil
	})
	return ids
}

// TestAtTheLimitOfOrgsOneOfFiftyWins: each racer has an org of its own, so that
// no lock of an org decides.
func TestAtTheLimitOfOrgsOneOfFiftyWins(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		ids := b.orgs("ada", agent.MaxOrgs-1+racers)
		b.write(func(tx *store.Tx) error {
			for _, org := range ids[racers:] {
				if _, err := tx.AddMember(org, b.id("ada's agent"), gate.OrgMember); err != nil {
					return err
				}
			}
			return nil
		})
		enter := func(i int) error { return b.s.Place(ctx, b.as("ada"), gate.KindAgent, "ant", ids[i], gate.OrgMember) }
		b.equal("who was the last", b.race(gate.ErrOrgLimit, enter), 1)
		b.equal("orgs that it is in", len(b.principal(b.id("ada's agent")).Memberships), agent.MaxOrgs)
		b.want("another role in one of them", b.s.Place(ctx, b.as("ada"), gate.KindAgent, "ant", ids[racers], gate.OrgAdmin), nil)
	})
}

// TestOfFiftyWhoEnterOneIsRecorded, and all of them are answered.
func TestOfFiftyWhoEnterOneIsRecorded(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		enter := func(int) error { return b.s.Place(ctx, b.as("boss"), gate.KindAgent, "bee", farm, gate.OrgPowerUser) }
		b.equal("who was answered", b.race(gate.ErrConflict, enter), racers)
		whole, err := b.s.Get(ctx, b.as("boss"), gate.KindAgent, "bee")
		if b.want("get", err, nil); len(whole.Memberships) != 1 || whole.Memberships[0].Role != gate.OrgPowerUser {
			b.Errorf("memberships %+v", whole.Memberships)
		}
		b.equal("events", b.events(whole.ID, gate.EventMemberAdded), 1)
		b.equal("changes", b.events(whole.ID, gate.EventMemberRoleChanged), 0)
	})
}
