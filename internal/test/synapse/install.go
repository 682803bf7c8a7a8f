//go:build unix

package synapse

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// version is the last Synapse that runs on Python 3.9, so one version does for
// every machine that the tests may meet.
const version = "1.140.0"

//go:embed constraints.txt
var constraints []byte

const needsPython = "this test runs a real Synapse, which needs Python 3.9 or newer with venv; " +
	"on Debian or Ubuntu: apt-get install python3 python3-venv"

// install returns the Python interpreter of an environment that has Synapse, and
// makes that environment unless an earlier test has. Test binaries run at the
// same time, so they queue at a lock; and an environment gets its final name
// only when it is complete, so one that was interrupted is never used.
func install() (python string, err error) {
	base, release, err := findPython()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "gatehouse-test")
	sum := sha256.Sum256(constraints)
	home := filepath.Join(cache, fmt.Sprintf("synapse-%s-py%s-%x", version, release, sum[:4]))
	python = filepath.Join(home, "bin", "python")

	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(home + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(python); err == nil {
		return python, nil
	}
	// Not there, or its base interpreter is gone and the link leads nowhere.
	if err := os.RemoveAll(home); err != nil {
		return "", err
	}
	return python, build(base, home)
}

// build makes the environment beside its final place and moves it there. A
// virtual environment may be moved as long as its programs are run through its
// interpreter (python -m), which finds its packages relative to itself.
func build(base, home string) error {
	unfinished := home + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := run(base, "-m", "venv", unfinished); err != nil {
		return fmt.Errorf("%s (%w)", needsPython, err)
	}
	pins := filepath.Join(unfinished, "constraints.txt")
	if err := os.WriteFile(pins, constraints, 0o644); err != nil {
		return err
	}
	err := run(filepath.Join(unfinished, "bin", "python"), "-m", "pip", "install",
		"--quiet", "--no-input", "--disable-pip-version-check", "--prefer-binary",
		"--constraint", pins, "matrix-synapse=="+version)
	if err != nil {
		return fmt.Errorf("pip install matrix-synapse==%s (it needs a package index, or PIP_INDEX_URL or PIP_FIND_LINKS that leads to one): %w", version, err)
	}
	return os.Rename(unfinished, home)
}

// findPython returns the interpreter and its release, such as "3.11".
func findPython() (path, release string, err error) {
	path, err = exec.LookPath("python3")
	if err != nil {
		return "", "", errors.New(needsPython)
	}
	const ask = `import sys; assert sys.version_info >= (3, 9), sys.version; print("%d.%d" % sys.version_info[:2])`
	out, err := exec.Command(path, "-c", ask).Output()
	if err != nil {
		return "", "", fmt.Errorf("%s (%s is older, or broken)", needsPython, path)
	}
	return path, strings.TrimSpace(string(out)), nil
}

func run(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Env = cleanEnv()
	cmd.SysProcAttr = dieWithTest()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, lastBytes(out))
	}
	return nil
}

// cleanEnv is the environment less what would make Python look elsewhere.
func cleanEnv() []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "PYTHON") && !strings.HasPrefix(entry, "VIRTUAL_ENV=") {
			env = append(env, entry)
		}
	}
	return env
}

func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
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

func tail(path string) []byte {
	content, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	return lastBytes(content)
}

func lastBytes(text []byte) []byte {
	const enough = 4 << 10
	return bytes.TrimSpace(text[max(0, len(text)-enough):])
}
