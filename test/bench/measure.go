//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the bare commit rate of Postgres
	"golang.org/x/crypto/argon2"
	_ "modernc.org/sqlite" // and of SQLite

	"github.com/gatehouse/gatehouse/internal/factor/password"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

// footprint: how big, how quick to start, how much memory at rest.
func footprint(b *bench) ([]row, error) {
	info, err := os.Stat(b.binary)
	if err != nil {
		return nil, err
	}
	var starts []float64
	var resident float64
	for i := range b.rounds {
		name := "footprint" + strconv.Itoa(min(i, 1)) // the first start makes everything, the others find it
		begin := time.Now()
		house, err := b.startHouse(name, "")
		if err != nil {
			return nil, err
		}
		starts = append(starts, float64(time.Since(begin).Milliseconds()))
		time.Sleep(3 * time.Second)
		resident, err = residentMB(house.cmd.Process.Pid)
		house.stop()
		if err != nil {
			return nil, err
		}
	}
	first, ready := starts[0], median(starts[1:])
	return []row{
		{what: "size of the program", ours: fmt.Sprintf("%.1f MB", float64(info.Size())/1e6), goal: "", met: true},
		{what: "first start to ready (makes keys and schema)", ours: fmt.Sprintf("%.0f ms", first), met: true},
		{what: "start to ready, SQLite", ours: fmt.Sprintf("%.0f ms", ready), goal: "<= 100 ms", met: ready <= 100},
		{what: "resident memory at rest, SQLite", ours: fmt.Sprintf("%.1f MB", resident), goal: "<= 30 MB", met: resident <= 30},
	}, nil
}

func residentMB(pid int) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib * 1024 / 1e6, err
		}
	}
	return 0, errors.New("no VmRSS in /proc")
}

// hot: introspection and me against a bare handler that sends the same answer.
func hot(b *bench) ([]row, error) {
	house, err := b.startHouse("hot", "")
	if err != nil {
		return nil, err
	}
	defer house.stop()
	const users = 100
	all, err := signUp(house.address, users)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, each := range []struct {
		what   string
		render func(tokens) []byte
	}{
		{"introspection", func(t tokens) []byte {
			return request("POST", "/api/auth/introspect", `{"token":"`+t.Access+`"}`)
		}},
		{"me", func(t tokens) []byte {
			return request("GET", "/api/auth/me", "", "Authorization: Bearer "+t.Access)
		}},
	} {
		requests := make([][]byte, users)
		for i, t := range all {
			requests[i] = each.render(t)
		}
		r, err := b.hotRow(house.address, each.what+", 100 tokens, SQLite", requests)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// hotRow compares requests that are answered from memory with a bare handler that
// gives the same answer.
func (b *bench) hotRow(address, what string, requests [][]byte) (row, error) {
	answer, headers, err := sample(address, requests[0])
	if err != nil {
		return row{}, err
	}
	bare, err := startBare(answer, headers)
	if err != nil {
		return row{}, err
	}
	defer bare.stop()
	ask := func(address string) func(time.Duration) (float64, error) {
		return func(length time.Duration) (float64, error) {
			var turn [256]int
			return rate(address, b.clients, length, func(client int, c *conn) error {
				turn[client]++
				status, body, err := c.ask(requests[(client*7+turn[client])%len(requests)])
				return errors.Join(err, expect(200, status, body))
			})
		}
	}
	return b.against(what, 0.8, ask(address), ask(bare.address))
}

// sample returns one real answer with the headers the program set.
func sample(address string, asked []byte) (string, http.Header, error) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(asked)))
	if err != nil {
		return "", nil, err
	}
	r.URL.Scheme, r.URL.Host, r.RequestURI = "http", address, ""
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err = errors.Join(err, expect(http.StatusOK, response.StatusCode, body)); err != nil {
		return "", nil, err
	}
	response.Header.Del("Date")
	response.Header.Del("Content-Length")
	return string(body), response.Header, nil
}

