//go:build unix

package microdao_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dialect/microdao"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// What the people of the documentation are, as services read it.
const (
	asAdmin  = `{"actor_id":"user:1","actor_type":"human","microdao_ids":["microdao:daarion"],"roles":["system_admin","microdao_owner"],"user_id":"1","display_name":"Admin"}`
	asUser   = `{"actor_id":"user:93","actor_type":"human","microdao_ids":["microdao:daarion","microdao:7"],"roles":["member","microdao_owner"],"user_id":"93","display_name":"User"}`
	asSofia  = `{"actor_id":"agent:sofia","actor_type":"agent","microdao_ids":["microdao:daarion"],"roles":["agent"],"display_name":"Sofia"}`
	asNobody = `{"detail":"Unauthorized: No valid session token or API key"}`

	userID = gate.PrincipalID("d1a00093-0000-4000-8000-000000000093")
)

// city is a house with the people of the documentation.
type city struct {
	testing.TB
	*house.House
}

func inTheCity(t *testing.T, test func(c *city)) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		test(&city{t, house.Start(t, house.Options{Engine: engine, Demo: true})})
	})
}

// session signs in and returns the session token.
func (c *city) session(email string) string {
	c.TB.Helper()
	a := c.Post(microdao.Name, "/auth/login", `{"email":"`+email+`","password":"any"}`)
	if a.Status != 200 {
		c.TB.Fatalf("%s: %d %s", email, a.Status, a.Body)
	}
	return a.Field("session_token")
}

// key makes an API key.
func (c *city) key(session, body string) string {
	c.TB.Helper()
	a := c.Post(microdao.Name, "/auth/api-keys", body, "Authorization: Bearer "+session)
	if a.Status != 200 {
		c.TB.Fatalf("%s: %d %s", body, a.Status, a.Body)
	}
	return a.Field("key")
}

// is asks who a credential is.
func (c *city) is(what, credential, want string) {
	c.TB.Helper()
	if a := c.Get(microdao.Name, "/auth/me", "X-API-Key: "+credential); a.Body != want {
		c.TB.Errorf("%s: %d %s\nwant %s", what, a.Status, a.Body, want)
	}
}

func TestThePeopleOfTheDocumentationAreWhoTheyWere(t *testing.T) {
	inTheCity(t, func(c *city) {
		for email, want := range map[string]string{"admin@daarion.city": asAdmin, "user@daarion.city": asUser, "sofia@agents.daarion.city": asSofia} {
			session := c.session(email)
			c.is(email, session, want)
			c.is("a key of "+email, c.key(session, `{}`), want)
		}
	})
}

// TestAKeyReachesNoFurtherThanItsScopes: microDAOs and roles that are not named
// are not there.
func TestAKeyReachesNoFurtherThanItsScopes(t *testing.T) {
	inTheCity(t, func(c *city) {
		user, admin := c.session("user@daarion.city"), c.session("admin@daarion.city")
		for _, scoped := range []struct{ name, session, scopes, microdaos, roles string }{
			{"everything", user, `["*"]`, `["microdao:daarion","microdao:7"]`, `["member","microdao_owner"]`},
			{"nothing", user, `[]`, `[]`, `[]`},
			{"the city", user, `["orgs:daarion"]`, `["microdao:daarion"]`, `["member"]`},
			{"the district", user, `["orgs:7"]`, `["microdao:7"]`, `["microdao_owner"]`},
			{"both", user, `["orgs:*"]`, `["microdao:daarion","microdao:7"]`, `["member","microdao_owner"]`},
			{"another", user, `["orgs:8","orgs:daario"]`, `[]`, `[]`},
			{"a role that the user has not", user, `["roles:admin"]`, `[]`, `[]`},
			{"the role", admin, `["roles:admin"]`, `[]`, `["system_admin"]`},
			{"the city, not the role", admin, `["orgs:daarion"]`, `["microdao:daarion"]`, `["microdao_owner"]`},
		} {
			who := `{"actor_id":"user:93","actor_type":"human","microdao_ids":` + scoped.microdaos + `,"roles":` + scoped.roles + `,"user_id":"93","display_name":"User"}`
			if scoped.session == admin {
				who = strings.NewReplacer("93", "1", "User", "Admin").Replace(who)
			}
			c.is(scoped.name, c.key(scoped.session, `{"scopes":`+scoped.scopes+`}`), who)
		}
	})
}

