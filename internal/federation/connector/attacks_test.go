package connector

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// FusionAuth issue 2542: the address of one document, verified by another.
func TestNT_LINK_2_AnAddressIsVerifiedOnlyByTheDocumentItIsFrom(t *testing.T) {
	const victim = `"email":"victim@example.org"`
	for name, c := range map[string]struct {
		claims   func(map[string]any)
		userinfo string
		address  string
		verified bool
	}{
		"the ID token verifies another's": {
			func(m map[string]any) { delete(m, "name") },
			`{"sub":"subject-1","name":"x",` + victim + `}`, "ada@example.org", true,
		},
		"the ID token verifies nothing in particular": {
			func(m map[string]any) { delete(m, "email") },
			`{"sub":"subject-1",` + victim + `}`, "victim@example.org", false,
		},
		"userinfo verifies the ID token's": {
			func(m map[string]any) {
				m["email"], m["email_verified"] = "victim@example.org", false
				delete(m, "name")
			},
			`{"sub":"subject-1","email":"ada@example.org","email_verified":true}`, "victim@example.org", false,
		},
		"userinfo verifies what the ID token left open": {
			func(m map[string]any) { delete(m, "email_verified"); delete(m, "name") },
			`{"sub":"subject-1","email":"ada@example.org","email_verified":true}`, "ada@example.org", false,
		},
		"an unfit address in the ID token is not replaced": {
			func(m map[string]any) { m["email"] = "no address"; delete(m, "name") },
			`{"sub":"subject-1","email_verified":true,` + victim + `}`, "", false,
		},
		"not text in the ID token": {
			func(m map[string]any) { m["email"] = []string{"ada@example.org"}; delete(m, "name") },
			`{"sub":"subject-1","email_verified":true,` + victim + `}`, "", false,
		},
		"in other letters": {
			func(m map[string]any) { delete(m, "email"); m["Email"] = "ada@example.org" },
			`{"sub":"subject-1","EMAIL_VERIFIED":true,` + victim + `}`, "victim@example.org", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t)
			p.claims, p.userinfo = c.claims, c.userinfo
			got, err := finish(t, p.client(), theAnswer())
			if err != nil || got.Email != c.address || got.EmailVerified != c.verified {
				t.Errorf("%q, verified %v, error %v", got.Email, got.EmailVerified, err)
			}
		})
	}
}

// PocketBase CVE-2024-38351, Better Auth GHSA-g38m-r43w-p2q7, nOAuth: what is not
// JSON's true is not true.
func TestNT_LINK_2_OnlyTrueIsVerified(t *testing.T) {
	for name, value := range map[string]any{
		"text": "true", "a number": 1, "a list": []bool{true}, "an object": map[string]bool{"true": true},
		"nothing": nil, "false": false, "text of false": "false", "empty text": "",
	} {
		for _, source := range []string{"ID token", "userinfo"} {
			p := serve(t)
			p.claims = func(m map[string]any) { m["email_verified"] = value }
			if source == "userinfo" {
				p.claims = func(m map[string]any) { delete(m, "email") }
				p.userinfo = string(must(json.Marshal(map[string]any{"sub": "subject-1", "email": "ada@example.org", "email_verified": value})))
			}
			if got, err := finish(t, p.client(), theAnswer()); err != nil || got.EmailVerified || got.Email != "ada@example.org" {
				t.Errorf("%s, %s: verified %v, %q, %v", source, name, got.EmailVerified, got.Email, err)
			}
		}
	}
}

func TestNT_LINK_2_UserinfoOfAnotherSubjectIsRefused(t *testing.T) {
	for name, userinfo := range map[string]string{
		"another":          `{"sub":"subject-2","email":"victim@example.org","email_verified":true}`,
		"none":             `{"email":"victim@example.org","email_verified":true}`,
		"not text":         `{"sub":["subject-1"],"email":"victim@example.org"}`,
		"in other letters": `{"SUB":"subject-1","email":"victim@example.org"}`,
		"with a space":     `{"sub":"subject-1 ","email":"victim@example.org"}`,
	} {
		for _, lacks := range []string{"email", "name"} {
			p := serve(t)
			p.claims, p.userinfo = func(m map[string]any) { delete(m, lacks) }, userinfo
			if _, err := finish(t, p.client(), theAnswer()); !errors.Is(err, ErrUntrusted) {
				t.Errorf("%s, without %s: %v", name, lacks, err)
			}
		}
	}
	p := serve(t) // twice: no one can say which
	p.claims, p.userinfo = func(m map[string]any) { delete(m, "email") }, `{"sub":"subject-2","sub":"subject-1","email":"victim@example.org"}`
	if _, err := finish(t, p.client(), theAnswer()); err == nil {
		t.Error("two subjects are taken")
	}
}

