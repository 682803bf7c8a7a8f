package store

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"
)

// TestSchemaVersionIsTheNewestFile: else a program would take its own schema for
// one of the future, or wait for a step that does not exist.
func TestSchemaVersionIsTheNewestFile(t *testing.T) {
	for _, dialect := range []goose.Dialect{goose.DialectPostgres, goose.DialectSQLite3} {
		files, err := migrationsFor(dialect)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := fs.ReadDir(files, ".")
		if err != nil {
			t.Fatal(err)
		}
		for i, entry := range entries {
			number, _, _ := strings.Cut(entry.Name(), "_")
			if n, err := strconv.Atoi(number); err != nil || n != i+1 {
				t.Errorf("%s: file %d of %s is %s: numbers have to follow each other", dialect, i+1, dialect, entry.Name())
			}
		}
		if len(entries) != SchemaVersion {
			t.Errorf("%s has %d files, SchemaVersion is %d", dialect, len(entries), SchemaVersion)
		}
	}
}

// TestTheLibcIsTheOneThatSQLiteWants: modernc.org/sqlite is translated C, and
// works with the one version of modernc.org/libc it was translated for.
func TestTheLibcIsTheOneThatSQLiteWants(t *testing.T) {
	module := func(path string) (m struct{ Version, GoMod string }) {
		out, err := exec.Command("go", "list", "-m", "-json", path).Output()
		if err == nil {
			err = json.Unmarshal(out, &m)
		}
		if err != nil {
			t.Fatalf("go list -m %s: %v", path, err)
		}
		return m
	}
	wants, err := os.ReadFile(module("modernc.org/sqlite").GoMod)
	if err != nil {
		t.Fatal(err)
	}
	if has := module("modernc.org/libc").Version; !strings.Contains(string(wants), "modernc.org/libc "+has+"\n") {
		t.Errorf("go.mod has modernc.org/libc %s, but modernc.org/sqlite wants another:\n%s", has, wants)
	}
}
