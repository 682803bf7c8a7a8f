package main

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
)

func (m *mint) headers() {
	m.failsWithHeader("typ JWT", m.header.with("typ", `"JWT"`))
	m.failsWithHeader("typ of an id token", m.header.with("typ", `"id+jwt"`))
	m.failsWithHeader("typ null", m.header.with("typ", `null`))
	m.failsWithHeader("typ a list", m.header.with("typ", `["at+jwt"]`))
	m.failsWithHeader("typ in a member of other letters", m.header.renamed("typ", "Typ"))
	m.failsWithHeader("no typ", m.header.without("typ"))
	m.failsWithHeader("no alg", m.header.without("alg"))
	m.failsWithHeader("alg in other letters", m.header.with("alg", `"es256"`))
	m.failsWithHeader("alg as a list", m.header.with("alg", `["ES256"]`))
	m.failsWithHeader("alg RS256 with an EC key", m.header.with("alg", `"RS256"`))
	m.failsWithHeader("alg ES384 with a key of P-256", m.header.with("alg", `"ES384"`))
	m.failsWithHeader("alg twice", m.header.twice("alg", `"none"`))
	m.failsWithHeader("kid twice", m.header.twice("kid", `"plain"`))
	m.failsWithHeader("no kid", m.header.without("kid"))
	m.failsWithHeader("kid empty", m.header.with("kid", `""`))
	m.failsWithHeader("kid null", m.header.with("kid", `null`))
	m.failsWithHeader("kid a number", m.header.with("kid", `0`))
	m.failsWithHeader("kid a list", m.header.with("kid", `["good"]`))
	m.failsWithHeader("kid in other letters", m.header.with("kid", `"GOOD"`))
	m.failsWithHeader("unknown kid", m.header.with("kid", `"unknown"`))
	m.failsWithHeader("crit of an unknown extension", m.header.with("crit", `["exp"]`).with("exp", at(840)))
	m.failsWithHeader("crit that is not there", m.header.with("crit", `["future"]`))
	m.failsWithHeader("crit empty", m.header.with("crit", `[]`))
	m.failsWithHeader("crit null", m.header.with("crit", `null`))
	m.fails("payload not encoded (b64 false)", m.unencoded())
}

