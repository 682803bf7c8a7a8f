//go:build unix

package token_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
	"github.com/gatehouse/gatehouse/internal/token"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	ada     = gate.PrincipalID("0a0a0a0a-0000-4000-8000-000000000001")
	session = gate.SessionID("01890000-0000-7000-8000-000000000001")
	hmacKey = "a-test-secret-of-more-than-32-bytes-0123456789"
)

// mint is an issuer with two faces: the native one (EdDSA, typ at+jwt, opaque
// refresh tokens) and one like the originals' (type claims, HS256 or ES256).
type mint struct {
	*token.Issuer
	clock                    *storetest.Clock
	native, shared, elliptic token.Profile
}

func newMint(t testing.TB) *mint {
	t.Helper()
	m := storetest.New(t, storetest.SQLite)
	box, err := secret.NewBox(bytes.Repeat([]byte{1}, 32), "test")
	if err != nil {
		t.Fatal(err)
	}
	keys := &token.Keys{DB: m.Open(t), Box: box, Clock: m.Clock.Now}
	access := func(g token.Grant) any { return claims(g, "access") }
	native := token.Profile{
		Face: "native", Tenant: gate.DefaultTenant, Issuer: "http://localhost:8080", Algorithm: "EdDSA", HeaderType: "at+jwt",
		AccessTTL: 10 * time.Minute, RefreshTTL: time.Hour, AccessClaims: access,
	}
	shared := token.Profile{
		Face: "daarion", Tenant: gate.DefaultTenant, Issuer: "daarion-auth", Algorithm: "HS256", Secret: secret.NewText(hmacKey), HeaderType: "JWT", ClaimTypes: true,
		AccessTTL: 10 * time.Minute, RefreshTTL: time.Hour, AccessClaims: access,
		RefreshClaims: func(g token.Grant) any { return claims(g, "refresh") },
	}
	elliptic := shared
	elliptic.Algorithm, elliptic.Secret, elliptic.Face = "ES256", secret.Text{}, "elliptic"
	return &mint{&token.Issuer{Keys: keys, Opaque: bytes.Repeat([]byte{7}, 32), Clock: m.Clock.Now}, m.Clock, native, shared, elliptic}
}

func claims(g token.Grant, typ string) map[string]any {
	return map[string]any{
		"sub": g.User.ID, "sid": g.Session, "session_id": g.Session, "type": typ, "iss": g.Issuer,
		"iat": g.IssuedAt.Unix(), "exp": g.ExpiresAt.Unix(), "jti": g.ID,
	}
}

func (m *mint) profiles() map[string]token.Profile {
	return map[string]token.Profile{"native": m.native, "HS256": m.shared, "ES256": m.elliptic}
}

func (m *mint) access(t testing.TB, p token.Profile) string {
	t.Helper()
	text, err := m.Access(context.Background(), p, token.Grant{User: gate.User{ID: ada}, Session: session})
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}

func (m *mint) refresh(t testing.TB, p token.Profile) string {
	t.Helper()
	text, err := m.Refresh(context.Background(), p, token.Owner{Principal: ada, Session: session})
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}

// no wants a text to be neither an access nor a refresh token of a face.
func (m *mint) no(t *testing.T, what string, p token.Profile, text string) {
	t.Helper()
	m.noAccess(t, what, p, text)
	m.noRefresh(t, what, p, text)
}

func (m *mint) noAccess(t *testing.T, what string, p token.Profile, text string) {
	t.Helper()
	if c, err := m.VerifyAccess(context.Background(), p, secret.NewText(text)); !errors.Is(err, gate.ErrInvalidToken) {
		t.Errorf("%s as an access token of %s: %+v, %v", what, p.Face, c, err)
	}
}

func (m *mint) noRefresh(t *testing.T, what string, p token.Profile, text string) {
	t.Helper()
	if of, err := m.VerifyRefresh(context.Background(), p, secret.NewText(text)); !errors.Is(err, gate.ErrInvalidRefresh) {
		t.Errorf("%s as a refresh token of %s: %+v, %v", what, p.Face, of, err)
	}
}

func TestWhatIsMintedVerifies(t *testing.T) {
	m := newMint(t)
	for name, p := range m.profiles() {
		c, err := m.VerifyAccess(context.Background(), p, secret.NewText(m.access(t, p)))
		if err != nil || c.Subject != string(ada) || c.Session != string(session) {
			t.Errorf("%s: %+v %v", name, c, err)
		}
		of, err := m.VerifyRefresh(context.Background(), p, secret.NewText(m.refresh(t, p)))
		if err != nil || of != (token.Owner{Principal: ada, Session: session}) {
			t.Errorf("%s: %+v %v", name, of, err)
		}
	}
}

