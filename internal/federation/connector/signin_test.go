package connector

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse/gatehouse/internal/secret"
)

func TestASignInMakesAProfile(t *testing.T) {
	p := serve(t)
	profile, err := finish(t, p.client(), theAnswer())
	if err != nil {
		t.Fatal(err)
	}
	want := Profile{
		Issuer: p.URL, Subject: "subject-1", Email: "ada@example.org", EmailVerified: true, Name: "Ada Lovelace",
		Username: "ada", Picture: "https://example.org/ada.png", Locale: "en-GB",
	}
	tokens, claims := profile.Tokens, profile.Claims
	profile.Tokens, profile.Claims = Tokens{}, nil
	if got, _ := json.Marshal(profile); string(got) != string(must(json.Marshal(want))) {
		t.Errorf("the profile is %s", got)
	}
	if tokens.Access.Reveal() != theAccess || tokens.Refresh.Reveal() != theRefresh || tokens.Scope != "openid email" ||
		!tokens.Expires.Equal(p.clock.Now().Add(time.Hour)) || strings.Count(tokens.ID.Reveal(), ".") != 2 {
		t.Errorf("the tokens are %+v", tokens)
	}
	var said map[string]any
	if json.Unmarshal(claims, &said) != nil || said["sub"] != "subject-1" {
		t.Errorf("the claims are %s", claims)
	}
	if n := p.requests("/userinfo"); n != 0 {
		t.Errorf("userinfo was asked %d times, though the ID token says everything", n)
	}
}

func must(document []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return document
}

func TestUserinfoCompletesTheProfile(t *testing.T) {
	for name, c := range map[string]struct {
		claims   func(map[string]any)
		userinfo string
		want     Profile // of these, what is compared
	}{
		"the address": {
			func(m map[string]any) { delete(m, "email") },
			`{"sub":"subject-1","email":"grace@example.org","email_verified":true,"name":"Grace"}`,
			Profile{Email: "grace@example.org", EmailVerified: true, Name: "Ada Lovelace"},
		},
		"the name": {
			func(m map[string]any) { delete(m, "name") },
			`{"sub":"subject-1","name":"Ada of userinfo"}`,
			Profile{Email: "ada@example.org", EmailVerified: true, Name: "Ada of userinfo"},
		},
		"nothing, and there is no address": {
			func(m map[string]any) { delete(m, "email") },
			`{"sub":"subject-1"}`,
			Profile{Name: "Ada Lovelace"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t)
			p.claims, p.userinfo = c.claims, c.userinfo
			got, err := finish(t, p.client(), theAnswer())
			if err != nil || got.Email != c.want.Email || got.EmailVerified != c.want.EmailVerified || got.Name != c.want.Name {
				t.Errorf("the profile is %q, verified %v, %q, error %v", got.Email, got.EmailVerified, got.Name, err)
			}
			if p.requests("/userinfo") != 1 {
				t.Error("userinfo was not asked")
			}
		})
	}
}

// A name is not worth failing for; an address is.
func TestUserinfoThatIsAway(t *testing.T) {
	p := serve(t)
	p.do("/userinfo", status(http.StatusBadGateway))
	c := p.client()
	p.claims = func(m map[string]any) { delete(m, "name") }
	if got, err := finish(t, c, theAnswer()); err != nil || got.Email != "ada@example.org" {
		t.Errorf("without a name: %q, %v", got.Email, err)
	}
	p.claims = func(m map[string]any) { delete(m, "email") }
	if _, err := finish(t, c, theAnswer()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without an address: %v", err)
	}
}

func TestAuthorizationURLHasItsParametersInOrder(t *testing.T) {
	p := serve(t)
	s := start()
	s.Prompt, s.LoginHint, s.Scopes = "login", "ada+1@example.org", []string{"offline_access", "openid"}
	got, err := p.client().AuthorizationURL(t.Context(), s)
	want := p.URL + "/authorize?response_type=code&client_id=gatehouse+client%2B1&state=state-of-the-test" +
		"&scope=offline_access+openid+email+profile&redirect_uri=https%3A%2F%2Fhouse.example%2Fcallback&nonce=nonce-of-the-test" +
		"&prompt=login&login_hint=ada%2B1%40example.org&code_challenge_method=S256&code_challenge="
	if err != nil || !strings.HasPrefix(got, want) || strings.Contains(got, theVerifier) || len(got) != len(want)+43 {
		t.Errorf("error %v\n got %s\nwant %s", err, got, want)
	}
	p.metadata["authorization_endpoint"] = p.URL + "/authorize?tenant=1"
	if got, err := p.client().AuthorizationURL(t.Context(), start()); err != nil || !strings.Contains(got, "?tenant=1&response_type=code&") {
		t.Errorf("behind other parameters: %s, %v", got, err)
	}
}

