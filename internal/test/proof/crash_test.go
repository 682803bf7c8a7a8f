//go:build unix

package proof

import (
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

const (
	loadClients = 24
	readyWithin = 2 * time.Second  // as a rule
	patience    = 30 * time.Second // for a machine that is busy with other tests
)

// Nothing that was acknowledged may be lost, and nothing half-made left, when
// the process dies at any moment (F1).
func TestProofKill9(t *testing.T) {
	house.Program(t)
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		t.Parallel()
		o := mortal(t, engine)
		rows := openRows(t, o)
		total := rounds(100, 2)
		p := house.Launch(t, o)
		ready := []time.Duration{p.AwaitReady(patience)}
		acked, lost := map[string]int{}, 0
		var all []*entry
		for round := range total {
			j := &journal{t: t, acked: acked, lost: &lost}
			j.loadUntilKilled(p, fmt.Sprintf("r%d", round), all, 200*time.Millisecond+rand.N(300*time.Millisecond))

			p = house.Launch(t, o)
			ready = append(ready, p.AwaitReady(patience))
			checkAll(j.entries, func(e *entry) { e.check(t, p.Visitor) })
			mustBeWhole(t, rows)
			all = append(all, j.entries...)
			if round%20 == 19 || round == total-1 {
				mustVerifyAudit(t, o)
			}
			if t.Failed() {
				t.Fatalf("in round %d\n%s", round, p.Log.End())
			}
		}
		checkAll(all, func(e *entry) { e.checkSession(t, p.Visitor) }) // also what the earlier rounds acknowledged
		mustBeWhole(t, rows)
		median, longest := percentiles(ready)
		if median > readyWithin {
			t.Errorf("ready %v after the start (median), want %v", median, readyWithin)
		}
		t.Logf("%d × kill -9 under load of %d clients: acknowledged %v, none lost; %d requests got no answer, all safely repeated; nothing half-made; audit chains hold; ready %v (median), %v (longest) after start",
			total, loadClients, acked, lost, median, longest)
	})
}

// mortal is a house whose database survives it. Postgres gets a server that
// writes to the disk before it says so.
func mortal(t *testing.T, engine house.Engine) house.Options {
	t.Helper()
	o := house.Options{Engine: engine, DataDir: t.TempDir(), Set: maps.Clone(withoutSynapse())}
	if engine == house.SQLite {
		o.Database = house.NewDatabase(t, engine)
		return o
	}
	server := ownServer(t, pgtest.Durable)
	o.Database = server.NewDatabase(t)
	return o
}

// loadUntilKilled lets the clients work until the process is killed, and waits
// until all of them have noticed. Two of three come with an account they have.
func (j *journal) loadUntilKilled(p *house.Process, name string, known []*entry, after time.Duration) {
	killer := time.AfterFunc(after, p.Kill)
	defer killer.Stop()
	atOnce(loadClients, func(i int) (house.Answer, error) {
		email := ""
		if i%3 > 0 && len(known) > 0 {
			email = known[rand.N(len(known))].email
		}
		j.client(p.Visitor, fmt.Sprintf("%s-c%d", name, i), email)
		return house.Answer{}, nil
	})
	p.Kill()
}

// whole says what must never be found in the tables: each query counts rows
// that only half a transaction could leave.
var whole = map[string]string{
	"principals without a user":           `SELECT COUNT(*) FROM principals WHERE id NOT IN (SELECT id FROM users)`,
	"users without a password":            `SELECT COUNT(*) FROM users WHERE id NOT IN (SELECT principal FROM credentials WHERE kind = 'password' AND verifier <> '')`,
	"users without a role":                `SELECT COUNT(*) FROM users WHERE id NOT IN (SELECT principal FROM role_grants WHERE role = 'user')`,
	"users without a wish":                `SELECT COUNT(*) FROM users WHERE id NOT IN (SELECT subject FROM outbox)`,
	"wishes of nobody, or too many":       `SELECT COUNT(*) FROM (SELECT subject FROM outbox GROUP BY subject HAVING COUNT(*) > 1 OR subject NOT IN (SELECT id FROM users)) AS w`,
	"users without a birth event":         `SELECT COUNT(*) FROM users WHERE id NOT IN (SELECT subject FROM events WHERE name = 'user.created')`,
	"birth events of nobody, or too many": `SELECT COUNT(*) FROM (SELECT subject FROM events WHERE name = 'user.created' GROUP BY subject HAVING COUNT(*) > 1 OR subject NOT IN (SELECT id FROM users)) AS b`,
	"addresses that two users have":       `SELECT COUNT(*) - COUNT(DISTINCT email_key) FROM users`,
	"numbers given to nobody":             `SELECT COALESCE((SELECT value FROM counters WHERE name = 'users'), 0) - (SELECT COUNT(*) FROM users)`,
	"sessions without a refresh token":    `SELECT COUNT(*) FROM sessions WHERE refresh_digest = '' OR refresh_digest = refresh_previous`,
	"sessions refreshed by half":          `SELECT COUNT(*) FROM sessions WHERE refreshed_at IS NULL AND refresh_previous <> '' OR refreshed_at IS NOT NULL AND refresh_previous = ''`,
	"sessions without a login event":      `SELECT COUNT(*) FROM sessions WHERE id NOT IN (SELECT session FROM events WHERE name = 'login.succeeded')`,
	"login events of nobody, or too many": `SELECT COUNT(*) FROM (SELECT session FROM events WHERE name = 'login.succeeded' GROUP BY session HAVING COUNT(*) > 1 OR session NOT IN (SELECT id FROM sessions)) AS l`,
	"ended sessions without an event":     `SELECT COUNT(*) FROM sessions WHERE ended_at IS NOT NULL AND id NOT IN (SELECT session FROM events WHERE name = 'session.ended')`,
	"events of sessions that did not end": `SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL AND id IN (SELECT session FROM events WHERE name = 'session.ended')`,
}

