//go:build interop

package browser

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Start starts a browser that ends with the test. It fails the test where there
// is no Chromium: whoever asks for the interop tests wants to know that this one
// did not run.
func Start(t *testing.T) context.Context {
	t.Helper()
	binary, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not on the PATH: install it (Debian: apt-get install chromium), then run this test again")
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(binary),
		chromedp.UserDataDir(profileFolder(t)),
		chromedp.Headless,
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.NoFirstRun,
		chromedp.WindowSize(1280, 900),
	}
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	browser, quit := chromedp.NewContext(ctx)
	t.Cleanup(quit)
	Run(t, browser)
	return browser
}

// profileFolder is t.TempDir for a browser: its helper processes outlive it by
// a moment and still write, which makes a first removal fail.
func profileFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "gatehouse-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 50 {
			if err = os.RemoveAll(folder); err == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Errorf("the browser's folder cannot be removed: %v", err)
	})
	return folder
}

// Run does things in a browser or a tab, or fails the test.
func Run(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}
