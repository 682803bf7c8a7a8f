package gatehouse

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Whatever a request has, what is found in it can be passed on, is found again at
// the other side, and nothing else goes with it.
func FuzzCredentials(f *testing.F) {
	f.Add("", "", "")
	f.Add("dk_1", "Bearer a.b.c", "session_token=a%2Eb.c; __Host-session_token=d")
	f.Add(" dk_1 ", "bearer  a", "session_token=a; session_token=b, c=d;session_token=\"e\"")
	f.Add("a\r\nb", "Bearer a\x00", "session_token=%zz;;=;session_token")
	f.Fuzz(func(t *testing.T, key, authorization, cookie string) {
		header := http.Header{"X-Api-Key": {key}, "Authorization": {authorization}, "Cookie": {cookie}, "X-Other": {"no"}}
		c := credentialsOf(header)
		out := http.Header{}
		c.present(out)
		for name, values := range out {
			if len(values) != 1 || values[0] == "" || strings.ContainsFunc(values[0], func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%s is passed on as %q", name, values)
			}
		}
		if len(out) > 3 || c.none() != (len(out) == 0) {
			t.Errorf("passed on: %q", out)
		}
		if again := credentialsOf(out); again.fingerprint() != c.fingerprint() || again.cookie != c.cookie {
			t.Errorf("%+v is found as %+v", c, again)
		}
		if jwt := c.onlyJWT(); jwt != "" && (c.apiKey != "" || jwt != c.bearer && jwt != c.cookie || strings.Count(jwt, ".") != 2) {
			t.Errorf("%q is said to be a JWT alone, of %+v", jwt, c)
		}
		if len(c.cookies) > maxCookies {
			t.Errorf("%d cookies", len(c.cookies))
		}
	})
}

// No text but the tokens themselves is a token.
func FuzzToken(f *testing.F) {
	var vectors tokenVectors
	readVectors(f, "tokens.json", &vectors)
	good := map[string]bool{}
	for _, c := range vectors.Cases {
		good[c.Token] = c.Valid
		f.Add(c.Token)
	}
	keys, err := readKeys(vectors.JWKS)
	if err != nil {
		f.Fatal(err)
	}
	s, err := Options{Issuer: vectors.Issuer, Audience: vectors.Audience, Clock: func() time.Time { return time.Unix(vectors.Now, 0) }}.settings()
	if err != nil {
		f.Fatal(err)
	}
	set := newKeySet(s)
	set.keys, set.fetchedAt, set.lookedAt = keys, s.clock(), s.clock() // so that nobody is asked
	tokens := &accessTokens{settings: s, keys: set}
	f.Fuzz(func(t *testing.T, token string) {
		actor, err := tokens.actor(t.Context(), token)
		if (err == nil) != good[token] || (actor != nil) != good[token] {
			t.Errorf("%q is %+v, %v", token, actor, err)
		}
	})
}

func FuzzWellFormedKeysHaveTheirChecksum(f *testing.F) {
	f.Add("dk_00000000000000000000000000000000000000000003xMPgs")
	f.Add("gh_ak_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz1VEM4T")
	f.Fuzz(func(t *testing.T, key string) {
		if WellFormedKey(key) && (len(key) != 52 && len(key) != 55 || WellFormedKey(key+"0") || WellFormedKey(key[1:]) || visible(key) == "") {
			t.Errorf("%q", key)
		}
	})
}
