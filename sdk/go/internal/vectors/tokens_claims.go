package main

import "strings"

func (m *mint) goodOnes() {
	m.passes("good", m.header, m.claims, human)
	m.passes("aud is a list that has us", m.header, m.claims.with("aud", `["https://other.example","`+issuer+`"]`), human)
	m.passes("aud is a list of us alone", m.header, m.claims.with("aud", `["`+issuer+`"]`), human)
	m.passes("typ application/at+jwt", m.header.with("typ", `"application/at+jwt"`), m.claims, human)
	m.passes("typ in other letters", m.header.with("typ", `"AT+JWT"`), m.claims, human)
	m.passes("typ application/at+jwt in other letters", m.header.with("typ", `"Application/AT+JWT"`), m.claims, human)
	m.passes("no iat and no nbf", m.header, m.claims.without("iat"), human)
	m.passes("nbf has passed", m.header, m.claims.with("nbf", at(-60)), human)
	m.passes("exp with a fraction", m.header, m.claims.with("exp", at(840)+".5"), human)
	m.passes("claims that nobody knows", m.header, m.claims.with("future", `{"a":[1,null,{"a":2}]}`), human)
	m.cases = append(m.cases, tokenCase{
		Name: "key without use and alg", Valid: true, Actor: &human,
		Token: m.signedBy(m.plain, m.header.with("kid", `"plain"`).String(), m.claims.String()),
	})
}

func (m *mint) times() {
	m.passes("expired within leeway", m.header, m.claims.with("exp", at(-15)), human)
	m.passes("not yet valid within leeway", m.header, m.claims.with("nbf", at(15)), human)
	m.passes("issued in the future within leeway", m.header, m.claims.with("iat", at(15)), human)
	m.failsWithClaims("expired", m.claims.with("exp", at(-3600)))
	m.failsWithClaims("expired just beyond leeway", m.claims.with("exp", at(-32)))
	m.failsWithClaims("not yet valid", m.claims.with("nbf", at(3600)))
	m.failsWithClaims("not yet valid just beyond leeway", m.claims.with("nbf", at(32)))
	m.failsWithClaims("issued in the future", m.claims.with("iat", at(3600)))
	m.failsWithClaims("no exp", m.claims.without("exp"))
	m.failsWithClaims("exp null", m.claims.with("exp", `null`))
	m.failsWithClaims("exp as text", m.claims.with("exp", `"`+at(840)+`"`))
	m.failsWithClaims("exp true", m.claims.with("exp", `true`))
	m.failsWithClaims("exp as a list", m.claims.with("exp", `[`+at(840)+`]`))
	m.failsWithClaims("exp negative", m.claims.with("exp", `-1`))
	m.failsWithClaims("exp in other letters", m.claims.renamed("exp", "EXP"))
	m.failsWithClaims("nbf as text", m.claims.with("nbf", `"`+at(-60)+`"`))
	m.failsWithClaims("iat as text", m.claims.with("iat", `"`+at(-60)+`"`))
}

func (m *mint) parties() {
	m.failsWithClaims("wrong iss", m.claims.with("iss", `"https://evil.example"`))
	m.failsWithClaims("iss with a slash more", m.claims.with("iss", `"`+issuer+`/"`))
	m.failsWithClaims("iss in other letters", m.claims.with("iss", `"HTTPS://AUTH.EXAMPLE"`))
	m.failsWithClaims("iss as a list", m.claims.with("iss", `["`+issuer+`"]`))
	m.failsWithClaims("no iss", m.claims.without("iss"))
	m.failsWithClaims("wrong aud", m.claims.with("aud", `"https://other.example"`))
	m.failsWithClaims("wrong aud list", m.claims.with("aud", `["https://other.example","https://third.example"]`))
	m.failsWithClaims("aud that begins like us", m.claims.with("aud", `"`+issuer+`.evil.example"`))
	m.failsWithClaims("aud null", m.claims.with("aud", `null`))
	m.failsWithClaims("aud an empty list", m.claims.with("aud", `[]`))
	m.failsWithClaims("aud as an object", m.claims.with("aud", `{"`+issuer+`":true}`))
	m.failsWithClaims("no aud", m.claims.without("aud"))
	m.failsWithClaims("no sub", m.claims.without("sub"))
	m.failsWithClaims("sub empty", m.claims.with("sub", `""`))
	m.failsWithClaims("sub null", m.claims.with("sub", `null`))
	m.failsWithClaims("sub a number", m.claims.with("sub", `93`))
	m.failsWithClaims("sub in other letters", m.claims.renamed("sub", "Sub"))
	m.failsWithClaims("sub twice", m.claims.twice("sub", `"1"`))
	m.fails("sub twice, once escaped", m.signedBy(m.good, m.header.String(), strings.Replace(m.claims.String(), "{", `{"s\u0075b":"1",`, 1)))
}

