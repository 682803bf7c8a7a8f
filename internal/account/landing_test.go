//go:build interop && unix

package account_test

import (
	"bytes"
	"net/url"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/admission"
	"github.com/gatehouse/gatehouse/internal/federation"
	"github.com/gatehouse/gatehouse/internal/federation/connector"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/session"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/idp"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
	"github.com/gatehouse/gatehouse/internal/token"
)

const back = "http://127.0.0.1:9/callback" // nobody goes there: tests read the address

// airport is a house's accounts beside a real provider, which the house knows
// by two names.
type airport struct {
	*register
	provider *idp.Provider
}

func withProvider(t *testing.T, adapt func(*federation.Provider), test func(p *airport)) {
	provider := idp.Start(t, idp.Options{Clients: []idp.Client{{ID: "gatehouse", Secret: "a secret of the tests", RedirectURIs: []string{back}}}})
	onBothEngines(t, func(r *register) {
		known := map[string]federation.Provider{}
		for _, id := range []string{"authentik", "other"} {
			client, err := connector.New(connector.Settings{
				ID: id, Name: id, Kind: connector.OpenID, Issuer: provider.Issuer, ClientID: "gatehouse", ClientSecret: secret.NewText("a secret of the tests"),
				AllowPrivate: true, AllowHTTP: true,
			}, time.Now) // its tokens are of now, whatever the house's clock says
			r.must(err)
			p := federation.Provider{Client: client}
			if adapt != nil {
				adapt(&p)
			}
			known[id] = p
		}
		r.Federation = &federation.Service{DB: r.DB, Providers: known, Key: bytes.Repeat([]byte{3}, 32), Clock: r.m.Clock.Now}
		r.Office = &admission.Office{
			Rules: session.Rules{Absolute: time.Hour}, Clock: r.m.Clock.Now, Tokens: &token.Issuer{Opaque: bytes.Repeat([]byte{7}, 32), Clock: r.m.Clock.Now},
			Profile: token.Profile{Face: "native", Tenant: gate.DefaultTenant, OpaqueAccess: true, AccessTTL: time.Minute, RefreshTTL: time.Hour},
		}
		test(&airport{r, provider})
	})
}

// leave begins a flow and returns where the browser goes, and what it keeps.
func (p *airport) leave(browser secret.Text) (address string, kept secret.Text) {
	p.Helper()
	address, kept, err := p.SignInElsewhere(ctx, visitor, federation.Departure{Provider: "authentik", Browser: browser, Destination: "/dash", RedirectURI: back})
	p.must(err)
	return address, kept
}

// travel signs in at the provider and returns what the browser brings back.
func (p *airport) travel(address string, browser secret.Text, login string) federation.Arrival {
	p.Helper()
	u, err := url.Parse(p.provider.SignIn(address, login, true))
	p.must(err)
	q := u.Query()
	return federation.Arrival{
		Provider: "authentik", State: secret.NewText(q.Get("state")), Code: secret.NewText(q.Get("code")), Issuer: q.Get("iss"), Error: q.Get("error"),
		Browsers: []secret.Text{browser}, RedirectURI: back,
	}
}

// round goes there and back.
func (p *airport) round(login string) (account.Landing, error) {
	p.Helper()
	address, browser := p.leave(secret.Text{})
	return p.Land(ctx, visitor, p.travel(address, browser, login))
}

func TestWhoComesFromAProviderHasOneAccount(t *testing.T) {
	withProvider(t, nil, func(p *airport) {
		first, err := p.round("ada")
		p.must(err)
		if !first.New || first.Destination != "/dash" || first.Admission.Session == "" || first.Admission.User.Email == "" || first.Admission.User.EmailVerifiedAt.IsZero() {
			p.Errorf("the first time: %+v", first)
		}
		again, err := p.round("ada")
		p.must(err)
		if again.New || again.Admission.User.ID != first.Admission.User.ID || again.Admission.Session == first.Admission.Session {
			p.Errorf("the second time: %+v", again)
		}
		unverified, err := p.round("authentik")
		p.must(err)
		if !unverified.New || !unverified.Admission.User.EmailVerifiedAt.IsZero() {
			p.Errorf("whose address is not verified: %+v", unverified)
		}
		if n := p.rows("users"); n != 2 {
			p.Errorf("%d accounts", n)
		}
		p.write(func(tx *store.Tx) error { _, err := tx.SetDisabled(first.Admission.User.ID, true); return err })
		_, err = p.round("ada")
		p.want("disabled", err, gate.ErrDisabled)
		p.Open = false
		_, err = p.round("authentik")
		p.want("closed, for who is known", err, nil)
		_, err = p.round("noname")
		p.want("closed, for a newcomer", err, gate.ErrRegistrationClosed)
	})
}

