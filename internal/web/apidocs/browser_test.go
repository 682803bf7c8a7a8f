//go:build interop

package apidocs_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse/gatehouse/internal/test/browser"
)

// Both pages in a real browser, at the root and behind a proxy that strips a
// prefix. APIDOCS_SCREENSHOTS names a folder to leave pictures in.
func TestPagesInBrowser(t *testing.T) {
	started := browser.Start(t)
	tests := []struct {
		page, ready string   // ready: a selector that exists once all is drawn
		draws       []string // texts that the reader sees
		violations  []string // what the policy is known to block
	}{
		{"/docs", "#operations-things-writeThing",
			[]string{"Specimen API", "Are you there?", "Read one thing", "Write one thing", "Authorize"}, nil},
		// ReDoc's logo is blocked, which also shows that this test can see violations.
		{"/redoc", `[id="tag/things/operation/writeThing"]`,
			[]string{"Specimen API", "Are you there?", "Read one thing", "Write one thing"},
			[]string{"https://cdn.redoc.ly/redoc/logo-mini.svg"}},
	}
	for _, prefix := range []string{"", "/behind/a/proxy"} {
		site := serveSite(t, prefix)
		for _, tt := range tests {
			t.Run(prefix+tt.page, func(t *testing.T) {
				tab, seen := openTab(t, started)
				var text string
				var picture []byte
				browser.Run(t, tab,
					chromedp.Navigate(site.URL+prefix+tt.page),
					chromedp.WaitVisible(tt.ready, chromedp.ByQuery),
					chromedp.Text("body", &text, chromedp.ByQuery),
					page.BringToFront(), // a background tab is never painted
					chromedp.CaptureScreenshot(&picture),
				)
				keepPicture(t, picture)
				for _, want := range tt.draws {
					if !strings.Contains(text, want) {
						t.Errorf("the page lacks %q:\n%s", want, text)
					}
				}
				seen.check(t, site.URL+prefix+"/", tt.violations)
			})
		}
	}
}

// "Try it out" must reach the face where the browser found it, prefix included.
func TestTryItOutInBrowser(t *testing.T) {
	const prefix = "/behind/a/proxy"
	site := serveSite(t, prefix)
	tab, seen := openTab(t, browser.Start(t))
	const ping = "#operations-life-ping "
	var answer string
	var picture []byte
	browser.Run(t, tab,
		chromedp.Navigate(site.URL+prefix+"/docs"),
		chromedp.Click(ping+".opblock-summary-control", chromedp.ByQuery),
		chromedp.Click(ping+".try-out__btn", chromedp.ByQuery),
		chromedp.Click(ping+".execute", chromedp.ByQuery),
		chromedp.WaitVisible(ping+".live-responses-table .response-col_description .microlight", chromedp.ByQuery),
		chromedp.Text(ping+".live-responses-table", &answer, chromedp.ByQuery),
		page.BringToFront(),
		chromedp.CaptureScreenshot(&picture),
	)
	keepPicture(t, picture)
	if !strings.Contains(answer, "pong from behind") {
		t.Errorf("the page shows %q", answer)
	}
	seen.check(t, site.URL+prefix+"/", nil)
}

// ReDoc searches in a worker that it starts from a blob: address.
func TestSearchInBrowser(t *testing.T) {
	site := serveSite(t, "")
	tab, _ := openTab(t, browser.Start(t))
	browser.Run(t, tab,
		chromedp.Navigate(site.URL+"/redoc"),
		chromedp.WaitVisible(`input[aria-label="Search"]`, chromedp.ByQuery),
		chromedp.SendKeys(`input[aria-label="Search"]`, "writ", chromedp.ByQuery),
		chromedp.WaitVisible(`[data-role="search:results"] [data-item-id$="writeThing"]`, chromedp.ByQuery),
	)
}

func serveSite(t *testing.T, prefix string) *httptest.Server {
	t.Helper()
	router := newRouter()
	router.Get("/ping", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("pong from behind"))
	})
	site := httptest.NewServer(http.StripPrefix(prefix, router))
	t.Cleanup(site.Close)
	return site
}

func openTab(t *testing.T, started context.Context) (context.Context, *sightings) {
	t.Helper()
	tab, closeTab := chromedp.NewContext(started)
	t.Cleanup(closeTab)
	seen := &sightings{requests: map[network.RequestID]string{}}
	chromedp.ListenTarget(tab, seen.note)
	browser.Run(t, tab, network.Enable(), log.Enable())
	return tab, seen
}

func keepPicture(t *testing.T, picture []byte) {
	t.Helper()
	folder := os.Getenv("APIDOCS_SCREENSHOTS")
	if folder == "" {
		return
	}
	name := strings.NewReplacer("/", "_").Replace(t.Name()) + ".png"
	if err := os.WriteFile(filepath.Join(folder, name), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

// sightings is what a tab asked for, and what it complained about.
type sightings struct {
	mu         sync.Mutex
	requests   map[network.RequestID]string // that the policy did not stop
	complaints []string                     // log entries: violations, failed loads
}

func (s *sightings) note(event any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		s.requests[e.RequestID] = e.Request.URL
	case *network.EventLoadingFailed:
		if e.BlockedReason == network.BlockedReasonCsp {
			delete(s.requests, e.RequestID)
		}
	case *log.EventEntryAdded:
		s.complaints = append(s.complaints, e.Entry.Text+" "+e.Entry.URL)
	}
}

// check wants every request below home, apart from data: and blob: addresses,
// and exactly the known complaints.
func (s *sightings) check(t *testing.T, home string, known []string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) < 4 {
		t.Errorf("only %d requests seen, so this test is blind", len(s.requests))
	}
	for _, url := range s.requests {
		if !strings.HasPrefix(url, home) && !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "blob:") {
			t.Errorf("the page asked for %s", url)
		}
	}
	if len(s.complaints) != len(known) {
		t.Errorf("the browser complained %d times, want %d: %q", len(s.complaints), len(known), s.complaints)
		return
	}
	for i, want := range known {
		if !strings.Contains(s.complaints[i], want) || !strings.Contains(s.complaints[i], "Content Security Policy") {
			t.Errorf("the browser complained %q, want a violation about %s", s.complaints[i], want)
		}
	}
}
