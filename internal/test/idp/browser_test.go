//go:build interop && unix

package idp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/gatehouse/gatehouse/internal/test/browser"
	"github.com/gatehouse/gatehouse/internal/test/idp"
)

// The pages that Visitor reads are pages for people, too.
func TestPagesInABrowser(t *testing.T) {
	landing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<!doctype html><title>landed</title><p id=landed>landed</p>")
	}))
	t.Cleanup(landing.Close)
	client := idp.Client{ID: "web", Secret: "s", RedirectURIs: []string{landing.URL + "/callback"}}
	p := idp.Start(t, idp.Options{Clients: []idp.Client{client}})
	party, tab := newParty(t, p, client), browser.Start(t)

	var at, text string
	browser.Run(t, tab,
		chromedp.Navigate(party.authorizationURL()),
		chromedp.SendKeys(`input[name=login]`, "nobody\r"),
		chromedp.WaitVisible(`p`),
		chromedp.SendKeys(`input[name=login]`, "ada\r"),
		chromedp.Click(`button[value=allow]`),
		chromedp.WaitVisible(`#landed`),
		chromedp.Location(&at))
	if idToken, _ := party.finish(at); idToken["sub"] != p.Subject("ada") {
		t.Errorf("signed in as %v", idToken)
	}
	browser.Run(t, tab,
		chromedp.Navigate(party.endSession),
		chromedp.Click(`button[name=logout]`),
		chromedp.WaitVisible(`//*[contains(., "was successful")]`),
		chromedp.Navigate(party.authorizationURL()),
		chromedp.Text(`h1`, &text))
	if text != "Sign in" {
		t.Errorf("after signing out the page is %q", text)
	}
}
