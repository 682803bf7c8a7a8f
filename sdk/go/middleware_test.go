package gatehouse

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"
)

// hello answers with the actor that it finds.
var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	actor, ok := ActorFrom(r.Context())
	if !ok {
		http.Error(w, "nobody", http.StatusTeapot)
		return
	}
	_ = json.NewEncoder(w).Encode(actor)
})

func serve(h http.Handler, headers ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, requestWith(headers...))
	return w
}

func TestTheHandlerFindsTheActor(t *testing.T) {
	auth := newServer(t, says(200, ada))
	v := newVerifier(t, Options{AuthURL: auth.URL})
	w := serve(RequireActor(v)(hello), "Authorization", "Bearer "+opaque)
	var actor Actor
	if err := json.Unmarshal(w.Body.Bytes(), &actor); err != nil || w.Code != 200 {
		t.Fatal(w.Code, err)
	}
	want := Actor{"user:93", Human, []string{"microdao:daarion", "microdao:7"}, []Role{Member, MicroDAOOwner}, "93"}
	if !reflect.DeepEqual(actor, want) {
		t.Errorf("it is %+v, want %+v", actor, want)
	}
	if actor, ok := ActorFrom(t.Context()); ok || actor != nil {
		t.Errorf("without a request it is %+v", actor)
	}
}

func TestRefusalsOfTheMiddleware(t *testing.T) {
	auth := newServer(t, nil)
	v := newVerifier(t, Options{AuthURL: auth.URL, Clock: newClock().Now})
	for _, c := range []struct {
		name    string
		handler http.Handler
		answer  http.HandlerFunc
		headers []string
		status  int
		want    http.Header
	}{
		{"nobody", RequireActor(v)(hello), says(200, ada), nil, 401, http.Header{"Www-Authenticate": {"Bearer"}}},
		{"unknown", RequireActor(v)(hello), says(401, ""), []string{"Authorization", "Bearer a"}, 401, http.Header{"Www-Authenticate": {"Bearer"}}},
		{"forbidden", RequireActor(v)(hello), says(403, ""), []string{"Authorization", "Bearer b"}, 403, http.Header{}},
		{"unavailable", RequireActor(v)(hello), says(500, ""), []string{"Authorization", "Bearer c"}, 503, http.Header{}},
		{"unavailable for a while", RequireActor(v)(hello), says(503, "", "Retry-After", "3"), []string{"Authorization", "Bearer d"}, 503, http.Header{"Retry-After": {"3"}}},
		{"without the role", RequireRole(v, Admin)(hello), says(200, ada), []string{"Authorization", "Bearer e"}, 403, http.Header{}},
		{"nobody, and a role", RequireRole(v, Admin)(hello), says(200, ada), nil, 401, http.Header{"Www-Authenticate": {"Bearer"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			auth.answers(c.answer)
			w := serve(c.handler, c.headers...)
			var body map[string]string
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || len(body) != 1 || body["detail"] == "" {
				t.Errorf("the body is %s", w.Body)
			}
			c.want.Set("Content-Type", "application/json")
			c.want.Set("Cache-Control", "no-store")
			if w.Code != c.status || !reflect.DeepEqual(w.Header(), c.want) {
				t.Errorf("%d %v, want %d %v", w.Code, w.Header(), c.status, c.want)
			}
		})
	}
}

func TestWriteRefusal(t *testing.T) {
	w := httptest.NewRecorder()
	WriteRefusal(w, errors.New("secret"))
	if w.Code != 503 || w.Body.String() != `{"detail":"who is calling cannot be said at the moment"}`+"\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	refusal := unavailable(nil)
	refusal.RetryAfter = 1500 * time.Millisecond
	WriteRefusal(w, refusal)
	if w.Header().Get("Retry-After") != "2" { // rather late than early
		t.Errorf("Retry-After: %s", w.Header().Get("Retry-After"))
	}
}

func TestRoles(t *testing.T) {
	withRoles := func(roles ...Role) *Actor { return &Actor{ID: "user:1", Type: Human, Roles: roles} }
	for _, c := range []struct {
		name   string
		actor  *Actor
		passes bool
	}{
		{"one of them", withRoles(Member, Admin), true},
		{"the other", withRoles(MicroDAOOwner), true},
		{"system_admin", withRoles(SystemAdmin), true},
		{"another", withRoles(Member), false},
		{"none", withRoles(), false},
		{"in other letters", withRoles("Admin"), false},
		{"nobody", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.actor.RequireRole(Admin, MicroDAOOwner)
			if c.passes && err != nil {
				t.Error(err)
			}
			if !c.passes {
				mustBe(t, err, ErrForbidden)
			}
		})
	}
	mustBe(t, withRoles("").RequireRole(""), ErrForbidden)
}

func TestRequireRoleBehindRequireActorDoesNotVerifyAgain(t *testing.T) {
	clock := newClock()
	auth := newServer(t, says(200, ada))
	v := newVerifier(t, Options{AuthURL: auth.URL, Clock: clock.Now})
	later := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			clock.advance(time.Hour)
			next.ServeHTTP(w, r)
		})
	}
	h := RequireActor(v)(later(RequireRole(v, Member)(hello)))
	if w := serve(h, "Authorization", "Bearer "+opaque); w.Code != 200 {
		t.Error(w.Code)
	}
	auth.wasAsked(t, 1)
}

func TestAnotherVerifierDecidesForItself(t *testing.T) {
	open := newServer(t, says(200, ada))
	closed := newServer(t, says(401, ""))
	first := newVerifier(t, Options{AuthURL: open.URL})
	second := newVerifier(t, Options{AuthURL: closed.URL})
	if w := serve(RequireActor(first)(RequireRole(second, Member)(hello)), "Authorization", "Bearer "+opaque); w.Code != 401 {
		t.Error(w.Code)
	}
}
