//go:build unix

package authn_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/agent"
	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

// owned makes an app that somebody answers for, with a key, and lets it ask
// about the node.
func (f *fleet) owned(name string, owner gate.Owner) {
	f.Helper()
	app, err := (&agent.Service{DB: f.db}).Create(ctx, operator, gate.Agent{Kind: gate.KindApp, Name: name, Title: name, Owner: owner})
	f.must(err)
	f.keys[name] = secret.NewText("the key of " + name)
	storetest.Write(f.T, f.db, func(tx *store.Tx) error { return tx.SetKey(app.ID, secret.DigestOf(f.keys[name])) })
	_, err = f.s.GrantService(ctx, operator, "kitchen", name)
	f.must(err)
}

// told is what an app is told by a replica: about itself, and about the node.
func (f *fleet) told(m *authn.Machines, app string) (itself, node error) {
	f.Helper()
	_, itself = m.App(ctx, gate.DefaultTenant, app, f.keys[app])
	v, node := m.Node(ctx, gate.DefaultTenant, authn.NodeQuestion{App: app, AppKey: f.keys[app], Node: "kitchen", NodeKey: f.keys["kitchen"], Service: app})
	if node == nil && !v.Valid {
		f.Errorf("%s: the node is not let in: %s", app, v.Reason)
	}
	return itself, node
}

func (f *fleet) setDisabled(u gate.User, disabled bool) {
	f.Helper()
	storetest.Write(f.T, f.db, func(tx *store.Tx) error { _, err := tx.SetDisabled(u.ID, disabled); return err })
}

// TestAnAppGoesAndComesWithWhoAnswersForIt: while its owner is disabled its key
// opens nothing, whatever was remembered; at once in the process where it was
// done and within a second in the other.
func TestAnAppGoesAndComesWithWhoAnswersForIt(t *testing.T) {
	onBothEngines(t, func(f *fleet) {
		ada, bob := f.people[0], f.people[1]
		f.owned("books", gate.Owner{User: ada.ID})
		f.owned("pantry", gate.Owner{User: bob.ID})
		f.owned("barn", gate.Owner{Org: farm})
		want := func(what, app string, want error) {
			f.Helper()
			check := func(m *authn.Machines) bool {
				itself, node := f.told(m, app)
				return errors.Is(itself, want) && errors.Is(node, want)
			}
			if !check(f.replicas["here"]) {
				itself, node := f.told(f.replicas["here"], app)
				f.Errorf("%s: %s was told %v and %v at once, want %v", what, app, itself, node, want)
			}
			f.within(what+": "+app, time.Second, check)
		}
		f.settled()
		for range 2 { // so that they are remembered, too
			for _, app := range []string{"logs", "books", "pantry", "barn"} {
				want("before", app, nil)
			}
		}
		f.setDisabled(ada, true)
		want("her owner is disabled", "books", gate.ErrInvalidKey)
		want("her owner is disabled, again", "books", gate.ErrInvalidKey)
		for _, app := range []string{"logs", "pantry", "barn"} {
			want("whose owner is not", app, nil)
		}
		f.setDisabled(ada, false)
		want("her owner is enabled", "books", nil)

		storetest.Write(f.T, f.db, func(tx *store.Tx) error { return tx.RemoveUser(bob.ID) })
		want("whose owner is gone", "pantry", gate.ErrInvalidKey)
		want("of somebody else", "books", nil)
	})
}

// TestAnAppThatIsDisabledItselfStaysSo when its owner is enabled again.
func TestAnAppThatIsDisabledItselfStaysSo(t *testing.T) {
	onBothEngines(t, func(f *fleet) {
		ada, here := f.people[0], f.replicas["here"]
		f.owned("books", gate.Owner{User: ada.ID})
		_, err := f.s.RevokeApp(ctx, operator, "books")
		f.must(err)
		f.setDisabled(ada, true)
		f.setDisabled(ada, false)
		if itself, node := f.told(here, "books"); !errors.Is(itself, gate.ErrInvalidKey) || !errors.Is(node, gate.ErrInvalidKey) {
			f.Errorf("its own status: %v, %v", itself, node)
		}
		f.setDisabled(ada, true)
		_, err = f.s.EnableApp(ctx, operator, "books")
		f.must(err)
		if itself, node := f.told(here, "books"); !errors.Is(itself, gate.ErrInvalidKey) || !errors.Is(node, gate.ErrInvalidKey) {
			f.Errorf("its owner's status: %v, %v", itself, node)
		}
		f.setDisabled(ada, false)
		if itself, node := f.told(here, "books"); itself != nil || node != nil {
			f.Errorf("when neither is disabled: %v, %v", itself, node)
		}
	})
}
