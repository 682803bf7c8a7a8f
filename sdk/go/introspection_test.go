package gatehouse

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

const opaque = "gh_st_secret"

func TestAnswersOfTheAuthService(t *testing.T) {
	long := `{"actor_id":"user:93","actor_type":"human","microdao_ids":[],"roles":[],"padding":"` + strings.Repeat("x", maxAnswer) + `"}`
	cases := []struct {
		name    string
		answer  http.HandlerFunc
		want    error // nil: Ada
		retries time.Duration
	}{
		{"200", says(200, ada), nil, 0},
		{"401", says(401, `{"detail":"no"}`), ErrUnauthenticated, 0},
		{"403", says(403, `{"detail":"no"}`), ErrForbidden, 0},
		{"201", says(201, ada), ErrUnavailable, 0},
		{"204", says(204, ""), ErrUnavailable, 0},
		{"301", says(301, ada, "Location", "/elsewhere"), ErrUnavailable, 0},
		{"307", says(307, ada, "Location", "/elsewhere"), ErrUnavailable, 0},
		{"400", says(400, ada), ErrUnavailable, 0},
		{"404", says(404, ada), ErrUnavailable, 0},
		{"429", says(429, "", "Retry-After", "7"), ErrUnavailable, 7 * time.Second},
		{"500", says(500, ada), ErrUnavailable, 0},
		{"503 with seconds", says(503, "", "Retry-After", "2"), ErrUnavailable, 2 * time.Second},
		{"503 with a date", says(503, "", "Retry-After", time.Unix(1_800_000_090, 0).UTC().Format(http.TimeFormat)), ErrUnavailable, 90 * time.Second},
		{"503 with a date that has passed", says(503, "", "Retry-After", time.Unix(1_700_000_000, 0).UTC().Format(http.TimeFormat)), ErrUnavailable, 0},
		{"503 with words", says(503, "", "Retry-After", "soon"), ErrUnavailable, 0},
		{"503 with less than nothing", says(503, "", "Retry-After", "-1"), ErrUnavailable, 0},
		{"nothing", says(200, ""), ErrUnavailable, 0},
		{"a page", says(200, "<!doctype html><title>Welcome</title>", "Content-Type", "text/html"), ErrUnavailable, 0},
		{"null", says(200, "null"), ErrUnavailable, 0},
		{"a list", says(200, "["+ada+"]"), ErrUnavailable, 0},
		{"an empty object", says(200, "{}"), ErrUnavailable, 0},
		{"cut off", says(200, ada[:len(ada)-1]), ErrUnavailable, 0},
		{"something behind it", says(200, ada+ada), ErrUnavailable, 0},
		{"a member twice", says(200, strings.Replace(ada, `"roles"`, `"roles":["system_admin"],"roles"`, 1)), ErrUnavailable, 0},
		{"members in other letters", says(200, strings.ReplaceAll(ada, "actor_id", "Actor_Id")), ErrUnavailable, 0},
		{"another kind of actor", says(200, strings.Replace(ada, "human", "robot", 1)), ErrUnavailable, 0},
		{"not UTF-8", says(200, strings.Replace(ada, "Ada", "\xff", 1)), ErrUnavailable, 0},
		{"too long", says(200, long), ErrUnavailable, 0},
		{"too long when unpacked", says(200, packed(long), "Content-Encoding", "gzip"), ErrUnavailable, 0},
		{"packed", says(200, packed(ada), "Content-Encoding", "gzip"), nil, 0},
		{"endless", endless, ErrUnavailable, 0},
		{"ends early", endsEarly, ErrUnavailable, 0},
		{"hangs up", hangsUp, ErrUnavailable, 0},
		{"not HTTP", notHTTP, ErrUnavailable, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			auth := newServer(t, c.answer)
			v := newVerifier(t, Options{AuthURL: auth.URL, Clock: newClock().Now})
			actor, err := v.Verify(t.Context(), requestWith("Authorization", "Bearer "+opaque))
			if c.want == nil {
				mustKnow(t, actor, err, "user:93")
				return
			}
			refusal := mustBe(t, err, c.want)
			if actor != nil || refusal.RetryAfter != c.retries {
				t.Errorf("it is %+v, again after %v", actor, refusal.RetryAfter)
			}
			if strings.Contains(err.Error(), opaque) || strings.Contains(fmt.Sprintf("%+v", refusal), opaque) {
				t.Errorf("the error has the credential: %v", err)
			}
		})
	}
}