// logins: against the bare hash with the same parameters, on all cores.
func logins(b *bench) ([]row, error) {
	bare := func(length time.Duration) (float64, error) {
		p, salt := password.Default, make([]byte, 16)
		var count atomic.Int64
		var working sync.WaitGroup
		start := time.Now()
		for range 2 {
			working.Go(func() {
				for time.Since(start) < length {
					argon2.IDKey([]byte(benchPassword), salt, p.Passes, p.MemoryKiB, p.Lanes, 32)
					count.Add(1)
				}
			})
		}
		working.Wait()
		return float64(count.Load()) / time.Since(start).Seconds(), nil
	}
	return b.onEngines("logins", 0.95, func(house *process, _ []tokens, length time.Duration) (float64, error) {
		return rate(house.address, b.clients, length, func(client int, c *conn) error {
			status, body, err := c.ask(request("POST", "/api/auth/login", credentials(client)))
			return errors.Join(err, expect(200, status, body))
		})
	}, func(string, *pgtest.Server) (func(time.Duration) (float64, error), func(), error) {
		return bare, func() {}, nil
	})
}

// refreshes: against the engine's own commits of one small row, on as many
// connections as the program may use.
func refreshes(b *bench) ([]row, error) {
	return b.onEngines("refreshes", 0.8, func(house *process, all []tokens, length time.Duration) (float64, error) {
		return rate(house.address, len(all), length, func(client int, c *conn) error {
			status, body, err := c.ask(request("POST", "/api/auth/refresh", `{"refresh_token":"`+all[client].Refresh+`"}`))
			if err = errors.Join(err, expect(200, status, body)); err != nil {
				return err
			}
			return json.Unmarshal(body, &all[client])
		})
	}, b.bareCommits)
}

// onEngines compares ours with bare on SQLite and on a durable Postgres.
func (b *bench) onEngines(what string, goal float64, ours func(*process, []tokens, time.Duration) (float64, error),
	bareOf func(engine string, postgres *pgtest.Server) (func(time.Duration) (float64, error), func(), error),
) (rows []row, err error) {
	for _, engine := range []string{"sqlite", "postgres"} {
		database := ""
		var postgres *pgtest.Server
		if engine == "postgres" {
			if postgres, err = pgtest.Start(pgtest.Durable); err != nil {
				return nil, err
			}
			defer postgres.Close()
			if err := postgres.Exec("CREATE DATABASE bench OWNER " + pgtest.Owner); err != nil {
				return nil, err
			}
			database = postgres.DSN("bench", pgtest.Owner)
		}
		house, err := b.startHouse(what+"-"+engine, database)
		if err != nil {
			return nil, err
		}
		all, err := signUp(house.address, b.clients)
		if err == nil {
			var bare func(time.Duration) (float64, error)
			var done func()
			if bare, done, err = bareOf(engine, postgres); err == nil {
				var r row
				r, err = b.against(what+", "+engine, goal, func(length time.Duration) (float64, error) { return ours(house, all, length) }, bare)
				rows = append(rows, r)
				done()
			}
		}
		house.stop()
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// bareCommits returns a loop of durable one-row transactions. SQLite has one
// writer; Postgres gets 16 connections, as many as the program's pool.
func (b *bench) bareCommits(engine string, postgres *pgtest.Server) (func(time.Duration) (float64, error), func(), error) {
	var db *sql.DB
	var err error
	writers := 1
	if engine == "sqlite" {
		db, err = sql.Open("sqlite", "file:"+filepath.Join(b.folder, "bare.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	} else {
		writers = 16
		db, err = sql.Open("pgx", postgres.DSN("bench", pgtest.Owner))
	}
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(writers)
	db.SetMaxIdleConns(writers)
	if _, err := db.Exec(`CREATE TABLE bare (id TEXT PRIMARY KEY, value TEXT NOT NULL)`); err != nil {
		return nil, nil, err
	}
	var next atomic.Int64
	run := func(length time.Duration) (float64, error) {
		var count atomic.Int64
		var failed atomic.Pointer[error]
		var working sync.WaitGroup
		start := time.Now()
		for range writers {
			working.Go(func() {
				for time.Since(start) < length && failed.Load() == nil {
					if err := commitOne(db, next.Add(1)); err != nil {
						failed.Store(&err)
						return
					}
					count.Add(1)
				}
			})
		}
		working.Wait()
		if err := failed.Load(); err != nil {
			return 0, *err
		}
		return float64(count.Load()) / time.Since(start).Seconds(), nil
	}
	return run, func() { _ = db.Close() }, nil
}

func commitOne(db *sql.DB, id int64) error {
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO bare (id, value) VALUES ($1, $2)`, strconv.FormatInt(id, 10), "one small row"); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
