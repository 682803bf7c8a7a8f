//go:build unix

package house

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/config"
)

// program is the real binary of this test run, with the crash points in it.
var program struct {
	build sync.Once
	dir   string
	err   error
}

// Program returns the path of the real program, which is built at the first
// call. It is built with the tag faultinject and otherwise as it is released.
// The package needs a TestMain that calls RemoveProgram at the end.
func Program(t testing.TB) string {
	t.Helper()
	program.build.Do(func() {
		if program.dir, program.err = os.MkdirTemp("", "gatehouse-program-"); program.err != nil {
			return
		}
		cmd := exec.Command("go", "build", "-tags", "faultinject", "-o", program.dir, "github.com/gatehouse/gatehouse/cmd/gatehouse")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			program.err = fmt.Errorf("build the program: %w: %s", err, out)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return filepath.Join(program.dir, "gatehouse")
}

// RemoveProgram removes what Program built.
func RemoveProgram() {
	if program.dir != "" {
		_ = os.RemoveAll(program.dir)
	}
}

// Result is what a command left behind.
type Result struct {
	Code        int
	Out, Errors string
}

// Command runs one command of the real program to its end, with the settings of
// the options and input as its standard input.
func Command(t testing.TB, o Options, input string, args ...string) Result {
	t.Helper()
	cmd := prepare(t, o, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewBufferString(input), &out, &errs
	err := cmd.Run()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatalf("run %v: %v", args, err)
	}
	return Result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// prepare makes the command line for the program. The settings go through the
// environment, as secrets should; of ours it gets nothing, so that a developer's
// own settings change no test.
func prepare(t testing.TB, o Options, args ...string) *exec.Cmd {
	t.Helper()
	if o.As != "" {
		args = append(args, "--as="+o.As)
	}
	cmd := exec.Command(Program(t), args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TZ=UTC"}, o.Environ...)
	set := o.settle(t)
	for _, group := range config.Groups() {
		for _, setting := range group.Settings {
			if value, ok := set[setting.Key]; ok {
				cmd.Env = append(cmd.Env, setting.Env[0]+"="+value)
			}
		}
	}
	return cmd
}
