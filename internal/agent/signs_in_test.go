//go:build unix

package agent_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/token"
)

// session opens one for somebody and returns its access token.
func (b *bench) session(of gate.PrincipalID) secret.Text {
	b.Helper()
	id := gate.SessionID(secret.ID())
	b.write(func(tx *store.Tx) error {
		s := gate.Session{ID: id, Principal: of, Client: "native", CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(time.Hour)}
		return tx.AddSession(s, secret.DigestOf(secret.New("rt")), s.ExpiresAt)
	})
	issuer := &token.Issuer{Opaque: bytes.Repeat([]byte{7}, 32), Clock: b.m.Clock.Now}
	profile := token.Profile{Face: "native", Tenant: gate.DefaultTenant, OpaqueAccess: true, AccessTTL: time.Minute}
	text, err := issuer.Access(ctx, profile, token.Grant{User: gate.User{ID: of}, Session: id})
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// TestDisablingEndsTheSessionsOfAnAgentThatSignsIn: enabling it again brings none
// of them back.
func TestDisablingEndsTheSessionsOfAnAgentThatSignsIn(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		b.user("robot")
		robot := b.id("robot")
		b.write(func(tx *store.Tx) error { return tx.MakeAgent(robot, "robot") })
		sessions, childs := []secret.Text{b.session(robot), b.session(robot)}, b.session(b.id("child"))
		v := b.verifier()
		all := func(when, want string) {
			b.Helper()
			for _, s := range sessions {
				b.equal(when, b.may(v, s), want)
			}
		}
		all("before", "[]")
		for range 2 { // the second time changes nothing
			b.want("disable", b.s.SetDisabled(ctx, b.as("chief"), gate.KindAgent, "robot", true), nil)
		}
		if b.may(v, sessions[0]) == "[]" {
			b.Error("a disabled agent goes on with its session")
		}
		b.want("enable", b.s.SetDisabled(ctx, b.as("chief"), gate.KindAgent, "robot", false), nil)
		all("enabled again", gate.ErrInvalidToken.Code)
		b.equal("somebody else's", b.may(v, childs), "[] farm:member")
		b.equal("a session that begins now", b.may(v, b.session(robot)), "[]")
		b.equal("records of the end", b.events(robot, gate.EventSessionEnded), 1)
	})
}

// TestDisablingAnAgentWithoutSessionsEndsNone, and records no such thing.
func TestDisablingAnAgentWithoutSessionsEndsNone(t *testing.T) {
	onBothEngines(t, func(b *bench) {
		adas := b.session(b.id("ada")) // who answers for it
		b.want("disable", b.s.SetDisabled(ctx, b.as("ada"), gate.KindAgent, "ant", true), nil)
		b.equal("records of an end", b.events(b.id("ada's agent"), gate.EventSessionEnded), 0)
		b.equal("its owner's session", b.may(b.verifier(), adas), "[]")
	})
}
