//go:build unix

package microdao_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dialect/microdao"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// credential is something that is presented, and what /auth/me makes of it.
type credential struct{ kind, text, want string }

// TestACredentialIsTheSameWhereverItComes: each of 10,000 credentials, good,
// nearly good and no good at all, is sent in every header that takes one, as it
// is and percent-encoded. Whatever a proxy did to it, the answer is the same.
func TestACredentialIsTheSameWhereverItComes(t *testing.T) {
	count := 10_000
	if testing.Short() {
		count = 600
	}
	inTheCity(t, func(c *city) {
		drawn := make(chan credential)
		var workers sync.WaitGroup
		for seed := range uint64(4) {
			workers.Go(func() {
				random := rand.New(rand.NewPCG(seed, 7011))
				for credential := range drawn {
					c.everyWay(random, credential)
				}
			})
		}
		for _, credential := range c.draw(count) {
			drawn <- credential
		}
		close(drawn)
		workers.Wait()
	})
}

// draw makes a mix of credentials, a fifth of them good.
func (c *city) draw(count int) []credential {
	c.TB.Helper()
	random := rand.New(rand.NewPCG(1, 7011))
	good, ended := c.good(), c.ended()
	all := append(ended, good...)
	drawn := make([]credential, count)
	kinds := map[string]int{}
	for i := range drawn {
		switch i % 5 {
		case 0:
			drawn[i] = good[random.IntN(len(good))]
		case 1:
			drawn[i] = ended[random.IntN(len(ended))]
		case 2, 3:
			drawn[i] = mutated(random, all[random.IntN(len(all))])
		default:
			drawn[i] = made(random)
		}
		kinds[drawn[i].kind]++
	}
	if len(kinds) < 17 {
		c.TB.Errorf("only %v", kinds)
	}
	return drawn
}

func (c *city) good() []credential {
	c.TB.Helper()
	user, admin, sofia := c.session("user@daarion.city"), c.session("admin@daarion.city"), c.session("sofia@agents.daarion.city")
	jwt := c.Post("native", "/api/v1/login", `{"email":"user@daarion.city","password":"any"}`).Field("access_token")
	return []credential{
		{"session", user, asUser},
		{"administrator's session", admin, asAdmin},
		{"agent's session", sofia, asSofia},
		{"native token", jwt, asUser},
		{"key", c.key(user, `{}`), asUser},
		{"administrator's key", c.key(admin, `{"expires_days":1}`), asAdmin},
		{"agent's key", c.key(sofia, `{}`), asSofia},
		{"key for the city", c.key(user, `{"scopes":["orgs:daarion"]}`), `{"actor_id":"user:93","actor_type":"human","microdao_ids":["microdao:daarion"],"roles":["member"],"user_id":"93","display_name":"User"}`},
		{"key for nothing", c.key(user, `{"scopes":[]}`), `{"actor_id":"user:93","actor_type":"human","microdao_ids":[],"roles":[],"user_id":"93","display_name":"User"}`},
	}
}

// ended are credentials that look good and are not, or not any more.
func (c *city) ended() []credential {
	c.TB.Helper()
	session := c.Post(microdao.Name, "/auth/login", `{"email":"user@daarion.city","password":"any"}`)
	bearer := "Authorization: Bearer " + session.Field("session_token")
	key := c.Post(microdao.Name, "/auth/api-keys", `{}`, bearer)
	c.Do("DELETE", microdao.Name, "/auth/api-keys/"+key.Field("id"), "", bearer)
	c.Post(microdao.Name, "/auth/logout", `{}`, bearer)
	gone := c.SignUp("gone@example.org")
	gones := c.Post(microdao.Name, "/auth/login", `{"email":"gone@example.org","password":"`+house.Password+`"}`).Field("session_token")
	goneKey := c.key(gones, `{}`)
	if err := c.Server.House().Account.SetDisabled(c.TB.Context(), house.Operator, gate.PrincipalID(gone.UserID), true); err != nil {
		c.TB.Fatal(err)
	}
	return []credential{
		{"ended session", session.Field("session_token"), asNobody},
		{"refresh token", session.Field("refresh_token"), asNobody},
		{"revoked key", key.Field("key"), asNobody},
		{"disabled user's session", gones, asNobody},
		{"disabled user's key", goneKey, asNobody},
		{"another face's token", gone.Access, asNobody},
	}
}

