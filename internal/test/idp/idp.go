//go:build unix

// Package idp runs a real OpenID provider for a test, and a real client of
// Better Auth, so that what we believe about either is checked against programs
// that nobody here wrote.
//
// The provider is oidc-provider with the endpoints, claims and accounts that a
// house finds at authentik; see the folder provider. Start starts one, Visitor
// walks through its pages, and its levers make it rotate keys, answer 503 or
// hang. ClientBundle is the Better Auth client as a script for a browser; see
// the folder client.
//
// Both need Node: the first test on a machine installs what they are made of
// (half a minute, 60 MB; 230 MB more where there is no Node that fits) into
// the user's cache folder. Tests that use them carry the build tag "interop", so
// that the quick suite needs no Node. Nothing is ever skipped: what is missing
// fails the test and says what to install.
package idp

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Options say whom the provider knows.
type Options struct {
	Clients []Client
	// Accounts are claims by login name, beside those that are always there:
	//
	//	ada        has a verified e-mail address
	//	authentik  has an address that is not verified, as authentik says of everybody since 2025.10
	//	jarvis     has no address
	//	empty      has an address that is ""
	//	odd        has an address that is none, and is said to be verified
	//	noname     has nothing that one could be called by
	//	error      makes the provider answer server_error
	Accounts map[string]map[string]any
	// UserInfoOnly leaves e-mail and profile out of the ID token.
	UserInfoOnly bool
}

// Client is a client's metadata, by its registered names. One without a secret
// is public. All must use PKCE.
type Client struct {
	ID                     string   `json:"client_id"`
	Secret                 string   `json:"client_secret,omitempty"`
	RedirectURIs           []string `json:"redirect_uris"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	IDTokenAlg             string   `json:"id_token_signed_response_alg,omitempty"` // ES256; otherwise RS256
}

// Provider is one OpenID provider. It dies with the test, and whatever it
// remembers with it.
type Provider struct {
	Issuer string

	t       testing.TB
	node    string
	home    string // of server.mjs
	port    int
	options Options
	log     string
	cmd     *exec.Cmd
	stdin   io.Closer // the provider ends with it, so it never outlives this process
	exited  chan struct{}
}

const readyWithin = time.Minute

// Start installs the provider if need be and starts one.
func Start(t testing.TB, options Options) *Provider {
	t.Helper()
	node, home := mustInstall(t, providerFiles)
	p := &Provider{
		t:    t,
		node: node.path,
		home: home,
		port: freePort(t),
		log:  filepath.Join(t.TempDir(), "provider.log"),
		options: Options{
			Clients:      append([]Client{}, options.Clients...),
			Accounts:     map[string]map[string]any{},
			UserInfoOnly: options.UserInfoOnly,
		},
	}
	for login, claims := range options.Accounts {
		p.options.Accounts[login] = claims
	}
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			log, _ := os.ReadFile(p.log)
			t.Logf("the end of the OpenID provider's log:\n%s", lastBytes(log))
		}
	})
	p.Start()
	return p
}

// Start starts the provider again after Stop, at the same address. It has new
// keys and has forgotten who was signed in.
func (p *Provider) Start() {
	p.t.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command(p.node, "server.mjs")
	cmd.Dir, cmd.Stderr = p.home, log
	cmd.Env = append(cleanEnv(),
		"IDP_PORT="+strconv.Itoa(p.port),
		"IDP_CLIENTS="+p.json(p.options.Clients),
		"IDP_ACCOUNTS="+p.json(p.options.Accounts),
		"IDP_USERINFO_ONLY=")
	if p.options.UserInfoOnly {
		cmd.Env = append(cmd.Env, "IDP_USERINFO_ONLY=1")
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatalf("start the OpenID provider: %v", err)
	}
	ready, exited := make(chan string, 1), make(chan struct{})
	go func() {
		defer func() { _ = log.Close() }()
		follow(stdout, log, ready)
		_ = cmd.Wait()
		close(exited)
	}()
	p.cmd, p.stdin, p.exited = cmd, stdin, exited
	select {
	case p.Issuer = <-ready:
	case <-exited:
		p.t.Fatal("the OpenID provider ended instead of starting")
	case <-time.After(readyWithin):
		p.t.Fatalf("the OpenID provider was not ready within %v", readyWithin)
	}
}

// Stop kills the provider. Its address refuses connections until Start.
func (p *Provider) Stop() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.exited
	_ = p.stdin.Close()
	p.cmd = nil
}

// Subject is what the provider calls the account of that login name.
func (p *Provider) Subject(login string) string {
	sum := sha256.Sum256([]byte("gatehouse-test-idp:" + login))
	return hex.EncodeToString(sum[:])
}

func (p *Provider) json(value any) string {
	p.t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(encoded)
}

// follow copies what the provider prints, and tells its issuer once it is ready.
func follow(stdout io.Reader, log io.Writer, ready chan<- string) {
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		_, _ = fmt.Fprintln(log, lines.Text())
		if issuer, ok := strings.CutPrefix(lines.Text(), "issuer "); ok {
			ready <- issuer
		}
	}
}

// freePort returns a port that was free a moment ago, below those that systems
// give to connections, so that it is still free when the provider was stopped
// and starts again.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 15_000 + rand.N(15_000)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatal("no free port from 15000 to 30000")
	return 0
}

func lastBytes(text []byte) []byte {
	const enough = 4 << 10
	return bytes.TrimSpace(text[max(0, len(text)-enough):])
}
