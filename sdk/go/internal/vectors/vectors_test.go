package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestTheFilesAreThoseThatThisProgramWrites(t *testing.T) {
	for name, content := range files() {
		checkedIn, err := os.ReadFile(filepath.Join("..", "..", "..", "vectors", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(checkedIn, content) {
			t.Errorf("%s is not what the generator writes: go run ./internal/vectors", name)
		}
	}
}

func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	once := func(file, name string) {
		if seen[file+" "+name] {
			t.Errorf("%s has two cases %q", file, name)
		}
		seen[file+" "+name] = true
	}
	for _, c := range tokens().Cases {
		once("tokens", c.Name)
	}
	for _, c := range credentials().Cases {
		once("credentials", c.Name)
	}
	for _, c := range apiKeys().Cases {
		once("api_keys", c.Name)
	}
	for _, c := range rowSecurity().Cases {
		once("row_security", c.Name)
	}
}