func TestATokenExpiresAtItsVeryMoment(t *testing.T) {
	m := newMint(t)
	for name, p := range m.profiles() {
		text := m.access(t, p)
		m.clock.Forward(p.AccessTTL - time.Second)
		if _, err := m.VerifyAccess(context.Background(), p, secret.NewText(text)); err != nil {
			t.Errorf("%s, a second before: %v", name, err)
		}
		m.clock.Forward(time.Second)
		m.noAccess(t, "expired", p, text)
	}
}

// NT-TOK-6: no other spelling of a token is a token.
func TestNT_TOK_6_EveryOtherSpellingIsRefused(t *testing.T) {
	m := newMint(t)
	for _, p := range m.profiles() {
		for _, text := range []string{m.access(t, p), m.refresh(t, p)} {
			for i := range text {
				m.no(t, fmt.Sprintf("cut at %d", i), p, text[:i])
				m.no(t, fmt.Sprintf("without %d", i), p, text[:i]+text[i+1:])
				for _, c := range []byte("A9-_.=+/ \n\x00") {
					if text[i] != c {
						m.no(t, fmt.Sprintf("%q at %d", c, i), p, text[:i]+string(c)+text[i+1:])
					}
					m.no(t, fmt.Sprintf("%q before %d", c, i), p, text[:i]+string(c)+text[i:])
				}
			}
			for _, s := range []string{"=", "==", ".", "%00", " ", "\n", "\r\n", "\x00", "%3D", ".."} {
				m.no(t, fmt.Sprintf("with %q after", s), p, text+s)
				m.no(t, fmt.Sprintf("with %q before", s), p, s+text)
			}
			m.no(t, "upper case", p, strings.ToUpper(text))
			m.no(t, "lower case", p, strings.ToLower(text))
			m.no(t, "twice", p, text+text)
			for _, variant := range spareBits(text) {
				m.no(t, "spare bits", p, variant)
			}
		}
	}
}

// spareBits gives all spellings of the parts whose last character has bits that
// sloppy decoders ignore.
func spareBits(text string) (out []string) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	parts := strings.Split(text, ".")
	for n, part := range parts {
		for _, c := range alphabet {
			variant := part[:len(part)-1] + string(c)
			a, err := base64.RawURLEncoding.DecodeString(part)
			b, err2 := base64.RawURLEncoding.DecodeString(variant)
			if err == nil && err2 == nil && variant != part && bytes.Equal(a, b) {
				changed := append(append(append([]string{}, parts[:n]...), variant), parts[n+1:]...)
				out = append(out, strings.Join(changed, "."))
			}
		}
	}
	return out
}

func b64(data string) string { return base64.RawURLEncoding.EncodeToString([]byte(data)) }

