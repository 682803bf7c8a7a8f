//go:build unix

package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// flow sends a browser, "chrome", away for ten minutes; to connect an account if
// it is somebody's.
func (b *bench) flow(state string, of gate.PrincipalID) gate.Flow {
	b.Helper()
	f := gate.Flow{Connector: "example", Principal: of, Destination: "/after " + state, CreatedAt: b.now(), ExpiresAt: b.now().Add(10 * time.Minute)}
	b.write(func(tx *store.Tx) error { return tx.AddFlow(digest(state), digest("chrome"), f) })
	return f
}

// flowNow is a flow as it is stored at the moment.
func (b *bench) flowNow(state string) (f gate.Flow) {
	b.Helper()
	b.read(func(tx *store.Tx) (err error) {
		f, err = tx.Flow(digest(state), digest("chrome"))
		return err
	})
	return f
}

// found says how looking for a flow ends.
func (b *bench) found(state string, browsers ...string) error {
	return b.db.Read(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
		var digests []secret.Digest
		for _, browser := range browsers {
			digests = append(digests, digest(browser))
		}
		_, err := tx.Flow(digest(state), digests...)
		return err
	})
}

func (b *bench) useFlow(state string) (first bool) {
	b.Helper()
	b.want("use", b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) (err error) {
		first, err = tx.UseFlow(digest(state))
		return err
	}), nil)
	return first
}

func (b *bench) endFlow(state string, session gate.SessionID, refusal string) error {
	return b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return tx.EndFlow(digest(state), session, refusal) })
}

func testAddFlow(b *bench) {
	b.user(ada, "ada")
	first := b.flow("sign in", "")
	same(b, "to sign in", b.flowNow("sign in"), first)
	link := b.flow("link", ada)
	same(b, "to connect an account, in the same browser", b.flowNow("link"), link)
	add := func(state, browser string, f gate.Flow) error {
		f.ExpiresAt = b.now().Add(time.Minute)
		return b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error { return tx.AddFlow(digest(state), digest(browser), f) })
	}
	b.want("with a state that is away already", add("sign in", "firefox", gate.Flow{Connector: "second"}), gate.ErrConflict)
	b.want("found by who came second", b.found("sign in", "firefox"), gate.ErrNotFound)
	same(b, "whose it stays", b.flowNow("sign in"), first)
	if add("nobody's", "chrome", gate.Flow{Principal: nay}) == nil {
		b.Error("nobody connects an account")
	}
	// A flow begins at its beginning, whatever it is said to have come to.
	b.want("with an end", add("ended", "chrome", gate.Flow{CreatedAt: b.now().Add(-time.Hour), UsedAt: b.now(), Session: session1, Refusal: "refused"}), nil)
	same(b, "without one", b.flowNow("ended"), gate.Flow{CreatedAt: b.now(), ExpiresAt: b.now().Add(time.Minute)})
	same(b, "flows", b.rows("flows"), 3)
}

func testFlow(b *bench) {
	b.user(ada, "ada")
	b.user(bob, "bob")
	b.flow("hers", ada)
	b.flow("his", bob)
	kept := b.flow("sign in", "")
	b.write(func(tx *store.Tx) error {
		return tx.AddFlow(digest("elsewhere"), digest("firefox"), gate.Flow{ExpiresAt: b.now().Add(10 * time.Minute)})
	})
	for _, c := range []struct {
		what, state string
		browsers    []string
		want        error
	}{
		{"its browser", "sign in", []string{"chrome"}, nil},
		{"its browser first of some", "sign in", []string{"chrome", "firefox", "lynx"}, nil},
		{"its browser last of some", "sign in", []string{"lynx", "firefox", "chrome"}, nil},
		{"its browser twice", "sign in", []string{"chrome", "chrome"}, nil},
		{"another browser", "sign in", []string{"firefox"}, gate.ErrNotFound},
		{"other browsers", "sign in", []string{"firefox", "Chrome", "chrome "}, gate.ErrNotFound},
		{"no browser", "sign in", nil, gate.ErrNotFound},
		{"a browser with nothing", "sign in", []string{""}, gate.ErrNotFound},
		{"the state for a browser", "sign in", []string{"sign in"}, gate.ErrNotFound},
		{"the browser for a state", "chrome", []string{"chrome"}, gate.ErrNotFound},
		{"an unknown state", "unknown", []string{"chrome"}, gate.ErrNotFound},
		{"no state", "", []string{"chrome"}, gate.ErrNotFound},
		{"a browser that is away with another state", "elsewhere", []string{"chrome"}, gate.ErrNotFound},
		{"the other browser", "elsewhere", []string{"firefox"}, nil},
	} {
		b.want(c.what, b.found(c.state, c.browsers...), c.want)
	}
	same(b, "looked at often, and not changed", b.flowNow("sign in"), kept)
	b.write(func(tx *store.Tx) error { return tx.RemoveUser(ada) })
	for state, want := range map[string]error{"hers": gate.ErrNotFound, "his": nil, "sign in": nil} {
		b.want(state+", when she is gone", b.found(state, "chrome"), want)
	}
	same(b, "flows that are left", b.rows("flows"), 3)
	b.m.Clock.Forward(10*time.Minute - time.Millisecond)
	b.want("at the last moment", b.found("sign in", "chrome"), nil)
	b.m.Clock.Forward(time.Millisecond)
	b.want("expired at its very moment", b.found("sign in", "chrome"), gate.ErrNotFound)
	b.want("expired, whosever it is", b.found("his", "chrome"), gate.ErrNotFound)
}

