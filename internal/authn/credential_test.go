//go:build unix

package authn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/agent"
	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
	"github.com/gatehouse/gatehouse/internal/token"
)

const mill = gate.OrgID("0f0f0f0f-0000-4000-8000-000000000032")

// purse is one memory with two processes over it. Ada administers the house and
// the farm and is a member of the mill; eve is nobody in particular. Ada's agent
// is in the farm what she is.
type purse struct {
	*testing.T
	m           *storetest.Memory
	db          *store.DB
	keys        *apikey.Service
	agents      *agent.Service
	replicas    map[string]*authn.Service
	here        *authn.Service
	uses        *apikey.Uses
	ada, eve    gate.Caller
	adas, agent secret.Text // keys for everything
	agentID     gate.PrincipalID
	key         gate.APIKey // of adas
}

func profileOf(face string) token.Profile {
	return token.Profile{Face: face, Tenant: gate.DefaultTenant, OpaqueAccess: true, AccessTTL: time.Hour}
}

func withPurse(t *testing.T, test func(p *purse)) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		m.Options.Clock = time.Now
		here, there := m.Open(t), m.Open(t)
		p := &purse{T: t, m: m, db: here, keys: &apikey.Service{DB: here}, agents: &agent.Service{DB: here}, replicas: map[string]*authn.Service{}}
		for name, db := range map[string]*store.DB{"here": here, "there": there} {
			uses := apikey.NewUses(db, slog.New(slog.DiscardHandler))
			p.replicas[name] = authn.New(db, p.issuer(), profileOf("microdao"), time.Now).Widen(uses)
			if name == "here" {
				p.here, p.uses = p.replicas[name], uses
			}
		}
		p.write(func(tx *store.Tx) error {
			_, err := tx.AddOrg(gate.Org{ID: farm, Kind: gate.KindMicroDAO, Name: "Farm"})
			_, err2 := tx.AddOrg(gate.Org{ID: mill, Kind: gate.KindMicroDAO, Name: "Mill"})
			return errors.Join(err, err2)
		})
		p.ada, p.eve = p.user("ada"), p.user("eve")
		p.write(func(tx *store.Tx) error {
			_, err := tx.AddMember(farm, p.ada.Principal, gate.OrgAdmin)
			_, err2 := tx.AddMember(mill, p.ada.Principal, gate.OrgMember)
			_, err3 := tx.GrantRole(p.ada.Principal, gate.RoleAdmin)
			return errors.Join(err, err2, err3)
		})
		p.key, p.adas = p.newKey(p.ada, apikey.Wish{Scopes: apikey.Everything()})
		a, err := p.agents.Create(ctx, p.ada, gate.Agent{Kind: gate.KindAgent, Name: "imp", Title: "Imp"})
		p.must(err)
		p.agentID = a.ID
		p.must(p.agents.Place(ctx, p.ada, gate.KindAgent, "imp", farm, gate.OrgAdmin))
		_, p.agent, err = p.agents.CreateKey(ctx, p.ada, gate.KindAgent, "imp", apikey.Wish{Prefix: secret.MicroDAOKey, Scopes: apikey.Everything()})
		p.must(err)
		test(p)
	})
}

func (p *purse) issuer() *token.Issuer {
	return &token.Issuer{Opaque: bytes.Repeat([]byte{7}, 32), Clock: time.Now}
}

func (p *purse) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *purse) write(fn func(tx *store.Tx) error) { p.Helper(); storetest.Write(p.T, p.db, fn) }

func (p *purse) user(name string) (c gate.Caller) {
	p.Helper()
	email, _ := gate.ParseEmail(name + "@example.org")
	p.write(func(tx *store.Tx) error {
		u, err := tx.AddUser(gate.User{ID: gate.PrincipalID(secret.RandomID())}, email)
		c = gate.Caller{Tenant: gate.DefaultTenant}.As(u, "a session")
		return err
	})
	return c
}

func (p *purse) newKey(who gate.Caller, w apikey.Wish) (gate.APIKey, secret.Text) {
	p.Helper()
	w.Prefix = secret.NativeKey
	key, shown, err := p.keys.Create(ctx, who, w)
	p.must(err)
	return key, shown
}