// GoTrue CVE-2026-31813; ZITADEL CVE-2026-55669, GHSA-wxg7-w2v3-w38g.
func TestNT_LINK_4_AnIDTokenWithWrongClaimsIsRefused(t *testing.T) {
	for name, change := range map[string]func(m map[string]any, now int64){
		"another issuer":                 func(m map[string]any, _ int64) { m["iss"] = "https://attacker.example" },
		"issuer with a slash":            func(m map[string]any, _ int64) { m["iss"] = m["iss"].(string) + "/" },
		"issuer in capitals":             func(m map[string]any, _ int64) { m["iss"] = strings.ToUpper(m["iss"].(string)) },
		"no issuer":                      func(m map[string]any, _ int64) { delete(m, "iss") },
		"issuer in other letters":        func(m map[string]any, _ int64) { m["ISS"] = m["iss"]; delete(m, "iss") },
		"a list of issuers":              func(m map[string]any, _ int64) { m["iss"] = []any{m["iss"]} },
		"another audience":               func(m map[string]any, _ int64) { m["aud"] = "somebody-else" },
		"no audience":                    func(m map[string]any, _ int64) { delete(m, "aud") },
		"an empty audience":              func(m map[string]any, _ int64) { m["aud"] = []string{} },
		"an audience that begins so":     func(m map[string]any, _ int64) { m["aud"] = theClient + "2" },
		"an audience with more than ids": func(m map[string]any, _ int64) { m["aud"] = []any{theClient, 7} },
		"several audiences, no azp":      func(m map[string]any, _ int64) { m["aud"] = []string{theClient, "other"} },
		"given to another":               func(m map[string]any, _ int64) { m["azp"] = "other" },
		"several, given to another":      func(m map[string]any, _ int64) { m["aud"], m["azp"] = []string{theClient, "other"}, "other" },
		"given to a list":                func(m map[string]any, _ int64) { m["azp"] = []string{theClient} },
		"given to nobody":                func(m map[string]any, _ int64) { m["azp"] = nil },
		"expired":                        func(m map[string]any, now int64) { m["exp"] = now - 60 },
		"no exp":                         func(m map[string]any, _ int64) { delete(m, "exp") },
		"exp as text":                    func(m map[string]any, now int64) { m["exp"] = "9999999999" },
		"exp in no year":                 func(m map[string]any, now int64) { m["exp"] = 1e300 },
		"no iat":                         func(m map[string]any, _ int64) { delete(m, "iat") },
		"made in the future":             func(m map[string]any, now int64) { m["iat"] = now + 61 },
		"not valid yet":                  func(m map[string]any, now int64) { m["nbf"] = now + 61 },
		"nbf that is no time":            func(m map[string]any, _ int64) { m["nbf"] = nil },
		"another nonce":                  func(m map[string]any, _ int64) { m["nonce"] = theNonce + "2" },
		"no nonce":                       func(m map[string]any, _ int64) { delete(m, "nonce") },
		"an empty nonce":                 func(m map[string]any, _ int64) { m["nonce"] = "" },
		"at_hash of another token":       func(m map[string]any, _ int64) { m["at_hash"] = atHash("another") },
		"an empty at_hash":               func(m map[string]any, _ int64) { m["at_hash"] = "" },
		"no subject":                     func(m map[string]any, _ int64) { delete(m, "sub") },
		"an empty subject":               func(m map[string]any, _ int64) { m["sub"] = "" },
		"a number as subject":            func(m map[string]any, _ int64) { m["sub"] = 1 },
		"an endless subject":             func(m map[string]any, _ int64) { m["sub"] = strings.Repeat("x", 256) },
		"a subject with a NUL":           func(m map[string]any, _ int64) { m["sub"] = "subject-1\x00" },
		"a subject with a line":          func(m map[string]any, _ int64) { m["sub"] = "subject-1\n" },
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t)
			p.claims = func(m map[string]any) { change(m, p.clock.Now().Unix()) }
			if _, err := finish(t, p.client(), theAnswer()); !errors.Is(err, ErrUntrusted) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestNT_LINK_4_AnIDTokenThatTheProviderDidNotSignIsRefused(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	body := func(m map[string]any) string { return encode(must(json.Marshal(m))) }
	for name, sign := range map[string]func(m map[string]any) string{
		"alg none":                     func(m map[string]any) string { return encode([]byte(`{"alg":"none"}`)) + "." + body(m) + "." },
		"alg None":                     func(m map[string]any) string { return encode([]byte(`{"alg":"None"}`)) + "." + body(m) + "." },
		"no alg":                       func(m map[string]any) string { return encode([]byte(`{}`)) + "." + body(m) + "." },
		"HS256 with the client secret": func(m map[string]any) string { return signed("HS256", "one", []byte(theSecret), m) },
		"HS256 with the public key": func(m map[string]any) string {
			return signed("HS256", "one", must(json.Marshal(publicKey("one", rsaKey()))), m)
		},
		"another key, the same name":  func(m map[string]any) string { return signed("RS256", "one", anotherKey(), m) },
		"another key, another name":   func(m map[string]any) string { return signed("RS256", "evil", anotherKey(), m) },
		"another key, no name":        func(m map[string]any) string { return signed("RS256", "", anotherKey(), m) },
		"an algorithm not offered":    func(m map[string]any) string { return signed("PS256", "one", rsaKey(), m) },
		"an algorithm of another key": func(m map[string]any) string { return signed("ES256", "one", ellipticKey(), m) },
		"its own key in the header":   withKeyInHeader,
		"a changed payload":           func(m map[string]any) string { return tampered(signed("RS256", "one", rsaKey(), m)) },
		"a cut signature":             func(m map[string]any) string { s := signed("RS256", "one", rsaKey(), m); return s[:len(s)-8] },
		"JSON in place of compact":    asJSON,
		"no token":                    func(map[string]any) string { return "" },
		"no JWT":                      func(map[string]any) string { return "not.a.token" },
		"claims that are a list":      func(map[string]any) string { return signed("RS256", "one", rsaKey(), []int{1}) },
		"an issuer twice": func(m map[string]any) string {
			text := strings.Replace(string(must(json.Marshal(m))), `{`, `{"iss":"https://attacker.example",`, 1)
			return signedBytes("RS256", "one", rsaKey(), []byte(text))
		},
		"a subject twice": func(m map[string]any) string {
			text := strings.Replace(string(must(json.Marshal(m))), `{`, `{"sub":"victim",`, 1)
			return signedBytes("RS256", "one", rsaKey(), []byte(text))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t)
			p.sign = sign
			if _, err := finish(t, p.client(), theAnswer()); !errors.Is(err, ErrUntrusted) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func withKeyInHeader(claims map[string]any) string {
	signer, _ := jose.NewSigner(jose.SigningKey{Algorithm: "RS256", Key: anotherKey()}, &jose.SignerOptions{EmbedJWK: true})
	token, _ := signer.Sign(must(json.Marshal(claims)))
	text, _ := token.CompactSerialize()
	return text
}

func tampered(token string) string {
	parts := strings.Split(token, ".")
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), "subject-1", "subject-2", 1)))
	return strings.Join(parts, ".")
}

