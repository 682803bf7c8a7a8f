//go:build unix

package microdao_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dialect/microdao"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/softauthn"
	"github.com/gatehouse/gatehouse/internal/test/transcript"
)

// promises are what the face documents, and who held it to that. Each operation
// has two addresses, which are documented alike (TestTheBareAddressesAreTheSame),
// so an answer at one of them is one for both.
type promises struct {
	transcript.Contract

	mu   sync.Mutex
	bare map[string]bool // operations that were asked for without the prefix
}

func (p *promises) check(t *testing.T, h *house.House, e transcript.Exchange) {
	t.Helper()
	p.Check(t, h, e)
	if e.Face != microdao.Name {
		return
	}
	if path, ok := strings.CutPrefix(e.Path, "/auth"); ok {
		e.Path = path
	} else if twins(e.Path) {
		p.mu.Lock()
		p.bare[e.Method+" "+e.Path] = true
		p.mu.Unlock()
		e.Path = "/auth" + e.Path
	} else {
		return
	}
	p.Check(t, h, e)
}

// twins reports whether an address is also there with the prefix.
func twins(path string) bool {
	switch path {
	case "/health", "/version", "/openapi.json", "/docs", "/redoc", "/.well-known/jwks.json":
		return false
	}
	return !strings.HasPrefix(path, "/api/")
}

// TestTranscripts plays every endpoint and every refusal on both engines, and
// holds each answer against the documentation.
func TestTranscripts(t *testing.T) {
	p := &promises{Contract: transcript.Contract{Face: microdao.Name}, bare: map[string]bool{}}
	transcript.Play(t, microdao.Name, "testdata/*.http", p.check)
	t.Run("what needs an authenticator", func(t *testing.T) { withAnAuthenticator(t, p) })
	t.Run("as many keys as there may be", func(t *testing.T) { tooManyKeys(t, p) })
	p.Complete(t)
	for _, operation := range []string{
		"POST /login", "POST /refresh", "GET /me", "POST /logout", "POST /api-keys", "GET /api-keys",
		"POST /passkey/register/start", "POST /passkey/register/finish", "POST /passkey/authenticate/start", "POST /passkey/authenticate/finish",
	} {
		if !p.bare[operation] {
			t.Errorf("nobody asked for %s without the prefix", operation)
		}
	}
}

// visit is a holder whose requests are held against the documentation.
type visit struct {
	*testing.T
	*holder
	promises *promises
}

func newVisit(t *testing.T, p *promises) *visit {
	return &visit{t, &holder{t, house.Start(t, house.Options{Engine: house.SQLite}), softauthn.New()}, p}
}

// ask is holder.post and more: it wants a status.
func (v *visit) ask(status int, path string, body any, headers ...string) house.Answer {
	v.T.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		v.T.Fatal(err)
	}
	headers = append(headers, "Content-Type: application/json")
	a := v.Do(http.MethodPost, microdao.Name, path, string(raw), headers...)
	e := transcript.Exchange{Face: microdao.Name, Method: http.MethodPost, Path: path, Header: http.Header{}, Body: string(raw), Answer: a}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		e.Header.Add(name, value)
	}
	v.promises.check(v.T, v.House, e)
	if a.Status != status {
		v.T.Errorf("%s: %d %s, want %d", path, a.Status, a.Body, status)
	}
	return a
}

// create is a passkey as a browser makes it, for what the face answers.
func (v *visit) create(path, email string) json.RawMessage {
	v.T.Helper()
	credential, err := v.authn.Create(options(v.T, v.ask(200, path, members{"email": email})), origin)
	if err != nil {
		v.T.Fatal(err)
	}
	return credential
}

func (v *visit) get(path string) json.RawMessage {
	v.T.Helper()
	credential, err := v.authn.Get(options(v.T, v.ask(200, path, members{})), origin)
	if err != nil {
		v.T.Fatal(err)
	}
	return credential
}