// session opens one and returns its token.
func (p *purse) session(of gate.Caller, face string) (gate.SessionID, secret.Text) {
	p.Helper()
	id := gate.SessionID(secret.ID())
	p.write(func(tx *store.Tx) error {
		s := gate.Session{ID: id, Principal: of.Principal, Client: face, CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(time.Hour)}
		return tx.AddSession(s, secret.DigestOf(secret.New("rt")), s.ExpiresAt)
	})
	text, err := p.issuer().Access(ctx, profileOf(face), token.Grant{User: gate.User{ID: of.Principal}, Session: id})
	p.must(err)
	return id, text
}

// may tells what a credential may: "[roles] farm:role mill:role", or why nothing.
func may(v *authn.Service, presented secret.Text) string {
	proof, err := v.Credential(ctx, presented)
	if err != nil {
		return gate.AsError(err).Code
	}
	rights := fmt.Sprint(proof.Principal.Roles)
	for _, m := range proof.Principal.Memberships {
		rights += map[gate.OrgID]string{farm: " farm:", mill: " mill:"}[m.Org] + string(m.Role)
	}
	return rights
}

func (p *purse) equal(what string, got, want any) {
	p.Helper()
	if got != want {
		p.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// settled waits until every replica keeps what it verified.
func (p *purse) settled() {
	p.Helper()
	for name, v := range p.replicas {
		for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			a, err := v.Credential(ctx, p.adas)
			b, err2 := v.Credential(ctx, p.adas)
			c, err3 := v.Credential(ctx, p.agent)
			d, err4 := v.Credential(ctx, p.agent)
			p.must(errors.Join(err, err2, err3, err4))
			if a == b && c == d {
				break
			}
			if time.Now().After(deadline) {
				p.Fatalf("nothing is kept %s", name)
			}
		}
	}
}

func TestWhatAKeyProves(t *testing.T) {
	withPurse(t, func(p *purse) {
		for name, v := range p.replicas {
			proof, err := v.Credential(ctx, p.adas)
			p.must(err)
			if proof.Principal.ID != p.ada.Principal || proof.Key != p.key.ID || proof.Session != "" || !proof.ExpiresAt.IsZero() {
				p.Errorf("%s: proof %+v", name, proof.Principal)
			}
			c := proof.AsCaller(gate.Caller{Tenant: gate.DefaultTenant, Client: "native", IP: "192.0.2.1"})
			if c.Principal != p.ada.Principal || c.Key != p.key.ID || c.Session != "" || !c.Bounded || len(c.Within) != 2 || c.IP != "192.0.2.1" || !slices.Equal(c.Roles, []gate.Role{gate.RoleAdmin}) {
				p.Errorf("%s: caller %+v", name, c)
			}
			p.equal(name+": a key of the other prefix", may(v, p.agent), "[] farm:admin")
		}
		_, session := p.session(p.ada, "microdao")
		proof, err := p.here.Credential(ctx, session)
		p.must(err)
		if c := proof.AsCaller(gate.Caller{}); c.Key != "" || c.Session == "" || c.Bounded || c.Principal != p.ada.Principal {
			p.Errorf("a session's caller %+v", c)
		}
	})
}

// NT-KEY-2: what is not exactly a good key of somebody who may act is refused,
// every time, and all refusals of a key look alike.
func TestNT_KEY_2_WhatIsNoGoodKeyIsRefused(t *testing.T) {
	withPurse(t, func(p *purse) {
		key := p.adas.Reveal()
		revoked, revokedKey := p.newKey(p.eve, apikey.Wish{})
		p.must(p.keys.Revoke(ctx, p.eve, revoked.ID))
		expired, expiredKey := p.newKey(p.eve, apikey.Wish{Days: 1})
		p.m.Exec(p.T, `UPDATE api_keys SET expires_at = $1 WHERE id = $2`, time.Now().UnixMilli()-1, expired.ID)
		_, eves := p.newKey(p.eve, apikey.Wish{})
		p.write(func(tx *store.Tx) error { _, err := tx.SetDisabled(p.eve.Principal, true); return err })
		_, foreign := p.session(p.ada, "native")
		for name, c := range map[string]struct {
			presented secret.Text
			want      *gate.Error
		}{
			"one that nobody has":        {secret.NewAPIKey(secret.NativeKey), gate.ErrInvalidToken},
			"of the other prefix":        {secret.NewAPIKey(secret.MicroDAOKey), gate.ErrInvalidToken},
			"another prefix before it":   {secret.NewText("dk_" + key[len("gh_ak_"):]), gate.ErrInvalidToken},
			"another kind of ours":       {secret.New("rt"), gate.ErrInvalidToken},
			"revoked":                    {revokedKey, gate.ErrInvalidToken},
			"expired":                    {expiredKey, gate.ErrInvalidToken},
			"of who is disabled":         {eves, gate.ErrPrincipalGone},
			"its id":                     {secret.NewText(string(p.key.ID)), gate.ErrInvalidToken},
			"its digest":                 {secret.NewText(secret.DigestOf(p.adas).String()), gate.ErrInvalidToken},
			"its preview":                {secret.NewText(p.key.Preview), gate.ErrInvalidToken},
			"cut short":                  {secret.NewText(key[:len(key)-1]), gate.ErrInvalidToken},
			"with something behind it":   {secret.NewText(key + "0"), gate.ErrInvalidToken},
			"with a blank behind it":     {secret.NewText(key + " "), gate.ErrInvalidToken},
			"in capitals":                {secret.NewText(strings.ToUpper(key)), gate.ErrInvalidToken},
			"twice":                      {secret.NewText(key + "," + key), gate.ErrInvalidToken},
			"two halves of two":          {secret.NewText(key[:30] + eves.Reveal()[30:]), gate.ErrInvalidToken},
			"nothing":                    {secret.Text{}, gate.ErrInvalidToken},
			"bytes":                      {secret.NewText("\xff\x00"), gate.ErrInvalidToken},
			"a session of another face":  {foreign, gate.ErrInvalidToken},
			"encoded, and not well":      {secret.NewText(key[:10] + "%" + key[10:]), gate.ErrInvalidToken},
			"encoded twice":              {secret.NewText(strings.ReplaceAll(key, "_", "%255F")), gate.ErrInvalidToken},
			"encoded, with a NUL behind": {secret.NewText(key + "%00"), gate.ErrInvalidToken},
		} {
			for range 2 { // as it is the second time, too
				v, err := p.here.Credential(ctx, c.presented)
				if v != nil || !errors.Is(err, c.want) {
					p.Errorf("%s: %+v, %v, want %v", name, v, err, c.want)
				}
				if e := gate.AsError(err); len(e.Problems) > 0 || e.Message != c.want.Message || strings.Contains(err.Error(), key[6:20]) {
					p.Errorf("%s: the refusal tells more: %v", name, err)
				}
			}
		}
	})
}

// NT-KEY-2: a wrong checksum costs no look-up. Without a database, what would
// need one is an outage, and this is a refusal all the same.
func TestNT_KEY_2_AWrongChecksumNeverReachesTheDatabase(t *testing.T) {
	withPurse(t, func(p *purse) {
		p.must(p.db.Close())
		if _, err := p.here.Credential(ctx, p.adas); !errors.Is(err, gate.ErrDatabaseUnavailable) {
			p.Errorf("a good key: %v", err)
		}
		if e := gate.AsError(func() error { _, err := p.here.Credential(ctx, p.adas); return err }()); e.Kind != gate.Unavailable || e.RetryAfter <= 0 {
			p.Errorf("an outage is told as %v", e)
		}
		key := p.adas.Reveal()
		for i := len("gh_ak_"); i < len(key); i++ {
			wrong := key[:i] + string("01"[map[bool]int{true: 1, false: 0}[key[i] == '0']]) + key[i+1:]
			if _, err := p.here.Credential(ctx, secret.NewText(wrong)); !errors.Is(err, gate.ErrInvalidToken) {
				p.Fatalf("character %d changed: %v", i, err)
			}
		}
	})
}

// NT-KEY-2: a key that was believed a moment ago is no access token for it:
// neither does it open what access tokens open, nor is it active to who asks
// about access tokens.
func TestNT_KEY_2_AKeyIsNoAccessToken(t *testing.T) {
	withPurse(t, func(p *purse) {
		p.settled() // so that it is remembered
		for name, v := range p.replicas {
			if proof, err := v.Access(ctx, p.adas); !errors.Is(err, gate.ErrInvalidToken) {
				p.Errorf("%s: as an access token: %v, %v", name, proof != nil, err)
			}
			if _, active, err := v.Introspect(ctx, p.adas); active || err != nil {
				p.Errorf("%s: introspected it is active: %v, %v", name, active, err)
			}
			caller, _, err := v.Caller(ctx, gate.Caller{Tenant: gate.DefaultTenant}, p.adas)
			if !errors.Is(err, gate.ErrInvalidToken) || caller.Principal != "" {
				p.Errorf("%s: who asks is %+v, %v", name, caller, err)
			}
		}
	})
}

// NT-KEY-3: MinIO CVE-2024-24747, where keys had what their maker had unless
// somebody thought of it.
func TestNT_KEY_3_AKeyWithoutScopesMayNothing(t *testing.T) {
	withPurse(t, func(p *purse) {
		_, bare := p.newKey(p.ada, apikey.Wish{})
		proof, err := p.here.Credential(ctx, bare)
		p.must(err)
		p.equal("who it is", proof.Principal.ID, p.ada.Principal)
		p.equal("what it may", may(p.here, bare), "[]")
		c := proof.AsCaller(gate.Caller{Tenant: gate.DefaultTenant})
		if !c.Bounded || len(c.Within) > 0 || len(c.Roles) > 0 {
			p.Errorf("it acts as %+v", c)
		}
		_, key, err := p.agents.CreateKey(ctx, p.ada, gate.KindAgent, "imp", apikey.Wish{Prefix: secret.NativeKey})
		p.must(err)
		p.equal("an agent's", may(p.here, key), "[]")
	})
}

// TestACredentialMayBeEncodedForAnAddress: some clients encode headers as they
// do addresses.
func TestACredentialMayBeEncodedForAnAddress(t *testing.T) {
	withPurse(t, func(p *purse) {
		every := func(text string) (out string) {
			for _, b := range []byte(text) {
				out += fmt.Sprintf("%%%02x", b)
			}
			return out
		}
		_, session := p.session(p.ada, "microdao")
		for _, good := range []secret.Text{p.adas, session} {
			want, err := p.here.Credential(ctx, good)
			p.must(err)
			for _, text := range []string{url.PathEscape(good.Reveal()), strings.ReplaceAll(good.Reveal(), "_", "%5f"), every(good.Reveal())} {
				if v, err := p.here.Credential(ctx, secret.NewText(text)); err != nil || v.Principal.ID != want.Principal.ID {
					p.Errorf("%s: %v", text[:12], err)
				}
			}
		}
	})
}

// TestWhatIsTakenFromAKeyIsGoneWithinASecond at every replica, at once where it
// was done: a right, or all of them.
func TestWhatIsTakenFromAKeyIsGoneWithinASecond(t *testing.T) {
	const whole, imps = "[admin] farm:admin mill:member", "[] farm:admin"
	for _, c := range []struct {
		name             string
		deed             func(p *purse) error
		wantAda, wantImp string
	}{
		{"revoked", func(p *purse) error { return p.keys.Revoke(ctx, p.ada, p.key.ID) }, "invalid_token", imps},
		{"disabled", func(p *purse) error {
			return p.tx(func(tx *store.Tx) error { _, err := tx.SetDisabled(p.ada.Principal, true); return err })
		}, "principal_gone", "principal_gone"},
		{"removed", func(p *purse) error { return p.tx(func(tx *store.Tx) error { return tx.RemoveUser(p.ada.Principal) }) }, "invalid_token", "invalid_token"},
		{"deposed", func(p *purse) error {
			return p.tx(func(tx *store.Tx) error { _, err := tx.RevokeRole(p.ada.Principal, gate.RoleAdmin); return err })
		}, "[] farm:admin mill:member", imps},
		{"demoted", func(p *purse) error {
			return p.tx(func(tx *store.Tx) error {
				_, err := tx.SetMemberRole(farm, p.ada.Principal, gate.OrgMember)
				return err
			})
		}, "[admin] farm:member mill:member", "[] farm:member"},
		{"agent disabled", func(p *purse) error { return p.agents.SetDisabled(ctx, p.ada, gate.KindAgent, "imp", true) }, whole, "principal_gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			withPurse(t, func(p *purse) {
				p.settled()
				for name, v := range p.replicas {
					p.equal(name+" before: ada", may(v, p.adas), whole)
					p.equal(name+" before: imp", may(v, p.agent), imps)
				}
				p.must(c.deed(p))
				p.equal("at once: ada", may(p.here, p.adas), c.wantAda)
				p.equal("at once: imp", may(p.here, p.agent), c.wantImp)
				for deadline := time.Now().Add(time.Second); may(p.replicas["there"], p.adas) != c.wantAda || may(p.replicas["there"], p.agent) != c.wantImp; time.Sleep(5 * time.Millisecond) {
					if time.Now().After(deadline) {
						p.Fatalf("a second later, there: ada %s, imp %s", may(p.replicas["there"], p.adas), may(p.replicas["there"], p.agent))
					}
				}
			})
		})
	}
}

