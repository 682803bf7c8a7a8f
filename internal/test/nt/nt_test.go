//go:build unix

package nt_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// mouth is where one face takes what every face understands.
type mouth struct {
	face, register, login, refresh, me string
}

var mouths = []mouth{
	{"daarion", "/api/auth/register", "/api/auth/login", "/api/auth/refresh", "/api/auth/me"},
	{"native", "/api/v1/register", "/api/v1/login", "/api/v1/refresh", "/api/v1/me"},
}

// onEveryFace runs a test once per engine and face, in a house of its own.
func onEveryFace(t *testing.T, o house.Options, test func(t *testing.T, h *house.House, m mouth)) {
	t.Helper()
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		for _, m := range mouths {
			t.Run(m.face, func(t *testing.T) {
				fresh := o
				fresh.Engine = engine
				test(t, house.Start(t, fresh), m)
			})
		}
	})
}

// replicas starts two houses on one database where the engine can have two, and
// one where it cannot. Index them with at.
func replicas(t *testing.T, o house.Options) cluster {
	t.Helper()
	o.Database, o.DataDir = house.NewDatabase(t, o.Engine), t.TempDir()
	c := cluster{house.Start(t, o)}
	if o.Engine == house.Postgres {
		c = append(c, house.Start(t, o))
	}
	return c
}

type cluster []*house.House

func (c cluster) at(n int) *house.House { return c[n%len(c)] }

// racers is how many try at once.
const racers = 50

// race lets all racers go at once and returns their answers.
func race(t *testing.T, try func(n int) (house.Answer, error)) []house.Answer {
	t.Helper()
	answers, errs := make([]house.Answer, racers), make([]error, racers)
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for n := range racers {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			answers[n], errs[n] = try(n)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return answers
}

// credentials is the body of a login or a registration.
func credentials(email, password string) string {
	return fmt.Sprintf(`{"email":%q,"password":%q}`, email, password)
}

func refreshBody(token string) string { return `{"refresh_token":"` + token + `"}` }

// enter signs up and in at a face.
func enter(t *testing.T, h *house.House, m mouth, email string) house.Tokens {
	t.Helper()
	registered := h.Post(m.face, m.register, credentials(email, house.Password))
	want(t, "register", registered, http.StatusCreated)
	return again(t, h, m, email, house.Password)
}

// again signs in at a face.
func again(t *testing.T, h *house.House, m mouth, email, password string) (tokens house.Tokens) {
	t.Helper()
	a := h.Post(m.face, m.login, credentials(email, password))
	want(t, "login", a, http.StatusOK)
	a.JSON(t, &tokens)
	var body struct{ User struct{ ID string } }
	a.JSON(t, &body)
	tokens.UserID = body.User.ID
	return tokens
}

func want(t *testing.T, what string, a house.Answer, status ...int) {
	t.Helper()
	for _, good := range status {
		if a.Status == good {
			return
		}
	}
	t.Fatalf("%s: got %d %s; want %d", what, a.Status, a.Body, status)
}

// wantRefusal fails unless the answer is some 4xx.
func wantRefusal(t *testing.T, what string, a house.Answer) {
	t.Helper()
	if a.Status < 400 || a.Status > 499 {
		t.Errorf("%s: got %d %s; want a refusal", what, a.Status, a.Body)
	}
}

// limited is a house whose limits are on. Everything but what a test sets stays
// generous.
func limited(engine house.Engine, set map[string]string) house.Options {
	all := map[string]string{
		"limits.login_per_account": "1000/5m", "limits.login_per_account_total": "1000/24h",
		"limits.login_per_ip": "10000/5m", "limits.register_per_ip": "10000/1h",
	}
	maps.Copy(all, set)
	return house.Options{Engine: engine, Set: all}
}

// raw opens the house's database behind its back; on Postgres as the superuser,
// whom row-level security does not stop.
func raw(t *testing.T, h *house.House) *sql.DB {
	t.Helper()
	database := h.Config.Database()
	driver, dsn := "sqlite", "file:"+database.Path+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"
	if database.Engine == string(house.Postgres) {
		driver, dsn = "pgx", superuser(t, h)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func superuser(t *testing.T, h *house.House) string {
	t.Helper()
	address, err := url.Parse(pgtest.Shared(t).DSN(h.Config.Database().Name, pgtest.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("search_path", "gatehouse")
	address.RawQuery = query.Encode()
	return address.String()
}

// count runs a query that yields one number.
func count(t *testing.T, db *sql.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// setupToken returns the token of the link that the house printed last.
func setupToken(t *testing.T, h *house.House) string {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if _, after, found := strings.Cut(h.Log.String(), "/setup?token="); found && strings.Contains(after, "\n") {
			token, _, _ := strings.Cut(after, "\n")
			return token
		}
	}
	t.Fatalf("no link for the first administrator was printed:\n%s", h.Log)
	return ""
}

// within fails unless the condition comes true in the time that revocation may
// take to be visible everywhere.
func within(t *testing.T, limit time.Duration, what string, condition func() bool) {
	t.Helper()
	start := time.Now()
	for !condition() {
		if time.Since(start) > limit {
			t.Fatalf("%s: not within %s", what, limit)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