// NT-LINK-1: an address proves nothing (GHSA-g38m-r43w-p2q7, CVE-2026-44166: who
// registers somebody else's address waits in the account of its owner).
func TestNT_LINK_1_AnAddressIsNoIdentity(t *testing.T) {
	for name, trusted := range map[string]bool{"a provider like any": false, "a trusted one": true} {
		t.Run(name, func(t *testing.T) {
			withProvider(t, func(p *federation.Provider) { p.TrustEmail = trusted }, func(p *airport) {
				probe, err := p.round("ada")
				p.must(err)
				key, _ := gate.ParseEmail(probe.Admission.User.Email)
				p.write(func(tx *store.Tx) error { return tx.RemoveUser(probe.Admission.User.ID) })
				squatter := gate.PrincipalID(secret.RandomID())
				p.write(func(tx *store.Tx) error { _, err := tx.AddUser(gate.User{ID: squatter}, key); return err })
				_, err = p.round("ada")
				p.want("an address that nobody verified", err, gate.ErrNotLinked)
				if n := p.rows("identities") + p.rows("sessions"); n != 0 {
					p.Errorf("%d identities and sessions", n)
				}
				p.write(func(tx *store.Tx) error { _, err := tx.VerifyEmail(squatter, key.Key); return err })
				l, err := p.round("ada")
				if !trusted {
					p.want("a verified one", err, gate.ErrNotLinked)
					return
				}
				if p.must(err); l.New || l.Admission.User.ID != squatter {
					p.Errorf("a verified one: %+v", l)
				}
				p.must(func() error { _, err := p.round("ada"); return err }())
				if n := p.rows("identities"); n != 1 {
					p.Errorf("%d identities", n)
				}
			})
		})
	}
}

// NT-LINK-7: an account at the provider without an address ended in a redirect
// to nowhere (email_is_missing).
func TestNT_LINK_7_WhoHasNoAddressLearnsIt(t *testing.T) {
	for _, login := range []string{"jarvis", "empty", "odd"} {
		t.Run(login, func(t *testing.T) {
			allowed := false
			withProvider(t, func(p *federation.Provider) { p.WithoutEmail = allowed }, func(p *airport) {
				l, err := p.round(login)
				if p.want("without an address", err, gate.ErrEmailMissing); l.Destination != "/dash" {
					p.Errorf("landing %+v", l)
				}
			})
			allowed = true
			withProvider(t, func(p *federation.Provider) { p.WithoutEmail = allowed }, func(p *airport) {
				first, err := p.round(login)
				p.must(err)
				again, err := p.round(login)
				if p.must(err); !first.New || again.New || again.Admission.User.ID != first.Admission.User.ID || first.Admission.User.Email != "" {
					p.Errorf("%+v, then %+v", first, again)
				}
			})
		})
	}
}

// NT-LINK-9: GHSA-x445-f3h2-j279, checks that were not bound to the provider or
// the browser.
func TestNT_LINK_9_AFlowIsOfOneBrowserAndOneProvider(t *testing.T) {
	withProvider(t, nil, func(p *airport) {
		address, browser := p.leave(secret.Text{})
		_, strangers := p.leave(secret.Text{})
		good := p.travel(address, browser, "ada")
		for what, change := range map[string]func(*federation.Arrival){
			"another provider's address": func(a *federation.Arrival) { a.Provider = "other" },
			"another browser":            func(a *federation.Arrival) { a.Browsers = []secret.Text{strangers} },
			"no browser":                 func(a *federation.Arrival) { a.Browsers = nil },
			"a forged browser":           func(a *federation.Arrival) { a.Browsers = []secret.Text{secret.NewText(""), secret.NewText("gh_fb_x")} },
			"no state":                   func(a *federation.Arrival) { a.State = secret.Text{} },
			"a forged state":             func(a *federation.Arrival) { a.State = secret.New("fs") },
		} {
			bad := good
			change(&bad)
			l, err := p.Land(ctx, visitor, bad)
			if p.want(what, err, gate.ErrFlow); l.Destination != "" || l.Admission.Session != "" {
				p.Errorf("%s: %+v", what, l)
			}
		}
		l, err := p.Land(ctx, visitor, good)
		if p.want("and it is good still", err, nil); !l.New {
			p.Errorf("landing %+v", l)
		}
		late, browser := p.leave(browser)
		arrival := p.travel(late, browser, "ada")
		p.m.Clock.Forward(11 * time.Minute)
		_, err = p.Land(ctx, visitor, arrival)
		p.want("too late", err, gate.ErrFlow)
	})
}

