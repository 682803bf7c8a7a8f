//go:build interop

package microdao_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse/gatehouse/internal/test/browser"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// frontEnd does what the city's own does with passkeys: options from the face,
// base64url to bytes and back, cookies kept by the browser.
const frontEnd = `<!doctype html><title>City</title>
<input id="name" autocomplete="username webauthn">
<script>
const api = "%s/auth"
const bytes = s => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), c => c.charCodeAt(0))
const text = b => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")
async function post(path, body) {
  const r = await fetch(api + path, {method: "POST", credentials: "include", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)})
  if (!r.ok) throw new Error(r.status + " " + await r.text())
  return r.json()
}
async function register(email) {
  const {options} = await post("/passkey/register/start", {email})
  options.challenge = bytes(options.challenge)
  options.user.id = bytes(options.user.id)
  options.excludeCredentials = (options.excludeCredentials || []).map(c => ({...c, id: bytes(c.id)}))
  const c = await navigator.credentials.create({publicKey: options})
  return post("/passkey/register/finish", {email, credential: {id: c.id, rawId: text(c.rawId), type: c.type,
    response: {attestationObject: text(c.response.attestationObject), clientDataJSON: text(c.response.clientDataJSON)}}})
}
async function signIn(mediation) {
  const {options} = await post("/passkey/authenticate/start", {})
  options.challenge = bytes(options.challenge)
  const c = await navigator.credentials.get({publicKey: options, mediation})
  const r = c.response
  return post("/passkey/authenticate/finish", {credential: {id: c.id, rawId: text(c.rawId), type: c.type, response: {
    authenticatorData: text(r.authenticatorData), clientDataJSON: text(r.clientDataJSON), signature: text(r.signature),
    userHandle: r.userHandle && text(r.userHandle)}}})
}
const me = async () => (await fetch(api + "/me", {credentials: "include"})).json()
const logout = () => post("/logout", {})
</script>`

// TestPasskeysInBrowser registers, signs in without a name, and signs in from the
// browser's own suggestions, with Chromium's virtual authenticator.
func TestPasskeysInBrowser(t *testing.T) {
	var page string
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) }))
	t.Cleanup(site.Close)
	origin := strings.Replace(site.URL, "127.0.0.1", "localhost", 1)
	h := house.Start(t, house.Options{Set: map[string]string{"passkey.origins": origin}})
	page = fmt.Sprintf(frontEnd, strings.Replace(h.URL("microdao", ""), "127.0.0.1", "localhost", 1))

	tab := browser.Start(t)
	browser.Run(t, tab, chromedp.Navigate(origin), webauthn.Enable(), chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}).Do(ctx)
		return err
	}))
	steps := []struct{ name, script, want string }{
		{"register", `register("ada@example.org").then(r => r.message)`, "Passkey registered successfully"},
		{"sign in without a name", `signIn().then(r => r.actor.actor_id)`, "user:1"},
		{"the cookie is kept", `me().then(a => a.actor_id)`, "user:1"},
		{"a second one is refused by the authenticator", `register("ada@example.org").then(() => "made", e => e.name)`, "InvalidStateError"},
		{"log out", `logout().then(r => r.status)`, "logged_out"},
		{"the cookie is gone", `me().then(a => a.detail)`, "Unauthorized: No valid session token or API key"},
		{"browsers can suggest passkeys", `PublicKeyCredential.isConditionalMediationAvailable().then(String)`, "true"},
		{"sign in from a suggestion", `signIn("conditional").then(r => r.actor.actor_id)`, "user:1"},
		{"log out again", `logout().then(r => r.status)`, "logged_out"},
		{"nobody adds one for her", `register("ada@example.org").then(() => "added", e => e.message)`, "401"},
	}
	for _, step := range steps {
		var got string
		browser.Run(t, tab, chromedp.Evaluate(step.script, &got, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
		if !strings.HasPrefix(got, step.want) {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
}