// visible is what a header takes as it is.
const visible = `!"#$&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_` + "`" + `abcdefghijklmnopqrstuvwxyz{|}~`

// mutated is a credential with one thing wrong.
func mutated(random *rand.Rand, of credential) credential {
	text := []byte(of.text)
	at := random.IntN(len(text))
	switch random.IntN(5) {
	case 0: // another character
		text[at] = visible[random.IntN(len(visible))]
	case 1: // one too few
		text = append(text[:at:at], text[at+1:]...)
	case 2: // one too many
		text = append(text[:at:at], append([]byte{visible[random.IntN(len(visible))]}, text[at:]...)...)
	case 3: // the beginning
		text = text[:max(at, 1)]
	case 4: // in capitals
		text = []byte(strings.ToUpper(of.text))
	}
	if string(text) == of.text {
		return of
	}
	return credential{"nearly " + of.kind, string(text), asNobody}
}

// made is made up: text, or bytes that only fit into a header percent-encoded.
func made(random *rand.Rand) credential {
	text := make([]byte, 1+random.IntN(90))
	for i := range text {
		text[i] = visible[random.IntN(len(visible))]
	}
	kind := "text"
	if random.IntN(2) == 0 {
		kind = "bytes"
		for range 1 + random.IntN(4) {
			text[random.IntN(len(text))] = byte(random.IntN(256))
		}
	}
	prefix := []string{"", "", "dk_", "gh_ak_", "gh_st_"}[random.IntN(5)]
	return credential{kind, prefix + string(text), asNobody}
}

// everyWay sends a credential in all headers, as it is where it fits, partly and
// wholly percent-encoded.
func (c *city) everyWay(random *rand.Rand, of credential) {
	for _, as := range []struct{ how, text string }{
		{"as it is", of.text}, {"partly encoded", encoded(random, of.text, 0.3)}, {"encoded", encoded(random, of.text, 1)},
	} {
		for _, header := range []string{"X-API-Key: ", "Authorization: Bearer ", "Cookie: session_token="} {
			if as.how == "as it is" && !fits(header, as.text) {
				continue
			}
			a, err := c.Try("GET", microdao.Name, "/auth/me", "", header+as.text)
			status := 200
			if of.want == asNobody {
				status = 401
			}
			if err != nil || a.Status != status || a.Body != of.want {
				c.TB.Errorf("%s, %s, %s%q: %d %s (%v), want %d", of.kind, as.how, header, as.text, a.Status, a.Body, err, status)
			}
		}
	}
}

// encoded has so many of its characters percent-encoded (RFC 3986 §2.1), and all
// that no header takes.
func encoded(random *rand.Rand, text string, share float64) string {
	var out strings.Builder
	for _, b := range []byte(text) {
		switch {
		case random.Float64() >= share && fits("Cookie: ", string(b)):
			out.WriteByte(b)
		case random.IntN(2) == 0:
			fmt.Fprintf(&out, "%%%02x", b)
		default:
			fmt.Fprintf(&out, "%%%02X", b)
		}
	}
	return out.String()
}

// fits reports whether a header carries the text unchanged; cookies are choosier
// (RFC 6265 §4.1.1).
func fits(header, text string) bool {
	for _, b := range []byte(text) {
		if !strings.Contains(visible, string(rune(b))) || strings.HasPrefix(header, "Cookie") && strings.Contains(`",;\`, string(rune(b))) {
			return false
		}
	}
	return true
}
