//go:build unix

package nt_test

import (
	"encoding/csv"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	root = "../../.."
	list = root + "/docs/advisories.csv"
)

var testFunction = regexp.MustCompile(`(?m)^func (TestNT_[A-Za-z0-9_]+)\(`)

// TestAdvisoriesListIsTrue: what the list calls done has a test, a test that
// exists is on the list, and a name belongs to its id.
func TestAdvisoriesListIsTrue(t *testing.T) {
	existing := testsOfThisHouse(t)
	var listed []string
	for n, row := range advisories(t) {
		id, test, status, note := row[0], row[1], row[2], row[3]
		switch {
		case status != "done" && status != "part" && status != "open":
			t.Errorf("row %d: status %q is none of done, part, open", n+2, status)
		case status == "open" && test == "", status != "open" && slices.Contains(existing, test):
		default:
			t.Errorf("row %d: %s is %s, but there is no %q", n+2, id, status, test)
		}
		if status != "done" && note == "" {
			t.Errorf("row %d: %s is %s, and the note does not say what is missing", n+2, id, status)
		}
		if test != "" && !strings.HasPrefix(test, "Test"+strings.ReplaceAll(id, "-", "_")+"_") {
			t.Errorf("row %d: %s does not belong to %s", n+2, test, id)
		}
		listed = append(listed, test)
	}
	for _, test := range existing {
		if !slices.Contains(listed, test) {
			t.Errorf("%s is not in %s", test, filepath.Base(list))
		}
	}
}

func advisories(t *testing.T) [][]string {
	t.Helper()
	file, err := os.Open(list)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 40 || !slices.Equal(rows[0], []string{"id", "test", "status", "note"}) {
		t.Fatalf("%d rows, the first is %q", len(rows), rows[0])
	}
	return rows[1:]
}

// testsOfThisHouse reads the names out of the sources, wherever they are.
func testsOfThisHouse(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, match := range testFunction.FindAllStringSubmatch(string(source), -1) {
			names = append(names, match[1])
		}
		return err
	})
	if err != nil || len(names) < 30 {
		t.Fatalf("%d tests found: %v", len(names), err)
	}
	return names
}