func options(t *testing.T, a house.Answer) json.RawMessage {
	t.Helper()
	var in struct{ Options json.RawMessage }
	a.JSON(t, &in)
	return in.Options
}

// withAnAuthenticator shows what no file can: answers that have to be signed.
func withAnAuthenticator(t *testing.T, p *promises) {
	v := newVisit(t, p)
	finish, signIn := "/passkey/register/finish", "/passkey/authenticate/finish"
	first := v.create("/passkey/register/start", "ada@example.org")
	ada := v.ask(200, finish, members{"email": "ada@example.org", "credential": first}).Field("user_id")
	v.ask(401, finish, members{"email": "ada@example.org", "credential": v.create("/auth/passkey/register/start", "ada@example.org")})
	v.authn.Passkeys = v.authn.Passkeys[:1]
	v.ask(200, signIn, members{"credential": v.get("/passkey/authenticate/start")})

	again := v.authn.Passkeys[0].ID
	v.authn.Lies = softauthn.Lies{CredentialID: again, AttestedID: again}
	v.ask(409, "/auth"+finish, members{"email": "eve@example.org", "credential": v.create("/auth/passkey/register/start", "eve@example.org")})
	v.authn.Lies, v.authn.Passkeys = softauthn.Lies{}, v.authn.Passkeys[:1]

	v.authn.Lies = softauthn.Lies{CredentialID: []byte("somebody's whom nobody knows")}
	v.ask(404, "/auth"+signIn, members{"credential": v.get("/auth/passkey/authenticate/start")})
	v.authn.Lies = softauthn.Lies{}
	last := v.get("/auth/passkey/authenticate/start")
	if err := v.Server.House().Account.SetDisabled(t.Context(), house.Operator, gate.PrincipalID(ada), true); err != nil {
		t.Fatal(err)
	}
	v.ask(401, "/auth"+signIn, members{"credential": last})
	if err := v.Server.House().DB.Close(); err != nil {
		t.Fatal(err)
	}
	v.ask(503, "/auth"+signIn, members{"credential": last})
}

// tooManyKeys makes as many as one may have, and the one that frees a place.
func tooManyKeys(t *testing.T, p *promises) {
	v := newVisit(t, p)
	bearer, id := v.user("ada@example.org"), ""
	for range 100 {
		id = v.ask(200, "/auth/api-keys", members{}, bearer).Field("id")
	}
	if a := v.ask(409, "/auth/api-keys", members{}, bearer); a.Field("detail") != "There are as many as there may be. Revoke one first." {
		t.Error(a.Body)
	}
	if a := v.Do(http.MethodDelete, microdao.Name, "/auth/api-keys/"+id, "", bearer); a.Status != http.StatusOK {
		t.Error(a.Status, a.Body)
	}
	v.ask(200, "/auth/api-keys", members{}, bearer)
}

// TestTheBareAddressesAreTheSame: what is documented with the prefix is documented
// without it, in the same words.
func TestTheBareAddressesAreTheSame(t *testing.T) {
	h := house.Start(t, house.Options{Engine: house.SQLite})
	var doc struct {
		Paths map[string]map[string]map[string]any
	}
	h.Get(microdao.Name, "/openapi.json").JSON(t, &doc)
	pairs := 0
	for path, methods := range doc.Paths {
		bare, prefixed := strings.CutPrefix(path, "/auth")
		if !prefixed {
			if twins(path) && doc.Paths["/auth"+path] == nil {
				t.Errorf("%s is not there with the prefix", path)
			}
			continue
		}
		for method, operation := range methods {
			twin := doc.Paths[bare][method]
			delete(operation, "operationId")
			delete(twin, "operationId")
			if pairs++; !reflect.DeepEqual(operation, twin) {
				t.Errorf("%s %s and %s are documented differently", method, path, bare)
			}
		}
	}
	if pairs < 11 {
		t.Errorf("only %d operations have the prefix", pairs)
	}
}
