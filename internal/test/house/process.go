//go:build unix

package house

import (
	"net/http"
	"os/exec"
	"regexp"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Process is a Gatehouse in a process of its own, which can be killed.
type Process struct {
	Visitor
	Log     *Log // everything it logged and printed
	Started time.Time

	cmd    *exec.Cmd
	exited chan struct{}
	faces  map[string]string
}

const greetsWithin = 20 * time.Second

// Launch starts the real program with "serve" and waits until it listens, not
// until it is ready. It dies with the test. Of the options, Clock and Demo have
// no meaning here.
func Launch(t testing.TB, o Options) *Process {
	t.Helper()
	p := &Process{Log: &Log{}, exited: make(chan struct{}), cmd: prepare(t, o, "serve")}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.SysProcAttr = p.Log, p.Log, dieWithTest()
	transport := &http.Transport{MaxIdleConnsPerHost: 128}
	p.Visitor = Visitor{t, func(face string) string { return p.faces[face] }, &http.Client{Timeout: 30 * time.Second, Transport: transport}}
	p.Started = time.Now()
	if err := p.run(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		transport.CloseIdleConnections()
	})
	p.awaitGreeting()
	return p
}

// run starts the process from a thread that lives as long as it does: the
// kernel kills the process when the thread that started it ends.
func (p *Process) run() error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.exited)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // how it ended is for the test to ask
		}
	}()
	return <-started
}

// greeting is a line in which the program says where a face listens.
var greeting = regexp.MustCompile(`(?m)^  (\w+) +http://(\S+) +(?:docs|metrics) http`)

// awaitGreeting reads where the faces listen; they chose free ports themselves.
func (p *Process) awaitGreeting() {
	p.T.Helper()
	for deadline := time.Now().Add(greetsWithin); time.Now().Before(deadline); {
		faces := map[string]string{}
		for _, line := range greeting.FindAllStringSubmatch(p.Log.String(), -1) {
			faces[line[1]] = line[2]
		}
		if faces["ops"] != "" { // the last one
			p.faces = faces
			return
		}
		select {
		case <-p.exited:
			p.T.Fatalf("the program ended instead of serving:\n%s", p.Log)
		case <-time.After(2 * time.Millisecond):
		}
	}
	p.T.Fatalf("the program did not say where it listens:\n%s", p.Log)
}

// AwaitReady waits until the native face says that the house is ready, and
// returns how long that took from the start of the process.
func (p *Process) AwaitReady(within time.Duration) time.Duration {
	p.T.Helper()
	for {
		answer, err := p.Try(http.MethodGet, "native", "/readyz", "")
		took := time.Since(p.Started)
		if err == nil && answer.Status == http.StatusOK {
			return took
		}
		if took > within {
			p.T.Fatalf("not ready after %v: %d %s (%v)\n%s", took, answer.Status, answer.Body, err, p.Log.End())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// Kill ends the process as kill -9 does, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// AwaitDeath waits until the process has ended by itself, and reports whether
// it was by the signal that a crash point sends.
func (p *Process) AwaitDeath(within time.Duration) bool {
	p.T.Helper()
	select {
	case <-p.exited:
	case <-time.After(within):
		p.T.Fatalf("the process is still alive after %v:\n%s", within, p.Log.End())
	}
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}
