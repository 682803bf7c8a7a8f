//go:build unix

package setup_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const form = "Content-Type: application/x-www-form-urlencoded"

// token returns what the link of the greeting ends with.
func token(t *testing.T, h *house.House) string {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if _, after, found := strings.Cut(h.Log.String(), "/setup?token="); found && strings.Contains(after, "\n") {
			text, _, _ := strings.Cut(after, "\n")
			return text
		}
	}
	t.Fatalf("no link was printed:\n%s", h.Log)
	return ""
}

func submit(h *house.House, token, email, name, password string) house.Answer {
	fields := url.Values{"token": {token}, "email": {email}, "name": {name}, "password": {password}}
	return h.Do(http.MethodPost, "native", "/setup", fields.Encode(), form)
}

func administrators(t *testing.T, h *house.House) int64 {
	t.Helper()
	n, err := h.Server.House().Administrators(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestOpeningThePageUsesNothingUp: mail scanners and link previews open links.
func TestOpeningThePageUsesNothingUp(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := house.Start(t, house.Options{Engine: engine})
		link := "/setup?token=" + token(t, h)
		for range 3 {
			page := h.Get("native", link)
			if page.Status != http.StatusOK || !strings.Contains(page.Body, `value="`+token(t, h)+`"`) || !strings.Contains(page.Body, `method="post"`) {
				t.Fatalf("%d %s", page.Status, page.Body)
			}
			if head := h.Do(http.MethodHead, "native", link, ""); head.Status != http.StatusOK || head.Body != "" {
				t.Errorf("HEAD: %d %q", head.Status, head.Body)
			}
		}
		if n := administrators(t, h); n != 0 {
			t.Fatalf("%d administrators", n)
		}
		if done := submit(h, token(t, h), "ada@example.org", "Ada", house.Password); done.Status != http.StatusOK || !strings.Contains(done.Body, "ada@example.org is the first administrator") {
			t.Errorf("%d %s", done.Status, done.Body)
		}
		if n := administrators(t, h); n != 1 {
			t.Errorf("%d administrators", n)
		}
		h.SignIn("ada@example.org")
	})
}

// TestOnlyAFreshTokenMakesAnAdministrator: not a wrong, not a used, not an old
// one; and the form comes back with what was typed, but never the password.
func TestOnlyAFreshTokenMakesAnAdministrator(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		clock := &house.Clock{}
		h := house.Start(t, house.Options{Engine: engine, Clock: clock.Now})
		good := token(t, h)
		refuse := func(what, token string) {
			t.Helper()
			a := submit(h, token, "eve@example.org", "Eve", "a password that must not come back")
			if a.Status != http.StatusBadRequest || !strings.Contains(a.Body, "used up or expired") {
				t.Errorf("%s: %d %s", what, a.Status, a.Body)
			}
			if !strings.Contains(a.Body, `value="eve@example.org"`) || !strings.Contains(a.Body, `value="Eve"`) || strings.Contains(a.Body, "must not come back") {
				t.Errorf("%s: the form is not as it was typed: %s", what, a.Body)
			}
		}
		for _, bad := range []string{"", "x", good[:len(good)-1], good + "0", strings.ToUpper(good), "gh_setup_" + strings.Repeat("0", 49)} {
			refuse("a bad token", bad)
		}
		clock.Forward(time.Hour + time.Second)
		refuse("an expired token", good)
		fresh, err := h.Server.House().Account.NewSetupToken(t.Context(), "main")
		if err != nil {
			t.Fatal(err)
		}
		if a := submit(h, fresh.Reveal(), "ada@example.org", "", house.Password); a.Status != http.StatusOK {
			t.Fatalf("a fresh token: %d %s", a.Status, a.Body)
		}
		refuse("a used token", fresh.Reveal())
		if n := administrators(t, h); n != 1 {
			t.Errorf("%d administrators", n)
		}
	})
}

