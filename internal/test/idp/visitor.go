//go:build unix

package idp

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Visitor is a person at the provider's pages: plain HTTP with cookies, so one
// who has signed in once is not asked again.
type Visitor struct {
	t        testing.TB
	provider *Provider
	client   *http.Client
}

// Visitor returns somebody who has never been here.
func (p *Provider) Visitor() *Visitor {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return &Visitor{p.t, p, &http.Client{
		Jar:           jar,
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// SignIn opens an authorization URL as somebody who has never been here, signs
// in to the account and allows the client what it asks for, or denies it. It
// returns where the provider sends the browser then, and does not go there.
func (p *Provider) SignIn(authorizationURL, account string, allow bool) (callbackURL string) {
	p.t.Helper()
	return p.Visitor().SignIn(authorizationURL, account, allow)
}

// SignIn is Provider.SignIn for a visitor who may have been here before: what
// the provider need not ask, it does not.
func (v *Visitor) SignIn(authorizationURL, account string, allow bool) (callbackURL string) {
	v.t.Helper()
	answer := "deny"
	if allow {
		answer = "allow"
	}
	callbackURL, page := v.walk(authorizationURL, url.Values{"login": {account}, "consent": {answer}})
	if callbackURL == "" {
		v.t.Fatalf("the OpenID provider sent the browser nowhere; its last page:\n%s", page)
	}
	return callbackURL
}

// SignOut opens the end session endpoint with those parameters and says yes. It
// returns where the provider sends the browser, which is nowhere ("") unless the
// parameters say so.
func (v *Visitor) SignOut(endSessionURL string) (callbackURL string) {
	v.t.Helper()
	callbackURL, page := v.walk(endSessionURL, url.Values{"logout": {"yes"}})
	if callbackURL == "" && !strings.Contains(page, "was successful") {
		v.t.Fatalf("the OpenID provider did not sign out; its last page:\n%s", page)
	}
	return callbackURL
}

// walk follows redirects and fills in forms until the provider sends the browser
// elsewhere, or shows a page on which there is nothing to be filled in.
func (v *Visitor) walk(at string, answers url.Values) (elsewhere, page string) {
	v.t.Helper()
	var form url.Values
	for range 12 {
		response := v.visit(at, form)
		page = bodyOf(response)
		if location := response.Header.Get("Location"); location != "" {
			next, err := response.Request.URL.Parse(location)
			if err != nil {
				v.t.Fatal(err)
			}
			if at, form = next.String(), nil; !strings.HasPrefix(at, v.provider.Issuer+"/") {
				return at, ""
			}
			continue
		}
		if response.StatusCode != http.StatusOK {
			v.t.Fatalf("HTTP %d from the OpenID provider: %s", response.StatusCode, page)
		}
		if form = fillIn(page, answers); form == nil {
			return "", page
		}
		if action := formAction.FindStringSubmatch(page); action != nil {
			at = html.UnescapeString(action[1])
		}
	}
	v.t.Fatalf("the OpenID provider leads in circles; its last page:\n%s", page)
	return "", ""
}

func (v *Visitor) visit(at string, form url.Values) *http.Response {
	v.t.Helper()
	var response *http.Response
	var err error
	if form == nil {
		response, err = v.client.Get(at)
	} else {
		response, err = v.client.PostForm(at, form)
	}
	if err != nil {
		v.t.Fatal(err)
	}
	return response
}

var (
	formAction  = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	hiddenInput = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
	control     = regexp.MustCompile(`<(?:input|button)[^>]* name="([^"]+)"`)
)

// fillIn returns what is to be posted, or nil where nothing asks.
func fillIn(page string, answers url.Values) url.Values {
	var form url.Values
	for _, found := range control.FindAllStringSubmatch(page, -1) {
		if answer := answers.Get(found[1]); answer != "" {
			form = url.Values{found[1]: {answer}}
		}
	}
	if form != nil {
		for _, found := range hiddenInput.FindAllStringSubmatch(page, -1) {
			form.Set(html.UnescapeString(found[1]), html.UnescapeString(found[2]))
		}
	}
	return form
}

func bodyOf(response *http.Response) string {
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}
