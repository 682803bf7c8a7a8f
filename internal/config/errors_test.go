package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRefusals: what is wrong, where, why, what to do; and never the secret.
func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, file, dotenv string
		opts               Options
		want               []string
	}{
		{name: "unknown key", file: "database: {ulr: x}", want: []string{"database.ulr in gatehouse.yaml is not a setting; did you mean database.url?"}},
		{name: "unknown group", file: "databse:\n  url: x", want: []string{"databse in gatehouse.yaml is not a setting"}},
		{name: "nothing near", file: "zzzzzzzzzzzz: 1", want: []string{"docs/configuration.md lists"}},
		{name: "a group is no setting", file: "database: x.db", want: []string{"database in gatehouse.yaml is a group of settings"}},
		{name: "a setting is no group", file: "debug: {a: 1}", want: []string{"debug in gatehouse.yaml: it must be a single value of type bool"}},
		{name: "no value", file: "debug:", want: []string{"debug in gatehouse.yaml: it has no value"}},
		{name: "twice", file: "debug: true\ndebug: false", want: []string{"line 2: debug is there twice"}},
		{name: "group twice", file: "log: {level: info}\nlog: {format: text}", want: []string{"line 2: log is there twice"}},
		{name: "nested and dotted", file: "log: {level: info}\nlog.level: warn", want: []string{"line 2: log.level is there twice"}},
		{name: "syntax", file: "a: [", want: []string{"gatehouse.yaml is not understood: line 1"}},
		{name: "unquoted star", file: "master: {key: *hunter2}", want: []string{"must be quoted"}},
		{name: "alias", file: "service: {name: &hunter2 x, version: *hunter2}", want: []string{"service.name in gatehouse.yaml: anchors", "service.version in gatehouse.yaml: anchors"}},
		{name: "not a mapping", file: "- a", want: []string{"must be a mapping"}},
		{name: "two documents", file: "debug: true\n---\ndebug: false", want: []string{"more than one document"}},
		{name: "merge key", file: "<<: {debug: true}", want: []string{"line 1: a key must be a plain word"}},

		{name: "unknown name", opts: Options{Environ: []string{"GATEHOUSE_LOGLEVEL=debug"}}, want: []string{"GATEHOUSE_LOGLEVEL (env) is not a setting; did you mean GATEHOUSE_LOG_LEVEL?"}},
		{name: "unknown name in .env", dotenv: "GATEHOUSE_HOTS=x\nOTHER=1", want: []string{"GATEHOUSE_HOTS (.env) is not a setting; did you mean GATEHOUSE_HOST?"}},
		{name: "unknown face", opts: Options{As: "darion"}, want: []string{`--as "darion" is not a face; did you mean daarion?`}},
		{name: "unknown flag", opts: Options{Set: map[string]string{"log.levle": "x"}}, want: []string{"--set log.levle is not a setting; did you mean log.level?"}},
		{name: ".env syntax", dotenv: "A=1\n\nhunter2 \n", want: []string{".env line 3 has no '='"}},

		{name: "all at once", opts: Options{Environ: []string{"GATEHOUSE_LOG_LEVEL=loud", "GATEHOUSE_NATIVE_PORT=70000", "GATEHOUSE_REFRESH_GRACE=2m", "GATEHOUSE_LIMIT_LOGIN_PER_IP=often", "GATEHOUSE_DEBUG=maybe", "GATEHOUSE_OPS_ADDRESS=9464"}},
			want: []string{
				`log.level (env GATEHOUSE_LOG_LEVEL): the value "loud" is not accepted: it must be one of debug, info, warn, error.`,
				"from 0 to 65535", "from 0s to 1m", "10/5m, or off", "true or false", "host:port",
			}},
		{name: "two faces, one port", opts: Options{Set: map[string]string{"listen.daarion.port": "8080"}}, want: []string{"listen.native.port (default) and listen.daarion.port (flag) are both 8080"}},
		{name: "URL with password", opts: Options{Set: map[string]string{"matrix.admin_url": "http://u:hunter2@h"}}, want: []string{"must not hold a user name"}},
		{name: "CORS", opts: Options{Set: map[string]string{"cors.origins": "https://ok.example,*"}}, want: []string{"name the origins"}},
		{name: "proxies", opts: Options{Set: map[string]string{"proxy.trusted": "10.0.0.0/8, proxy"}}, want: []string{"10.0.0.0/8, or an address"}},
		{name: "master key", opts: Options{Set: map[string]string{"master.key": "hunter2"}}, want: []string{"32 bytes in base64"}},
		{name: "database", opts: Options{Set: map[string]string{"database.url": "mysql://u:hunter2@h/d"}}, want: []string{"database.url (flag): the value is not accepted: mysql is not"}},

		{name: "short secret", opts: Options{As: "daarion", Environ: []string{"AUTH_JWT_SECRET=hunter2"}}, want: []string{"daarion.jwt.secret (env AUTH_JWT_SECRET) has 7 bytes", "openssl rand", "GATEHOUSE_ALLOW_WEAK_SECRETS"}},
		{name: "example secret", opts: Options{As: "daarion", Environ: []string{"JWT_SECRET=your-very-long-secret-key-change-in-production"}}, want: []string{"well-known example"}},
		{name: "padded example", opts: Options{As: "daarion", Environ: []string{"JWT_SECRET=changeme-changeme-changeme-changeme-1"}}, want: []string{"well-known example"}},
		{name: "repeated", opts: Options{As: "daarion", Environ: []string{"JWT_SECRET=" + strings.Repeat("ab", 30)}}, want: []string{"repeats a few"}},
		{name: "HS without secret", opts: Options{As: "daarion", Environ: []string{"JWT_ALGORITHM=hs512"}}, want: []string{"daarion.jwt.algorithm (env JWT_ALGORITHM) is HS512, which needs a secret"}},
		{name: "ES with secret", opts: Options{As: "daarion", Environ: []string{"JWT_ALGORITHM=ES256", "JWT_SECRET=" + goodSecret}}, want: []string{"signs with a generated key pair", "Remove one"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.opts.Dir = house(t, map[string]string{"gatehouse.yaml": tc.file, ".env": tc.dotenv})
			got := mustFail(t, tc.opts)
			for _, want := range tc.want {
				if !strings.Contains(got, want) {
					t.Errorf("want %q in %s", want, got)
				}
			}
			if n := strings.Count(got, "\n"); n != len(tc.want) && tc.name != "short secret" && tc.name != "ES with secret" {
				t.Errorf("%d problems, want %d: %s", n, len(tc.want), got)
			}
			if strings.Contains(got, "hunter2") || strings.Contains(got, goodSecret) {
				t.Errorf("a secret is in: %s", got)
			}
		})
	}
}

