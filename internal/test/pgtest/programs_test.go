//go:build unix

package pgtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindPrograms(t *testing.T) {
	onPath, versions, nothing := t.TempDir(), t.TempDir(), t.TempDir()
	install(t, onPath, "initdb", "postgres")
	install(t, filepath.Join(versions, "9.6", "bin"), "initdb", "postgres")
	install(t, filepath.Join(versions, "15", "bin"), "initdb", "postgres")
	install(t, filepath.Join(versions, "17", "bin"), "initdb") // half an installation

	tests := []struct{ name, path, versions, want string }{
		{"the PATH goes first", onPath, versions, onPath},
		{"then the newest complete version", nothing, versions, filepath.Join(versions, "15", "bin")},
		{"half a Postgres on the PATH is none", filepath.Join(versions, "17", "bin"), versions, filepath.Join(versions, "15", "bin")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("PATH", test.path)
			if got, err := findPrograms(test.versions); err != nil || got != test.want {
				t.Errorf("found %q (%v), want %q", got, err, test.want)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		t.Setenv("PATH", nothing)
		if _, err := findPrograms(nothing); err == nil || !strings.Contains(err.Error(), "make deps") {
			t.Errorf("without Postgres the error is %v, want it to name make deps", err)
		}
	})
}

func install(t *testing.T, folder string, programs ...string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, program := range programs {
		if err := os.WriteFile(filepath.Join(folder, program), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
