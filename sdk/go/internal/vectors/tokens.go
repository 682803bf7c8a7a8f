package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"strconv"
)

const (
	issuer = "https://auth.example"
	now    = 1_800_000_000
)

type tokenFile struct {
	Issuer   string      `json:"issuer"`
	Audience string      `json:"audience"`
	Now      int64       `json:"now"`
	JWKS     keySet      `json:"jwks"`
	Cases    []tokenCase `json:"cases"`
}

type keySet struct {
	Keys []object `json:"keys"`
}

type tokenCase struct {
	Name  string `json:"name"`
	Token string `json:"token"`
	Valid bool   `json:"valid"`
	Actor *actor `json:"actor"` // nil if not valid
}

type actor struct {
	ID        string   `json:"actor_id"`
	Type      string   `json:"actor_type"`
	MicroDAOs []string `json:"microdao_ids"`
	Roles     []string `json:"roles"`
	UserID    string   `json:"user_id"`
}

// mint is what the cases are made with: the keys, and the parts of a good token.
type mint struct {
	good, plain, enc, stranger, p384 *ecdsa.PrivateKey
	rsa                              *rsa.PrivateKey
	oct                              []byte
	header, claims                   object
	cases                            []tokenCase
}

func newMint() *mint {
	return &mint{
		good:     ecKey(elliptic.P256(), "good"),
		plain:    ecKey(elliptic.P256(), "plain"),
		enc:      ecKey(elliptic.P256(), "enc"),
		stranger: ecKey(elliptic.P256(), "stranger"),
		p384:     ecKey(elliptic.P384(), "p384"),
		rsa:      rsaKey("rsa"),
		oct:      stream("oct", 32),
		header:   object{{"alg", `"ES256"`}, {"typ", `"at+jwt"`}, {"kid", `"good"`}},
		claims: object{
			{"iss", quoted(issuer)}, {"aud", quoted(issuer)}, {"sub", `"93"`},
			{"iat", at(-60)}, {"exp", at(840)}, {"jti", `"token-1"`}, {"actor", quotedActor(human)},
		},
	}
}

var human = actor{
	ID: "user:93", Type: "human", MicroDAOs: []string{"microdao:daarion", "microdao:7"},
	Roles: []string{"member", "microdao_owner"}, UserID: "93",
}

// tokens returns good tokens and everything that must not pass for one.
func tokens() tokenFile {
	m := newMint()
	m.goodOnes()
	m.times()
	m.parties()
	m.headers()
	m.keys()
	m.signatures()
	m.forms()
	m.actors()
	return tokenFile{Issuer: issuer, Audience: issuer, Now: now, JWKS: m.keySet(), Cases: m.cases}
}

// keySet has, beside the key of good tokens, what an issuer may well publish and
// what nobody may use to sign access tokens.
func (m *mint) keySet() keySet {
	return keySet{Keys: []object{
		{{"kty", `"FUTURE"`}, {"kid", `"future"`}, {"use", `"sig"`}},
		ecJWK(m.good, member{"use", `"sig"`}, member{"alg", `"ES256"`}, member{"kid", `"good"`}),
		ecJWK(m.plain, member{"kid", `"plain"`}),
		ecJWK(m.enc, member{"use", `"enc"`}, member{"alg", `"ES256"`}, member{"kid", `"enc"`}),
		ecJWK(m.p384, member{"use", `"sig"`}, member{"alg", `"ES384"`}, member{"kid", `"p384"`}),
		rsaJWK(m.rsa, member{"use", `"sig"`}, member{"alg", `"RS256"`}, member{"kid", `"rsa"`}),
		{{"kty", `"oct"`}, {"k", quoted(b64(m.oct))}, {"use", `"sig"`}, {"alg", `"HS256"`}, {"kid", `"oct"`}},
	}}
}

// token signs with the good key.
func (m *mint) token(header, claims object) string {
	return m.signedBy(m.good, header.String(), claims.String())
}

func (m *mint) signedBy(key *ecdsa.PrivateKey, header, claims string) string {
	text := b64([]byte(header)) + "." + b64([]byte(claims))
	return text + "." + b64(signES(key, text))
}

// passes adds a case of a token that is good, and says who it is.
func (m *mint) passes(name string, header, claims object, who actor) {
	m.cases = append(m.cases, tokenCase{Name: name, Token: m.token(header, claims), Valid: true, Actor: &who})
}

// fails adds a case of a token that is not good.
func (m *mint) fails(name, token string) {
	m.cases = append(m.cases, tokenCase{Name: name, Token: token})
}

func (m *mint) failsWithHeader(name string, header object) { m.fails(name, m.token(header, m.claims)) }

func (m *mint) failsWithClaims(name string, claims object) { m.fails(name, m.token(m.header, claims)) }

// at is a moment so many seconds after now, as JSON.
func at(seconds int64) string { return strconv.FormatInt(now+seconds, 10) }

func quotedActor(who actor) string {
	raw, err := json.Marshal(who)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