func packed(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text)) // a buffer refuses nothing
	_ = w.Close()
	return out.String()
}

func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := w.Write([]byte(strings.Repeat(" ", 4096))); err != nil {
			return
		}
	}
}

func endsEarly(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte(ada))
}

func hangsUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.Close()
}

// notHTTP says what it was told, where an answer should be.
func notHTTP(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = fmt.Fprintf(conn, "%s\r\n\r\n", r.Header.Get("Authorization"))
	_ = conn.Close()
}

func TestAnAuthServiceThatIsSlowIsUnavailable(t *testing.T) {
	done := make(chan struct{})
	auth := newServer(t, func(http.ResponseWriter, *http.Request) { <-done })
	defer close(done)
	v := newVerifier(t, Options{AuthURL: auth.URL, Timeout: 20 * time.Millisecond})
	_, err := v.Verify(t.Context(), requestWith("Authorization", "Bearer "+opaque))
	mustBe(t, err, ErrUnavailable)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error does not say why: %v", err)
	}
}

func TestAnAuthServiceThatStopsHalfWayIsUnavailable(t *testing.T) {
	done := make(chan struct{})
	auth := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(ada[:10]))
		_ = http.NewResponseController(w).Flush()
		<-done
	})
	defer close(done)
	v := newVerifier(t, Options{AuthURL: auth.URL, Timeout: 50 * time.Millisecond})
	_, err := v.Verify(t.Context(), requestWith("Authorization", "Bearer "+opaque))
	mustBe(t, err, ErrUnavailable)
}

func TestAnAuthServiceThatIsNotThereIsUnavailable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	v := newVerifier(t, Options{AuthURL: "http://" + address})
	_, err = v.Verify(t.Context(), requestWith("Authorization", "Bearer "+opaque))
	if refusal := mustBe(t, err, ErrUnavailable); strings.Contains(refusal.Detail, address) {
		t.Error("callers are told where the auth service is")
	}
}

func TestAnAuthServiceThatNobodyVouchesForIsUnavailable(t *testing.T) {
	auth := httptest.NewUnstartedServer(says(200, ada))
	auth.Config.ErrorLog = log.New(io.Discard, "", 0) // it minds, too
	auth.StartTLS()
	defer auth.Close()
	_, err := newVerifier(t, Options{AuthURL: auth.URL}).Verify(t.Context(), requestWith("Authorization", "Bearer "+opaque))
	mustBe(t, err, ErrUnavailable)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("the error does not say why: %v", err)
	}
	trusting := newVerifier(t, Options{AuthURL: auth.URL, Transport: auth.Client().Transport})
	actor, err := trusting.Verify(t.Context(), requestWith("Authorization", "Bearer "+opaque))
	mustKnow(t, actor, err, "user:93")
}

func TestWhoGivesUpWaitingIsToldUnavailable(t *testing.T) {
	done := make(chan struct{})
	auth := newServer(t, func(http.ResponseWriter, *http.Request) { <-done })
	defer close(done)
	v := newVerifier(t, Options{AuthURL: auth.URL})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := v.Verify(ctx, requestWith("Authorization", "Bearer "+opaque))
	mustBe(t, err, ErrUnavailable)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error does not say why: %v", err)
	}
}