// TestWhoComesBackTwiceIsToldTheSame: an impatient browser, or one that fetches
// ahead, ends where it would have ended.
func TestWhoComesBackTwiceIsToldTheSame(t *testing.T) {
	withProvider(t, nil, func(p *airport) {
		one, browser := p.leave(secret.Text{})
		two, same := p.leave(browser)
		if !secret.Equal(browser, same) {
			p.Error("two tabs of one browser keep different things")
		}
		arrivals := []federation.Arrival{p.travel(one, browser, "ada"), p.travel(two, browser, "authentik")}
		landings, failures := make([]account.Landing, 10), make([]error, 10)
		storetest.Race(len(landings), func(i int) { landings[i], failures[i] = p.Land(ctx, visitor, arrivals[i%2]) })
		for i, l := range landings {
			if p.want("a tab", failures[i], nil); l.Admission.Session != landings[i%2].Admission.Session || l.Admission.Access.Empty() || l.Destination != "/dash" {
				p.Errorf("%d: %+v", i, l)
			}
		}
		if n := p.rows("sessions"); n != 2 {
			p.Errorf("%d sessions of two sign-ins", n)
		}
		p.m.Clock.Forward(31 * time.Second)
		_, err := p.Land(ctx, visitor, arrivals[0])
		p.want("later", err, gate.ErrFlow)
		denied, _ := p.leave(browser)
		u, err := url.Parse(p.provider.SignIn(denied, "ada", false))
		p.must(err)
		no := federation.Arrival{Provider: "authentik", State: secret.NewText(u.Query().Get("state")), Issuer: u.Query().Get("iss"), Error: u.Query().Get("error"), Browsers: []secret.Text{browser}, RedirectURI: back}
		for range 2 {
			l, err := p.Land(ctx, visitor, no)
			if p.want("denied", err, gate.ErrProviderRefused); l.Destination != "/dash" {
				p.Errorf("denied: %+v", l)
			}
		}
	})
}

func TestBothSidesAreProvedToConnect(t *testing.T) {
	withProvider(t, nil, func(p *airport) {
		bob := p.as(p.user("bob", gate.RoleUser))
		connect := func(who, atReturn gate.Caller, login string) (account.Landing, error) {
			address, browser, err := p.ConnectElsewhere(ctx, who, federation.Departure{Provider: "authentik", Destination: "/settings", RedirectURI: back})
			p.must(err)
			return p.Land(ctx, atReturn, p.travel(address, browser, login))
		}
		_, err := connect(bob, visitor, "ada")
		p.want("signed out meanwhile", err, gate.ErrFlow)
		eve := p.as(p.user("eve", gate.RoleUser))
		_, err = connect(bob, eve, "ada")
		p.want("somebody else by now", err, gate.ErrFlow)
		l, err := connect(bob, bob, "ada")
		if p.want("connect", err, nil); !l.Connected || l.Admission.Session != "" || l.Destination != "/settings" {
			p.Errorf("landing %+v", l)
		}
		_, err = connect(eve, eve, "ada")
		p.want("what is bob's", err, gate.ErrIdentityTaken)
		in, err := p.round("ada")
		if p.want("sign in by it", err, nil); in.New || in.Admission.User.ID != bob.Principal {
			p.Errorf("landing %+v", in)
		}
		kept, err := p.MyIdentities(ctx, bob)
		if p.must(err); len(kept) != 1 || kept[0].Connector != "authentik" {
			p.Fatalf("identities %+v", kept)
		}
		p.want("another's", p.Disconnect(ctx, eve, kept[0].ID), gate.ErrIdentityAbsent)
		p.want("NUL", p.Disconnect(ctx, bob, "\x00"), gate.ErrIdentityAbsent)
		p.want("the last way in", p.Disconnect(ctx, bob, kept[0].ID), gate.ErrLastWayIn)
		p.write(func(tx *store.Tx) error { return tx.SetPasswordVerifier(bob.Principal, "a verifier") })
		p.want("disconnect", p.Disconnect(ctx, bob, kept[0].ID), nil)
		byKey := visitor.AsKey(gate.Principal{ID: bob.Principal, Kind: gate.KindUser}, "a key")
		_, _, err = p.ConnectElsewhere(ctx, byKey, federation.Departure{Provider: "authentik", RedirectURI: back})
		p.want("with a key", err, gate.ErrNeedsSession)
		_, _, err = p.SignInElsewhere(ctx, visitor, federation.Departure{Provider: "nobody", RedirectURI: back})
		p.want("an unknown provider", err, gate.ErrProviderUnknown)
	})
}