func (m *mint) keys() {
	header, claims := m.header.String(), m.claims.String()
	jwk := ecJWK(m.stranger).String()
	by := func(name string, key *ecdsa.PrivateKey, header object) {
		m.fails(name, m.signedBy(key, header.String(), claims))
	}

	m.fails("signed by a stranger", m.signedBy(m.stranger, header, claims))
	m.fails("signed by another key of the set", m.signedBy(m.plain, header, claims))
	by("embedded jwk, known kid", m.stranger, m.header.with("jwk", jwk))
	by("embedded jwk, unknown kid", m.stranger, m.header.with("kid", `"stranger"`).with("jwk", jwk))
	by("embedded jwk, no kid", m.stranger, m.header.without("kid").with("jwk", jwk))
	by("jku", m.stranger, m.header.with("kid", `"stranger"`).with("jku", `"https://evil.example/jwks.json"`))
	by("x5u", m.stranger, m.header.with("kid", `"stranger"`).with("x5u", `"https://evil.example/chain.pem"`))
	by("key of the wrong use", m.enc, m.header.with("kid", `"enc"`))
	by("key of another algorithm than ES256", m.p384, m.header.with("kid", `"p384"`).with("alg", `"ES384"`))
	by("key of another curve under ES256", m.p384, m.header.with("kid", `"p384"`))
	by("kid of an RSA key", m.good, m.header.with("kid", `"rsa"`))
	by("kid of a key of an unknown kind", m.good, m.header.with("kid", `"future"`))

	text := signingInput(m.header.with("alg", `"RS256"`).with("kid", `"rsa"`), m.claims)
	m.fails("rightly signed with RS256, which is not among ours", text+"."+b64(signRS256(m.rsa, text)))

	spki, err := x509.MarshalPKIXPublicKey(&m.good.PublicKey)
	if err != nil {
		panic(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	m.fails("HS256 with the public key as PEM", m.hmac(asPEM, "good"))
	m.fails("HS256 with the public key as PEM, trimmed", m.hmac([]byte(strings.TrimSpace(string(asPEM))), "good"))
	m.fails("HS256 with the public key as DER", m.hmac(spki, "good"))
	m.fails("HS256 with the public key as a JWK", m.hmac([]byte(m.keySet().Keys[1].String()), "good"))
	m.fails("HS256 with an empty key", m.hmac(nil, "good"))
	m.fails("HS256 with a symmetric key of the set", m.hmac(m.oct, "oct"))
}

func (m *mint) signatures() {
	text := signingInput(m.header, m.claims)
	right := signES(m.good, text)
	signed := func(signature []byte) string { return text + "." + b64(signature) }
	changed := func(i int, by byte) []byte {
		out := append([]byte(nil), right...)
		out[i] ^= by
		return out
	}

	for _, none := range []string{"none", "None", "NONE", "nOnE", ""} {
		header := m.header.with("alg", quoted(none))
		m.fails("alg "+quoted(none)+", no signature", signingInput(header, m.claims)+".")
		m.fails("alg "+quoted(none)+", good signature", m.token(header, m.claims))
	}
	m.fails("tampered payload", signingInput(m.header, m.claims.with("sub", `"1"`))+"."+b64(right))
	m.fails("tampered header", signingInput(m.header.with("cty", `"JWT"`), m.claims)+"."+b64(right))
	m.fails("tampered signature, first half", signed(changed(0, 1)))
	m.fails("tampered signature, second half", signed(changed(63, 1)))
	m.fails("empty signature", text+".")
	m.fails("signature of zeros", signed(make([]byte, 64)))
	m.fails("signature cut off", signed(right[:63]))
	m.fails("signature with a byte more", signed(append(append([]byte(nil), right...), 0)))
	m.fails("signature twice", signed(append(append([]byte(nil), right...), right...)))
	m.fails("signature as DER", signed(signDER(m.good, text)))
}

func (m *mint) forms() {
	header, claims := m.header.String(), m.claims.String()
	good := m.token(m.header, m.claims)
	parts := strings.Split(good, ".")
	long := base64.URLEncoding // with padding
	padded := long.EncodeToString([]byte(header+"  ")) + "." + long.EncodeToString([]byte(claims))
	bytes := []byte(good)
	bytes[len(bytes)-1] = respelled(bytes[len(bytes)-1])

	m.fails("padded base64", padded+"."+long.EncodeToString(signES(m.good, padded)))
	m.fails("padded signature", good+"==")
	m.fails("signature in another spelling", string(bytes))
	m.fails("header in another spelling", respelledPart(parts[0], header)+"."+parts[1]+"."+parts[2])
	m.fails("payload in another spelling", m.payloadRespelled())
	m.fails("base64 of the other alphabet", strings.NewReplacer("-", "+", "_", "/").Replace(m.withBothDigits()))
	m.fails("empty", "")
	m.fails("only dots", "..")
	m.fails("one part", parts[0])
	m.fails("two parts", parts[0]+"."+parts[1])
	m.fails("four parts", good+".")
	m.fails("four parts, the last one not empty", good+"."+parts[2])
	m.fails("five parts", good+"."+parts[1]+"."+parts[2])
	m.fails("JSON serialization", object{
		{"payload", quoted(parts[1])}, {"protected", quoted(parts[0])}, {"signature", quoted(parts[2])},
	}.String())
	m.fails("payload detached", parts[0]+".."+parts[2])
	m.fails("trailing newline", good+"\n")
	m.fails("leading space", " "+good)
	m.fails("newline within", parts[0]+"."+parts[1]+".\n"+parts[2])
	m.fails("header is not JSON", m.signedBy(m.good, "alg=ES256", claims))
	m.fails("header is a list", m.signedBy(m.good, "["+header+"]", claims))
	m.fails("payload is not JSON", m.signedBy(m.good, header, "user:93"))
	m.fails("payload is a list", m.signedBy(m.good, header, "["+claims+"]"))
	m.fails("payload is null", m.signedBy(m.good, header, "null"))
	m.fails("payload has something behind it", m.signedBy(m.good, header, claims+claims))
	m.fails("payload is not UTF-8", m.signedBy(m.good, header, m.claims.with("note", "\"\xff\"").String()))
	m.fails("payload is another token", m.signedBy(m.good, header, good))
}

// unencoded is a token whose payload is signed as it is (RFC 7797).
func (m *mint) unencoded() string {
	header := m.header.with("b64", `false`).with("crit", `["b64"]`)
	text := b64([]byte(header.String())) + "." + m.claims.String()
	return signingInput(header, m.claims) + "." + b64(signES(m.good, text))
}

// withBothDigits is a good token that has "-" or "_" in its signature.
func (m *mint) withBothDigits() string {
	for i := 0; ; i++ {
		token := m.token(m.header, m.claims.with("jti", quoted(strings.Repeat("x", i))))
		signature := token[strings.LastIndexByte(token, '.'):]
		if strings.ContainsRune(signature, '-') && strings.ContainsRune(signature, '_') {
			return token
		}
	}
}

func (m *mint) hmac(key []byte, kid string) string {
	text := signingInput(m.header.with("alg", `"HS256"`).with("kid", quoted(kid)), m.claims)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return text + "." + b64(mac.Sum(nil))
}

func signingInput(header, claims object) string {
	return b64([]byte(header.String())) + "." + b64([]byte(claims.String()))
}

// respelled is another digit that stands for the same bits at the end of a text
// that does not fill its last digit: the lowest bit is not used.
func respelled(digit byte) byte {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return digits[strings.IndexByte(digits, digit)^1]
}

// payloadRespelled has the signature of the right spelling.
func (m *mint) payloadRespelled() string {
	claims := m.claims
	for i := 0; len(claims.String())%3 != 1; i++ { // the last digit then has four bits too many
		claims = claims.with("jti", quoted(strings.Repeat("x", i)))
	}
	right := strings.Split(m.token(m.header, claims), ".")
	return right[0] + "." + respelledPart(right[1], claims.String()) + "." + right[2]
}

func respelledPart(part, text string) string {
	if len(text)%3 == 0 {
		panic("a text without bits too many: " + text)
	}
	return part[:len(part)-1] + string(respelled(part[len(part)-1]))
}
