package main

import "strings"

type credentialFile struct {
	Cases []credentialCase `json:"cases"`
}

type credentialCase struct {
	Name    string      `json:"name"`
	Headers [][2]string `json:"headers"`
	JWTOnly bool        `json:"jwt_only"`
	None    bool        `json:"none"`
	APIKey  *string     `json:"api_key"`
	Bearer  *string     `json:"bearer"`
	Cookie  *string     `json:"cookie"`
}

// presented is what a case expects; "" stands for nothing.
type presented struct {
	key, bearer, cookie string
	jwtOnly             bool
}

// The form of a JWT, and nothing more.
var jwt = b64([]byte(`{"alg":"ES256"}`)) + "." + b64([]byte(`{"sub":"93"}`)) + "." + strings.Repeat("A", 86)

const (
	session = "gh_st_0123456789"
	key     = "dk_0123456789"
)

// credentials returns requests and what is to be found in them.
func credentials() credentialFile {
	var f credentialFile
	f.headers()
	f.cookies()
	f.forms()
	return f
}

func (f *credentialFile) headers() {
	f.add("nothing", presented{})
	f.add("other headers", presented{}, "Accept", "*/*", "X-Api-Key-Id", key, "Proxy-Authorization", "Bearer "+session)
	f.add("API key", presented{key: key}, "X-API-Key", key)
	f.add("API key, name in small letters", presented{key: key}, "x-api-key", key)
	f.add("API key of nothing", presented{}, "X-API-Key", "")
	f.add("API key of nothing, and a bearer", presented{bearer: session}, "X-API-Key", "", "Authorization", "Bearer "+session)
	f.add("two API keys: nobody's", presented{}, "X-API-Key", key, "X-API-Key", key+"x")
	f.add("bearer", presented{bearer: session}, "Authorization", "Bearer "+session)
	f.add("bearer, name in small letters", presented{bearer: session}, "authorization", "Bearer "+session)
	f.add("bearer, scheme in small letters", presented{bearer: session}, "Authorization", "bearer "+session)
	f.add("bearer, scheme in capitals", presented{bearer: session}, "Authorization", "BEARER "+session)
	f.add("bearer, two spaces", presented{bearer: session}, "Authorization", "Bearer  "+session)
	f.add("bearer is an API key", presented{bearer: key}, "Authorization", "Bearer "+key)
	f.add("bearer of nothing", presented{}, "Authorization", "Bearer")
	f.add("bearer of spaces", presented{}, "Authorization", "Bearer  ")
	f.add("bearer of two words", presented{}, "Authorization", "Bearer "+session+" "+session)
	f.add("another scheme", presented{}, "Authorization", "Basic dXNlcjpwYXNz")
	f.add("a scheme that begins like it", presented{}, "Authorization", "BearerX "+session)
	f.add("no scheme", presented{}, "Authorization", session)
	f.add("authorization of nothing", presented{}, "Authorization", "")
	f.add("two bearers: nobody's", presented{}, "Authorization", "Bearer "+session, "Authorization", "Bearer "+jwt)
	f.add("the same bearer twice: nobody's", presented{}, "Authorization", "Bearer "+session, "Authorization", "Bearer "+session)
	f.add("two authorizations of different schemes: nobody's", presented{}, "Authorization", "Basic dXNlcjpwYXNz", "Authorization", "Bearer "+session)
	f.add("everything", presented{key: key, bearer: session, cookie: "abc"}, "X-API-Key", key, "Authorization", "Bearer "+session, "Cookie", "session_token=abc")
}

