package gatehouse

import (
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func TestDefaults(t *testing.T) {
	t.Setenv("AUTH_SERVICE_URL", "")
	t.Setenv("GATEHOUSE_ISSUER", "")
	s, err := Options{}.settings()
	if err != nil || s.authURL != "http://localhost:7011" || s.issuer != "" || s.http.client.Timeout != 5*time.Second {
		t.Errorf("the settings are %+v, %v", s, err)
	}
}

func TestTheEnvironmentCountsUnlessAnOptionIsSet(t *testing.T) {
	t.Setenv("AUTH_SERVICE_URL", "http://auth.example:7011/")
	t.Setenv("GATEHOUSE_ISSUER", "https://issuer.example/")
	s, err := Options{}.settings()
	if err != nil {
		t.Fatal(err)
	}
	if s.authURL != "http://auth.example:7011" || s.issuer != "https://issuer.example/" || s.audience != s.issuer ||
		s.jwksURL != "https://issuer.example/.well-known/jwks.json" || len(s.algorithms) != 1 || s.algorithms[0] != jose.ES256 {
		t.Errorf("from the environment: %+v", s)
	}
	s, err = Options{AuthURL: "http://a.example", Issuer: "https://b.example", Audience: "c"}.settings()
	if err != nil || s.authURL != "http://a.example" || s.issuer != "https://b.example" || s.audience != "c" {
		t.Errorf("from options: %+v, %v", s, err)
	}
}

func TestOptionsThatCannotBeMeant(t *testing.T) {
	t.Setenv("AUTH_SERVICE_URL", "")
	t.Setenv("GATEHOUSE_ISSUER", "")
	for name, options := range map[string]Options{
		"no scheme":            {AuthURL: "auth.example"},
		"another scheme":       {AuthURL: "ftp://auth.example"},
		"no host":              {AuthURL: "http://"},
		"a password":           {AuthURL: "http://user:secret@auth.example"},
		"a query":              {AuthURL: "http://auth.example?secret=1"},
		"not an address":       {AuthURL: "http://secret\x7f"},
		"issuer no address":    {Issuer: "gatehouse"},
		"keys no address":      {Issuer: "https://auth.example", JWKSURL: "/keys"},
		"a symmetric algor.":   {Issuer: "https://auth.example", Algorithms: []string{"HS256"}},
		"none":                 {Issuer: "https://auth.example", Algorithms: []string{"ES256", "none"}},
		"an unknown algorithm": {Issuer: "https://auth.example", Algorithms: []string{"es256"}},
		"negative timeout":     {Timeout: -1},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := New(options)
			if err == nil || v != nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("the error is %v", err)
			}
			if _, err := NewClient(options); err == nil {
				t.Error("a client does not mind")
			}
		})
	}
}
