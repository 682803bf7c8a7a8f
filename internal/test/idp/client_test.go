//go:build interop && unix

package idp_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/gatehouse/gatehouse/internal/test/browser"
	"github.com/gatehouse/gatehouse/internal/test/idp"
)

// Each call of a client is a request that servers have to know. Both lines make
// the same.
func TestClientCalls(t *testing.T) {
	common := []struct{ call, request string }{
		{`signIn.email({email: "a@b.c", password: "p", rememberMe: false})`, `POST /auth/sign-in/email {"email":"a@b.c","password":"p","rememberMe":false}`},
		{`getSession()`, `GET /auth/get-session `},
		{`signOut()`, `POST /auth/sign-out {}`},
		{`signIn.oauth2({providerId: "authentik", callbackURL: "/x"})`, `POST /auth/sign-in/oauth2 {"providerId":"authentik","callbackURL":"/x"}`},
		{`signIn.social({provider: "github", callbackURL: "/x"})`, `POST /auth/sign-in/social {"provider":"github","callbackURL":"/x"}`},
		{`twoFactor.enable({password: "p"})`, `POST /auth/two-factor/enable {"password":"p"}`},
		{`passkey.listUserPasskeys()`, `GET /auth/passkey/list-user-passkeys `},
		{`signIn.passkey()`, `GET /auth/passkey/generate-authenticate-options `},
	}
	for line, plugins := range map[string]string{
		"1.4": `[BetterAuth.genericOAuthClient(), BetterAuth.twoFactorClient(), BetterAuth.passkeyClient()]`,
		"1.7": `[BetterAuth.twoFactorClient(), BetterAuth.passkeyClient()]`,
	} {
		t.Run(line, func(t *testing.T) {
			server := record(t, idp.ClientBundle(t, line))
			tab := browser.Start(t)
			browser.Run(t, tab, chromedp.Navigate(server.url), chromedp.Evaluate(
				`globalThis.auth = BetterAuth.createAuthClient({baseURL: location.origin + "/auth", plugins: `+plugins+`}); true`, nil))
			for _, test := range common {
				var answer string
				browser.Run(t, tab, chromedp.Evaluate(`auth.`+test.call+`.then(JSON.stringify)`, &answer, awaited))
				if got := server.take(); len(got) != 1 || got[0] != test.request {
					t.Errorf("%s asks %q, want %q", test.call, got, test.request)
				}
				if !strings.Contains(answer, refused) {
					t.Errorf("%s returns %s, want the server's refusal", test.call, answer)
				}
			}
		})
	}
}

func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

const refused = "REFUSED_FOR_THE_TEST"

// recorder serves a page with the client and writes down what that asks. It
// refuses everything, so that no client goes on by itself.
type recorder struct {
	url   string
	mutex sync.Mutex
	asked []string
}

func record(t *testing.T, script []byte) *recorder {
	t.Helper()
	r := &recorder{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!doctype html><title>client</title><script src="/client.js"></script>`)
	})
	mux.HandleFunc("GET /client.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(script)
	})
	mux.HandleFunc("/auth/", func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		r.mutex.Lock()
		r.asked = append(r.asked, fmt.Sprintf("%s %s %s", request.Method, request.RequestURI, body))
		r.mutex.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"code":"`+refused+`","message":"refused"}`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// take returns what was asked since the last time.
func (r *recorder) take() []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	asked := r.asked
	r.asked = nil
	return asked
}
