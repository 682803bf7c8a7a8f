//go:build unix

package nt_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// betrayals are what no client has any business knowing.
var betrayals = regexp.MustCompile(`(?i)SQLSTATE|sqlite|postgres|pgx|leaky|dial tcp|connection refused|\.go:\d|goroutine|runtime error|/tmp/|/home/|/root/|gatehouse\.db|panic|127\.0\.0\.1:|no such table|SELECT |stack`)

// NT-ADM-6: Keycloak CVE-2026-9083, CVE-2024-11736; ZITADEL CVE-2024-32967,
// CVE-2025-67717. With a database that is away, no answer names it.
func TestNT_ADM_6_AnOutageDoesNotDescribeTheDatabase(t *testing.T) {
	obstacle := filepath.Join(t.TempDir(), "leaky") // a file where a folder should be
	if err := os.WriteFile(obstacle, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, database := range map[string]string{
		"unreachable":  "postgres://leaky_user:leaky_password@127.0.0.1:1/leaky_database",
		"not a folder": "sqlite:///" + obstacle + "/gatehouse.db",
	} {
		t.Run(name, func(t *testing.T) {
			h := house.StartUnready(t, house.Options{Database: database})
			for _, m := range mouths {
				for _, a := range everything(t, h, m) {
					if found := betrayals.FindString(a.Body + fmt.Sprint(a.Header)); found != "" {
						t.Errorf("%s says %q: %d %s", m.face, found, a.Status, a.Body)
					}
				}
			}
			if h.Server.Health() == nil {
				t.Error("the database was there all the time")
			}
		})
	}
}

// random is the base64 of tokens and keys, in which any short word comes up one
// day.
var random = regexp.MustCompile(`[A-Za-z0-9_-]{40,}`)

// NT-ADM-6, with a database: neither mistakes nor questions make an answer talk
// about files, the environment, or how many users there are.
func TestNT_ADM_6_NoAnswerTellsAboutTheInside(t *testing.T) {
	o := house.Options{Environ: []string{"LEAKY_VARIABLE=leaky"}}
	onEveryFace(t, o, func(t *testing.T, h *house.House, m mouth) {
		enter(t, h, m, "ada@example.org")
		for _, a := range everything(t, h, m) {
			if a.Status >= http.StatusInternalServerError {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || strings.Contains(a.Body, `"openapi"`) {
				continue // documentation may use these words
			}
			if found := betrayals.FindString(random.ReplaceAllString(a.Body, "")); found != "" {
				t.Errorf("%s says %q: %d %s", m.face, found, a.Status, a.Body)
			}
		}
		for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/vars", "/.env", "/.git/config", "/gatehouse.yaml", "/data/master.key", "/api/v1/users", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd"} {
			want(t, path, h.Get(m.face, path), http.StatusNotFound)
		}
	})
}

// everything asks each route in several ways, good and bad.
func everything(t *testing.T, h *house.House, m mouth) (all []house.Answer) {
	t.Helper()
	for _, r := range routes(t, h, m.face) {
		for _, body := range []string{"", "{}", "{", credentials("ada@example.org", house.Password), refreshBody("x.y.z"), `{"token":"x"}`} {
			for _, header := range []string{"Content-Type: application/json", "Authorization: Bearer x.y.z", "Authorization: Bearer " + strings.Repeat("x", 9000)} {
				all = append(all, h.Do(r.method, m.face, r.path, body, header, "Content-Type: application/json"))
			}
		}
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodTrace, "BREW"} {
			all = append(all, h.Do(method, m.face, r.path, "{}"))
		}
	}
	return all
}

// secrets collects what was issued or typed in a run.
type secrets map[string]string

func (s secrets) add(what, value string) {
	if len(value) < 8 {
		return
	}
	s[what] = value
	if parts := strings.Split(value, "."); len(parts) == 3 { // a JWT's signature alone gives it away
		s[what+"'s signature"] = parts[2]
	}
}

