package gatehouse

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

func newClient(t testing.TB, answer http.HandlerFunc) (*Client, *server) {
	t.Helper()
	auth := newServer(t, answer)
	client, err := NewClient(Options{AuthURL: auth.URL})
	if err != nil {
		t.Fatal(err)
	}
	return client, auth
}

func TestWhatAClientSends(t *testing.T) {
	type sent struct{ method, path, authorization, contentType, body string }
	var got sent
	answer := ""
	client, _ := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = sent{r.Method, r.URL.EscapedPath(), r.Header.Get("Authorization"), r.Header.Get("Content-Type"), strings.TrimSpace(string(body))}
		says(200, answer)(w, r)
	})
	key := `{"id":"k1","key":"dk_1","actor_id":"user:93","description":"x","scopes":["*"],"created_at":"2026-01-02T03:04:05.000006Z","expires_at":"2026-02-01T03:04:05.000006Z","last_used":null,"is_active":true}`
	for _, c := range []struct {
		name, answer string
		do           func() (any, error)
		want         sent
		result       any
	}{
		{
			"login", `{"session_token":"` + opaque + `","actor":` + ada + `,"expires_at":"2026-01-02T03:04:05.000006Z","refresh_token":"r"}`,
			func() (any, error) { return client.Login(t.Context(), "user@daarion.city", "any") },
			sent{"POST", "/auth/login", "", "application/json", `{"email":"user@daarion.city","password":"any"}`},
			&Session{opaque, adaActor(), time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)},
		},
		{
			"me", ada, func() (any, error) { return client.Me(t.Context(), opaque) },
			sent{"GET", "/auth/me", "Bearer " + opaque, "", ""}, adaActor(),
		},
		{
			"logout", `{"status":"logged_out"}`, func() (any, error) { return nil, client.Logout(t.Context(), opaque) },
			sent{"POST", "/auth/logout", "Bearer " + opaque, "application/json", "{}"}, nil,
		},
		{
			"create a key", key,
			func() (any, error) {
				return client.CreateAPIKey(t.Context(), opaque, NewAPIKey{Description: "x", ExpiresDays: 30})
			},
			sent{"POST", "/auth/api-keys", "Bearer " + opaque, "application/json", `{"description":"x","expires_days":30}`},
			&APIKey{
				ID: "k1", Key: "dk_1", Description: "x", Scopes: []string{"*"}, Active: true,
				CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), ExpiresAt: new(time.Date(2026, 2, 1, 3, 4, 5, 6000, time.UTC)),
			},
		},
		{
			"list keys", `[{"id":"k1","key_preview":"dk_abc...","description":"","scopes":[],"created_at":"2026-01-02T03:04:05.000006Z","expires_at":null,"last_used":null,"is_active":false}]`,
			func() (any, error) { return client.ListAPIKeys(t.Context(), opaque) },
			sent{"GET", "/auth/api-keys", "Bearer " + opaque, "", ""},
			[]APIKey{{ID: "k1", Preview: "dk_abc...", Scopes: []string{}, CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)}},
		},
		{
			"delete a key", `{"status":"deleted"}`, func() (any, error) { return nil, client.DeleteAPIKey(t.Context(), opaque, "a/b?c") },
			sent{"DELETE", "/auth/api-keys/a%2Fb%3Fc", "Bearer " + opaque, "", ""}, nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer = c.answer
			result, err := c.do()
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("sent %+v, want %+v", got, c.want)
			}
			if !reflect.DeepEqual(result, c.result) {
				t.Errorf("the result is %+v, want %+v", result, c.result)
			}
		})
	}
}

func adaActor() *Actor {
	return &Actor{"user:93", Human, []string{"microdao:daarion", "microdao:7"}, []Role{Member, MicroDAOOwner}, "93"}
}

func TestRefusalsOfAClient(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   error
		status int
		detail string
		after  time.Duration
	}{
		{"401", says(401, `{"detail":"Invalid credentials"}`), ErrUnauthenticated, 401, "Invalid credentials", 0},
		{"403", says(403, ``), ErrForbidden, 403, "this actor may not do that", 0},
		{"404", says(404, `{"detail":"API key not found"}`), ErrRejected, 404, "API key not found", 0},
		{"422 with a list", says(422, `{"detail":[{"input":"hunter2"}]}`), ErrRejected, 422, "the auth service does not accept this", 0},
		{"422 that quotes the password", says(422, `{"detail":"not hunter2"}`), ErrRejected, 422, "the auth service does not accept this", 0},
		{"422 with control characters", says(422, `{"detail":"a\nb"}`), ErrRejected, 422, "the auth service does not accept this", 0},
		{"429", says(429, `{"detail":"slowly"}`, "Retry-After", "60"), ErrUnavailable, 503, "who is calling cannot be said at the moment", time.Minute},
		{"500", says(500, `{"detail":"oops"}`), ErrUnavailable, 503, "who is calling cannot be said at the moment", 0},
		{"302", says(302, ``, "Location", "/"), ErrUnavailable, 503, "who is calling cannot be said at the moment", 0},
		{"not JSON", says(200, `<html>`), ErrUnavailable, 503, "who is calling cannot be said at the moment", 0},
		{"no token", says(200, `{"actor":`+ada+`,"expires_at":"2026-01-02T03:04:05Z"}`), ErrUnavailable, 503, "who is calling cannot be said at the moment", 0},
		{"no actor", says(200, `{"session_token":"a","expires_at":"2026-01-02T03:04:05Z"}`), ErrUnavailable, 503, "who is calling cannot be said at the moment", 0},
		{"no time", says(200, `{"session_token":"a","actor":`+ada+`}`), ErrUnavailable, 503, "who is calling cannot be said at the moment", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, _ := newClient(t, c.answer)
			session, err := client.Login(t.Context(), "user@daarion.city", "hunter2")
			refusal := mustBe(t, err, c.want)
			if session != nil || refusal.Status != c.status || refusal.Detail != c.detail || refusal.RetryAfter != c.after {
				t.Errorf("the refusal is %+v", refusal)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the error has the password")
			}
		})
	}
}

func TestAnswersThatAClientCannotRead(t *testing.T) {
	client, _ := newClient(t, says(200, `{"id":7}`))
	_, err := client.CreateAPIKey(t.Context(), opaque, NewAPIKey{})
	mustBe(t, err, ErrUnavailable)
	_, err = client.ListAPIKeys(t.Context(), opaque)
	mustBe(t, err, ErrUnavailable)
	_, err = client.Me(t.Context(), opaque)
	mustBe(t, err, ErrUnavailable)
}

func TestACredentialThatCannotBeOneIsNotSent(t *testing.T) {
	client, auth := newClient(t, says(200, ada))
	_, err := client.Me(t.Context(), "a\r\nX-Evil: 1")
	mustBe(t, err, ErrUnauthenticated)
	auth.wasAsked(t, 0)
}

func TestARefusalIsOneKindAndHasItsCause(t *testing.T) {
	cause := errors.New("the cause")
	err := error(unavailable(cause))
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, cause) || errors.Is(err, ErrUnauthenticated) {
		t.Error(err)
	}
	if want := "gatehouse: unavailable: who is calling cannot be said at the moment: the cause"; err.Error() != want {
		t.Errorf("it says %q", err)
	}
	w := httptest.NewRecorder()
	WriteRefusal(w, err)
	var body struct{ Detail string }
	if json.Unmarshal(w.Body.Bytes(), &body) != nil || strings.Contains(body.Detail, "cause") {
		t.Errorf("callers are told %s", w.Body)
	}
}
