//go:build unix

package nt_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// NT-DOS-1: Vault CVE-2025-6203, CVE-2025-12044; OpenBao CVE-2025-59043. The
// bound on time is far above what is due (5 ms), for the machine may be busy.
func TestNT_DOS_1_JSONBombsAreRefusedAtOnce(t *testing.T) {
	bombs := map[string]string{
		"a megabyte of text":      credentials("a@example.org", strings.Repeat("x", 1<<20)),
		"a megabyte of nothing":   strings.Repeat(" ", 1<<20),
		"10,000 deep lists":       strings.Repeat("[", 10_000),
		"10,000 deep objects":     strings.Repeat(`{"a":`, 10_000),
		"10,000 deep, closed":     strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
		"30,000 deep in a member": `{"email":` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) + `}`,
		"100,000 members":         "{" + strings.TrimSuffix(manyMembers(100_000), ",") + "}",
		"a huge number":           `{"email":` + strings.Repeat("9", 60_000) + `}`,
		"a huge exponent":         `{"email":1e999999999,"password":1e-999999999}`,
		"escapes":                 `{"email":"` + strings.Repeat(`\u0041`, 10_000) + `","password":"x"}`,
		"a long name":             `{"` + strings.Repeat("e", 60_000) + `":1}`,
		"the same name":           "{" + strings.TrimSuffix(strings.Repeat(`"email":1,`, 6_000), ",") + "}",
	}
	onEveryFace(t, house.Options{}, func(t *testing.T, h *house.House, m mouth) {
		for what, bomb := range bombs {
			for _, path := range []string{m.register, m.login, m.refresh} {
				start := time.Now()
				a := h.Post(m.face, path, bomb)
				wantRefusal(t, what+" to "+path, a)
				if took := time.Since(start); took > 250*time.Millisecond {
					t.Errorf("%s to %s took %s", what, path, took)
				}
				if len(a.Body) > 4096 {
					t.Errorf("%s to %s: an answer of %d bytes", what, path, len(a.Body))
				}
			}
		}
		want(t, "a megabyte", h.Post(m.face, m.login, strings.Repeat(" ", 1<<20)), http.StatusRequestEntityTooLarge)
		want(t, "a header of 64 KB", h.Get(m.face, m.me, "X-Long: "+strings.Repeat("x", 64<<10)), http.StatusRequestHeaderFieldsTooLarge)
	})
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":1,`, i)
	}
	return b.String()
}

// NT-DOS-1, forms.
func TestNT_DOS_1_FormBombsAreRefused(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := house.Start(t, house.Options{Engine: engine})
		tokens := enter(t, h, mouths[1], "ada@example.org")
		many, long := url.Values{}, url.Values{"token": {strings.Repeat("x", 1<<20)}}
		for n := range 100_000 {
			many.Set(fmt.Sprintf("k%d", n), "1")
		}
		for what, form := range map[string]url.Values{"100,000 parameters": many, "a megabyte": long} {
			for _, path := range []string{"/setup", "/api/v1/introspect"} {
				a := h.Do(http.MethodPost, "native", path, form.Encode(), "Content-Type: application/x-www-form-urlencoded", tokens.Bearer())
				wantRefusal(t, what+" to "+path, a)
			}
		}
	})
}

// NT-DOS-2: Keycloak CVE-2026-4634, Vault CVE-2026-5807, CVE-2023-6337. What
// nobody has to sign in for is limited where it costs or leaves something, and
// elsewhere leaves nothing.
func TestNT_DOS_2_WhatIsOpenToAllHasABudget(t *testing.T) {
	o := limited("", map[string]string{"limits.login_per_ip": "20/1h", "limits.register_per_ip": "10/1h"})
	onEveryFace(t, o, func(t *testing.T, h *house.House, m mouth) {
		db := raw(t, h)
		grown := func() int {
			return count(t, db, `SELECT (SELECT COUNT(*) FROM users) + (SELECT COUNT(*) FROM sessions) + (SELECT COUNT(*) FROM events) + (SELECT COUNT(*) FROM limits) + (SELECT COUNT(*) FROM one_time_tokens)`)
		}
		setupToken(t, h) // printed, so that its row is not counted below
		known := map[string]int{m.register: 10*2 + 1, m.login: 20*3 + 1}
		for _, r := range routes(t, h, m.face) {
			if r.method != http.MethodPost {
				continue
			}
			before := grown()
			for n := range 60 {
				body := credentials(fmt.Sprintf("u%d-%d@example.org", before, n), house.Password)
				switch {
				case strings.HasSuffix(r.path, "/refresh"), strings.HasSuffix(r.path, "/logout"):
					body = refreshBody(fmt.Sprintf("gh_rt_%d", n))
				case strings.HasSuffix(r.path, "/introspect"):
					body = `{"token":"x"}`
				}
				if a := h.Post(m.face, r.path, body); a.Status >= 500 {
					t.Errorf("%s: %d %s", r.path, a.Status, a.Body)
				}
			}
			if more := grown() - before; more > known[r.path] {
				t.Errorf("60 requests to %s left %d rows, %d are due at most", r.path, more, known[r.path])
			}
		}
	})
}

