// Package browser starts a real Chromium for tests of pages, and of what happens
// between pages and faces; see browser.go, which needs
// the build tag interop.
package browser
