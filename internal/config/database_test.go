package config

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestPostgresURL(t *testing.T) {
	for _, tc := range []struct{ raw, host, user, password, name, tls string }{
		{"postgresql://postgres:postgres@dagi-postgres:5432/daarion", "dagi-postgres", "postgres", "postgres", "daarion", ""},
		{"postgres://u:p@h/d", "h", "u", "p", "d", ""},
		{"postgresql+asyncpg://u:p@h/d?ssl=require", "h", "u", "p", "d", "require"},
		{"postgresql+psycopg2://u:p@h/d?ssl=true", "h", "u", "p", "d", "require"},
		{"POSTGRES+anything://u:p@h/d?ssl=false&sslmode=verify-full", "h", "u", "p", "d", "verify-full"},
		{"postgres://u:p%40ss%3A%2F@h/d", "h", "u", "p@ss:/", "d", ""},
		{"postgres://u:p@s:s/w#r%@h/d", "h", "u", "p@s:s/w#r%", "d", ""},
		{"postgres://u:ps/w?r#d%@h/d", "h", "u", "ps/w?r#d%", "d", ""},
		{"postgres://u:100%sure%zz@h/d", "h", "u", "100%sure%zz", "d", ""},
		{"postgres://u:p'\\ +@h/d", "h", "u", "p'\\ +", "d", ""},
		{"postgres://u:p@[::1]:5433/d", "::1", "u", "p", "d", ""},
		{"postgres://u:p@a,b:5433/d", "a,b", "u", "p", "d", ""},
		{"postgres://u@h", "h", "u", "", "u", ""},
		{"postgres:///d?host=/run/postgresql&user=u", "/run/postgresql", "u", "", "d", ""},
		{"postgres://h/d?user=u&application_name=a%40b", "h", "u", "", "d", ""},
		{"postgres://h:5432/d?user=u&application_name=a@b", "h", "u", "", "d", ""},
		{"host=h user=u password='p \\' q' dbname=d sslmode=disable", "h", "u", "p ' q", "d", "disable"},
		{"user = u host=h password=a\\ b database=d", "h", "u", "a b", "d", ""},
	} {
		t.Run(tc.raw, func(t *testing.T) {
			d, err := ParseDatabaseURL(tc.raw)
			if err != nil {
				t.Fatal(err)
			}
			if d.Engine != EnginePostgres || d.Host != tc.host || d.User != tc.user || d.Name != tc.name {
				t.Errorf("got %v", d)
			}
			if tls := "sslmode='" + tc.tls + "'"; strings.Contains(d.DSN, "sslmode") != (tc.tls != "") || tc.tls != "" && !strings.Contains(d.DSN, tls) {
				t.Errorf("TLS of %s", d.DSN)
			}
			pgx, err := pgconn.ParseConfig(d.DSN)
			if err != nil || pgx.User != tc.user || pgx.Password != tc.password || pgx.Host != strings.Split(tc.host, ",")[0] {
				t.Errorf("pgx reads %s as %+v, %v", d.DSN, pgx, err)
			}
		})
	}
}

func TestDroppedOptions(t *testing.T) {
	d, err := ParseDatabaseURL("postgresql+asyncpg://u:p@h/d?prepared_statement_cache_size=0&pool_size=5&pool_recycle=9&server_settings=x&max_overflow=1&connect_timeout=5")
	if err != nil || d.DSN != "host='h' user='u' password='p' dbname='d' connect_timeout='5'" || len(d.Warnings) != 4 {
		t.Errorf("%v %s %q", err, d.DSN, d.Warnings)
	}
	c := mustLoad(t, Options{Environ: []string{"GATEHOUSE_DATABASE_URL=postgres://u:p@h/d?pool_size=5"}})
	if got := strings.Join(c.Warnings(), ""); !strings.HasPrefix(got, "database.url (env GATEHOUSE_DATABASE_URL): the option pool_…") {
		t.Error(got)
	}
}

