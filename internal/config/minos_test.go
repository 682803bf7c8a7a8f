package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMinosEnvironment: the environment of the original, as its compose file
// writes it, is understood under --as minos.
func TestMinosEnvironment(t *testing.T) {
	c := mustLoad(t, Options{As: "minos", Environ: []string{
		"SECRET_KEY=" + goodSecret, "ALGORITHM=HS256", "ACCESS_TOKEN_EXPIRE_MINUTES=30", "REFRESH_TOKEN_EXPIRE_DAYS=7",
		"DATABASE_URL=postgresql+psycopg2://dante_user:dante_password@localhost:5432/dante_auth",
		`BACKEND_CORS_ORIGINS=["http://localhost:3000", "https://app.example.org"]`, "LOG_LEVEL=WARNING", "PORT=8001",
	}})
	if got := c.String("minos.jwt.secret"); got != goodSecret {
		t.Errorf("the secret is %q", got)
	}
	if got := c.Duration("minos.access.ttl"); got != 30*time.Minute {
		t.Errorf("access tokens live for %s", got)
	}
	if got := c.Duration("minos.refresh.ttl"); got != 7*24*time.Hour {
		t.Errorf("refresh tokens live for %s", got)
	}
	if got := c.List("cors.origins"); !slices.Equal(got, []string{"http://localhost:3000", "https://app.example.org"}) {
		t.Errorf("origins are %q", got)
	}
	if got := c.String("log.level"); got != "warn" {
		t.Errorf("the level is %q", got)
	}
	if got := c.Int("listen.minos.port"); got != 8001 {
		t.Errorf("the port is %d", got)
	}
	if got := c.Database(); got.Engine != EnginePostgres || got.Name != "dante_auth" {
		t.Errorf("the database is %s", got)
	}
}

func TestMinosEnvironmentFirstNameWins(t *testing.T) {
	c := mustLoad(t, Options{As: "minos", Environ: []string{
		"JWT_SECRET=" + strings.ToLower(goodSecret), "SECRET_KEY=" + goodSecret, "JWT_ALGORITHM=HS512", "ALGORITHM=HS384",
		"CORS_ORIGINS=http://b.example", "BACKEND_CORS_ORIGINS=http://a.example", "GATEHOUSE_MINOS_ACCESS_TTL=90", "ACCESS_TOKEN_EXPIRE_MINUTES=30",
	}})
	for key, want := range map[string]string{
		"minos.jwt.algorithm": "HS384 from env ALGORITHM", "minos.access.ttl": "90 from env GATEHOUSE_MINOS_ACCESS_TTL",
		"cors.origins": "http://a.example from env BACKEND_CORS_ORIGINS",
	} {
		if got := line(c, key); got != want {
			t.Errorf("%s is %s, not %s", key, got, want)
		}
	}
	if c.String("minos.jwt.secret") != goodSecret {
		t.Error("JWT_SECRET wins over SECRET_KEY")
	}
}

// TestPublishedMinosSecretsAreRefused: anybody who read the original's source
// could sign.
func TestPublishedMinosSecretsAreRefused(t *testing.T) {
	for _, secret := range []string{"dante_super_secret_jwt_key_2024_production_ready", "default-very-secure-jwt-secret-key-change-in-production"} {
		if got := mustFail(t, Options{As: "minos", Environ: []string{"SECRET_KEY=" + secret}}); !strings.Contains(got, "minos.jwt.secret (env SECRET_KEY) is a well-known example") || strings.Contains(got, secret) {
			t.Errorf("%s", got)
		}
	}
}

// TestUnits: a bare number counts what its name says; under the house's own
// names, and with a unit written down, nothing changes.
func TestUnits(t *testing.T) {
	for _, tc := range []struct {
		environ string
		want    time.Duration
	}{
		{"ACCESS_TOKEN_EXPIRE_MINUTES=1", time.Minute},
		{"ACCESS_TOKEN_EXPIRE_MINUTES= 10080 ", 7 * 24 * time.Hour},
		{"ACCESS_TOKEN_EXPIRE_MINUTES=90s", 90 * time.Second},
		{"GATEHOUSE_MINOS_ACCESS_TTL=30", 30 * time.Second},
	} {
		if got := mustLoad(t, Options{As: "minos", Environ: []string{tc.environ}}).Duration("minos.access.ttl"); got != tc.want {
			t.Errorf("%s: %s", tc.environ, got)
		}
	}
	for _, environ := range []string{
		"ACCESS_TOKEN_EXPIRE_MINUTES=0", "ACCESS_TOKEN_EXPIRE_MINUTES=-1", "ACCESS_TOKEN_EXPIRE_MINUTES=525601", "ACCESS_TOKEN_EXPIRE_MINUTES=9223372036854775807",
		"ACCESS_TOKEN_EXPIRE_MINUTES=-9223372036854775808", "ACCESS_TOKEN_EXPIRE_MINUTES=99999999999999999999", "ACCESS_TOKEN_EXPIRE_MINUTES=1.5", "REFRESH_TOKEN_EXPIRE_DAYS=366",
	} {
		name, _, _ := strings.Cut(environ, "=")
		if got := mustFail(t, Options{As: "minos", Environ: []string{environ}}); !strings.Contains(got, name) || !strings.Contains(got, "from 1s to 8760h") && !strings.Contains(got, "number of seconds") {
			t.Errorf("%s: %s", environ, got)
		}
	}
	if got := mustLoad(t, Options{Environ: []string{"ACCESS_TOKEN_EXPIRE_MINUTES=5"}}).Duration("minos.access.ttl"); got != 24*time.Hour {
		t.Errorf("without --as, the original's name counts: %s", got)
	}
}

func TestListsInJSON(t *testing.T) {
	for raw, want := range map[string][]string{
		`["http://a.example"]`: {"http://a.example"}, ` [ "http://a.example" , "http://b.example" ] `: {"http://a.example", "http://b.example"}, `[]`: {},
		`http://a.example, http://b.example`: {"http://a.example", "http://b.example"},
	} {
		if got := mustLoad(t, Options{Environ: []string{"GATEHOUSE_CORS_ORIGINS=" + raw}}).List("cors.origins"); !slices.Equal(got, want) {
			t.Errorf("%s: %q", raw, got)
		}
	}
	for _, raw := range []string{`["http://a.example"`, `[http://a.example]`, `[1]`, `["http://a.example"] x`, `["*"]`, `["http://a.example/path"]`} {
		mustFail(t, Options{Environ: []string{"GATEHOUSE_CORS_ORIGINS=" + raw}})
	}
}