func TestWeakSecretAllowed(t *testing.T) {
	c := mustLoad(t, Options{As: "daarion", Environ: []string{"AUTH_JWT_SECRET=changeme", "GATEHOUSE_ALLOW_WEAK_SECRETS=1"}})
	if got := strings.Join(c.Warnings(), ""); !strings.Contains(got, "as soon as the swap is done") || strings.Contains(got, "changeme") {
		t.Errorf("warnings: %q", got)
	}
	c = mustLoad(t, Options{Set: map[string]string{"daarion.jwt.secret": goodSecret}})
	if got := strings.Join(c.Warnings(), ""); !strings.Contains(got, "GATEHOUSE_DAARION_JWT_SECRET_FILE") {
		t.Errorf("a secret on the command line: %q", got)
	}
}

func TestHarmlessFiles(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "{}", "null"} {
		mustLoad(t, Options{Dir: house(t, map[string]string{"gatehouse.yaml": text})})
	}
	dir := t.TempDir() // a Python virtual environment of that name
	if err := os.Mkdir(filepath.Join(dir, ".env"), 0o700); err != nil {
		t.Fatal(err)
	}
	mustLoad(t, Options{Dir: dir})
	c := mustLoad(t, Options{Dir: house(t, map[string]string{"gatehouse.yaml": "proxy: {trusted: [10.0.0.0/8, '::1']}\nops: {address: ''}\nlimits: {login_per_ip: off}"})})
	if got := c.List("proxy.trusted"); len(got) != 2 || got[1] != "::1" {
		t.Errorf("list %q", got)
	}
	if c.String("ops.address") != "" || !c.IsSet("ops.address") || !c.Rate("limits.login_per_ip").Off {
		t.Error("an empty value in the file is a value")
	}
	c = mustLoad(t, Options{Environ: []string{"GATEHOUSE_OPS_ADDRESS=off"}})
	if c.String("ops.address") != "" {
		t.Error("off")
	}
}

func FuzzYAML(f *testing.F) {
	for _, seed := range []string{"a: {b: 1}", "listen: {host: x}", "? [a]\n: b", "&a a: *a", "<<: *x", "!!binary x: y", "a: !!map b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l := &loader{table: Settings(), failed: map[string]bool{}}
		if root, err := parseYAML([]byte(text)); err == nil && root != nil {
			yamlFile{loader: l, name: "f", values: map[string]found{}}.mapping(root, "")
		}
	})
}