func (p *purse) tx(fn func(tx *store.Tx) error) error { return p.db.Write(ctx, gate.DefaultTenant, fn) }

// NT-KEY-2: a scope is not a right. It reaches what its principal has when the
// key is used, and grows and shrinks with that.
func TestNT_KEY_2_ScopesAreNarrowedByTheRightsOfTheMoment(t *testing.T) {
	withPurse(t, func(p *purse) {
		for _, c := range []struct {
			scopes             string
			before, after, eve string
		}{
			{"*", "[admin] farm:admin mill:member", "[] mill:member", "[]"}, {"roles:*", "[admin]", "[]", "[]"}, {"roles:admin", "[admin]", "[]", "[]"},
			{"orgs:*", "[] farm:admin mill:member", "[] mill:member", "[]"}, {"orgs:" + string(farm), "[] farm:admin", "[]", "[]"},
			{"orgs:" + string(mill) + " roles:user", "[] mill:member", "[] mill:member", "[]"}, {"roles:Admin", "[]", "[]", "[]"},
		} {
			_, adas := p.newKey(p.ada, apikey.Wish{Scopes: strings.Fields(c.scopes)})
			_, eves := p.newKey(p.eve, apikey.Wish{Scopes: strings.Fields(c.scopes)})
			p.equal(c.scopes+", while she has it", may(p.here, adas), c.before)
			p.equal(c.scopes+", of who never had it", may(p.here, eves), c.eve)
			p.write(func(tx *store.Tx) error {
				_, err := tx.RevokeRole(p.ada.Principal, gate.RoleAdmin)
				_, err2 := tx.RemoveMember(farm, p.ada.Principal)
				return errors.Join(err, err2)
			})
			p.equal(c.scopes+", when she has not", may(p.here, adas), c.after)
			p.write(func(tx *store.Tx) error { // in the order of before
				_, err := tx.GrantRole(p.ada.Principal, gate.RoleAdmin)
				_, err2 := tx.RemoveMember(mill, p.ada.Principal)
				_, err3 := tx.AddMember(farm, p.ada.Principal, gate.OrgAdmin)
				return errors.Join(err, err2, err3)
			})
			time.Sleep(2 * time.Millisecond) // memberships are listed by age
			p.write(func(tx *store.Tx) error { _, err := tx.AddMember(mill, p.ada.Principal, gate.OrgMember); return err })
		}
	})
}