func mustBeWhole(t *testing.T, rows *sql.DB) {
	t.Helper()
	for what, query := range whole {
		if n := count(t, rows, query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}

// mustVerifyAudit walks the hash chains with the program's own command.
func mustVerifyAudit(t *testing.T, o house.Options) {
	t.Helper()
	if r := house.Command(t, o, "", "audit", "verify"); r.Code != 0 {
		t.Errorf("audit verify: exit %d: %s%s", r.Code, r.Out, r.Errors)
	}
}

// At the named crash points the deed is done and nobody has been told.
func TestProofCrashAfterCommit(t *testing.T) {
	house.Program(t)
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		t.Parallel()
		o := mortal(t, engine)
		rows := openRows(t, o)
		for nth := 1; nth <= rounds(5, 1); nth++ {
			for _, point := range []string{"register_after_commit", "login_after_commit", "refresh_after_commit"} {
				email := fmt.Sprintf("%s-%d@example.org", strings.ReplaceAll(point, "_", "."), nth)
				crashAt(t, o, rows, point, nth, email)
				mustBeWhole(t, rows)
			}
		}
		mustVerifyAudit(t, o)
		t.Logf("died after the commit and before the answer at 3 points, %d times each: accounts, sessions and tokens are all there and usable", rounds(5, 1))
	})
}

// crashAt does something n times, and the n-th time there is no answer.
func crashAt(t *testing.T, o house.Options, rows *sql.DB, point string, nth int, email string) {
	t.Helper()
	healthy := house.Launch(t, o)
	healthy.AwaitReady(readyWithin)
	account := healthy.SignUp(email)
	healthy.Kill()

	o.Environ = []string{fmt.Sprintf("FAULT_POINT=%s:%d", point, nth)}
	p := house.Launch(t, o)
	p.AwaitReady(patience)
	newcomer := func(n int) string { return fmt.Sprintf("new%d.%s", n, email) }
	deed := map[string]func(n int) (house.Answer, error){
		"register_after_commit": func(n int) (house.Answer, error) { return register(p.Visitor, newcomer(n)) },
		"login_after_commit":    func(int) (house.Answer, error) { return login(p.Visitor, email, house.Password) },
		"refresh_after_commit":  func(int) (house.Answer, error) { return refresh(p.Visitor, account.Refresh) },
	}[point]
	for n := 1; n < nth; n++ {
		a, err := deed(n)
		if err != nil || a.Status >= 300 {
			t.Fatalf("%s, time %d: %d %s (%v)", point, n, a.Status, a.Body, err)
		}
		if next := a.Field("refresh_token"); point == "refresh_after_commit" {
			account.Refresh = next
		}
	}
	if a, err := deed(nth); err == nil {
		t.Fatalf("%s: the process answered %d %s and did not die", point, a.Status, a.Body)
	}
	if !p.AwaitDeath(readyWithin) {
		t.Errorf("%s: it ended by itself, not at the crash point", point)
	}

	o.Environ = nil
	p = house.Launch(t, o)
	p.AwaitReady(patience)
	defer p.Kill()
	switch point {
	case "register_after_commit":
		a, err := register(p.Visitor, newcomer(nth))
		must(t, http.StatusBadRequest, a, err) // it is there already
		p.SignIn(newcomer(nth))
	case "login_after_commit":
		if n := count(t, rows, `SELECT COUNT(*) FROM sessions WHERE principal = $1`, account.UserID); n != nth+1 {
			t.Errorf("%d sessions, want %d and the first", n, nth)
		}
		p.SignIn(email)
	case "refresh_after_commit":
		if count(t, rows, `SELECT COUNT(*) FROM sessions WHERE refresh_previous = $1`, digest(account.Refresh)) != 1 {
			t.Error("the refresh was not committed: this proves nothing")
		}
		a, err := refresh(p.Visitor, account.Refresh)
		next := tokensIn(must(t, http.StatusOK, a, err))
		a, err = refresh(p.Visitor, next.Refresh)
		must(t, http.StatusOK, a, err)
	}
}