func TestExactlyTheCredentialsArePassedOn(t *testing.T) {
	key := "dk_00000000000000000000000000000000000000000003xMPgs"
	sent := []string{
		"X-API-Key", key, "Authorization", "bearer " + opaque, "Cookie", "theme=dark; session_token=a%2Bb; __Host-session_token=c",
		"X-Forwarded-For", "192.0.2.1", "X-Secret", "mine", "User-Agent", "somebody", "Origin", "https://elsewhere.example",
	}
	var got http.Header
	auth := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.String() != "/base/auth/me" || r.ContentLength != 0 {
			t.Errorf("asked %s %s", r.Method, r.URL)
		}
		got = r.Header.Clone()
		says(200, ada)(w, r)
	})
	v := newVerifier(t, Options{AuthURL: auth.URL + "/base/"})
	actor, err := v.Verify(t.Context(), requestWith(sent...))
	mustKnow(t, actor, err, "user:93")
	want := http.Header{
		"X-Api-Key": {key}, "Authorization": {"Bearer " + opaque}, "Cookie": {"__Host-session_token=c; session_token=a%2Bb"},
		"Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"Go-http-client/1.1"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("passed on %q, want %q", got, want)
	}
}

func TestNobodyIsAskedAboutWhatCannotBeGood(t *testing.T) {
	auth := newServer(t, says(200, ada))
	v := newVerifier(t, Options{AuthURL: auth.URL})
	cases := map[string][]string{
		"nothing":                       nil,
		"an API key that is cut off":    {"X-API-Key", "dk_123"},
		"the same as bearer":            {"Authorization", "Bearer gh_ak_123"},
		"the same before a good bearer": {"X-API-Key", "dk_123", "Authorization", "Bearer " + opaque},
		"two bearers":                   {"Authorization", "Bearer a", "Authorization", "Bearer b"},
		"something very long":           {"Authorization", "Bearer " + strings.Repeat("x", maxCredential+1)},
		"a cookie with spaces":          {"Cookie", "session_token=a b"},
	}
	for name, headers := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := v.Verify(t.Context(), requestWith(headers...))
			mustBe(t, err, ErrUnauthenticated)
		})
	}
	auth.wasAsked(t, 0)
}

func TestASessionTokenInTheHeaderOfKeysIsAskedAbout(t *testing.T) {
	auth := newServer(t, says(200, ada))
	v := newVerifier(t, Options{AuthURL: auth.URL})
	actor, err := v.Verify(t.Context(), requestWith("X-API-Key", opaque))
	mustKnow(t, actor, err, "user:93")
	auth.wasAsked(t, 1)
}

func TestGoodAnswersCountForASecondAndRefusalsNever(t *testing.T) {
	auth, clock := newServer(t, says(200, ada)), newClock()
	v := newVerifier(t, Options{AuthURL: auth.URL, Clock: clock.Now})
	verify := func() (*Actor, error) { return v.Verify(t.Context(), requestWith("Authorization", "Bearer "+opaque)) }

	for range 3 {
		actor, err := verify()
		mustKnow(t, actor, err, "user:93")
	}
	auth.wasAsked(t, 1)
	clock.advance(999 * time.Millisecond)
	actor, err := verify()
	mustKnow(t, actor, err, "user:93")
	auth.wasAsked(t, 1)

	auth.answers(says(401, ""))
	clock.advance(time.Millisecond)
	for range 3 {
		_, err := verify()
		mustBe(t, err, ErrUnauthenticated)
	}
	auth.wasAsked(t, 4)

	auth.answers(says(503, ""))
	for range 2 {
		_, err := verify()
		mustBe(t, err, ErrUnavailable)
	}
	auth.wasAsked(t, 6)
}

func TestAnAnswerIsAsOldAsItsQuestion(t *testing.T) {
	clock := newClock()
	auth := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		clock.advance(2 * time.Second)
		says(200, ada)(w, r)
	})
	v := newVerifier(t, Options{AuthURL: auth.URL, Clock: clock.Now})
	for range 2 {
		actor, err := v.Verify(t.Context(), requestWith("Authorization", "Bearer "+opaque))
		mustKnow(t, actor, err, "user:93")
	}
	auth.wasAsked(t, 2)
}