// NT-KEY-4: who came with a key makes no credentials, ends none, and changes
// nobody who has some, however far the key reaches.
func TestNT_KEY_4_AKeyChangesNothingThatOneSignsInWith(t *testing.T) {
	withPurse(t, func(p *purse) {
		for whose, key := range map[string]secret.Text{"ada's": p.adas, "her agent's": p.agent} {
			v, err := p.here.FirstGood(ctx, key)
			p.must(err)
			c := v.AsCaller(gate.Caller{Tenant: gate.DefaultTenant})
			_, _, create := p.keys.Create(ctx, c, apikey.Wish{})
			_, made := p.agents.Create(ctx, c, gate.Agent{Kind: gate.KindAgent, Name: "new", Title: "New"})
			_, _, another := p.agents.CreateKey(ctx, c, gate.KindAgent, "imp", apikey.Wish{})
			for what, err := range map[string]error{
				"make a key": create, "revoke a key": p.keys.Revoke(ctx, c, p.key.ID), "make an agent": made, "make an agent's key": another,
				"revoke an agent's": p.agents.RevokeKey(ctx, c, gate.KindAgent, "imp", "unknown"),
				"disable an agent":  p.agents.SetDisabled(ctx, c, gate.KindAgent, "imp", true),
				"place an agent":    p.agents.Place(ctx, c, gate.KindAgent, "imp", farm, gate.OrgMember),
				"remove an agent":   p.agents.Remove(ctx, c, gate.KindAgent, "imp"),
			} {
				if !errors.Is(err, gate.ErrNeedsSession) {
					p.Errorf("%s key: %s: %v", whose, what, err)
				}
			}
		}
		p.equal("after all that", may(p.here, p.agent), "[] farm:admin")
	})
}

