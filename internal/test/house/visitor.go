//go:build unix

package house

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Visitor talks to the faces of a running Gatehouse as its clients do.
type Visitor struct {
	T       testing.TB
	address func(face string) string
	client  *http.Client
}

// From returns the same visitor at another place: a loopback address such as
// 127.0.0.2, which Gatehouse takes for another network.
func (v Visitor) From(ip string) Visitor {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	transport := &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 128}
	v.T.Cleanup(transport.CloseIdleConnections)
	v.client = &http.Client{Timeout: 30 * time.Second, Transport: transport}
	return v
}

// URL returns the address of a face with a patv.
func (v Visitor) URL(face, path string) string { return "http://" + v.address(face) + path }

// Answer is a response that was read to the end.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// JSON decodes the body into v.
func (a Answer) JSON(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), v); err != nil {
		t.Fatalf("the answer %d is not JSON: %v\n%s", a.Status, err, a.Body)
	}
}

// Field returns one text member of a JSON answer, "" if it is absent or null.
func (a Answer) Field(name string) string {
	var members map[string]any
	if json.Unmarshal([]byte(a.Body), &members) != nil {
		return ""
	}
	text, _ := members[name].(string)
	return text
}

// client keeps enough idle connections for parallel tests.
var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 128}}

// Do sends a request to a face. Headers are "Name: value".
func (v Visitor) Do(method, face, path, body string, headers ...string) Answer {
	a, err := v.Try(method, face, path, body, headers...)
	if err != nil {
		v.T.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// Try is Do for goroutines and for houses that may be down.
func (v Visitor) Try(method, face, path, body string, headers ...string) (Answer, error) {
	request, err := http.NewRequest(method, v.URL(face, path), strings.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Add(name, value)
	}
	response, err := v.client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	return Answer{response.StatusCode, response.Header, string(raw)}, err
}

// Get and Post are Do for the usual cases; Post sends JSON.
func (v Visitor) Get(face, path string, headers ...string) Answer {
	return v.Do(http.MethodGet, face, path, "", headers...)
}

// Post sends a JSON body.
func (v Visitor) Post(face, path, body string, headers ...string) Answer {
	return v.Do(http.MethodPost, face, path, body, append([]string{"Content-Type: application/json"}, headers...)...)
}

// Tokens are what a sign-in yields.
type Tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	UserID  string `json:"-"`
}

// Bearer is the Authorization header for the access token.
func (t Tokens) Bearer() string { return "Authorization: Bearer " + t.Access }

// Password is what SignUp gives every user.
const Password = "correct horse battery"

// SignUp registers a user at the daarion face and signs in.
func (v Visitor) SignUp(email string) Tokens {
	v.T.Helper()
	registered := v.Post("daarion", "/api/auth/register", fmt.Sprintf(`{"email":%q,"password":%q}`, email, Password))
	if registered.Status != http.StatusCreated {
		v.T.Fatalf("register %s: %d %s", email, registered.Status, registered.Body)
	}
	tokens := v.SignIn(email)
	tokens.UserID = registered.Field("user_id")
	return tokens
}

// SignIn signs in at the daarion face.
func (v Visitor) SignIn(email string) Tokens {
	v.T.Helper()
	a := v.Post("daarion", "/api/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, email, Password))
	if a.Status != http.StatusOK {
		v.T.Fatalf("login %s: %d %s", email, a.Status, a.Body)
	}
	var tokens Tokens
	a.JSON(v.T, &tokens)
	return tokens
}
