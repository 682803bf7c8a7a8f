//go:build unix

package idp

import (
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"testing"
)

//go:embed provider/package.json provider/package-lock.json provider/.npmrc provider/*.mjs
//go:embed client/package.json client/package-lock.json client/.npmrc client/*.mjs
var sources embed.FS

// project is a folder of JavaScript that is run in the cache.
type project struct {
	folder string
	after  []string // the script to run when its packages are there
}

var (
	providerFiles = project{folder: "provider"}
	clientFiles   = project{folder: "client", after: []string{"bundle.mjs"}}
)

func mustInstall(t testing.TB, p project) (node node, home string) {
	t.Helper()
	cache, err := cacheFolder()
	if err != nil {
		t.Fatal(err)
	}
	if node, err = findNode(cache); err != nil {
		t.Fatalf("there is no Node for %s: %v", p.folder, err)
	}
	if home, err = p.install(cache, node); err != nil {
		t.Fatalf("%s cannot be installed: %v", p.folder, err)
	}
	return node, home
}

// install returns the folder of the project with its packages. Its name has a
// hash of all that is in it, so a change makes another.
func (p project) install(cache string, node node) (home string, err error) {
	sum := sha256.New()
	files, err := fs.Glob(sources, p.folder+"/*")
	if err != nil {
		return "", err
	}
	for _, name := range files {
		content, err := sources.ReadFile(name)
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(sum, "%s %d\n%s", name, len(content), content)
	}
	home = filepath.Join(cache, fmt.Sprintf("idp-%s-%x", p.folder, sum.Sum(nil)[:4]))
	return home, once(home, func(unfinished string) error {
		for _, name := range files {
			content, err := sources.ReadFile(name)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(unfinished, path.Base(name)), content, 0o644); err != nil {
				return err
			}
		}
		if err := node.npm(unfinished, "ci", "--silent", "--ignore-scripts"); err != nil {
			return fmt.Errorf("npm ci (it needs a package registry, or a setting of npm that leads to one): %w", err)
		}
		if p.after == nil {
			return nil
		}
		return run(unfinished, node.path, p.after...)
	})
}

// once makes a folder unless an earlier test has. Test binaries run at the same
// time, so they queue at a lock; and a folder gets its final name only when it
// is complete, so one that was interrupted is never used.
func once(home string, fill func(unfinished string) error) error {
	unlock, err := lock(home + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(home); err == nil {
		return nil
	}
	// Under a new name, as whoever was interrupted may still be writing.
	unfinished, err := os.MkdirTemp(filepath.Dir(home), filepath.Base(home)+".unfinished-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(unfinished) }()
	if err := fill(unfinished); err != nil {
		return err
	}
	return os.Rename(unfinished, home)
}

func cacheFolder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "gatehouse-test")
	return cache, os.MkdirAll(cache, 0o755)
}

func lock(name string) (unlock func(), err error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) { // the wait may be long, and signals come
			break
		}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return func() { _ = file.Close() }, nil
}
