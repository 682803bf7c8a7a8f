package gatehouse

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

type tokenVectors struct {
	Issuer, Audience string
	Now              int64
	JWKS             json.RawMessage
	Cases            []struct {
		Name, Token string
		Valid       bool
		Actor       *Actor
	}
}

func (v tokenVectors) verifier(t testing.TB) (*Verifier, *server) {
	keys := newServer(t, says(http.StatusOK, string(v.JWKS)))
	auth := newServer(t, says(http.StatusUnauthorized, ""))
	return newVerifier(t, Options{
		AuthURL: auth.URL, Issuer: v.Issuer, Audience: v.Audience, JWKSURL: keys.URL,
		Clock: func() time.Time { return time.Unix(v.Now, 0) },
	}), auth
}

func TestTokensOfTheVectors(t *testing.T) {
	var vectors tokenVectors
	readVectors(t, "tokens.json", &vectors)
	v, _ := vectors.verifier(t)
	for _, c := range vectors.Cases {
		t.Run(c.Name, func(t *testing.T) {
			actor, err := v.tokens.actor(t.Context(), c.Token)
			if !c.Valid {
				mustBe(t, err, ErrUnauthenticated)
			} else if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(actor, c.Actor) {
				t.Errorf("the actor is %+v, want %+v", actor, c.Actor)
			}
		})
	}
}

func TestTokensOfTheVectorsInRequests(t *testing.T) {
	var vectors tokenVectors
	readVectors(t, "tokens.json", &vectors)
	v, auth := vectors.verifier(t)
	for _, c := range vectors.Cases {
		if strings.TrimSpace(c.Token) != c.Token {
			continue // it is the token without the space that arrives
		}
		t.Run(c.Name, func(t *testing.T) {
			before := auth.asked.Load()
			actor, err := v.Verify(t.Context(), requestWith("Authorization", "Bearer "+c.Token))
			if !c.Valid {
				mustBe(t, err, ErrUnauthenticated)
			}
			if !reflect.DeepEqual(actor, c.Actor) {
				t.Errorf("the actor is %+v, want %+v", actor, c.Actor)
			}
			if hasFormOfJWT(c.Token) && auth.asked.Load() != before {
				t.Error("the auth service was asked about a JWT")
			}
			if err != nil && c.Token != "" && strings.Contains(err.Error(), c.Token) {
				t.Error("the error has the token")
			}
		})
	}
}

func TestCredentialsOfTheVectors(t *testing.T) {
	var vectors struct {
		Cases []struct {
			Name    string
			Headers [][2]string
			JWTOnly bool `json:"jwt_only"`
			None    bool
			APIKey  string `json:"api_key"` // "" for null
			Bearer  string
			Cookie  string
		}
	}
	readVectors(t, "credentials.json", &vectors)
	for _, c := range vectors.Cases {
		t.Run(c.Name, func(t *testing.T) {
			header := http.Header{}
			for _, h := range c.Headers {
				header.Add(h[0], h[1])
			}
			got := credentialsOf(header)
			if got.apiKey != c.APIKey || got.bearer != c.Bearer || got.cookie != c.Cookie || got.none() != c.None {
				t.Errorf("found %+v, want %+v", got, c)
			}
			if isJWT := got.onlyJWT() != ""; isJWT != c.JWTOnly {
				t.Errorf("jwt_only is %v", isJWT)
			}
		})
	}
}

func TestAPIKeysOfTheVectors(t *testing.T) {
	var vectors struct {
		Cases []struct {
			Name, Key  string
			WellFormed bool `json:"well_formed"`
		}
	}
	readVectors(t, "api_keys.json", &vectors)
	for _, c := range vectors.Cases {
		t.Run(c.Name, func(t *testing.T) {
			if got := WellFormedKey(c.Key); got != c.WellFormed {
				t.Errorf("well formed: %v", got)
			}
		})
	}
}

func TestRowSecurityOfTheVectors(t *testing.T) {
	var vectors struct {
		Cases []struct {
			Name   string
			Actor  json.RawMessage
			Values [5]any
		}
	}
	readVectors(t, "row_security.json", &vectors)
	for _, c := range vectors.Cases {
		t.Run(c.Name, func(t *testing.T) {
			value, err := parseStrictly(c.Actor)
			if err != nil {
				t.Fatal(err)
			}
			if got := rowSecurityValues(readActor(value)); got != c.Values {
				t.Errorf("the values are %q, want %q", got, c.Values)
			}
		})
	}
}
