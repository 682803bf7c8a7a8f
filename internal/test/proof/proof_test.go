//go:build unix

package proof

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // to look at the rows themselves

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

func TestMain(m *testing.M) {
	defer house.RemoveProgram()
	pgtest.Main(m)
}

// rounds is the count of a proof: the full one, or the small one with -short.
func rounds(full, short int) int {
	if testing.Short() {
		return short
	}
	return full
}

// fleet is all that serves one database: two houses on Postgres, one on SQLite,
// where a second one is refused.
type fleet struct {
	t       *testing.T
	options house.Options
	houses  []*house.House
	rows    *sql.DB // the tables themselves
}

func startFleet(t *testing.T, o house.Options) *fleet {
	t.Helper()
	o.Database, o.DataDir = house.NewDatabase(t, o.Engine), t.TempDir()
	f := &fleet{t: t, options: o, rows: openRows(t, o)}
	f.start()
	return f
}

func (f *fleet) start() {
	f.t.Helper()
	f.houses = []*house.House{house.Start(f.t, f.options)}
	if f.options.Engine == house.Postgres {
		f.houses = append(f.houses, house.Start(f.t, f.options))
	}
}

// restart stops every house and starts new ones on the same database.
func (f *fleet) restart() {
	f.t.Helper()
	for _, h := range f.houses {
		h.Stop()
	}
	f.start()
}

// at returns one of the houses, each in its turn.
func (f *fleet) at(n int) *house.House { return f.houses[n%len(f.houses)] }

func (f *fleet) count(query string, args ...any) int {
	f.t.Helper()
	return count(f.t, f.rows, query, args...)
}

// events counts the audit events of one name about one subject.
func (f *fleet) events(subject, name string) int {
	f.t.Helper()
	var found []gate.Event
	f.houses[0].Tx(func(tx *store.Tx) (err error) {
		found, err = tx.EventsAbout(gate.PrincipalID(subject), name)
		return err
	})
	return len(found)
}

// openRows opens the database beside the houses, for looking only.
func openRows(t *testing.T, o house.Options) *sql.DB {
	t.Helper()
	var db *sql.DB
	if file, ok := strings.CutPrefix(o.Database, "sqlite:///"); ok {
		opened, err := sql.Open("sqlite", "file:"+file+"?mode=ro&_pragma=busy_timeout(5000)")
		if err != nil {
			t.Fatal(err)
		}
		db = opened
	} else {
		config, err := pgx.ParseConfig(o.Database)
		if err != nil {
			t.Fatal(err)
		}
		config.RuntimeParams["search_path"] = "gatehouse"
		config.RuntimeParams["gatehouse.tenant"] = "main" // or row-level security shows nothing
		db = stdlib.OpenDB(*config)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func count(t *testing.T, db *sql.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.QueryRow(query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// outcome is what a request in a goroutine came to.
type outcome struct {
	house.Answer
	err error
}

// atOnce sends n requests that all start at the same moment.
func atOnce(n int, send func(i int) (house.Answer, error)) []outcome {
	outcomes, gun := make([]outcome, n), make(chan struct{})
	var racers sync.WaitGroup
	for i := range n {
		racers.Go(func() {
			<-gun
			outcomes[i].Answer, outcomes[i].err = send(i)
		})
	}
	close(gun)
	racers.Wait()
	return outcomes
}

const asJSON = "Content-Type: application/json"

func post(v house.Visitor, path string, members map[string]string) (house.Answer, error) {
	body, err := json.Marshal(members)
	if err != nil {
		return house.Answer{}, err
	}
	return v.Try(http.MethodPost, "daarion", path, string(body), asJSON)
}

func register(v house.Visitor, email string) (house.Answer, error) {
	return post(v, "/api/auth/register", map[string]string{"email": email, "password": house.Password})
}

func login(v house.Visitor, email, password string) (house.Answer, error) {
	return post(v, "/api/auth/login", map[string]string{"email": email, "password": password})
}

func refresh(v house.Visitor, token string) (house.Answer, error) {
	return post(v, "/api/auth/refresh", map[string]string{"refresh_token": token})
}

func logout(v house.Visitor, token string) (house.Answer, error) {
	return post(v, "/api/auth/logout", map[string]string{"refresh_token": token})
}

func introspect(v house.Visitor, access string) (house.Answer, error) {
	return post(v, "/api/auth/introspect", map[string]string{"token": access})
}

func me(v house.Visitor, access string) (house.Answer, error) {
	return v.Try(http.MethodGet, "daarion", "/api/auth/me", "", "Authorization: Bearer "+access)
}

// must is for answers that have no choice.
func must(t *testing.T, status int, a house.Answer, err error) house.Answer {
	t.Helper()
	if err != nil || a.Status != status {
		t.Fatalf("%d %s (%v), want %d", a.Status, a.Body, err, status)
	}
	return a
}

// percentiles tells how long things took.
func percentiles(took []time.Duration) (median, longest time.Duration) {
	slices.Sort(took)
	return took[len(took)/2].Round(100 * time.Microsecond), took[len(took)-1].Round(100 * time.Microsecond)
}