func (s secrets) search(t *testing.T, where, text string) {
	t.Helper()
	for what, value := range s {
		if strings.Contains(text, value) {
			t.Errorf("%s holds %s", where, what)
		}
	}
}

// NT-TOK-12: nhost CVE-2026-34969; Vault CVE-2024-8365, CVE-2024-0831; OpenBao
// CVE-2025-62513, CVE-2025-62705, CVE-2025-52893, CVE-2026-46358.
func TestNT_TOK_12_NoSecretIsWrittenAnywhere(t *testing.T) { noSecretAnywhere(t, logsAndAnswers) }

// NT-PW-12: Synapse CVE-2023-41335.
func TestNT_PW_12_NoSecretRestsInTheDatabase(t *testing.T) { noSecretAnywhere(t, atRest) }

func noSecretAnywhere(t *testing.T, search func(t *testing.T, h *house.House, issued secrets)) {
	t.Helper()
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		const synapse = "canary-synapse-secret-0123456789"
		h := house.Start(t, house.Options{Engine: engine, Set: map[string]string{
			"matrix.registration_secret": synapse, "matrix.admin_url": "http://127.0.0.1:1", "matrix.wait": "50ms",
		}})
		issued := secrets{"Synapse's secret": synapse, "the signing secret": house.Secret, "the password of all": house.Password}
		issued.add("the set-up token", setupToken(t, h))
		if a, err := claim(h, issued["the set-up token"], "boss@example.org"); err != nil || a.Status != http.StatusOK {
			t.Fatal(a, err)
		}
		issued.add("the master key", masterKey(t, h))
		for _, m := range mouths {
			live(t, h, m, issued)
		}
		if len(issued) < 30 {
			t.Fatalf("only %d secrets were issued", len(issued))
		}
		search(t, h, issued)
	})
}

