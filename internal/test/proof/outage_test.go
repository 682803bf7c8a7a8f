//go:build unix

package proof

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

// target is a database that Gatehouse is pointed at: its name is also that of a
// role with the password "right".
type target struct {
	*testing.T
	server *pgtest.Server
	name   string
	data   string // the data folder, and so the master key
}

// outage is a way in which the database is not there.
type outage struct {
	cause      string
	begin, end func(db target)
}

var outages = []outage{
	{"database_missing", func(target) {}, func(db target) { db.exec(`CREATE DATABASE % OWNER %`) }},
	{"wrong_password",
		func(db target) { db.exec(`CREATE DATABASE % OWNER %`, `ALTER ROLE % PASSWORD 'changed'`) },
		func(db target) { db.exec(`ALTER ROLE % PASSWORD 'right'`) }},
	{"no_rights",
		func(db target) { db.exec(`CREATE DATABASE %`, `GRANT CONNECT ON DATABASE % TO %`) },
		func(db target) { db.exec(`GRANT CREATE ON DATABASE % TO %`) }},
	{"schema_newer",
		func(db target) {
			db.exec(`CREATE DATABASE % OWNER %`)
			if r := house.Command(db, house.Options{Database: db.url(), DataDir: db.data}, "", "migrate"); r.Code != 0 {
				db.Fatalf("migrate: %s", r.Errors)
			}
			db.inside(`INSERT INTO schema_versions (version_id, is_applied) VALUES (9999, true)`)
		},
		func(db target) { db.inside(`DELETE FROM schema_versions WHERE version_id = 9999`) }},
	{"database_unreachable",
		func(db target) {
			db.exec(`CREATE DATABASE % OWNER %`)
			if err := db.server.Stop(); err != nil {
				db.Fatal(err)
			}
		},
		func(db target) {
			if err := db.server.Restart(); err != nil {
				db.Fatal(err)
			}
		}},
}

const healsWithin = 5 * time.Second

// The war story that this house was built on: the database was missing, and
// every client got a 500 (F3).
func TestProofDatabaseThatIsNotThere(t *testing.T) {
	house.Program(t)
	elsewhere := house.Start(t, house.Options{Engine: house.SQLite})
	tokens := elsewhere.SignUp("ada@example.org") // good ones, for the secret is the same
	for i, o := range outages {
		t.Run(o.cause, func(t *testing.T) {
			t.Parallel()
			db := target{t, pgtest.Shared(t), fmt.Sprintf("outage_%d", i), t.TempDir()}
			if o.cause == "database_unreachable" {
				db.server = ownServer(t) // the others need theirs
			}
			db.exec(`CREATE ROLE % LOGIN PASSWORD 'right'`)
			o.begin(db)
			options := house.Options{As: "daarion", Database: db.url(), DataDir: db.data, Environ: []string{"AUTH_JWT_SECRET=" + house.Secret}}
			p := house.Launch(t, options)
			took := mustNameCause(t, p, o.cause)
			mustRefuseAll(t, p, tokens)
			o.mustBeToldOnce(t, p)
			if doctor := house.Command(t, options, "", "doctor", "--json"); doctor.Code != 1 || !strings.Contains(doctor.Out, `"code": "`+o.cause+`"`) {
				t.Errorf("doctor: exit %d: %s%s", doctor.Code, doctor.Out, doctor.Errors)
			}
			o.end(db)
			healed := mustHeal(t, p)
			t.Logf("%-20s named after %v, told once, 503 everywhere; healed %v after the cause was gone", o.cause, took.Round(time.Millisecond), healed.Round(time.Millisecond))
		})
	}
}