// What a sign-in cannot be safe without is not left out by mistake.
func TestASignInWithoutItsSecretsIsRefused(t *testing.T) {
	p := serve(t)
	c := p.client()
	for name, change := range map[string]func(*Start, *Answer){
		"no nonce":         func(s *Start, a *Answer) { s.Nonce, a.Nonce = "", "" },
		"no verifier":      func(s *Start, a *Answer) { s.Verifier, a.Verifier = secret.Text{}, secret.Text{} },
		"a short verifier": func(s *Start, a *Answer) { s.Verifier = secret.NewText("short"); a.Verifier = s.Verifier },
		"no redirect URI":  func(s *Start, a *Answer) { s.RedirectURI, a.RedirectURI = "", "" },
	} {
		s, a := start(), theAnswer()
		change(&s, &a)
		if _, err := c.AuthorizationURL(t.Context(), s); !errors.Is(err, errStart) {
			t.Errorf("%s: AuthorizationURL: %v", name, err)
		}
		if _, err := finish(t, c, a); !errors.Is(err, errAnswer) {
			t.Errorf("%s: Finish: %v", name, err)
		}
	}
	for _, code := range []string{"", " ", "a\nb", strings.Repeat("x", maxCode+1)} {
		a := theAnswer()
		a.Code = secret.NewText(code)
		if _, err := finish(t, c, a); !errors.Is(err, ErrRefused) {
			t.Errorf("a code of %d bytes: %v", len(code), err)
		}
	}
	if p.requests("/token") != 0 {
		t.Error("the token endpoint was asked")
	}
}

func TestTheSecretIsSentAsTheProviderTakesIt(t *testing.T) {
	for name, c := range map[string]struct {
		set     ClientAuth
		offered []string
		takes   ClientAuth
	}{
		"nothing is said":           {"", nil, ClientSecretBasic},
		"both are offered":          {"", []string{"client_secret_post", "client_secret_basic"}, ClientSecretBasic},
		"only post is offered":      {"", []string{"private_key_jwt", "client_secret_post"}, ClientSecretPost},
		"post is set":               {ClientSecretPost, []string{"client_secret_basic"}, ClientSecretPost},
		"basic is set":              {ClientSecretBasic, []string{"client_secret_post"}, ClientSecretBasic},
		"something else is offered": {"", []string{"private_key_jwt"}, ClientSecretBasic},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t)
			p.auth, p.metadata["token_endpoint_auth_methods_supported"] = c.takes, c.offered
			s := p.settings()
			s.ClientAuth = c.set
			if _, err := finish(t, p.clientWith(s), theAnswer()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestIDTokensOfEveryKindOfKey(t *testing.T) {
	for name, c := range map[string]struct {
		algorithm, kid string
		key            jose.JSONWebKey
		signer         any
	}{
		"RSA":            {"RS256", "one", publicKey("one", rsaKey()), rsaKey()},
		"elliptic curve": {"ES256", "two", publicKey("two", ellipticKey()), ellipticKey()},
		"without names":  {"RS256", "", publicKey("", rsaKey()), rsaKey()},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t)
			p.keys = []jose.JSONWebKey{publicKey("other", anotherKey()), c.key}
			p.sign = func(claims map[string]any) string { return signed(c.algorithm, c.kid, c.signer, claims) }
			if _, err := finish(t, p.client(), theAnswer()); err != nil {
				t.Error(err)
			}
		})
	}
}