// TestAMistakeDoesNotUseTheTokenUp: who mistypes can try again.
func TestAMistakeDoesNotUseTheTokenUp(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := house.Start(t, house.Options{Engine: engine})
		h.SignUp("taken@example.org")
		for what, a := range map[string]house.Answer{
			"password": submit(h, token(t, h), "ada@example.org", "", "short"),
			"email":    submit(h, token(t, h), "no address", "", house.Password),
			"exists":   submit(h, token(t, h), "taken@example.org", "", house.Password),
		} {
			if a.Status != http.StatusBadRequest || !strings.Contains(a.Body, `role="alert"`) || !strings.Contains(a.Body, what) {
				t.Errorf("%s: %d %s", what, a.Status, a.Body)
			}
		}
		if a := submit(h, token(t, h), "ada@example.org", "", house.Password); a.Status != http.StatusOK {
			t.Errorf("after the mistakes: %d %s", a.Status, a.Body)
		}
	})
}

// TestWhatComesBackIsInert: what was sent is shown as text, whatever it is.
func TestWhatComesBackIsInert(t *testing.T) {
	h := house.Start(t, house.Options{Engine: house.SQLite})
	for _, evil := range []string{
		`"><svg onload=alert(1)>`, `</input></form><script>alert(1)</script>`, `javascript:alert(1)`, `' onfocus='alert(1)`, `{{.Token}}`,
		`" autofocus onfocus="alert(1)`, "\u202eevil", `<!--`, `&lt;script&gt;`, "`onload=alert(1)`",
	} {
		for what, a := range map[string]house.Answer{
			"opened":       h.Get("native", "/setup?token="+url.QueryEscape(evil)),
			"as token":     submit(h, evil, "a@example.org", "", house.Password),
			"as address":   submit(h, token(t, h), evil, "", house.Password),
			"as name":      submit(h, "x", "a@example.org", evil, house.Password),
			"as all three": submit(h, evil, evil, evil, evil),
		} {
			if strings.Count(a.Body, "<") != strings.Count(a.Body, ">") || strings.Count(a.Body, "<form") > 1 {
				t.Errorf("%s %q breaks the markup: %s", evil, what, a.Body)
			}
			for _, live := range []string{"<svg", "<script", `" onfocus`, `' onfocus`, `" autofocus`, "<!--"} {
				if strings.Contains(a.Body, live) {
					t.Errorf("%q %s comes back alive: %s", evil, what, a.Body)
				}
			}
			if strings.Contains(a.Body, `value="`) && !strings.Contains(html.UnescapeString(a.Body), evil) {
				t.Errorf("%q %s does not come back at all", evil, what)
			}
			guarded(t, a)
		}
	}
}

// guarded fails unless the page is one that runs no script and cannot be framed.
func guarded(t *testing.T, a house.Answer) {
	t.Helper()
	const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	for name, value := range map[string]string{
		"Content-Security-Policy": policy, "Content-Type": "text/html; charset=utf-8", "Referrer-Policy": "no-referrer",
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	} {
		if got := a.Header.Get(name); got != value {
			t.Errorf("%s is %q", name, got)
		}
	}
	if strings.Contains(a.Body, "style=") || strings.Contains(a.Body, "<style") {
		t.Error("the page has style of its own, which the policy forbids")
	}
}

// TestTheFormIsReadInOneWayOnly: what is given twice, in the query, or as
// something else than a form, is refused.
func TestTheFormIsReadInOneWayOnly(t *testing.T) {
	h := house.Start(t, house.Options{Engine: house.SQLite})
	good := url.Values{"token": {token(t, h)}, "email": {"ada@example.org"}, "password": {house.Password}}.Encode()
	for what, a := range map[string]house.Answer{
		"the token twice":  h.Do(http.MethodPost, "native", "/setup", good+"&token=x", form),
		"all in the query": h.Do(http.MethodPost, "native", "/setup?"+good, "", form),
		"as JSON":          h.Post("native", "/setup", `{"token":"`+token(t, h)+`"}`),
		"without a type":   h.Do(http.MethodPost, "native", "/setup", good),
		"with NUL":         h.Do(http.MethodPost, "native", "/setup", good+"&name=a%00b", form),
		"with bad UTF-8":   h.Do(http.MethodPost, "native", "/setup", good+"&name=%ff", form),
		"with %zz":         h.Do(http.MethodPost, "native", "/setup", good+"&name=%zz", form),
	} {
		if a.Status < 400 || a.Status > 499 {
			t.Errorf("%s: %d %s", what, a.Status, a.Body)
		}
	}
	if n := administrators(t, h); n != 0 {
		t.Errorf("%d administrators", n)
	}
	if style := h.Get("native", "/setup/style.css"); style.Status != http.StatusOK || style.Header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("the style: %d %s", style.Status, style.Header)
	}
}
