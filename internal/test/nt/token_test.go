//go:build unix

package nt_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

// payload decodes the middle of a JWT.
func payload(t *testing.T, token string, into any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %d parts", len(parts))
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// forge signs a token with the secret that the daarion face shares.
func forge(header, claims string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(house.Secret))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// variants are tokens that differ from a good one where a sloppy reader would
// not see it.
func variants(token string) map[string]string {
	all := map[string]string{"nothing": "", "twice": token + token, "backwards": backwards(token)}
	for n := 1; n <= min(len(token)-1, 12); n++ {
		all[fmt.Sprintf("%d characters less", n)] = token[:len(token)-n]
	}
	for _, n := range []int{1, 2, 3} {
		all[fmt.Sprintf("%d characters less in front", n)] = token[n:]
	}
	for _, tail := range []string{"=", "==", ".", "A", "%00", "\\u0000", "\\n", "~", "#", "?x=1", ";", ",", "-", "_", "+", "/"} {
		all["with "+tail] = token + tail
	}
	all["upper case"], all["lower case"] = strings.ToUpper(token), strings.ToLower(token)
	all["base64 for base64url"] = strings.NewReplacer("-", "+", "_", "/").Replace(token)
	all["padded parts"] = strings.ReplaceAll(token, ".", "=.")
	all["with spare bits"] = spareBits(token)
	all["last character changed"] = token[:len(token)-1] + string(other(token[len(token)-1]))
	for name, variant := range all {
		if variant == token {
			delete(all, name)
		}
	}
	return all
}

func backwards(text string) string {
	var b strings.Builder
	for i := len(text) - 1; i >= 0; i-- {
		b.WriteByte(text[i])
	}
	return b.String()
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// spareBits sets a bit of the last character that no byte of the signature uses.
func spareBits(token string) string {
	last := strings.IndexByte(base64url, token[len(token)-1])
	return token[:len(token)-1] + string(base64url[last^1])
}

func other(c byte) byte {
	if c == 'x' {
		return 'y'
	}
	return 'x'
}

// NT-TOK-6: ZITADEL CVE-2026-27840.
func TestNT_TOK_6_ATokenIsGoodOnlyAsItWasIssued(t *testing.T) {
	onEveryFace(t, house.Options{}, func(t *testing.T, h *house.House, m mouth) {
		tokens, watcher := enter(t, h, m, "ada@example.org"), enter(t, h, m, "eve@example.org")
		for how, access := range variants(tokens.Access) {
			if clean := !strings.ContainsAny(access, "\\"); clean {
				want(t, m.me+" "+how, h.Get(m.face, m.me, "Authorization: Bearer "+access), http.StatusUnauthorized)
			}
			if a := introspect(h, m, watcher, access); strings.Contains(a.Body, `"active":true`) {
				t.Errorf("introspect %s: %s", how, a.Body)
			}
		}
		for how, refresh := range variants(tokens.Refresh) {
			wantRefusal(t, m.refresh+" "+how, h.Post(m.face, m.refresh, refreshBody(refresh)))
		}
		want(t, "the token itself", h.Get(m.face, m.me, tokens.Bearer()), http.StatusOK)
		want(t, "the refresh token itself", h.Post(m.face, m.refresh, refreshBody(tokens.Refresh)), http.StatusOK)
	})
}

// introspect asks a face about a token.
func introspect(h *house.House, m mouth, asker house.Tokens, token string) house.Answer {
	if m.face == "native" {
		return h.Do(http.MethodPost, m.face, "/api/v1/introspect", url.Values{"token": {token}}.Encode(), "Content-Type: application/x-www-form-urlencoded", asker.Bearer())
	}
	return h.Post(m.face, "/api/auth/introspect", `{"token":"`+token+`"}`)
}

// NT-TOK-8: Vault CVE-2024-5798; Keycloak CVE-2026-37979, CVE-2026-9704; Casdoor
// CVE-2026-9094, CVE-2026-9097; Dex GHSA-7qjx-gp9h-65qj.
func TestNT_TOK_8_ATokenIsGoodForOneThing(t *testing.T) {
	for _, secret := range []string{house.Secret, house.Unset} { // unset: both faces sign with the same key
		t.Run(fmt.Sprintf("shared=%t", secret == house.Secret), func(t *testing.T) {
			house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
				h := house.Start(t, house.Options{Engine: engine, Set: map[string]string{"daarion.jwt.secret": secret}})
				setup := setupToken(t, h)
				daarion, native := enter(t, h, mouths[0], "a@example.org"), enter(t, h, mouths[1], "b@example.org")
				own := map[string]house.Tokens{"daarion": daarion, "native": native}
				foreign := map[string]house.Tokens{"daarion": native, "native": daarion}
				for _, m := range mouths {
					for what, token := range map[string]string{
						"a refresh token": own[m.face].Refresh, "the other face's access token": foreign[m.face].Access,
						"the other face's refresh token": foreign[m.face].Refresh, "a set-up token": setup,
					} {
						want(t, what+" as access token at "+m.face, h.Get(m.face, m.me, "Authorization: Bearer "+token), http.StatusUnauthorized)
						if a := introspect(h, m, own[m.face], token); strings.Contains(a.Body, `"active":true`) {
							t.Errorf("%s is active at %s: %s", what, m.face, a.Body)
						}
					}
					for what, token := range map[string]string{
						"an access token": own[m.face].Access, "the other face's access token": foreign[m.face].Access, "a set-up token": setup,
					} {
						want(t, what+" as refresh token at "+m.face, h.Post(m.face, m.refresh, refreshBody(token)), http.StatusUnauthorized)
					}
				}
			})
		})
	}
}