// Clocks differ, but not by more than a minute; and an audience may be a list.
func TestClaimsThatAreJustGoodEnough(t *testing.T) {
	for name, change := range map[string]func(m map[string]any, now int64){
		"expired a moment ago":     func(m map[string]any, now int64) { m["exp"] = now - 59 },
		"made in a moment":         func(m map[string]any, now int64) { m["iat"] = now + 60 },
		"valid in a moment":        func(m map[string]any, now int64) { m["nbf"] = now + 60 },
		"times with a fraction":    func(m map[string]any, now int64) { m["iat"] = float64(now) + 0.5 },
		"a list of one":            func(m map[string]any, _ int64) { m["aud"] = []string{theClient} },
		"several, given to us":     func(m map[string]any, _ int64) { m["aud"], m["azp"] = []string{"api", theClient}, theClient },
		"without at_hash":          func(m map[string]any, _ int64) { delete(m, "at_hash") },
		"members that are unknown": func(m map[string]any, _ int64) { m["EMAIL"], m["groups"] = "x", []any{1, nil} },
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t)
			p.claims = func(m map[string]any) { change(m, p.clock.Now().Unix()) }
			if got, err := finish(t, p.client(), theAnswer()); err != nil || got.Email != "ada@example.org" {
				t.Errorf("%q, %v", got.Email, err)
			}
		})
	}
}

func TestWhatIsUnfitToStoreIsLeftOut(t *testing.T) {
	p := serve(t)
	p.userinfo = `{"sub":"subject-1"}`
	p.claims = func(m map[string]any) {
		m["picture"] = 7
		m["name"], m["preferred_username"], m["locale"] = strings.Repeat("x", maxName+1), "a\x00b", 7
	}
	got, err := finish(t, p.client(), theAnswer())
	if err != nil || got.Name+got.Username+got.Locale != "" {
		t.Errorf("%q %q %q, %v", got.Name, got.Username, got.Locale, err)
	}
	for _, picture := range []string{
		"javascript:alert(1)", "javascript://example.org/%0aalert(1)", "http://example.org/x.png", "//example.org/x.png",
		"data:image/png,x", "https://", "https://a:b@example.org/x.png", "https://example.org/ x.png\n", "https://example.org/" + strings.Repeat("x", maxURL),
	} {
		p.claims = func(m map[string]any) { m["picture"] = picture }
		if got, err := finish(t, p.client(), theAnswer()); err != nil || got.Picture != "" {
			t.Errorf("%q became %q, %v", picture, got.Picture, err)
		}
	}
}

func TestEndSession(t *testing.T) {
	p := serve(t)
	c := p.client()
	if where, ok := c.EndSession(secret.NewText("hint"), "", ""); ok {
		t.Errorf("before discovery: %s", where)
	}
	if _, err := c.AuthorizationURL(t.Context(), start()); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]struct{ hint, back, state, want string }{
		"all":         {"a.b.c", "https://house.example/bye", "s&1", "id_token_hint=a.b.c&post_logout_redirect_uri=https%3A%2F%2Fhouse.example%2Fbye&client_id=gatehouse+client%2B1&state=s%261"},
		"no way back": {"a.b.c", "", "s", "id_token_hint=a.b.c&client_id=gatehouse+client%2B1"},
		"no hint":     {"", "https://house.example/bye", "", "post_logout_redirect_uri=https%3A%2F%2Fhouse.example%2Fbye&client_id=gatehouse+client%2B1"},
	} {
		if where, ok := c.EndSession(secret.NewText(call.hint), call.back, call.state); !ok || where != p.URL+"/end?"+call.want {
			t.Errorf("%s: %s, %v", name, where, ok)
		}
	}
	delete(p.metadata, "end_session_endpoint")
	without := p.client()
	_, _ = without.AuthorizationURL(t.Context(), start())
	if _, ok := without.EndSession(secret.Text{}, "", ""); ok {
		t.Error("a provider without an address to sign out at has one")
	}
	if _, ok := p.clientWith(p.plainSettings()).EndSession(secret.Text{}, "", ""); ok {
		t.Error("plain OAuth 2.0 has one")
	}
}