func masterKey(t *testing.T, h *house.House) string {
	t.Helper()
	text, err := os.ReadFile(h.Config.String("data.dir") + "/master.key")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// live goes through everything that issues or takes a secret at a face, also
// with secrets in the wrong place, and collects them.
func live(t *testing.T, h *house.House, m mouth, issued secrets) {
	t.Helper()
	email := "canary-" + m.face + "@example.org"
	note := func(what string, a house.Answer) house.Tokens {
		var tokens house.Tokens
		a.JSON(t, &tokens)
		issued.add(m.face+" access token "+what, tokens.Access)
		issued.add(m.face+" refresh token "+what, tokens.Refresh)
		return tokens
	}
	typed := func(what string) string {
		password := "canary-" + m.face + "-" + what + "-" + secret.RandomID()
		issued.add(m.face+" password "+what, password)
		return password
	}
	var answers []house.Answer
	post := func(path, body string, headers ...string) house.Answer {
		a := h.Post(m.face, path, body, headers...)
		if a.Status >= 400 {
			answers = append(answers, a)
		}
		return a
	}
	right := typed("right")
	want(t, "register", post(m.register, credentials(email, right)), http.StatusCreated)
	post(m.register, credentials(email, typed("of a second registration")))
	first := note("first", post(m.login, credentials(email, right)))
	post(m.login, credentials(email, typed("wrong")))
	post(m.login, credentials("nobody@example.org", typed("for nobody")))
	post(m.login, credentials(typed("as address"), "x"))
	post(m.login, `{"email":"`+email+`","password":"`+typed("in broken JSON")+`"`)
	post(m.login, `{"`+typed("as a name")+`":1}`)
	post(m.login, `{"email":{"x":"`+typed("in a wrong type")+`"},"password":["`+typed("in a list")+`"]}`)
	post(m.login+"?password="+typed("in the query"), credentials(email, right))
	post("/no/such/path/"+typed("in the path"), "{}")
	post(m.login, "{}", "Authorization: Basic "+typed("as basic auth"), "Cookie: session="+typed("as cookie"), "User-Agent: x", "X-Request-Id: "+typed("as request id")+" ")
	second := note("second", post(m.refresh, refreshBody(first.Refresh)))
	note("lost", post(m.refresh, refreshBody(first.Refresh)))
	third := note("third", post(m.refresh, refreshBody(second.Refresh)))
	h.Get(m.face, m.me, third.Bearer())
	h.Get(m.face, m.me+"?access_token="+third.Access)
	introspect(h, m, third, third.Access)
	introspect(h, m, third, typed("to introspect"))
	post(m.refresh, refreshBody(first.Refresh)) // theft
	last := note("last", post(m.login, credentials(email, right)))
	changed := typed("changed")
	account := h.Server.House().Account
	if err := account.SetPassword(t.Context(), house.Operator, gate.PrincipalID(again(t, h, m, email, right).UserID), secret.NewText(changed)); err != nil {
		t.Fatal(err)
	}
	answers = append(answers, h.Get(m.face, m.me, last.Bearer()))
	for _, a := range answers {
		issued.search(t, fmt.Sprintf("the refusal %d %s", a.Status, a.Body), a.Body)
	}
}

func logsAndAnswers(t *testing.T, h *house.House, issued secrets) {
	log := h.Log.String()
	// The one place that prints a secret on purpose is the greeting.
	log = strings.Replace(log, "/setup?token="+issued["the set-up token"], "", 1)
	issued.search(t, "the log", log)
	if !strings.Contains(log, "login") {
		t.Error("the log says nothing at all")
	}
	metrics := h.Get("ops", "/metrics")
	want(t, "metrics", metrics, http.StatusOK)
	issued.search(t, "the metrics", metrics.Body)
	if !strings.Contains(metrics.Body, "gatehouse_panics_total 0") {
		t.Error("something panicked")
	}
	for _, row := range rows(t, raw(t, h), h, "events") {
		issued.search(t, "the audit trail", row)
	}
}

func atRest(t *testing.T, h *house.House, issued secrets) {
	db, everything := raw(t, h), ""
	for _, table := range tables(t, db, h) {
		for _, row := range rows(t, db, h, table) {
			everything += row + "\n"
			issued.search(t, "table "+table, row)
		}
	}
	for _, control := range []string{"canary-daarion@example.org", "$argon2id$", "login.succeeded", secret.DigestOf(secret.NewText(issued["daarion refresh token last"])).String()} {
		if !strings.Contains(everything, control) {
			t.Errorf("the search would find nothing: %q is not there", control)
		}
	}
	if h.Config.Database().Engine != string(house.SQLite) {
		return
	}
	for _, suffix := range []string{"", "-wal"} {
		file, err := os.ReadFile(h.Config.Database().Path + suffix)
		if err != nil || len(file) == 0 {
			t.Errorf("%s: %d bytes, %v", suffix, len(file), err)
		}
		issued.search(t, "the database file"+suffix, string(file))
	}
}

func tables(t *testing.T, db *sql.DB, h *house.House) []string {
	t.Helper()
	query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	if h.Config.Database().Engine == string(house.Postgres) {
		query = `SELECT tablename FROM pg_tables WHERE schemaname = 'gatehouse'`
	}
	names := column(t, db, query)
	if len(names) < 10 {
		t.Fatalf("only the tables %v", names)
	}
	return names
}

// rows returns each row of a table as text.
func rows(t *testing.T, db *sql.DB, h *house.House, table string) []string {
	t.Helper()
	if h.Config.Database().Engine == string(house.Postgres) {
		return column(t, db, `SELECT t::text FROM gatehouse.`+table+` t`)
	}
	names := column(t, db, `SELECT name FROM pragma_table_info('`+table+`')`)
	return column(t, db, `SELECT COALESCE("`+strings.Join(names, `",'') || ' ' || COALESCE("`)+`",'') FROM `+table)
}

func column(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	result, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	for result.Next() {
		var text string
		if err := result.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := result.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