// ownServer starts a Postgres that may be stopped.
func ownServer(t *testing.T, settings ...string) *pgtest.Server {
	t.Helper()
	server, err := pgtest.Start(settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// exec runs statements as the superuser, one by one because CREATE DATABASE
// stands alone. % is the name of the database and the role.
func (db target) exec(statements ...string) {
	db.Helper()
	for _, statement := range statements {
		if err := db.server.Exec(strings.ReplaceAll(statement, "%", db.name)); err != nil {
			db.Fatalf("%s: %v", statement, err)
		}
	}
}

// inside runs a statement as the owner, in the database.
func (db target) inside(statement string) {
	db.Helper()
	rows := openRows(db.T, house.Options{Database: strings.Replace(db.url(), "+asyncpg", "", 1)})
	if _, err := rows.Exec(statement); err != nil {
		db.Fatal(err)
	}
}

// url is what a Python service would have in its environment.
func (db target) url() string {
	u := url.URL{Scheme: "postgresql+asyncpg", User: url.UserPassword(db.name, "right"), Host: net.JoinHostPort(db.server.Host, strconv.Itoa(db.server.Port)), Path: "/" + db.name}
	return u.String()
}

// mustNameCause waits until /healthz tells the cause, and returns how long that
// took from the start of the process.
func mustNameCause(t *testing.T, p *house.Process, cause string) time.Duration {
	t.Helper()
	for {
		health := p.Get("daarion", "/healthz")
		took := time.Since(p.Started)
		if health.Status != http.StatusServiceUnavailable || health.Header.Get("Retry-After") == "" {
			t.Fatalf("/healthz: %d %v %s", health.Status, health.Header, health.Body)
		}
		if health.Field("cause") == cause && health.Field("fix") != "" && health.Field("status") != "ok" {
			return took
		}
		if got := health.Field("cause"); got != "starting" || took > healsWithin {
			t.Fatalf("/healthz names %q after %v, want %q\n%s", got, took, cause, p.Log.End())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// mustRefuseAll asks everything that needs the database, for a while, with
// tokens that are good. Nothing may blame the client, or fail without a word.
func mustRefuseAll(t *testing.T, p *house.Process, tokens house.Tokens) {
	t.Helper()
	ask := map[string]func() (house.Answer, error){
		"register":   func() (house.Answer, error) { return register(p.Visitor, "new@example.org") },
		"login":      func() (house.Answer, error) { return login(p.Visitor, "ada@example.org", house.Password) },
		"refresh":    func() (house.Answer, error) { return refresh(p.Visitor, tokens.Refresh) },
		"logout":     func() (house.Answer, error) { return logout(p.Visitor, tokens.Refresh) },
		"me":         func() (house.Answer, error) { return me(p.Visitor, tokens.Access) },
		"introspect": func() (house.Answer, error) { return introspect(p.Visitor, tokens.Access) },
	}
	for range rounds(40, 5) {
		for name, request := range ask {
			a, err := request()
			if err != nil || a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || a.Field("detail") == "" {
				t.Fatalf("%s: %d %v %s (%v), want 503 with Retry-After and {\"detail\": …}", name, a.Status, a.Header, a.Body, err)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// mustBeToldOnce counts the lines that name the cause: operators need one.
func (o outage) mustBeToldOnce(t *testing.T, p *house.Process) {
	t.Helper()
	lines := 0
	for line := range strings.Lines(p.Log.String()) {
		if strings.Contains(line, "the database cannot be used") {
			lines++
			if !strings.Contains(line, "cause="+o.cause) || !strings.Contains(line, "fix=") {
				t.Errorf("the log says %s", line)
			}
		}
	}
	if lines != 1 {
		t.Errorf("the log names the cause %d times in %v, want once\n%s", lines, time.Since(p.Started).Round(time.Second), p.Log.End())
	}
}

// mustHeal registers until it works.
func mustHeal(t *testing.T, p *house.Process) time.Duration {
	t.Helper()
	gone := time.Now()
	for n := 0; ; n++ {
		a, err := register(p.Visitor, fmt.Sprintf("healed%d@example.org", n))
		took := time.Since(gone)
		switch {
		case err == nil && a.Status == http.StatusCreated && took <= healsWithin:
			if health := p.Get("daarion", "/healthz"); health.Status != http.StatusOK {
				t.Errorf("/healthz after healing: %d %s", health.Status, health.Body)
			}
			return took
		case took > healsWithin:
			t.Fatalf("not healed after %v: %d %s (%v)\n%s", took, a.Status, a.Body, err, p.Log.End())
		case err != nil || a.Status != http.StatusServiceUnavailable:
			t.Errorf("while healing: %d %s (%v)", a.Status, a.Body, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