// NT-TOK-8, claims: of a token that is signed with the right secret, type,
// issuer, expiry and session count, too.
func TestNT_TOK_8_TheRightSignatureIsNotEnough(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := house.Start(t, house.Options{Engine: engine})
		tokens, victim := enter(t, h, mouths[0], "a@example.org"), enter(t, h, mouths[0], "victim@example.org")
		var good map[string]any
		payload(t, tokens.Access, &good)
		const header = `{"alg":"HS256","typ":"JWT"}`
		sign := func(change func(claims map[string]any)) string {
			claims := map[string]any{}
			for name, value := range good {
				claims[name] = value
			}
			change(claims)
			text, err := json.Marshal(claims)
			if err != nil {
				t.Fatal(err)
			}
			return forge(header, string(text))
		}
		want(t, "the forger's own good token", h.Get("daarion", "/api/auth/me", "Authorization: Bearer "+sign(func(map[string]any) {})), http.StatusOK)
		for what, token := range map[string]string{
			"of type refresh":        sign(func(c map[string]any) { c["type"] = "refresh" }),
			"without type":           sign(func(c map[string]any) { delete(c, "type") }),
			"of type verification":   sign(func(c map[string]any) { c["type"] = "email_verification" }),
			"of another issuer":      sign(func(c map[string]any) { c["iss"] = "somebody" }),
			"without issuer":         sign(func(c map[string]any) { delete(c, "iss") }),
			"without expiry":         sign(func(c map[string]any) { delete(c, "exp") }),
			"of another user":        sign(func(c map[string]any) { c["sub"] = victim.UserID }),
			"without session":        sign(func(c map[string]any) { delete(c, "sid") }),
			"of a made-up session":   sign(func(c map[string]any) { c["sid"] = "00000000-0000-4000-8000-000000000001" }),
			"with a list as subject": sign(func(c map[string]any) { c["sub"] = []string{tokens.UserID} }),
			"not valid yet":          sign(func(c map[string]any) { c["nbf"] = 9999999999 }),
			"with alg none":          forge(`{"alg":"none","typ":"JWT"}`, `{}`),
			"with an unknown crit":   forge(`{"alg":"HS256","typ":"JWT","crit":["x"],"x":1}`, `{}`),
			"with two algs":          forge(`{"alg":"HS256","alg":"none","typ":"JWT"}`, `{}`),
		} {
			wantRefusal(t, "a token "+what, h.Get("daarion", "/api/auth/me", "Authorization: Bearer "+token))
			if a := introspect(h, mouths[0], tokens, token); a.Status != http.StatusOK || strings.Contains(a.Body, `"active":true`) {
				t.Errorf("introspect a token %s: %d %s", what, a.Status, a.Body)
			}
		}
	})
}

// NT-TOK-16: Keycloak CVE-2026-8922.
func TestNT_TOK_16_InactiveTokensLookAlike(t *testing.T) {
	onEveryFace(t, house.Options{}, func(t *testing.T, h *house.House, m mouth) {
		asker, ended := enter(t, h, m, "a@example.org"), enter(t, h, m, "b@example.org")
		foreign := enter(t, h, mouths[(indexOf(m)+1)%2], "c@example.org")
		signOut(t, h, m, ended)
		seen := map[string]string{}
		for what, token := range map[string]string{
			"unknown": "no.such.token", "revoked": ended.Access, "foreign": foreign.Access, "a refresh token": asker.Refresh,
			"garbage": strings.Repeat("x", 5000),
		} {
			seen[anonymous(introspect(h, m, asker, token))] += what + ", "
		}
		if len(seen) != 1 {
			t.Errorf("they differ: %v", seen)
		}
		if a := introspect(h, m, asker, asker.Access); !strings.Contains(a.Body, `"active":true`) {
			t.Errorf("a good one: %s", a.Body)
		}
	})
}

func indexOf(m mouth) int {
	if m.face == mouths[0].face {
		return 0
	}
	return 1
}

// NT-TOK-16, who may ask. (The daarion face answers everybody, as its original
// does: the services behind it send no credential.)
func TestNT_TOK_16_TheNativeFaceKnowsWhoIntrospects(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := house.Start(t, house.Options{Engine: engine})
		tokens := enter(t, h, mouths[1], "a@example.org")
		const form = "Content-Type: application/x-www-form-urlencoded"
		body := url.Values{"token": {tokens.Access}}.Encode()
		want(t, "nobody", h.Do(http.MethodPost, "native", "/api/v1/introspect", body, form), http.StatusUnauthorized)
		want(t, "somebody with a bad token", h.Do(http.MethodPost, "native", "/api/v1/introspect", body, form, "Authorization: Bearer x.y.z"), http.StatusUnauthorized)
		wantRefusal(t, "the token in the query", h.Do(http.MethodPost, "native", "/api/v1/introspect?"+body, "", form, tokens.Bearer()))
		wantRefusal(t, "two tokens", h.Do(http.MethodPost, "native", "/api/v1/introspect", body+"&"+body, form, tokens.Bearer()))
		wantRefusal(t, "an access token in the query", h.Get("native", "/api/v1/me?access_token="+tokens.Access))
		wantRefusal(t, "an access token in the query of the daarion face", h.Get("daarion", "/api/auth/me?access_token="+tokens.Access+"&token="+tokens.Access))
	})
}

// NT-TOK-16, revocation (RFC 7009 §2.2): ending what does not exist succeeds.
func TestNT_TOK_16_LoggingOutAnUnknownTokenSucceeds(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := house.Start(t, house.Options{Engine: engine})
		tokens := h.SignUp("a@example.org")
		for _, token := range []string{"unknown", tokens.Access, tokens.Refresh, tokens.Refresh} {
			want(t, "logout", h.Post("daarion", "/api/auth/logout", refreshBody(token)), http.StatusOK)
		}
	})
}