// forge signs with HMAC-SHA-256 whatever it is given.
func forge(header, payload string, key []byte) string {
	signed := b64(header) + "." + b64(payload)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func payloadOf(t testing.TB, text string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// NT-TOK-7: the key and the algorithm are ours to choose, not the token's.
func TestNT_TOK_7_TheTokenDoesNotChooseItsKey(t *testing.T) {
	m := newMint(t)
	for name, p := range map[string]token.Profile{"native": m.native, "ES256": m.elliptic} {
		good := m.access(t, p)
		payload := payloadOf(t, good)
		set, err := m.Keys.JWKS(context.Background(), gate.DefaultTenant, p.Algorithm)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range set.Keys {
			for form, material := range publicForms(t, key.Key, &key) {
				for _, algorithm := range []string{"HS256", p.Algorithm} {
					header := fmt.Sprintf(`{"alg":%q,"typ":%q,"kid":%q}`, algorithm, p.HeaderType, key.KeyID)
					m.no(t, name+": signed with our public key as "+form, p, forge(header, payload, material))
				}
			}
		}
		for _, none := range []string{"none", "None", "nOnE", "NONE", ""} {
			for _, signature := range []string{"", "AA", strings.Split(good, ".")[2]} {
				m.no(t, "alg "+none, p, b64(fmt.Sprintf(`{"alg":%q,"typ":%q}`, none, p.HeaderType))+"."+b64(payload)+"."+signature)
			}
		}
	}
}

func publicForms(t *testing.T, public crypto.PublicKey, jwk json.Marshaler) map[string][]byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jwk.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "JWK": document, "raw": der[len(der)-32:], "nothing": {},
		"PEM without its last newline": bytes.TrimSpace(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "point": der[max(0, len(der)-65):],
	}
}

// TestNT_TOK_7_AmbiguousHeadersAreRefused though the signature is right.
func TestNT_TOK_7_AmbiguousHeadersAreRefused(t *testing.T) {
	m := newMint(t)
	p := m.shared
	payload := payloadOf(t, m.access(t, p))
	if _, err := m.VerifyAccess(context.Background(), p, secret.NewText(forge(`{"alg":"HS256","typ":"JWT"}`, payload, []byte(hmacKey)))); err != nil {
		t.Fatalf("the forger's own tokens are refused for another reason: %v", err)
	}
	for what, header := range map[string]string{
		"embedded jwk":      `{"alg":"HS256","typ":"JWT","jwk":{"kty":"oct","k":"AAAA"}}`,
		"jku":               `{"alg":"HS256","typ":"JWT","jku":"http://127.0.0.1:1/jwks"}`,
		"x5u":               `{"alg":"HS256","typ":"JWT","x5u":"http://127.0.0.1:1/x"}`,
		"x5c":               `{"alg":"HS256","typ":"JWT","x5c":["AAAA"]}`,
		"crit":              `{"alg":"HS256","typ":"JWT","crit":["x"],"x":1}`,
		"empty crit":        `{"alg":"HS256","typ":"JWT","crit":[]}`,
		"b64":               `{"alg":"HS256","typ":"JWT","b64":false,"crit":["b64"]}`,
		"b64 without crit":  `{"alg":"HS256","typ":"JWT","b64":false}`,
		"zip":               `{"alg":"HS256","typ":"JWT","zip":"DEF"}`,
		"PBES2":             `{"alg":"PBES2-HS256+A128KW","p2c":2147483648,"p2s":"AAAA","enc":"A128GCM"}`,
		"duplicate alg":     `{"alg":"none","alg":"HS256","typ":"JWT"}`,
		"alg last":          `{"alg":"HS256","alg":"none","typ":"JWT"}`,
		"alg in other case": `{"ALG":"HS256","typ":"JWT"}`,
		"no alg":            `{"typ":"JWT"}`,
		"alg null":          `{"alg":null,"typ":"JWT"}`,
		"alg array":         `{"alg":["HS256"],"typ":"JWT"}`,
		"HS512":             `{"alg":"HS512","typ":"JWT"}`,
		"not JSON":          `alg=HS256`,
		"array":             `[{"alg":"HS256"}]`,
		"trailing":          `{"alg":"HS256","typ":"JWT"}{}`,
		"10 KB of kid":      `{"alg":"HS256","typ":"JWT","kid":"` + strings.Repeat("k", 10<<10) + `"}`,
	} {
		m.no(t, what, p, forge(header, payload, []byte(hmacKey)))
	}
	for what, bad := range map[string]string{
		"duplicate sub":   strings.Replace(payload, `{`, `{"sub":"eve",`, 1),
		"duplicate exp":   strings.Replace(payload, `{`, `{"exp":99999999999,`, 1),
		"not an object":   `[]`,
		"null":            `null`,
		"nothing in it":   `{}`,
		"bad UTF-8":       strings.Replace(payload, `{`, "{\"x\":\"\xff\",", 1),
		"exp as text":     `{"iss":"daarion-auth","type":"access","exp":"99999999999"}`,
		"exp in the past": `{"iss":"daarion-auth","type":"access","exp":1}`,
		"not yet":         `{"iss":"daarion-auth","type":"access","exp":99999999999,"nbf":99999999998}`,
		"another issuer":  `{"iss":"daarion-auth/","type":"access","exp":99999999999}`,
		"without type":    `{"iss":"daarion-auth","exp":99999999999}`,
		"ID token":        `{"iss":"daarion-auth","type":"id","aud":"client","nonce":"n","exp":99999999999}`,
	} {
		m.no(t, what, p, forge(`{"alg":"HS256","typ":"JWT"}`, bad, []byte(hmacKey)))
	}
	parts := strings.Split(m.access(t, p), ".")
	m.no(t, "JSON serialisation", p, fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]))
	m.no(t, "two signatures", p, fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q},{"protected":%q,"signature":"AA"}]}`, parts[1], parts[0], parts[2], parts[0]))
	m.no(t, "a second signature", p, strings.Join(append(parts, parts[2]), "."))
}

func TestNT_TOK_7_AKeyIDIsNothingButAName(t *testing.T) {
	m := newMint(t)
	for _, p := range []token.Profile{m.native, m.elliptic} {
		parts := strings.Split(m.access(t, p), ".")
		for _, kid := range []string{"", "../../dev/null", "/etc/passwd", "' OR 1=1 --", "http://127.0.0.1:1/key", "a\\u0000b", strings.Repeat("k", 4<<10), "*"} {
			m.no(t, "kid "+kid[:min(20, len(kid))], p, b64(`{"alg":"`+p.Algorithm+`","typ":"`+p.HeaderType+`","kid":"`+kid+`"}`)+"."+parts[1]+"."+parts[2])
		}
	}
}

// NT-TOK-8: a token is good for what it was made for, at the face it was made for.
func TestATokenIsGoodForOneThing(t *testing.T) {
	m := newMint(t)
	for name, p := range m.profiles() {
		m.noRefresh(t, "access token of "+name, p, m.access(t, p))
		m.noAccess(t, "refresh token of "+name, p, m.refresh(t, p))
		for other, q := range m.profiles() {
			if other != name {
				m.no(t, "access token of "+name, q, m.access(t, p))
				if p.RefreshClaims != nil || q.RefreshClaims != nil {
					m.no(t, "refresh token of "+name, q, m.refresh(t, p))
				}
			}
		}
	}
	wrongTyp := m.native
	wrongTyp.HeaderType = "JWT" // as ID tokens have it
	m.noAccess(t, "a JWT that is no at+jwt", m.native, m.access(t, wrongTyp))
}

// TestAnOpaqueTokenOfAnotherHouseNamesNoSession: else anybody could end one.
func TestAnOpaqueTokenOfAnotherHouseNamesNoSession(t *testing.T) {
	m := newMint(t)
	ours := m.refresh(t, m.native)
	m.Opaque = bytes.Repeat([]byte{8}, 32)
	m.noRefresh(t, "of another house", m.native, ours)
	theirs := m.refresh(t, m.native)
	a, b := strings.Split(ours, "."), strings.Split(theirs, ".")
	m.noRefresh(t, "halves of two", m.native, b[0]+"."+a[1])
	m.noRefresh(t, "halves of two", m.native, a[0]+"."+b[1])
}

// NT-TOK-9: what is refused costs next to nothing.
func TestNT_TOK_9_HugeInputIsRefusedCheaply(t *testing.T) {
	m := newMint(t)
	for what, text := range map[string]string{
		"dots": strings.Repeat(".", 1<<20), "header": strings.Repeat("A", 1<<20) + ".AA.AA", "payload": "AA." + strings.Repeat("A", 1<<20) + ".AA",
		"nested": b64(strings.Repeat(`{"a":`, 100_000)) + ".AA.AA", "prefix": "gh_rt_" + strings.Repeat("A", 1<<20), "opaque dots": "gh_rt_" + strings.Repeat(".", 1<<20),
	} {
		for name, p := range m.profiles() {
			presented := secret.NewText(text)
			bytes := testing.AllocsPerRun(3, func() {
				_, _ = m.VerifyAccess(context.Background(), p, presented)
				_, _ = m.VerifyRefresh(context.Background(), p, presented)
			})
			m.no(t, what, p, text)
			if bytes > 200 {
				t.Errorf("%s at %s: %v allocations", what, name, bytes)
			}
		}
	}
}

// FuzzVerifyJWT puts any text in any place of a good token. Keys differ between
// the processes of a fuzzer, so the tokens are made here and not seeded.
func FuzzVerifyJWT(f *testing.F) {
	m := newMint(f)
	var profiles []token.Profile
	var good []string
	for _, p := range m.profiles() {
		profiles = append(profiles, p, p)
		good = append(good, m.access(f, p), m.refresh(f, p))
	}
	for i, seed := range []string{"", "..", "=", "\x00", `{"alg":"none"}`, "eyJhbGciOiJub25lIn0.e30."} {
		f.Add(uint8(i), uint16(10*i), uint16(i), seed)
	}
	f.Fuzz(func(t *testing.T, which uint8, from, cut uint16, put string) {
		n := int(which) % len(good)
		start := min(int(from), len(good[n]))
		text := good[n][:start] + put + good[n][min(start+int(cut), len(good[n])):]
		_, err := m.VerifyAccess(context.Background(), profiles[n], secret.NewText(text))
		_, err2 := m.VerifyRefresh(context.Background(), profiles[n], secret.NewText(text))
		if (err == nil || err2 == nil) && text != good[n] {
			t.Errorf("%s took %q for %q", profiles[n].Face, text, good[n])
		}
	})
}