func (f *credentialFile) cookies() {
	f.add("cookie", presented{cookie: session}, "Cookie", "session_token="+session)
	f.add("cookie of this host", presented{cookie: session}, "Cookie", "__Host-session_token="+session)
	f.add("cookie among others", presented{cookie: session}, "Cookie", "a=1; session_token="+session+"; b=2")
	f.add("cookie in a second header", presented{cookie: session}, "Cookie", "a=1", "Cookie", "session_token="+session)
	f.add("cookies of both names: the host's", presented{cookie: "host"}, "Cookie", "session_token=plain; __Host-session_token=host")
	f.add("cookie of nothing", presented{}, "Cookie", "session_token=")
	f.add("cookie without a value", presented{}, "Cookie", "session_token")
	f.add("cookie whose name begins like it", presented{}, "Cookie", "session_token2="+session)
	f.add("cookie whose name ends like it", presented{}, "Cookie", "xsession_token="+session)
	f.add("cookie name in other letters", presented{}, "Cookie", "SESSION_TOKEN="+session)
	f.add("cookie with an equals sign", presented{cookie: "abc=="}, "Cookie", "session_token=abc==")
	f.add("cookie percent-encoded", presented{cookie: "a+b/c=="}, "Cookie", "session_token=a%2Bb%2Fc%3D%3D")
	f.add("cookie percent-encoded in small letters", presented{cookie: "a+b"}, "Cookie", "session_token=a%2bb")
	f.add("cookie with a plus, which is no space", presented{cookie: "a+b"}, "Cookie", "session_token=a+b")
	f.add("cookie with a percent sign that encodes nothing", presented{cookie: "100%zz"}, "Cookie", "session_token=100%zz")
	f.add("cookie decoded once, not twice", presented{cookie: "a%2Bb"}, "Cookie", "session_token=a%252Bb")
	f.add("two bearers and a cookie", presented{cookie: session}, "Authorization", "Bearer a", "Authorization", "Bearer b", "Cookie", "session_token="+session)
}

func (f *credentialFile) forms() {
	only := func(name string, want presented, headers ...string) {
		want.jwtOnly = true
		f.add(name, want, headers...)
	}
	only("JWT as bearer", presented{bearer: jwt}, "Authorization", "Bearer "+jwt)
	only("JWT as cookie", presented{cookie: jwt}, "Cookie", "session_token="+jwt)
	only("JWT as cookie of this host", presented{cookie: jwt}, "Cookie", "__Host-session_token="+jwt)
	only("JWT as cookie, percent-encoded", presented{cookie: jwt}, "Cookie", "session_token="+strings.ReplaceAll(jwt, ".", "%2E"))
	only("JWT without a signature", presented{bearer: "e30.e30."}, "Authorization", "Bearer e30.e30.")
	only("JWT beside other cookies", presented{bearer: jwt}, "Authorization", "Bearer "+jwt, "Cookie", "theme=dark")
	only("JWT beside an authorization that is none", presented{cookie: jwt}, "Authorization", "Basic dXNlcjpwYXNz", "Cookie", "session_token="+jwt)
	only("JWT beside an API key of nothing", presented{bearer: jwt}, "X-API-Key", "", "Authorization", "Bearer "+jwt)
	f.add("JWT as API key", presented{key: jwt}, "X-API-Key", jwt)
	f.add("JWT beside an API key", presented{key: key, bearer: jwt}, "X-API-Key", key, "Authorization", "Bearer "+jwt)
	f.add("JWT beside a cookie", presented{bearer: jwt, cookie: session}, "Authorization", "Bearer "+jwt, "Cookie", "session_token="+session)
	f.add("JWT as bearer and as cookie", presented{bearer: jwt, cookie: jwt}, "Authorization", "Bearer "+jwt, "Cookie", "session_token="+jwt)
	f.add("bearer and JWT as cookie", presented{bearer: session, cookie: jwt}, "Authorization", "Bearer "+session, "Cookie", "session_token="+jwt)
	f.add("two parts are no JWT", presented{bearer: "e30.e30"}, "Authorization", "Bearer e30.e30")
	f.add("four parts are no JWT", presented{bearer: jwt + ".e30"}, "Authorization", "Bearer "+jwt+".e30")
	f.add("padded parts are no JWT", presented{bearer: "e30=.e30=.e30="}, "Authorization", "Bearer e30=.e30=.e30=")
	f.add("parts of the other alphabet are no JWT", presented{bearer: "e30.e30.a+/b"}, "Authorization", "Bearer e30.e30.a+/b")
	f.add("without a header it is no JWT", presented{bearer: ".e30.e30"}, "Authorization", "Bearer .e30.e30")
	f.add("without a payload it is no JWT", presented{bearer: "e30..e30"}, "Authorization", "Bearer e30..e30")
}

// add takes headers as names and values in turn.
func (f *credentialFile) add(name string, want presented, headers ...string) {
	c := credentialCase{
		Name: name, Headers: [][2]string{}, JWTOnly: want.jwtOnly, None: want == presented{},
		APIKey: orNil(want.key), Bearer: orNil(want.bearer), Cookie: orNil(want.cookie),
	}
	for i := 0; i < len(headers); i += 2 {
		c.Headers = append(c.Headers, [2]string{headers[i], headers[i+1]})
	}
	f.Cases = append(f.Cases, c)
}

func orNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
