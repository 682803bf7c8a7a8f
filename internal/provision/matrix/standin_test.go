package matrix

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/secret"
)

// reply is what the stand-in for Synapse answers to one call.
type reply struct {
	status int
	body   string
	header map[string]string
}

func says(status int, body string) reply { return reply{status: status, body: body} }

var (
	nonceOK  = says(200, `{"nonce":"n0nce"}`)
	seatOK   = says(200, `{"user_id":"`+adaID+`","access_token":"`+token+`","device_id":"D"}`)
	taken    = says(400, `{"errcode":"M_USER_IN_USE","error":"User ID already taken."}`)
	refused  = says(403, `{"errcode":"M_FORBIDDEN","error":"Invalid username or password"}`)
	wrongKey = says(403, `{"errcode":"M_UNKNOWN","error":"HMAC incorrect"}`)
	done     = says(200, `{}`)
)

// standIn answers as scripted, by "METHOD path", and remembers what it was asked.
type standIn struct {
	*httptest.Server
	mu    sync.Mutex
	calls []string
	sent  map[string]map[string]any // by step
	auth  string
}

func newStandIn(t *testing.T, nonce, register, login reply) *standIn {
	s := &standIn{sent: map[string]map[string]any{}}
	script := map[string]reply{
		"GET " + registerPath: nonce, "POST " + registerPath: register,
		"POST " + loginPath: login, "POST " + logoutPath: done,
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var body map[string]any
		_ = json.Unmarshal(raw, &body)
		key := r.Method + " " + r.URL.Path
		s.mu.Lock()
		s.calls, s.sent[key] = append(s.calls, key), body
		if r.URL.Path == logoutPath {
			s.auth = r.Header.Get("Authorization")
		}
		s.mu.Unlock()
		answer, ok := script[key]
		if !ok {
			answer = says(404, `{"errcode":"M_UNRECOGNIZED","error":"Unrecognized request"}`)
		}
		for name, value := range answer.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, strings.ReplaceAll(answer.body, "<echo>", strings.ReplaceAll(string(raw), `"`, `'`)))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) client(t *testing.T) *Client {
	t.Helper()
	c, err := New(s.URL, secret.NewText(testKey))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
