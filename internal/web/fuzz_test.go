package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// FuzzDecodeBody: whatever comes is decoded or refused, never a panic; and what
// is decoded is what any other reader of the same JSON would see.
func FuzzDecodeBody(f *testing.F) {
	for _, body := range []string{
		`{` + good + `}`, `{` + good + `,"name":null,"nick":"n","loud":true}`, `{` + good + `,"x":{"y":[1,2.5e3,null,"\ud83d\ude00"]}}`,
		`{` + good + `,"EMAIL":"x"}`, `{"email":"a@b.example","paſſword":"12345"}`, `null`, `[]`, ``, `{"email":`, "\ufeff{}", "{\"\xff\":1}",
		`{` + good + `,"email":"c@d.example"}`, `{"email":"a\u0000@b.example"}`, strings.Repeat("[", 200), `{` + good + `}}`,
	} {
		f.Add([]byte(body), true)
		f.Add([]byte(body), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, strict bool) {
		in, err := decodeText(string(body), strict)
		if err != nil {
			var e *gate.Error
			if !errors.As(err, &e) || e.Kind != gate.Invalid {
				t.Fatalf("a body is refused as %v", err)
			}
			return
		}
		var others map[string]any
		if err := json.Unmarshal(body, &others); err != nil {
			t.Fatalf("taken, but no JSON: %v", err)
		}
		if others["email"] != in.Email || others["password"] != in.Password.Reveal() {
			t.Fatalf("read as %q and %q, by others as %v", in.Email, in.Password.Reveal(), others)
		}
		name, has := others["name"]
		if has = has && name != nil; has != (in.Name != nil) || has && *in.Name != name {
			t.Fatalf("the name was read as %v, by others as %v", in.Name, name)
		}
		if _, ok := gate.ParseEmail(in.Email); !ok || !utf8.ValidString(in.Password.Reveal()) || strings.Contains(in.Password.Reveal(), "\x00") {
			t.Fatalf("taken, but not acceptable: %q %q", in.Email, in.Password.Reveal())
		}
		if n := utf8.RuneCountInString(in.Password.Reveal()); n < 3 || n > 5 {
			t.Fatalf("a password of %d characters was taken", n)
		}
		for name := range others {
			if strict && !strings.Contains(" email password name nick loud ", " "+name+" ") {
				t.Fatalf("the unknown member %q was taken", name)
			}
		}
	})
}

// FuzzForm: a form is refused, or has each parameter once, as clean text.
func FuzzForm(f *testing.F) {
	for _, body := range []string{"", "a=1&b=2", "a=1&a=2", "a=%00", "a=%ff", "%zz", "a;b", "=", "&&", "a=1&%61=2", "token=x+y%20z"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/?token=query", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		form, err := DecodeForm(r)
		if err != nil {
			var e *gate.Error
			if !errors.As(err, &e) || e.Kind != gate.Invalid {
				t.Fatalf("a form is refused as %v", err)
			}
			return
		}
		others, err := url.ParseQuery(body)
		if err != nil || len(others) != len(form) {
			t.Fatalf("read as %v, by others as %v (%v)", form, others, err)
		}
		for name, values := range form {
			if len(values) != 1 || !gate.CleanText(values[0]) || others.Get(name) != values[0] {
				t.Fatalf("%q: %q", name, values)
			}
		}
	})
}

// FuzzRequestHeaders: whatever the headers say, the request has an id that can
// be logged and an address that is one, and nobody gets a token they did not
// send.
func FuzzRequestHeaders(f *testing.F) {
	f.Add("Bearer abc", "id-1", "198.51.100.1, 10.0.0.1", "10.0.0.1:80")
	f.Add("bearer  ", "a\nb", ",,,", "203.0.113.7:1")
	f.Add("", strings.Repeat("x", 65), "fe80::1%eth0, ::ffff:10.0.0.1", "[::1]:0")
	f.Add("Basic x", "ї", "unix:", "@")
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, authorization, id, forwarded, peer string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = peer
		r.Header = http.Header{"Authorization": {authorization}, "X-Request-Id": {id}, "X-Forwarded-For": {forwarded}}
		if token := Bearer(r).Reveal(); token != "" && (!strings.HasSuffix(strings.TrimSpace(authorization), token) || !strings.EqualFold(authorization[:7], "bearer ")) {
			t.Fatalf("%q yields the token %q", authorization, token)
		}
		if kept := requestID(r); kept != "" && (kept != id || len(kept) > 64 || strings.ContainsAny(kept, " \t\r\n\"=\\<>&") || !gate.CleanText(kept)) {
			t.Fatalf("the request is called %q", kept)
		}
		ip := (&Face{Proxies: proxies}).clientIP(r)
		if addr, err := netip.ParseAddr(ip); ip != "" && (err != nil || addr.Zone() != "" || addr.Is4In6()) {
			t.Fatalf("the client is %q: %v", ip, err)
		}
		if addr, err := netip.ParseAddrPort(peer); err == nil {
			if direct := addr.Addr().Unmap().WithZone("").String(); (&Face{}).clientIP(r) != direct || !proxies[0].Contains(addr.Addr().Unmap()) && ip != direct {
				t.Fatalf("%q from %q is %q", forwarded, peer, ip)
			}
		}
	})
}