func TestAnswersBelongToAllCredentialsTogether(t *testing.T) {
	auth := newServer(t, says(200, ada))
	v := newVerifier(t, Options{AuthURL: auth.URL, Clock: newClock().Now})
	for _, headers := range [][]string{
		{"Authorization", "Bearer ab"},
		{"X-API-Key", "ab"},
		{"X-API-Key", "a", "Authorization", "Bearer b"},
		{"Cookie", "session_token=ab"},
		{"Cookie", "__Host-session_token=ab"},
		{"Cookie", "session_token=ab; session_token=cd"},
	} {
		actor, err := v.Verify(t.Context(), requestWith(headers...))
		mustKnow(t, actor, err, "user:93")
	}
	auth.wasAsked(t, 6)
}

func TestThoseWhoAskTheSameAtOnceShareOneRequest(t *testing.T) {
	const callers = 20
	release := make(chan struct{})
	auth := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		says(200, ada)(w, r)
	})
	v := newVerifier(t, Options{AuthURL: auth.URL, Clock: newClock().Now})
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			actor, err := v.Verify(t.Context(), requestWith("Authorization", "Bearer "+opaque))
			if err != nil || actor.ID != "user:93" {
				t.Errorf("it is %+v, %v", actor, err)
			}
		})
	}
	waitFor(t, "the request", func() bool { return auth.asked.Load() > 0 })
	// One who leaves does not take the answer away from the others.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := v.Verify(ctx, requestWith("Authorization", "Bearer "+opaque))
	mustBe(t, err, ErrUnavailable)
	close(release)
	group.Wait()
	auth.wasAsked(t, 1)
}

func TestAQuestionThatIsOldIsAskedAnew(t *testing.T) {
	clock, first := newClock(), make(chan struct{})
	auth := newServer(t, nil)
	auth.answers(func(w http.ResponseWriter, r *http.Request) {
		<-first
		says(200, ada)(w, r)
	})
	v := newVerifier(t, Options{AuthURL: auth.URL, Clock: clock.Now})
	verify := func() error {
		_, err := v.Verify(t.Context(), requestWith("Authorization", "Bearer "+opaque))
		return err
	}
	slow := make(chan error)
	go func() { slow <- verify() }()
	waitFor(t, "the first request", func() bool { return auth.asked.Load() == 1 })

	auth.answers(says(401, "")) // revoked meanwhile
	clock.advance(time.Second)
	mustBe(t, verify(), ErrUnauthenticated)
	close(first)
	if err := <-slow; err != nil {
		t.Error(err)
	}
	mustBe(t, verify(), ErrUnauthenticated) // the late answer is not remembered for now
}

func TestWhoGetsAnActorMayChangeIt(t *testing.T) {
	auth := newServer(t, says(200, ada))
	v := newVerifier(t, Options{AuthURL: auth.URL, Clock: newClock().Now})
	for range 3 {
		actor, err := v.Verify(t.Context(), requestWith("Authorization", "Bearer "+opaque))
		mustKnow(t, actor, err, "user:93")
		if actor.Roles[0] != Member || actor.MicroDAOs[0] != "microdao:daarion" {
			t.Fatalf("somebody changed it: %+v", actor)
		}
		actor.ID, actor.Roles[0], actor.MicroDAOs[0] = "user:1", SystemAdmin, "microdao:1"
	}
}

func TestNoMoreThanSoManyAnswersAreRemembered(t *testing.T) {
	cache := newLRU[int, int](3)
	for i := range 3 {
		cache.put(i, i)
	}
	cache.get(0)
	cache.put(1, 10)
	cache.put(3, 3) // 2 was not used for longest
	for key, want := range map[int]int{0: 0, 1: 10, 3: 3} {
		if got, ok := cache.get(key); !ok || got != want {
			t.Errorf("%d is %d, %v", key, got, ok)
		}
	}
	if _, ok := cache.get(2); ok || len(cache.byKey) != 3 || cache.order.Len() != 3 {
		t.Errorf("it remembers %d", len(cache.byKey))
	}
}
