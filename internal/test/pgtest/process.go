//go:build unix

package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a running postmaster.
type process struct {
	pid    int
	exited chan struct{} // closed when it is gone
}

const (
	readyWithin = 20 * time.Second
	stopWithin  = 20 * time.Second
)

// Restart starts the server again after Stop or Crash, at the same address; a
// running one is stopped first.
func (s *Server) Restart() error {
	if err := s.Stop(); err != nil {
		return err
	}
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := s.command("postgres", s.arguments()...)
	cmd.Stdout, cmd.Stderr = log, log
	p, err := launch(cmd)
	if err != nil {
		return err
	}
	s.setRunning(p)
	return s.waitUntilReady(p)
}

func (s *Server) arguments() []string {
	args := []string{"-D", s.data(), "-p", strconv.Itoa(s.Port)}
	settings := []string{
		"listen_addresses=" + s.Host, "unix_socket_directories=" + s.dir,
		"fsync=off", "max_connections=200", "timezone=UTC",
	}
	for _, setting := range append(settings, s.settings...) { // the last one wins
		args = append(args, "-c", setting)
	}
	return args
}

// launch starts the postmaster from a thread that lives as long as it does: the
// kernel sends Pdeathsig when the thread that started a process ends, and Go
// ends threads when it likes.
func launch(cmd *exec.Cmd) (*process, error) {
	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return &process{pid: cmd.Process.Pid, exited: exited}, nil
}

func (s *Server) waitUntilReady(p *process) error {
	deadline := time.After(readyWithin)
	for {
		err := s.Exec("SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			s.setRunning(nil)
			return fmt.Errorf("postgres did not start: %s", s.endOfLog())
		case <-deadline:
			return fmt.Errorf("postgres was not ready within %v: %w: %s", readyWithin, err, s.endOfLog())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Stop shuts the server down in order, ending every connection. Its data stays.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Crash makes every process of the server quit on the spot, so that the next
// start has to recover. Its address refuses connections until Restart.
func (s *Server) Crash() error { return s.end(syscall.SIGQUIT) }

func (s *Server) end(signal syscall.Signal) error {
	s.mu.Lock()
	p := s.running
	s.running = nil
	s.mu.Unlock()
	if p == nil {
		return nil
	}
	p.signalAll(syscall.SIGCONT) // a suspended one would never hear of it
	_ = syscall.Kill(p.pid, signal)
	select {
	case <-p.exited:
		return nil
	case <-time.After(stopWithin):
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
		<-p.exited
		return fmt.Errorf("postgres did not end within %v of %v: %s", stopWithin, signal, s.endOfLog())
	}
}

// Suspend makes the server hang, as a machine that swaps or a network that
// drops packets would: it accepts connections and says nothing on any.
func (s *Server) Suspend() error { return s.signal(syscall.SIGSTOP) }

// Resume ends a Suspend.
func (s *Server) Resume() error { return s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return errors.New("pgtest: the server is not running")
	}
	if n := s.running.signalAll(signal); n == 0 {
		return errors.New("pgtest: the server's processes cannot be found without /proc")
	}
	return nil
}

// signalAll signals the postmaster first, so that it starts no more children,
// and then its children, each of which is a session of its own. It returns how
// many children there were; a server that is up always has some.
func (p *process) signalAll(signal syscall.Signal) (children int) {
	_ = syscall.Kill(p.pid, signal)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		line, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		// 123 (name, which may hold anything) S ppid …
		fields := strings.Fields(string(line[bytes.LastIndexByte(line, ')')+1:]))
		if len(fields) < 2 || fields[1] != strconv.Itoa(p.pid) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat))); err == nil {
			_ = syscall.Kill(pid, signal)
			children++
		}
	}
	return children
}

func (s *Server) setRunning(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = p
}

// command prepares one of Postgres's programs. It gets none of our environment:
// PG… variables and a foreign locale would change what it does and says.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = dieWithTest()
	if uid, gid, ok := nobody(); ok {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	return cmd
}

// nobody is whom Postgres runs as when we are root, which it refuses to be.
func nobody() (uid, gid uint32, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	uid, gid = 65534, 65534
	if u, err := user.Lookup("nobody"); err == nil {
		if n, err := strconv.ParseUint(u.Uid, 10, 32); err == nil {
			uid = uint32(n)
		}
		if n, err := strconv.ParseUint(u.Gid, 10, 32); err == nil {
			gid = uint32(n)
		}
	}
	return uid, gid, true
}

// giveAway makes the folder belong to whom Postgres runs as.
func giveAway(dir string) error {
	if uid, gid, ok := nobody(); ok {
		return os.Chown(dir, int(uid), int(gid))
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }
func (s *Server) log() string  { return filepath.Join(s.dir, "log") }

func (s *Server) endOfLog() []byte {
	content, err := os.ReadFile(s.log())
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(content[max(0, len(content)-2<<10):])
}