// plain makes the provider behave like GitHub.
func plain(t *testing.T, user, emails string) (*provider, *Client) {
	p := serve(t)
	p.do("/token", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "application/json" || r.PostFormValue("code_verifier") != theVerifier {
			t.Errorf("asked for tokens with %v", r.Header)
		}
		reply(w, 200, map[string]string{"access_token": theAccess, "token_type": "bearer", "scope": "read:user,user:email"})
	})
	for path, body := range map[string]string{"/user": user, "/user/emails": emails} {
		p.do(path, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer "+theAccess {
				t.Error("asked without the token")
			}
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			_, _ = w.Write([]byte(body))
		})
	}
	return p, p.clientWith(p.plainSettings())
}

func TestPlainOAuth(t *testing.T) {
	const user = `{"id":583231,"login":"octo","name":"Octo Cat","email":"public@example.org","avatar_url":"https://example.org/o.png"}`
	for name, c := range map[string]struct {
		emails, address string
		verified        bool
	}{
		"the primary one":        {`[{"email":"b@example.org","primary":false,"verified":true},{"email":"a@example.org","primary":true,"verified":true}]`, "a@example.org", true},
		"not verified":           {`[{"email":"a@example.org","primary":true,"verified":false},{"email":"b@example.org","primary":false,"verified":true}]`, "a@example.org", false},
		"verified in some way":   {`[{"email":"a@example.org","primary":true,"verified":"true"}]`, "a@example.org", false},
		"none is the primary":    {`[{"email":"a@example.org","primary":"true","verified":true}]`, "", false},
		"two are":                {`[{"email":"a@example.org","primary":true,"verified":true},{"email":"b@example.org","primary":true,"verified":true}]`, "", false},
		"there are none":         {`[]`, "", false},
		"one that is no address": {`[{"email":"a@corp.com@example.org","primary":true,"verified":true}]`, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			p, client := plain(t, user, c.emails)
			got, err := finish(t, client, theAnswer())
			if err != nil || got.Issuer != p.URL || got.Subject != "583231" || got.Username != "octo" || got.Name != "Octo Cat" ||
				got.Picture != "https://example.org/o.png" || got.Email != c.address || got.EmailVerified != c.verified {
				t.Errorf("%+v, %v", got, err)
			}
			if !got.Tokens.ID.Empty() || !got.Tokens.Expires.IsZero() || string(got.Claims) != user {
				t.Errorf("%+v, %s", got.Tokens, got.Claims)
			}
		})
	}
}

func TestPlainOAuthNeedsANumber(t *testing.T) {
	for _, id := range []string{`null`, `"583231"`, `0`, `-1`, `1.5`, `1e3`, `99999999999999999999`, `{}`, `true`} {
		_, c := plain(t, `{"login":"octo","id":`+id+`}`, `[]`)
		if _, err := finish(t, c, theAnswer()); !errors.Is(err, ErrUntrusted) {
			t.Errorf("id %s: %v", id, err)
		}
	}
}

func TestPlainOAuthAsksForNoNonceAndNoDiscovery(t *testing.T) {
	p, c := plain(t, `{}`, `[]`)
	s := start()
	s.Nonce = ""
	got, err := c.AuthorizationURL(context.Background(), s)
	if err != nil || !strings.Contains(got, "&scope=read%3Auser+user%3Aemail&") || strings.Contains(got, "nonce") ||
		!strings.Contains(got, "code_challenge_method=S256") {
		t.Errorf("%s, %v", got, err)
	}
	if p.requests("/.well-known/openid-configuration") != 0 {
		t.Error("discovery was asked")
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestPlainOAuthWithoutAnAddressForAddresses(t *testing.T) {
	p, _ := plain(t, `{"id":1,"email":"a@example.org"}`, `[]`)
	s := p.plainSettings()
	s.EmailsURL = ""
	got, err := finish(t, p.clientWith(s), theAnswer())
	if err != nil || got.Email != "a@example.org" || got.EmailVerified || p.requests("/user/emails") != 0 {
		t.Errorf("%q, verified %v, %v", got.Email, got.EmailVerified, err)
	}
}

func TestClaimsThatAreTooLargeToKeepAreLeftOut(t *testing.T) {
	_, c := plain(t, `{"id":1,"x":"`+strings.Repeat("x", maxClaims)+`"}`, `[]`)
	if got, err := finish(t, c, theAnswer()); err != nil || got.Subject != "1" || got.Claims != nil {
		t.Errorf("%d bytes, %v", len(got.Claims), err)
	}
}