// TestTheFirstGoodCredentialCounts, unless another good one is somebody else's.
func TestTheFirstGoodCredentialCounts(t *testing.T) {
	withPurse(t, func(p *purse) {
		second, bare := p.newKey(p.ada, apikey.Wish{})
		gone, goneKey := p.newKey(p.eve, apikey.Wish{})
		p.must(p.keys.Revoke(ctx, p.eve, gone.ID))
		_, eves := p.newKey(p.eve, apikey.Wish{})
		_, session := p.session(p.ada, "microdao")
		none, rubbish := secret.Text{}, secret.NewText("rubbish")
		for name, c := range map[string]struct {
			presented []secret.Text
			key       gate.APIKeyID // "" the session, where there is no refusal
			want      error
		}{
			"nothing": {nil, "", gate.ErrNotAuthenticated}, "only empty ones": {[]secret.Text{none, secret.NewText("")}, "", gate.ErrNotAuthenticated},
			"a key and a session": {[]secret.Text{p.adas, session}, p.key.ID, nil}, "a session and a key": {[]secret.Text{session, p.adas}, "", nil},
			"two keys": {[]secret.Text{bare, p.adas}, second.ID, nil}, "rubbish first": {[]secret.Text{none, rubbish, goneKey, p.adas}, p.key.ID, nil},
			"rubbish last": {[]secret.Text{p.adas, rubbish}, p.key.ID, nil}, "nothing good": {[]secret.Text{rubbish, goneKey}, "", gate.ErrInvalidToken},
			"hers and eve's": {[]secret.Text{p.adas, eves}, "", gate.ErrCredentials}, "eve's in the end": {[]secret.Text{rubbish, session, p.adas, eves}, "", gate.ErrCredentials},
			"hers and her agent's": {[]secret.Text{p.adas, p.agent}, "", gate.ErrCredentials},
		} {
			v, err := p.here.FirstGood(ctx, c.presented...)
			if !errors.Is(err, c.want) || (v != nil) != (c.want == nil) || v != nil && (v.Key != c.key || v.Principal.ID != p.ada.Principal) {
				p.Errorf("%s: %v, %v", name, v != nil, err)
			}
		}
		p.must(p.db.Close())
		unseen := secret.NewAPIKey(secret.NativeKey) // nothing is remembered of it
		for name, presented := range map[string][]secret.Text{"a key": {unseen}, "rubbish first": {rubbish, unseen}, "rubbish last": {unseen, rubbish}} {
			if _, err := p.here.FirstGood(ctx, presented...); !errors.Is(err, gate.ErrDatabaseUnavailable) {
				p.Errorf("without a database, %s: %v", name, err)
			}
		}
	})
}

// TestAGoodKeyIsUsedAndABadOneIsNot.
func TestAGoodKeyIsUsedAndABadOneIsNot(t *testing.T) {
	withPurse(t, func(p *purse) {
		gone, goneKey := p.newKey(p.ada, apikey.Wish{})
		p.must(p.keys.Revoke(ctx, p.ada, gone.ID))
		run, stop := context.WithCancel(ctx)
		var uses sync.WaitGroup
		uses.Go(func() { p.uses.Run(run) })
		defer func() { stop(); uses.Wait() }()
		start := time.Now().Truncate(time.Millisecond)
		for range 100 {
			_, _ = p.here.Credential(ctx, p.adas)
			_, _ = p.here.Credential(ctx, goneKey)
		}
		for deadline := start.Add(2 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			list, err := p.keys.Mine(ctx, p.ada)
			p.must(err)
			if !list[1].UsedAt.IsZero() || time.Now().After(deadline) { // revoked ones are last
				p.Fatalf("the good key was used at %v, the revoked one at %v", list[0].UsedAt, list[1].UsedAt)
			}
			if !list[0].UsedAt.Before(start) {
				return
			}
		}
	})
}
