package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const goodSecret = "Vq3xTz8LrW5nYb1KpD7mGc4HsJ9fQe2A"

// house is a working directory with the given files in it.
func house(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mustLoad(t *testing.T, opts Options) *Config {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	c, err := Load(opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mustFail returns the problems of a configuration that is not accepted.
func mustFail(t *testing.T, opts Options) string {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	_, err := Load(opts)
	var problems *Error
	if !errors.As(err, &problems) {
		t.Fatalf("accepted, or another error: %v", err)
	}
	return err.Error()
}

func line(c *Config, key string) string {
	for _, l := range c.Explain() {
		if l.Key == key {
			return l.Value + " from " + l.Source
		}
	}
	return "no line"
}

func TestPrecedence(t *testing.T) {
	const yaml = "log: {level: warn}\n"
	for _, tc := range []struct {
		name string
		opts Options
		env  string // .env
		file string // gatehouse.yaml
		want string
	}{
		{"default", Options{}, "", "", "info from default"},
		{"file beats default", Options{}, "", yaml, "warn from file gatehouse.yaml"},
		{".env beats file", Options{}, "GATEHOUSE_LOG_LEVEL=error", yaml, "error from .env GATEHOUSE_LOG_LEVEL"},
		{"env beats .env", Options{Environ: []string{"GATEHOUSE_LOG_LEVEL=debug"}}, "GATEHOUSE_LOG_LEVEL=error", yaml, "debug from env GATEHOUSE_LOG_LEVEL"},
		{"flag beats env", Options{Environ: []string{"GATEHOUSE_LOG_LEVEL=debug"}, Set: map[string]string{"log.level": "info"}}, "", yaml, "info from flag"},
		{"empty env is not set", Options{Environ: []string{"GATEHOUSE_LOG_LEVEL="}}, "", yaml, "warn from file gatehouse.yaml"},
		{"empty env does not hide .env", Options{Environ: []string{"GATEHOUSE_LOG_LEVEL="}}, "GATEHOUSE_LOG_LEVEL=error", yaml, "error from .env GATEHOUSE_LOG_LEVEL"},
		{"debug sets the level", Options{Environ: []string{"GATEHOUSE_DEBUG=yes"}}, "", "", "debug from env GATEHOUSE_DEBUG"},
		{"a level that is set stays", Options{Environ: []string{"GATEHOUSE_DEBUG=yes"}}, "", yaml, "warn from file gatehouse.yaml"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.opts.Dir = house(t, map[string]string{".env": tc.env, "gatehouse.yaml": tc.file})
			if got := line(mustLoad(t, tc.opts), "log.level"); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestWhichFile(t *testing.T) {
	dir := house(t, map[string]string{
		"gatehouse.yaml": "service: {name: usual}", "a.yaml": "service: {name: a}", "b.yaml": "service.name: b",
	})
	for _, tc := range []struct{ name, file, env, want string }{
		{"the usual one", "", "", "usual"},
		{"GATEHOUSE_CONFIG", "", "GATEHOUSE_CONFIG=a.yaml", "a"},
		{"--config beats it", "b.yaml", "GATEHOUSE_CONFIG=a.yaml", "b"},
		{"absolute", filepath.Join(dir, "b.yaml"), "", "b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := mustLoad(t, Options{Dir: dir, File: tc.file, Environ: []string{tc.env}})
			if got := c.String("service.name"); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	if got := mustFail(t, Options{Dir: dir, File: "none.yaml"}); !strings.Contains(got, "none.yaml cannot be read: no such file") {
		t.Error(got)
	}
}

// sample gives two different acceptable values for any setting.
func sample(s Setting, n int) string {
	switch s.Type {
	case TypeBool:
		return []string{"true", "false"}[n%2]
	case TypeInt:
		return fmt.Sprint(max(s.Min, 1) + int64(n))
	case TypeDuration:
		return (time.Duration(s.Min) + time.Duration(n+1)*time.Second).String()
	case TypeRate:
		return fmt.Sprintf("%d/1m", n+1)
	case TypeURL:
		return fmt.Sprintf("http://host%d", n)
	case TypeEnum:
		return s.Enum[n%len(s.Enum)]
	case TypeAddress:
		return fmt.Sprintf("127.0.0.1:%d", n+1)
	}
	switch s.Key {
	case "database.url", "database.migrations_url":
		return fmt.Sprintf("file%d.db", n)
	case "master.key":
		return strings.Repeat(fmt.Sprintf("%02x%02x", n, n+1), 16)
	case "proxy.trusted":
		return fmt.Sprintf("10.%d.0.0/16", n)
	case "password.composition":
		return []string{"upper", "digit"}[n%2]
	case "cors.origins", "passkey.origins":
		return fmt.Sprintf("https://app%d.example.org", n)
	}
	return fmt.Sprintf("%s%d", goodSecret, n)
}

// TestFirstNameWins walks the table: for every name of every setting under
// every face, that name alone works, and it beats all names behind it, from
// .env too; the own name beats them all.
func TestFirstNameWins(t *testing.T) {
	faces := []string{""}
	for _, face := range Faces() {
		faces = append(faces, face.Name)
	}
	for _, face := range faces {
		for _, s := range Settings() {
			names := s.names(face)
			for i, name := range names {
				t.Run(face+"/"+s.Key+"/"+name, func(t *testing.T) {
					later := []string{}
					for j, other := range names[i+1:] {
						later = append(later, other+"="+sample(s, j+1))
					}
					opts := Options{As: face, Environ: append(later, name+"="+sample(s, 0)), Dir: t.TempDir()}
					if owner, ok := strings.CutSuffix(s.Key, ".jwt.algorithm"); ok {
						opts.Environ = append(opts.Environ, "GATEHOUSE_"+strings.ToUpper(owner)+"_JWT_SECRET="+goodSecret)
					}
					if got, want := source(mustLoad(t, opts), s.Key), "env "+name; got != want {
						t.Errorf("in the environment: got %s, want %s", got, want)
					}
					opts.Environ = append(opts.Environ[:len(later)], opts.Environ[len(later)+1:]...)
					opts.Dir = house(t, map[string]string{".env": name + "='" + sample(s, 0) + "'\n"})
					if got, want := source(mustLoad(t, opts), s.Key), ".env "+name; got != want {
						t.Errorf("in .env, later names in the environment: got %s, want %s", got, want)
					}
				})
			}
		}
	}
}

func source(c *Config, key string) string { return c.lookup(key).source }

func TestAliasesNeedAs(t *testing.T) {
	legacy := []string{"AUTH_PORT=1", "PORT=2", "DEBUG=true", "JWT_SECRET=x", "DATABASE_URL=mysql://nonsense"}
	c := mustLoad(t, Options{Environ: legacy})
	for _, l := range c.Explain() {
		if l.Source != "default" {
			t.Errorf("%s came from %s without --as", l.Key, l.Source)
		}
	}
	c = mustLoad(t, Options{As: "native", Environ: legacy})
	if c.Int("listen.native.port") != 2 || c.Int("listen.daarion.port") != 7020 || c.Bool("debug") {
		t.Error("--as native must honour PORT for itself, and nothing of daarion")
	}
	if c.String("listen.host") != "0.0.0.0" || c.String("ops.address") != "" {
		t.Error("the defaults under --as")
	}
}

// TestOriginalCompose is the environment of an original compose file.
func TestOriginalCompose(t *testing.T) {
	c := mustLoad(t, Options{As: "daarion", Environ: []string{
		"AUTH_DATABASE_URL=postgresql+asyncpg://postgres:p@ss@dagi-postgres:5432/daarion?ssl=require",
		"JWT_SECRET=" + goodSecret, "JWT_ALGO=HS256", "ACCESS_TOKEN_TTL=900", "AUTH_PORT=tcp://10.0.0.9:7020",
		"AUTH_SERVICE_PORT=7021", "BCRYPT_ROUNDS=12", "SYNAPSE_REGISTRATION_SECRET=daarion_reg_secret_2024",
	}})
	if d := c.Database(); d.Engine != EnginePostgres || d.Host != "dagi-postgres" || d.Name != "daarion" {
		t.Errorf("database %v", d)
	}
	if c.Duration("daarion.access.ttl") != 15*time.Minute || c.Int("listen.daarion.port") != 7021 {
		t.Error("ttl or port")
	}
	warnings := strings.Join(c.Warnings(), "\n")
	for _, want := range []string{"argon2id", "published example"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("no warning about %q in %s", want, warnings)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb+verb, c, c.Database()); strings.Contains(text, goodSecret) || strings.Contains(text, "p@ss") {
			t.Errorf("%s prints a secret", verb)
		}
	}
	for _, l := range c.Explain() {
		if strings.Contains(l.Value, goodSecret) || strings.Contains(l.Value, "p@ss") {
			t.Errorf("Explain shows %s", l.Key)
		}
	}
}

func TestSecretFiles(t *testing.T) {
	dir := house(t, map[string]string{"jwt": goodSecret + "\r\n", "two": goodSecret + "\n\n", "empty": "\n", "dsn": "a.db\n"})
	load := func(env ...string) Options { return Options{As: "daarion", Dir: dir, Environ: env} }

	c := mustLoad(t, load("AUTH_JWT_SECRET_FILE=jwt", "GATEHOUSE_DATABASE_URL_FILE="+filepath.Join(dir, "dsn")))
	if c.String("daarion.jwt.secret") != goodSecret || line(c, "daarion.jwt.secret") != "[secret] from env AUTH_JWT_SECRET_FILE" {
		t.Error(line(c, "daarion.jwt.secret"))
	}
	if c.Database().Path != "a.db" {
		t.Error("database.url from a file")
	}
	c = mustLoad(t, load("AUTH_JWT_SECRET_FILE=two", "JWT_SECRET=other"))
	if c.String("daarion.jwt.secret") != goodSecret+"\n" || len(c.Warnings()) != 1 {
		t.Error("one line break is removed, and the other is warned about", c.Warnings())
	}
	for _, tc := range []struct {
		want string
		env  []string
	}{
		{"is empty", []string{"JWT_SECRET_FILE=empty"}},
		{"cannot be read: no such file", []string{"JWT_SECRET_FILE=hunter2hunter2"}},
		{"is set twice", []string{"JWT_SECRET_FILE=jwt", "JWT_SECRET=" + goodSecret}},
		{"GATEHOUSE_LOG_LEVEL_FILE (env) is not a setting", []string{"GATEHOUSE_LOG_LEVEL_FILE=jwt"}},
	} {
		got := mustFail(t, load(tc.env...))
		if !strings.Contains(got, tc.want) || strings.Contains(got, "hunter2") || strings.Contains(got, goodSecret) {
			t.Errorf("want %q, got %s", tc.want, got)
		}
	}
}

func TestKubernetesServiceLinks(t *testing.T) {
	c := mustLoad(t, Options{Environ: []string{
		"GATEHOUSE_SERVICE_HOST=10.0.0.1", "GATEHOUSE_SERVICE_PORT=8080", "GATEHOUSE_SERVICE_PORT_HTTP=8080",
		"GATEHOUSE_PORT=tcp://10.0.0.1:8080", "GATEHOUSE_PORT_8080_TCP=tcp://10.0.0.1:8080",
		"GATEHOUSE_PORT_8080_TCP_ADDR=10.0.0.1", "GATEHOUSE_DAARION_PORT=tcp://10.0.0.2:7020",
	}})
	if c.Int("listen.daarion.port") != 7020 {
		t.Error(line(c, "listen.daarion.port"))
	}
}
