//go:build unix

// Package whomay asks a face for every operation that it documents, as
// everybody, and holds the answers against a table that people have read:
// testdata/who-may.txt. An operation that is new, or that somebody new may, is
// therefore seen by whoever reads the change.
package whomay

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

var update = flag.Bool("update-who-may", false, "write what everybody may to testdata/who-may.txt")

// Table is about one face.
type Table struct {
	House     *house.House
	Face      string
	Least     int      // operations that the face has at the very least
	Everybody []string // who asks, in the order of the table
	Strangers []string // those of them who have nothing to show
	Public    []string // the operations that strangers may
	Ask       func(who, method, path string) house.Answer
}

// Check asks, and compares.
func (tb Table) Check(t *testing.T) {
	t.Helper()
	var table strings.Builder
	for _, op := range tb.operations(t) {
		method, path, _ := strings.Cut(op, " ")
		fmt.Fprintf(&table, "%s\n", op)
		for _, who := range tb.Everybody {
			a := tb.Ask(who, method, path)
			fmt.Fprintf(&table, "  %-16s %d %s\n", who, a.Status, detail(a))
			if a.Status < 300 && slices.Contains(tb.Strangers, who) && !slices.Contains(tb.Public, op) {
				t.Errorf("%s: %s may", op, who)
			}
		}
	}
	const file = "testdata/who-may.txt"
	if *update {
		if err := os.WriteFile(file, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || table.String() != string(want) {
		t.Errorf("%s says something else (%v); read the difference before you write it with -update-who-may:\n%s", file, err, difference(string(want), table.String()))
	}
}

// operations are all that the face documents.
func (tb Table) operations(t *testing.T) []string {
	t.Helper()
	var doc struct{ Paths map[string]map[string]any }
	tb.House.Get(tb.Face, "/openapi.json").JSON(t, &doc)
	var all []string
	for path, methods := range doc.Paths {
		for method := range methods {
			all = append(all, strings.ToUpper(method)+" "+path)
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		_, pa, _ := strings.Cut(a, " ")
		_, pb, _ := strings.Cut(b, " ")
		return strings.Compare(pa+" "+a, pb+" "+b)
	})
	if len(all) < tb.Least {
		t.Fatalf("only %d operations", len(all))
	}
	return all
}

// detail is why not, "" if one may.
func detail(a house.Answer) string {
	if a.Status < 400 {
		return ""
	}
	var refusal struct{ Detail any }
	if json.Unmarshal([]byte(a.Body), &refusal) != nil {
		return a.Body
	}
	if text, ok := refusal.Detail.(string); ok {
		return text
	}
	return "…"
}

func difference(want, got string) string {
	var out strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			fmt.Fprintf(&out, "line %d\n- %s\n+ %s\n", i+1, a, b)
		}
		if out.Len() > 2000 {
			break
		}
	}
	return out.String()
}
