//go:build unix

package server

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

func settings(t *testing.T, dir string, more ...string) *config.Config {
	t.Helper()
	set := map[string]string{"data.dir": dir, "database.url": "sqlite:///" + filepath.Join(dir, "gatehouse.db")}
	c, err := config.Load(config.Options{Environ: more, Dir: t.TempDir(), Set: set})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheMasterKeyIsMadeOnceAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	c := settings(t, dir)
	first, err := masterKey(c)
	if err != nil || len(first) != 32 {
		t.Fatalf("%d bytes, %v", len(first), err)
	}
	file := filepath.Join(dir, masterKeyFile)
	before, _ := os.ReadFile(file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	second, err := masterKey(c)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("the second start got another key (%v)", err)
	}
	if made, err := makeMasterKey(file); err != nil || !bytes.Equal(made, first) {
		t.Errorf("a key was made over one that exists (%v)", err)
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
		t.Error("the file was written again")
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func TestADamagedMasterKeyIsRefusedAndLeftAlone(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32))
	for name, text := range map[string]string{
		"empty": "", "a newline": "\n", "half": good[:20], "one short": good[:len(good)-4], "twice": good + good, "binary": strings.Repeat("\x00", 32), "hex": strings.Repeat("09", 32),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, masterKeyFile)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := masterKey(settings(t, dir))
			if err == nil || !strings.Contains(err.Error(), "backup") {
				t.Errorf("got %v, want a refusal that says what to do", err)
			}
			if err != nil && text != "" && len(strings.TrimSpace(text)) > 8 && strings.Contains(err.Error(), strings.TrimSpace(text)) {
				t.Error("the message tells the key")
			}
			if after, _ := os.ReadFile(file); string(after) != text {
				t.Error("the file was changed")
			}
		})
	}
}

func TestNoNewKeyBesideADatabase(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "gatehouse.db"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := masterKey(settings(t, dir)); err == nil || !strings.Contains(err.Error(), masterKeyFile) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, masterKeyFile)); err == nil {
		t.Error("a key was made that opens nothing")
	}
	ours := []byte("0123456789abcdefghijklmnopqrstuv")
	given := base64.StdEncoding.EncodeToString(ours)
	if key, err := masterKey(settings(t, dir, "GATEHOUSE_MASTER_KEY="+given)); err != nil || !bytes.Equal(key, ours) {
		t.Errorf("a key from the environment: %v", err)
	}
}

// TestStartersAgreeOnOneKey: of twenty first starts at once, all get what stays.
// Each makes the database as soon as it has its key, as a server does.
func TestStartersAgreeOnOneKey(t *testing.T) {
	for range 50 {
		dir := filepath.Join(t.TempDir(), "data")
		c := settings(t, dir)
		keys := make([][]byte, 20)
		storetest.Race(len(keys), func(i int) {
			var err error
			if keys[i], err = masterKey(c); err != nil {
				t.Errorf("starter %d: %v", i, err)
				return
			}
			_ = os.WriteFile(filepath.Join(dir, "gatehouse.db"), nil, 0o600)
		})
		for i, key := range keys {
			if !bytes.Equal(key, keys[0]) {
				t.Fatalf("starter %d has another key than starter 0", i)
			}
		}
	}
}