// TestMembershipsAreTodays: the original wrote them into the session, once.
func TestMembershipsAreTodays(t *testing.T) {
	inTheCity(t, func(c *city) {
		session := c.session("user@daarion.city")
		key, city := c.key(session, `{}`), c.key(session, `{"scopes":["orgs:daarion"]}`)
		both := func(what, microdaos, roles string) {
			c.TB.Helper()
			who := `{"actor_id":"user:93","actor_type":"human","microdao_ids":` + microdaos + `,"roles":` + roles + `,"user_id":"93","display_name":"User"}`
			c.is("the session "+what, session, who)
			c.is("the key "+what, key, who)
		}
		both("at first", `["microdao:daarion","microdao:7"]`, `["member","microdao_owner"]`)
		c.change(func(tx *store.Tx) (bool, error) { return tx.SetMemberRole("7", userID, gate.OrgPowerUser) })
		both("with another role", `["microdao:daarion","microdao:7"]`, `["member","admin"]`)
		c.change(func(tx *store.Tx) (bool, error) { return tx.RemoveMember("7", userID) })
		both("after leaving", `["microdao:daarion"]`, `["member"]`)
		c.change(func(tx *store.Tx) (bool, error) { return tx.RemoveMember("daarion", userID) })
		both("in no microDAO", `[]`, `["member"]`)
		c.is("a key for the one that was left", city, `{"actor_id":"user:93","actor_type":"human","microdao_ids":[],"roles":[],"user_id":"93","display_name":"User"}`)
		c.change(func(tx *store.Tx) (bool, error) { return tx.AddMember("daarion", userID, gate.OrgAdmin) })
		both("after coming back", `["microdao:daarion"]`, `["microdao_owner"]`)
	})
}

// change does something in the store that has to change something.
func (c *city) change(deed func(*store.Tx) (bool, error)) {
	c.TB.Helper()
	c.Tx(func(tx *store.Tx) error {
		changed, err := deed(tx)
		if err == nil && !changed {
			c.TB.Error("nothing changed")
		}
		return err
	})
}

// TestUseIsNoted: the list tells when a key was last used, soon after.
func TestUseIsNoted(t *testing.T) {
	inTheCity(t, func(c *city) {
		session := c.session("user@daarion.city")
		key := c.key(session, `{}`)
		before := time.Now().Add(-time.Second)
		c.is("the key", key, asUser)
		var list []struct {
			LastUsed *time.Time `json:"last_used"`
		}
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			c.Get(microdao.Name, "/auth/api-keys", "Authorization: Bearer "+session).JSON(c.TB, &list)
			if len(list) == 1 && list[0].LastUsed != nil {
				break
			}
		}
		if len(list) != 1 || list[0].LastUsed == nil || list[0].LastUsed.Before(before) || list[0].LastUsed.After(time.Now()) {
			c.TB.Errorf("last used: %+v", list)
		}
	})
}

// TestTheCookieIsForTheBrowserAlone: scripts do not read it, other sites do not
// send it with what changes things, and by https nothing else carries it.
func TestTheCookieIsForTheBrowserAlone(t *testing.T) {
	for name, test := range map[string]struct{ url, also string }{
		"http":  {"http://localhost:7011", ""},
		"https": {"https://auth.daarion.city", "Secure; "},
	} {
		t.Run(name, func(t *testing.T) {
			c := &city{t, house.Start(t, house.Options{Engine: house.SQLite, Demo: true, Set: map[string]string{"public.url": test.url}})}
			a := c.Post(microdao.Name, "/auth/login", `{"email":"user@daarion.city","password":"any"}`)
			want := "session_token=" + a.Field("session_token") + "; Path=/; Max-Age=604800; HttpOnly; " + test.also + "SameSite=Lax"
			if got := a.Header.Values("Set-Cookie"); len(got) != 1 || got[0] != want {
				t.Errorf("cookies %q, want %q", got, want)
			}
		})
	}
}