func testUseFlow(b *bench) {
	f := b.flow("one", "")
	untouched := b.flow("other", "")
	b.m.Clock.Forward(time.Minute)
	won := make([]bool, 50)
	Race(len(won), func(i int) { won[i] = b.useFlow("one") })
	same(b, "of fifty at once", count(won), 1)
	f.UsedAt = b.now()
	same(b, "used, and still found by its browser", b.flowNow("one"), f)
	b.m.Clock.Forward(time.Minute)
	same(b, "again", b.useFlow("one"), false)
	same(b, "used when it was first", b.flowNow("one"), f)
	b.want("found by another browser", b.found("one", "firefox"), gate.ErrNotFound)
	same(b, "unknown", b.useFlow("unknown"), false)
	same(b, "another", b.flowNow("other"), untouched)
	b.want("end", b.endFlow("one", session1, ""), nil)
	same(b, "one that has ended", b.useFlow("one"), false)
	b.flow("late", "")
	b.m.Clock.Forward(10*time.Minute - time.Millisecond)
	same(b, "expired at some moment before", b.useFlow("other"), false)
	b.flow("later", "")
	same(b, "at the last moment", b.useFlow("late"), true)
	b.m.Clock.Forward(10 * time.Minute)
	same(b, "expired at its very moment", b.useFlow("later"), false)
}

func testEndFlow(b *bench) {
	for _, c := range []struct {
		state   string
		session gate.SessionID
		refusal string
	}{{"let in", session1, ""}, {"refused", "", "not_linked"}} {
		f := b.flow(c.state, "")
		b.want(c.state+" before it was used", b.endFlow(c.state, c.session, c.refusal), gate.ErrNotFound)
		same(b, c.state+": as it was", b.flowNow(c.state), f)
		same(b, c.state+": used", b.useFlow(c.state), true)
		f.UsedAt = b.now()
		b.m.Clock.Forward(time.Minute)
		b.want(c.state, b.endFlow(c.state, c.session, c.refusal), nil)
		f.Session, f.Refusal = c.session, c.refusal
		same(b, c.state+": ended", b.flowNow(c.state), f)
		b.want(c.state+" again", b.endFlow(c.state, c.session, c.refusal), gate.ErrNotFound)
		b.want(c.state+", then let in", b.endFlow(c.state, session2, ""), gate.ErrNotFound)
		b.want(c.state+", then refused", b.endFlow(c.state, "", "disabled"), gate.ErrNotFound)
		same(b, c.state+": as it ended first", b.flowNow(c.state), f)
	}
	b.want("unknown", b.endFlow("unknown", session1, ""), gate.ErrNotFound)

	b.flow("raced", "")
	same(b, "used", b.useFlow("raced"), true)
	won := make([]bool, 50)
	Race(len(won), func(i int) {
		session, refusal := gate.SessionID(""), "refused"
		if i%2 == 0 {
			session, refusal = gate.SessionID(fmt.Sprint("session ", i)), ""
		}
		err := b.endFlow("raced", session, refusal)
		if won[i] = err == nil; err != nil && !errors.Is(err, gate.ErrNotFound) {
			b.Errorf("racer: %v", err)
		}
	})
	same(b, "of fifty at once", count(won), 1)
	if f := b.flowNow("raced"); (f.Session == "") == (f.Refusal == "") {
		b.Errorf("it led to session %q and to refusal %q", f.Session, f.Refusal)
	}

	b.flow("slow", "")
	same(b, "used", b.useFlow("slow"), true)
	b.m.Clock.Forward(time.Hour) // the provider took its time to answer
	b.want("one that came back in time", b.endFlow("slow", session1, ""), nil)
}

// populateFederation gives the first tenant an identity, and flows that are away,
// back, and forgotten on the way.
func populateFederation(b *bench) {
	b.Helper()
	b.identity("one", ada)
	b.flow("forgotten", "")
	long := gate.Flow{Connector: "example", Principal: ada, ExpiresAt: b.now().Add(1000 * time.Hour)}
	b.write(func(tx *store.Tx) error {
		return errors.Join(tx.AddFlow(digest("away"), digest("chrome"), long), tx.AddFlow(digest("back"), digest("chrome"), long))
	})
	same(b, "back", b.useFlow("back"), true)
}
