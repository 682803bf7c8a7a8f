//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func buildProgram(to string) error {
	build := exec.Command("go", "build", "-trimpath", "-pgo=auto", "-ldflags", "-s -w", "-o", to, "./cmd/gatehouse")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// process is a server of its own, in a process of its own.
type process struct {
	cmd     *exec.Cmd
	address string
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

// startBare starts a net/http server that answers every request with the same
// bytes and headers, having read the body: what any server has to do at least.
func startBare(answer string, headers http.Header) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "bare")
	encoded, err := json.Marshal(bareAnswer{answer, headers})
	if err != nil {
		return nil, err
	}
	cmd.Stdin = strings.NewReader(string(encoded))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	return &process{cmd, strings.TrimSpace(address)}, err
}

type bareAnswer struct {
	Body    string
	Headers http.Header
}

func serveBare() {
	var answer bareAnswer
	if err := json.NewDecoder(os.Stdin).Decode(&answer); err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	body := []byte(answer.Body)
	// The handler is bare, the server is not: it has the program's own timeouts,
	// without which nobody may put a server on a network.
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for name, values := range answer.Headers {
			w.Header()[name] = values
		}
		_, _ = w.Write(body)
	})
	panic(server.Serve(listener))
}

// startHouse starts the program with only the daarion face, as in production:
// real hashes, logs at their usual level (to a file), real fsync.
func (b *bench) startHouse(name, database string, settings ...string) (*process, error) {
	return b.startAs("daarion", "/healthz", name, database, settings...)
}

// startAs is startHouse with another face, which says at health that it is ready.
func (b *bench) startAs(face, health, name, database string, settings ...string) (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(b.binary, "serve", "--as", face)
	if face == "microdao" { // which has no way to register with a password, and no secret
		cmd.Args = append(cmd.Args, "--demo")
	} else {
		settings = append(settings, "GATEHOUSE_"+strings.ToUpper(face)+"_JWT_SECRET=kq3Zp8Vw1rT6yB0nM5xJ2hG7dF4sL9aC")
	}
	cmd.Dir = b.folder
	cmd.Env = append(os.Environ(), "GATEHOUSE_HOST=127.0.0.1", "GATEHOUSE_DATA_DIR="+filepath.Join(b.folder, name), "GATEHOUSE_DATABASE_URL="+database,
		"GATEHOUSE_"+strings.ToUpper(face)+"_PORT="+strconv.Itoa(port),
		"GATEHOUSE_LIMIT_REGISTER_PER_IP=off")
	cmd.Env = append(cmd.Env, settings...)
	log, err := os.Create(filepath.Join(b.folder, name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd, "127.0.0.1:" + strconv.Itoa(port)}
	for deadline := time.Now().Add(20 * time.Second); ; {
		response, err := http.Get("http://" + p.address + health)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return p, nil
			}
		}
		if time.Now().After(deadline) {
			p.stop()
			said, _ := os.ReadFile(log.Name())
			return nil, fmt.Errorf("the program does not get ready:\n%s", said)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// tokens of one signed-in user.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

const benchPassword = "correct horse battery staple"

func credentials(user int) string {
	return fmt.Sprintf(`{"email":"user%d@example.org","password":%q}`, user, benchPassword)
}

// signUp registers so many users and signs them in.
func signUp(address string, users int) ([]tokens, error) {
	c, err := dial(address)
	if err != nil {
		return nil, err
	}
	defer c.raw.Close()
	all := make([]tokens, users)
	for i := range all {
		status, body, err := c.ask(request("POST", "/api/auth/register", credentials(i)))
		if err = errors.Join(err, expect(201, status, body)); err != nil {
			return nil, err
		}
		status, body, err = c.ask(request("POST", "/api/auth/login", credentials(i)))
		if err = errors.Join(err, expect(200, status, body)); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}