func asJSON(claims map[string]any) string {
	token, err := jose.ParseSignedCompact(signed("RS256", "one", rsaKey(), claims), []jose.SignatureAlgorithm{"RS256"})
	if err != nil {
		panic(err)
	}
	return token.FullSerialize()
}

// A key set can be misused, too.
func TestNT_LINK_4_KeysThatAreNotForSigningAreNotUsed(t *testing.T) {
	good := publicKey("one", rsaKey())
	for name, change := range map[string]func(*provider){
		"for encryption": func(p *provider) { good.Use = "enc"; p.keys = []jose.JSONWebKey{good} },
		"of another algorithm": func(p *provider) {
			p.keys = []jose.JSONWebKey{{Key: rsaKey().Public(), KeyID: "one", Algorithm: "PS256"}}
		},
		"a private one":   func(p *provider) { p.keys = []jose.JSONWebKey{{Key: rsaKey(), KeyID: "one"}} },
		"a shared secret": func(p *provider) { p.keys = []jose.JSONWebKey{{Key: []byte(theSecret), KeyID: "one"}} },
		"none":            func(p *provider) { p.keys = nil },
	} {
		p := serve(t)
		change(p)
		if _, err := finish(t, p.client(), theAnswer()); !errors.Is(err, ErrUntrusted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A pinned algorithm stays pinned, whatever discovery offers later.
func TestNT_LINK_4_APinnedAlgorithmIsTheOnlyOne(t *testing.T) {
	p := serve(t)
	p.keys = append(p.keys, publicKey("two", ellipticKey()))
	s := p.settings()
	s.Algorithms = []string{"ES256"}
	c := p.clientWith(s)
	if _, err := finish(t, c, theAnswer()); !errors.Is(err, ErrUntrusted) {
		t.Errorf("RS256: %v", err)
	}
	p.sign = func(m map[string]any) string { return signed("ES256", "two", ellipticKey(), m) }
	if _, err := finish(t, c, theAnswer()); err != nil {
		t.Errorf("ES256: %v", err)
	}
	p.metadata["id_token_signing_alg_values_supported"] = []string{"HS256", "none"}
	if _, err := finish(t, p.client(), theAnswer()); !errors.Is(err, ErrMisconfigured) {
		t.Errorf("none of ours: %v", err)
	}
	delete(p.metadata, "id_token_signing_alg_values_supported") // then it is RS256
	if _, err := finish(t, p.client(), theAnswer()); !errors.Is(err, ErrUntrusted) {
		t.Errorf("nothing offered, ES256 used: %v", err)
	}
}

func TestNT_LINK_4_DiscoveryOfAnotherIssuerIsRefused(t *testing.T) {
	for name, change := range map[string]func(p *provider){
		"another":          func(p *provider) { p.metadata["issuer"] = "https://attacker.example" },
		"with a slash":     func(p *provider) { p.metadata["issuer"] = p.URL + "/" },
		"none":             func(p *provider) { delete(p.metadata, "issuer") },
		"in other letters": func(p *provider) { p.metadata["ISSUER"] = p.URL; delete(p.metadata, "issuer") },
		"a script":         func(p *provider) { p.metadata["authorization_endpoint"] = "javascript:alert(1)" },
		"with a password":  func(p *provider) { p.metadata["token_endpoint"] = "https://a:b@example.org/token" },
		"a file":           func(p *provider) { p.metadata["jwks_uri"] = "file:///etc/passwd" },
		"no keys":          func(p *provider) { delete(p.metadata, "jwks_uri") },
		"a bad way out":    func(p *provider) { p.metadata["end_session_endpoint"] = "data:text/html,x" },
	} {
		p := serve(t)
		change(p)
		if _, err := p.client().AuthorizationURL(t.Context(), start()); !errors.Is(err, ErrUntrusted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// oauth2-proxy CVE-2026-40574, Auth.js GHSA-7rqj-j65f-68wh. There is no
// address then, and who it is hangs on the subject alone.
func TestNT_LINK_8_AnOddAddressFromAProviderIsNone(t *testing.T) {
	for _, address := range []string{
		"victim@corp.com@evil.com", `"a@corp.com"@evil.com`, "a＠corp.com", "a@corp。com", "a@cor\u00adp.com", "a@corp.com.",
		"a@corp.com\r\nBcc: b@evil.com", "a@corp.com\x00", " a@corp.com", "a@corp.com ", "corp.com", "a@[127.0.0.1]",
		strings.Repeat("a", 300) + "@corp.com",
	} {
		p := serve(t)
		p.claims = func(m map[string]any) { m["email"] = address }
		if got, err := finish(t, p.client(), theAnswer()); err != nil || got.Email != "" || got.EmailVerified || got.Subject != "subject-1" {
			t.Errorf("%q became %q, verified %v, %v", address, got.Email, got.EmailVerified, err)
		}
	}
}

// Auth.js GHSA-x445-f3h2-j279, RFC 9207: a code of one provider is not sent to
// another.
func TestNT_LINK_9_AnAnswerOfAnotherIssuerIsRefusedBeforeItsCodeIsSent(t *testing.T) {
	other := serve(t)
	for name, c := range map[string]struct {
		advertised bool
		issuer     func(p *provider) string
		good       bool
	}{
		"another":                   {false, func(*provider) string { return other.URL }, false},
		"another, advertised":       {true, func(*provider) string { return other.URL }, false},
		"missing, advertised":       {true, func(*provider) string { return "" }, false},
		"with a slash":              {false, func(p *provider) string { return p.URL + "/" }, false},
		"in capitals":               {true, func(p *provider) string { return strings.ToUpper(p.URL) }, false},
		"right":                     {true, func(p *provider) string { return p.URL }, true},
		"right, not advertised":     {false, func(p *provider) string { return p.URL }, true},
		"missing, and none is sent": {false, func(*provider) string { return "" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t)
			p.metadata["authorization_response_iss_parameter_supported"] = c.advertised
			a := theAnswer()
			a.Issuer = c.issuer(p)
			_, err := finish(t, p.client(), a)
			if c.good != (err == nil) || !c.good && (!errors.Is(err, ErrUntrusted) || p.requests("/token") != 0) {
				t.Errorf("error %v, the token endpoint was asked %d times", err, p.requests("/token"))
			}
		})
	}
}

func TestNT_LINK_9_PlainOAuthTellsIssuersApartByTheirOrigin(t *testing.T) {
	p, c := plain(t, `{"id":1}`, `[]`)
	for issuer, good := range map[string]bool{
		"": true, p.URL: true, p.URL + "/login/oauth": true, "https://attacker.example/login/oauth": false, "nonsense": false,
	} {
		a := theAnswer()
		a.Issuer = issuer
		before := p.requests("/token")
		_, err := finish(t, c, a)
		if good != (err == nil) || !good && (!errors.Is(err, ErrUntrusted) || p.requests("/token") != before) {
			t.Errorf("iss %q: %v", issuer, err)
		}
	}
}

// What was given for another sign-in cannot be used for this one.
func TestNT_LINK_9_AnIDTokenOfAnotherSignInIsRefused(t *testing.T) {
	p := serve(t)
	old := p.sign(p.goodClaims())
	p.do("/token", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, map[string]any{"access_token": theAccess, "token_type": "Bearer", "id_token": old})
	})
	a := theAnswer()
	a.Nonce = "nonce-of-the-next-sign-in"
	if _, err := finish(t, p.client(), a); !errors.Is(err, ErrUntrusted) {
		t.Errorf("error %v", err)
	}
	p.clock.forward(10 * time.Minute)
	if _, err := finish(t, p.client(), theAnswer()); !errors.Is(err, ErrUntrusted) {
		t.Errorf("ten minutes later: %v", err)
	}
}

// go-oidc forgives Google an issuer without a scheme. There is one issuer.
func TestNT_LINK_4_GooglesIssuerHasOneForm(t *testing.T) {
	s := serve(t).settings()
	s.Issuer = "https://accounts.google.com"
	clock := newClock()
	c, err := New(s, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	for issuer, want := range map[string]string{"https://accounts.google.com": "", "accounts.google.com": "another issuer"} {
		now := clock.Now().Unix()
		claims, _ := readDocument(must(json.Marshal(map[string]any{
			"iss": issuer, "aud": theClient, "exp": now + 1, "iat": now, "nonce": theNonce,
		})))
		if got := c.wrongClaims(claims, theNonce); got != want {
			t.Errorf("%s: %q", issuer, got)
		}
	}
}

func TestNT_LINK_4_AKeyServesOnlyTheAlgorithmsItIsFor(t *testing.T) {
	weak, _ := rsa.GenerateKey(rand.Reader, 1024)
	edwards, _, _ := ed25519.GenerateKey(rand.Reader)
	larger, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	huge := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), mostRSA), E: 65537}
	for name, c := range map[string]struct {
		key  any
		good []string
	}{
		"RSA":            {rsaKey().Public(), []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}},
		"a weak RSA key": {weak.Public(), nil},
		"an endless one": {huge, nil},
		"P-256":          {ellipticKey().Public(), []string{"ES256"}},
		"P-384":          {larger.Public(), []string{"ES384"}},
		"Ed25519":        {edwards, []string{"EdDSA"}},
		"a secret":       {[]byte(theSecret), nil},
	} {
		for _, algorithm := range append([]string{"HS256", "none", ""}, ours...) {
			if got := fits(c.key, algorithm); got != slices.Contains(c.good, algorithm) {
				t.Errorf("%s, %s: %v", name, algorithm, got)
			}
		}
	}
}
