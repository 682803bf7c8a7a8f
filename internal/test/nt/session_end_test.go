//go:build unix

package nt_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

// A verified token is kept in memory while nothing changes; that its session
// reaches its end is no change anybody is told of. The clock is not put past the
// end, because a jump makes the cache forget: the last seconds are real.
func TestNT_TOK_11_ACachedTokenEndsWithItsSession(t *testing.T) {
	clock := &house.Clock{}
	h := house.Start(t, house.Options{Clock: clock.Now, Set: map[string]string{"session.lifetime": "60s"}})
	ada := h.SignUp("ada@example.org")
	clock.Forward(57 * time.Second)
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		want(t, "while the session lives", h.Get("daarion", "/api/auth/me", ada.Bearer()), http.StatusOK)
	}
	for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		h.Get("daarion", "/api/auth/me", ada.Bearer()) // keeps it warm over the end
	}
	want(t, "after its end", h.Get("daarion", "/api/auth/me", ada.Bearer()), http.StatusUnauthorized)
}