func TestSQLiteURL(t *testing.T) {
	for raw, path := range map[string]string{
		"sqlite:///relative.db": "relative.db", "sqlite:////var/lib/abs.db": "/var/lib/abs.db", "sqlite+aiosqlite:///./data/a.db": "./data/a.db",
		"data/a.db": "data/a.db", "/x/A.DB": "/x/A.DB", "sqlite:///with space.db": "with space.db", "sqlite:///a.db?mode=ro": "a.db",
	} {
		if d, err := ParseDatabaseURL(raw); err != nil || d.Engine != EngineSQLite || d.Path != path || d.DSN != path {
			t.Errorf("%s: %v %v", raw, d, err)
		}
	}
}

func TestDatabaseURLRefused(t *testing.T) {
	for raw, want := range map[string]string{
		"":                               "must look like",
		"hunter2":                        "must look like",
		"mysql+pymysql://u:hunter2@h":    "mysql is not a database",
		"sqlite://relative.db":           "three slashes",
		"sqlite://":                      "in memory",
		"sqlite:///:memory:":             "in memory",
		"sqlite:///data/":                "names a directory",
		"postgres://u:hunter2@h:x/d":     "must look like postgres://",
		"postgres://u:hunter2@h:70000/d": "port must be",
		"postgres://u:hunter2@h/d?sslmode=hunter2":    "sslmode must be",
		"postgres://u:hunter2@h/d?connect_timeout=5s": "connect_timeout must be",
		"postgres://u:hunter2@h/d?hunt er2=1":         "must look like postgres://",
		"postgres://u:1?hunter2@h/d":                  "must look like postgres://",
		"postgres://u:hunter2%00@h/d":                 "NUL",
		"postgres://u:p@s?hunter2@h/d":                "must look like postgres://", // that '?' looks like the one before options
		"host=h password='hunter2":                    "never closed",
		"host=h hunter2":                              "key=value",
		"host=a,b,c port=1,2":                         "one for each host",
	} {
		if _, err := ParseDatabaseURL(raw); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %s", raw, err, want)
		}
	}
}

// FuzzDatabaseURL: raw text never panics or leaks; a properly encoded URL with
// any password comes out of pgx as it went in, and so does its pair form.
func FuzzDatabaseURL(f *testing.F) {
	f.Add("postgres://u:p@h:5432/d?sslmode=disable", "p@ss/w:rd?#%")
	f.Add("host=h user='a b' password=x\\", "'\\")
	f.Add("sqlite:///a.db", "100%")
	f.Add("postgresql+asyncpg://u:p@[::1]/d?ssl=true&pool_size=1", "päss wörd\n")
	f.Fuzz(func(t *testing.T, raw, password string) {
		if d, err := ParseDatabaseURL(raw); err == nil && d.Engine == EnginePostgres {
			again, err := ParseDatabaseURL(d.DSN)
			if err != nil || again.DSN != d.DSN {
				t.Errorf("%q became %q, and that %q (%v)", raw, d.DSN, again.DSN, err)
			}
		}
		marked := "qZ7" + password + "Zq7"
		for _, form := range []string{"postgres://u:%s@h:99999/d", "postgres://u:%s@h/d?sslmode=maybe", "postgres://u:%s", "host=h port=x password='%s'"} {
			if _, err := ParseDatabaseURL(fmt.Sprintf(form, marked)); err != nil && strings.Contains(err.Error(), "qZ7") {
				t.Errorf("the error shows the password: %v", err)
			}
		}
		if strings.ContainsRune(password, 0) || password == "" {
			return
		}
		u := url.URL{Scheme: "postgres", User: url.UserPassword("u", password), Host: "h:5433", Path: "/d", RawQuery: "sslmode=disable"}
		d, err := ParseDatabaseURL(u.String())
		if err != nil {
			t.Fatalf("%s: %v", u.String(), err)
		}
		if pgx, err := pgconn.ParseConfig(d.DSN); err != nil || pgx.Password != password || pgx.Database != "d" || pgx.Port != 5433 {
			t.Errorf("pgx reads %q from %s (%v)", password, d.DSN, err)
		}
		if text := fmt.Sprintf("%v%+v%#v", d, d, &d); strings.Contains(text, "password=") {
			t.Errorf("Database prints its DSN: %s", text)
		}
	})
}