// NT-DOS-2, the budget of registrations: every attempt costs one, also one for
// an address that is taken; otherwise anybody could ask for ever who is here.
func TestNT_DOS_2_AskingWhoIsRegisteredHasABudget(t *testing.T) {
	o := limited("", map[string]string{"limits.register_per_ip": "10/1h"})
	onEveryFace(t, o, func(t *testing.T, h *house.House, m mouth) {
		enter(t, h, m, "ada@example.org")
		told := 0
		for range 30 {
			if a := h.Post(m.face, m.register, credentials("ada@example.org", house.Password)); a.Status != http.StatusTooManyRequests {
				told++
			}
		}
		if told > 10 {
			t.Errorf("%d of 30 attempts were told that the address is taken, the budget is 10", told)
		}
	})
}

// NT-DOS-2, what costs a hash is asked last: neither a house that has had enough
// registrations nor a set-up link that does not exist is a reason to compute
// one.
func TestNT_DOS_2_NoHashIsComputedForWhatIsRefusedAnyway(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		o := limited(engine, map[string]string{"limits.register_per_ip": "1/1h"})
		maps.Copy(o.Set, dear.Set)
		h := house.Start(t, o)
		for _, m := range mouths {
			h.Post(m.face, m.register, credentials("first@example.org", house.Password))
			quick(t, "a registration too many at "+m.face, func() house.Answer {
				return h.Post(m.face, m.register, credentials(m.face+"@example.org", house.Password))
			})
		}
		quick(t, "a set-up link that does not exist", func() house.Answer {
			a, err := claim(h, secret.New("setup").Reveal(), "eve@example.org")
			if err != nil {
				t.Fatal(err)
			}
			return a
		})
	})
}

// quick fails when a refusal takes so long that it must have hashed.
func quick(t *testing.T, what string, ask func() house.Answer) {
	t.Helper()
	start := time.Now()
	wantRefusal(t, what, ask())
	if took := time.Since(start); took > 250*time.Millisecond {
		t.Errorf("%s took %s: it hashed", what, took)
	}
}

// NT-DOS-4: Keycloak CVE-2026-0707, CVE-2026-9803, Auth.js GHSA-xmf8-cvqr-rfgj.
func TestNT_DOS_4_MalformedHeadersAreRefusedWithoutPanic(t *testing.T) {
	odd := [][]string{
		{"Authorization: "}, {"Authorization: Bearer"}, {"Authorization: Bearer "}, {"Authorization: Basic !!!"}, {"Authorization: Basic"},
		{"Authorization: Bearer a", "Authorization: Bearer b"}, {"Authorization: Bearer a b c"}, {"Authorization: Bearer\ta"}, {"Authorization: bearer x"},
		{"Authorization: " + strings.Repeat("x", 8000)}, {"Authorization: Bearer ..."}, {"Authorization: Bearer ."}, {"Authorization: Bearer \xff\xfe"},
		{"Authorization: Digest username=\"x\""}, {"Authorization: Bearer e30.e30.e30"}, {"Authorization: Bearer bnVsbA.bnVsbA.bnVsbA"},
		{"Cookie: " + strings.Repeat("a", 8000)}, {"Cookie: " + strings.Repeat("a=b; ", 200)}, {`Cookie: session="quoted"`}, {"Cookie: %zz=%zz"}, {"Cookie: =;=;"},
		{"X-Forwarded-For: ,,,"}, {"X-Forwarded-For: " + strings.Repeat("1.1.1.1,", 1500)}, {"X-Request-Id: %zz"}, {"X-Request-Id: " + strings.Repeat("x", 5000)},
		{"Origin: %zz"}, {"Origin: null"}, {"Sec-Fetch-Site: %zz"}, {"Accept-Encoding: " + strings.Repeat("gzip,", 1000)}, {"Range: bytes=0-,-1,0-"},
		{"If-None-Match: W/"}, {"Accept-Language: " + strings.Repeat("x-", 3000)}, {"Content-Type: ;;;"}, {"Content-Type: application/json; charset=%zz"},
		{"Expect: 100-continue"}, {"Accept: */*;q=x"},
	}
	onEveryFace(t, house.Options{Set: map[string]string{"proxy.trusted": "127.0.0.1"}}, func(t *testing.T, h *house.House, m mouth) {
		tokens := enter(t, h, m, "ada@example.org")
		for _, headers := range odd {
			what := fmt.Sprintf("%.60q", headers)
			wantRefusal(t, m.me+" with "+what, h.Get(m.face, m.me, headers...))
			for _, path := range []string{m.login, m.refresh, "/setup", "/docs"} {
				if a := h.Do(http.MethodPost, m.face, path, "{}", headers...); a.Status >= 500 || a.Status < 400 {
					t.Errorf("%s with %s: %d %s", path, what, a.Status, a.Body)
				}
			}
		}
		wantRefusal(t, "two tokens, one good", h.Get(m.face, m.me, tokens.Bearer(), "Authorization: Bearer x"))
		for _, line := range []string{
			"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\r\n\r\n",
			"POST " + m.login + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}", "POST " + m.login + " HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
			"POST " + m.login + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nzz\r\n", "GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\x7fb\r\n\r\n",
		} {
			if status := speak(t, h, m.face, line); status < 400 || status > 499 {
				t.Errorf("%.40q: %d", line, status)
			}
		}
		want(t, "afterwards", h.Get(m.face, m.me, tokens.Bearer()), http.StatusOK)
		if metrics := h.Get("ops", "/metrics").Body; !strings.Contains(metrics, "gatehouse_panics_total 0") {
			t.Error("something panicked")
		}
	})
}

// speak sends bytes and returns the status of the answer.
func speak(t *testing.T, h *house.House, face, text string) int {
	t.Helper()
	conn, err := net.Dial("tcp", h.Server.Address(face))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Errorf("%.40q: %v", text, err)
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}