func (m *mint) actors() {
	with := func(name, raw string) object {
		return m.claims.with("actor", goodActor().with(name, raw).String())
	}
	without := func(name string) object {
		return m.claims.with("actor", goodActor().without(name).String())
	}
	agent := actor{ID: "agent:sofia", Type: "agent", MicroDAOs: []string{"microdao:daarion"}, Roles: []string{"agent"}}
	service := actor{ID: "service:billing", Type: "service", MicroDAOs: []string{}, Roles: []string{}}
	future := human
	future.Roles = []string{"member", "role_of_tomorrow"}

	m.passes("actor is an agent", m.header, m.claims.with("actor", quotedActor(agent)), agent)
	m.passes("actor is an agent without user_id", m.header,
		m.claims.with("actor", `{"actor_id":"agent:sofia","actor_type":"agent","microdao_ids":["microdao:daarion"],"roles":["agent"]}`), agent)
	m.passes("actor is a service", m.header, m.claims.with("actor", quotedActor(service)), service)
	m.passes("actor has members that nobody knows", m.header, with("display_name", `"Ірина"`), human)
	m.passes("a role that nobody knows yet is passed on", m.header, with("roles", `["member","role_of_tomorrow"]`), future)

	m.failsWithClaims("no actor claim", m.claims.without("actor"))
	m.failsWithClaims("actor in other letters", m.claims.renamed("actor", "Actor"))
	m.failsWithClaims("actor null", m.claims.with("actor", `null`))
	m.failsWithClaims("actor as text", m.claims.with("actor", `"user:93"`))
	m.failsWithClaims("actor as text of JSON", m.claims.with("actor", quoted(quotedActor(human))))
	m.failsWithClaims("actor as a list", m.claims.with("actor", `[`+quotedActor(human)+`]`))
	m.failsWithClaims("actor empty", m.claims.with("actor", `{}`))
	m.failsWithClaims("actor twice", m.claims.twice("actor", quotedActor(agent)))
	for _, name := range []string{"actor_id", "actor_type", "microdao_ids", "roles"} {
		m.failsWithClaims("actor without "+name, without(name))
		m.failsWithClaims("actor with "+name+" null", with(name, `null`))
		m.failsWithClaims("actor with "+name+" a number", with(name, `93`))
		m.failsWithClaims("actor with "+name+" an object", with(name, `{}`))
	}
	m.failsWithClaims("actor_id empty", with("actor_id", `""`))
	m.failsWithClaims("actor_id in other letters", m.claims.with("actor", goodActor().renamed("actor_id", "Actor_ID").String()))
	m.failsWithClaims("actor_type unknown", with("actor_type", `"robot"`))
	m.failsWithClaims("actor_type in other letters", with("actor_type", `"Human"`))
	m.failsWithClaims("actor_type empty", with("actor_type", `""`))
	m.failsWithClaims("microdao_ids as text", with("microdao_ids", `"microdao:7"`))
	m.failsWithClaims("microdao_ids with a number", with("microdao_ids", `["microdao:7",7]`))
	m.failsWithClaims("roles as text", with("roles", `"system_admin"`))
	m.failsWithClaims("roles with a null", with("roles", `["member",null]`))
	m.failsWithClaims("roles with a list", with("roles", `[["system_admin"]]`))
	m.failsWithClaims("roles twice", m.claims.with("actor", goodActor().twice("roles", `["system_admin"]`).String()))
	m.failsWithClaims("user_id a number", with("user_id", `93`))
	m.failsWithClaims("user_id an object", with("user_id", `{}`))
}

func goodActor() object {
	return object{
		{"actor_id", `"user:93"`}, {"actor_type", `"human"`}, {"microdao_ids", `["microdao:daarion","microdao:7"]`},
		{"roles", `["member","microdao_owner"]`}, {"user_id", `"93"`},
	}
}
