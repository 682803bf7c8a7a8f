//go:build unix

package native_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dialect/native"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/softauthn"
	"github.com/gatehouse/gatehouse/internal/test/transcript"
)

const (
	origin = "http://localhost:3000" // the default of passkey.origins

	passkeyRoutes = "/api/v1/passkeys"
	byPasskey     = "/api/v1/login/passkey"
)

// holder is somebody with an authenticator, before a browser. Everything that
// the native face answers is held against what it documents.
type holder struct {
	*testing.T
	*house.House
	contract *transcript.Contract
	device   *softauthn.Authenticator
}

func newHolder(t *testing.T, o house.Options, contract *transcript.Contract) *holder {
	return &holder{t, house.Start(t, o), contract, softauthn.New()}
}

// withHolder runs a test once per engine, in a house of its own.
func withHolder(t *testing.T, test func(h *holder)) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		test(newHolder(t, house.Options{Engine: engine}, &transcript.Contract{Face: native.Name}))
	})
}

// newClockedHolder lives in a house whose clock can be put forward.
func newClockedHolder(t *testing.T, engine house.Engine, clock *house.Clock) *holder {
	return newHolder(t, house.Options{Engine: engine, Clock: clock.Now}, &transcript.Contract{Face: native.Name})
}

// ask sends a request to the native face, with a body unless it is "".
func (h *holder) ask(method, path, body string, headers ...string) house.Answer {
	h.Helper()
	if body != "" {
		headers = append([]string{"Content-Type: application/json"}, headers...)
	}
	e := transcript.Exchange{Face: native.Name, Method: method, Path: path, Header: http.Header{}, Body: body}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		e.Header.Add(name, value)
	}
	e.Answer = h.Do(method, native.Name, path, body, headers...)
	h.contract.Check(h.T, h.House, e)
	return e.Answer
}

// want fails unless the answer has a status and, for a refusal, a code.
func (h *holder) want(what string, a house.Answer, status int, code string) {
	h.Helper()
	if a.Status != status || a.Field("code") != code {
		h.Errorf("%s: %d %s, want %d %s", what, a.Status, a.Body, status, code)
	}
}

// user makes an account with a password and returns a session of it.
func (h *holder) user(email string, roles ...gate.Role) (bearer string) {
	h.Helper()
	id := gate.PrincipalID(h.SignUp(email).UserID)
	for _, role := range roles {
		if err := h.Server.House().Account.GrantRole(h.Context(), house.Operator, id, role); err != nil {
			h.Fatal(err)
		}
	}
	return h.session(email)
}

func (h *holder) session(email string) (bearer string) {
	h.Helper()
	a := h.ask(http.MethodPost, "/api/v1/login", fmt.Sprintf(`{"email":%q,"password":%q}`, email, house.Password))
	h.want("sign in as "+email, a, http.StatusOK, "")
	return "Authorization: Bearer " + a.Field("access_token")
}

// newcomer opens an account with a passkey and no password, as a city's front
// end does, and returns a session of it.
func (h *holder) newcomer(email string) (bearer string) {
	h.Helper()
	var in struct{ Options json.RawMessage }
	h.Post("microdao", "/auth/passkey/register/start", fmt.Sprintf(`{"email":%q}`, email)).JSON(h.T, &in)
	credential := h.made(in.Options)
	a := h.Post("microdao", "/auth/passkey/register/finish", fmt.Sprintf(`{"email":%q,"credential":%s}`, email, credential))
	if a.Status != http.StatusOK {
		h.Fatalf("%s: %d %s", email, a.Status, a.Body)
	}
	return h.byPasskey()
}

// made is a new passkey as a browser makes it.
func (h *holder) made(options []byte) []byte {
	h.Helper()
	credential, err := h.device.Create(options, origin)
	if err != nil {
		h.Fatal(err)
	}
	return credential
}

// begun is a new passkey for who is signed in, which the house has not seen yet.
func (h *holder) begun(bearer string) []byte {
	h.Helper()
	a := h.ask(http.MethodPost, passkeyRoutes+"/options", "", bearer)
	h.want("begin to add", a, http.StatusOK, "")
	return h.made([]byte(a.Body))
}

// keep sends a new passkey to the house.
func (h *holder) keep(bearer, label string, credential []byte) house.Answer {
	h.Helper()
	return h.ask(http.MethodPost, passkeyRoutes, fmt.Sprintf(`{"label":%q,"credential":%s}`, label, credential), bearer)
}

// add makes a passkey on a device of its own and returns its id.
func (h *holder) add(bearer, label string) (id string) {
	h.Helper()
	h.device = softauthn.New()
	a := h.keep(bearer, label, h.begun(bearer))
	h.want("add "+label, a, http.StatusCreated, "")
	return a.Field("id")
}

// signed is what the device answers to a request to sign in.
func (h *holder) signed() []byte {
	h.Helper()
	a := h.ask(http.MethodPost, byPasskey+"/options", "")
	h.want("begin to sign in", a, http.StatusOK, "")
	credential, err := h.device.Get([]byte(a.Body), origin)
	if err != nil {
		h.Fatal(err)
	}
	return credential
}

func (h *holder) signIn(credential []byte) house.Answer {
	h.Helper()
	return h.ask(http.MethodPost, byPasskey, fmt.Sprintf(`{"credential":%s}`, credential))
}

// byPasskey signs in with the device and returns the session.
func (h *holder) byPasskey() (bearer string) {
	h.Helper()
	a := h.signIn(h.signed())
	h.want("sign in", a, http.StatusOK, "")
	return "Authorization: Bearer " + a.Field("access_token")
}

type listedPasskey struct {
	ID         string
	Label      string
	AAGUID     string
	Transports []string
	BackedUp   bool   `json:"backed_up"`
	CreatedAt  string `json:"created_at"`
	UsedAt     string `json:"used_at"`
}

// list returns somebody's passkeys.
func (h *holder) list(bearer string) []listedPasskey {
	h.Helper()
	a := h.ask(http.MethodGet, passkeyRoutes, "", bearer)
	h.want("list", a, http.StatusOK, "")
	var in struct{ Items []listedPasskey }
	a.JSON(h.T, &in)
	return in.Items
}

func (h *holder) rename(bearer, id, label string) house.Answer {
	h.Helper()
	return h.ask(http.MethodPatch, passkeyRoutes+"/"+id, fmt.Sprintf(`{"label":%q}`, label), bearer)
}

func (h *holder) remove(bearer, id string) house.Answer {
	h.Helper()
	return h.ask(http.MethodDelete, passkeyRoutes+"/"+id, "", bearer)
}

// newDevice is the same holder before another device.
func newDevice(h *holder) *holder {
	return &holder{h.T, h.House, h.contract, softauthn.New()}
}
