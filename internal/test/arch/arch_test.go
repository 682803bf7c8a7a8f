// Package arch keeps the three walls and the floors of the house: see
// ARCHITECTURE.md for what they are, floors_test.go for the table. It reads the
// source and nothing else, so it also sees what other build tags would build.
package arch

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestHouse(t *testing.T) {
	house := os.DirFS("../../..")
	if _, err := fs.Stat(house, "internal/gate"); err != nil {
		t.Fatalf("this is not the house: %v", err)
	}
	problems, err := check(house)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

// The checker bites: each of these files breaks one rule, at its last line.
func TestCheckerBites(t *testing.T) {
	const ours = "import _ \"" + module + "/internal/"
	tests := []struct{ name, file, source, want string }{
		{"unknown package", "internal/utils/utils.go", "package utils", "package utils has no floor"},
		{"upward import", "internal/session/x.go", "package session\n" + ours + "login\"", "session (floor 4) imports login (floor 6)"},
		{"same floor", "internal/session/x.go", "package session\n" + ours + "token\"", "session (floor 4) imports token (floor 4)"},
		{"words import nothing", "internal/gate/x.go", "package gate\n" + ours + "secret\"", "gate (floor 1) imports secret (floor 2)"},
		{"parent imports child", "internal/oauth/x.go", "package oauth\n" + ours + "oauth/grant\"", "oauth (floor 6) imports oauth/grant (floor 6)"},
		{"face reads the store", "internal/dialect/minos/x.go", "package minos\n" + ours + "store\"", "too thin to hold a rule"},
		{"page mints a token", "internal/pages/login/x.go", "package login\n" + ours + "token\"", "too thin to hold a rule"},
		{"face imports face", "internal/dialect/minos/x.go", "package minos\n" + ours + "dialect/daarion\"", "what two share is a verb"},
		{"store imports a verb", "internal/store/x.go", "package store\n" + ours + "account\"", "too dumb to hold a rule"},
		{"config read by a verb", "internal/login/x.go", "package login\n" + ours + "config\"", "handed on by value"},
		{"product imports a test", "internal/cli/x.go", "package cli\n" + ours + "test/pgtest\"", "no place in the product"},
		{"HTTP in a verb", "internal/login/x.go", "package login\nimport _ \"net/http\"", "reachable without HTTP"},
		{"SQL in a verb", "internal/login/x.go", "package login\nimport _ \"database/sql\"", "SQL lives in store"},
		{"driver outside its engine", "internal/store/users.go", "package store\nimport _ \"github.com/jackc/pgx/v5\"", "one SQL text"},
		{"randomness outside secret", "internal/token/x.go", "package token\nimport _ \"crypto/rand\"", "only package that draws"},
		{"ids outside secret", "internal/token/x.go", "package token\nimport \"github.com/google/uuid\"\nvar _ = uuid.NewString()", "only package that draws"},
		{"guessable randomness", "internal/jobs/x.go", "package jobs\nimport _ \"math/rand/v2\"", "somebody may guess it"},
		{"wall clock", "internal/login/x.go", "package login\nimport \"time\"\nvar Clock = time.Now", "take a gate.Clock, or tx.Now()"},
		{"wall clock, renamed", "internal/login/x.go", "package login\nimport t \"time\"\nvar _ = t.Since(then)", "take a gate.Clock"},
		{"careless JSON", "internal/web/x.go", "package web\nimport _ \"encoding/json\"", "use web.Decode"},
		{"client without a timeout", "internal/provision/x.go", "package provision\nimport \"net/http\"\nvar _, _ = http.Get(url)", "waits for ever"},
		{"init", "internal/web/x.go", "package web\nfunc init() {}", "has an init"},
		{"long function", "internal/web/x.go", "package web\nfunc long() {" + strings.Repeat("\n", 60) + "}", "long has 61 lines"},
		{"long file", "internal/web/x.go", "package web" + strings.Repeat("\n", 501), "has 501 lines"},
		{"behind a build tag", "internal/login/x.go", "//go:build plan9\n\npackage login\nimport _ \"net/http\"", "reachable without HTTP"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			problems := checkOne(t, test.file, test.source)
			if all := strings.Join(problems, "\n"); !strings.Contains(all, test.want) || !strings.Contains(all, test.file+":") {
				t.Errorf("the checker says %q, want %q and the place", all, test.want)
			}
		})
	}
}

// And it bites nothing else.
func TestCheckerSpares(t *testing.T) {
	const ours = "import _ \"" + module + "/internal/"
	tests := []struct{ name, file, source string }{
		{"downward import", "internal/session/x.go", "package session\n" + ours + "store\""},
		{"child imports parent", "internal/oauth/grant/x.go", "package grant\n" + ours + "oauth\""},
		{"child on a lower floor", "internal/provision/x.go", "package provision\n" + ours + "provision/matrix\""},
		{"driver in its engine", "internal/store/engine_sqlite.go", "package store\nimport _ \"modernc.org/sqlite\""},
		{"clock handed in at the top", "internal/server/x.go", "package server\nimport \"time\"\nvar _ = time.Now"},
		{"time without the clock", "internal/login/x.go", "package login\nimport \"time\"\nvar _ = time.Second"},
		{"tests use what they like", "internal/login/x_test.go", "package login\nimport \"time\"\nvar _ = time.Now"},
		{"test packages use each other", "internal/test/house/x.go", "package house\n" + ours + "test/pgtest\""},
		{"test data", "internal/login/testdata/x.go", "package broken {"},
		{"a method called init", "internal/web/x.go", "package web\nfunc (x) init() {}"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if problems := checkOne(t, test.file, test.source); len(problems) > 0 {
				t.Errorf("the checker complains: %q", problems)
			}
		})
	}
}

func checkOne(t *testing.T, name, source string) []string {
	t.Helper()
	problems, err := check(fstest.MapFS{name: {Data: []byte(source)}})
	if err != nil {
		t.Fatal(err)
	}
	return problems
}
