//go:build unix

package nt_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// NT-PW-1, by message and status: ZITADEL CVE-2024-41952, CVE-2026-23511; Vault
// CVE-2025-6011, CVE-2023-3462; OpenBao CVE-2025-54999; Keycloak CVE-2026-4633;
// Fiber CVE-2026-44332.
func TestNT_PW_1_EnumerationByAnswerIsImpossible(t *testing.T) {
	onEveryFace(t, house.Options{}, func(t *testing.T, h *house.House, m mouth) {
		enter(t, h, m, "known@example.org")
		disabled := enter(t, h, m, "disabled@example.org")
		if err := h.Server.House().Account.SetDisabled(t.Context(), house.Operator, gate.PrincipalID(disabled.UserID), true); err != nil {
			t.Fatal(err)
		}
		unknown := anonymous(h.Post(m.face, m.login, credentials("nobody@example.org", "wrong password")))
		for _, email := range []string{"known@example.org", "disabled@example.org", "KNOWN@example.org"} {
			if answer := anonymous(h.Post(m.face, m.login, credentials(email, "wrong password"))); answer != unknown {
				t.Errorf("%s can be told from an address without account:\n%s\n%s", email, answer, unknown)
			}
		}
	})
}

// NT-PW-1, with the budget used up: whether an account is locked does not tell
// that it exists.
func TestNT_PW_1_ALockDoesNotTellThatTheAccountExists(t *testing.T) {
	o := limited("", map[string]string{"limits.login_per_account": "3/5m"})
	o.Clock = frozen(time.Now())
	onEveryFace(t, o, func(t *testing.T, h *house.House, m mouth) {
		enter(t, h, m, "known@example.org")
		seen := map[string]string{}
		for _, email := range []string{"known@example.org", "nobody@example.org"} {
			for try := range 5 {
				seen[email] += fmt.Sprintf("%d: %s\n", try, anonymous(h.Post(m.face, m.login, credentials(email, "wrong password"))))
			}
		}
		if seen["known@example.org"] != seen["nobody@example.org"] {
			t.Errorf("the lock differs:\n%s\n%s", seen["known@example.org"], seen["nobody@example.org"])
		}
	})
}

// frozen is a clock that stands.
func frozen(at time.Time) gate.Clock { return func() time.Time { return at } }

// anonymous is an answer without what differs between any two.
func anonymous(a house.Answer) string {
	header := a.Header.Clone()
	id := header.Get("X-Request-Id")
	header.Del("X-Request-Id")
	header.Del("Date")
	return fmt.Sprintf("%d %v %s", a.Status, header, without(a.Body, id))
}

// NT-PW-1, by timing: the area under the ROC curve of "known or unknown?" is at
// most 0.60 (0.50 is guessing) and the medians differ by at most a tenth. The
// machine may be busy with something else, so it may try three times.
func TestNT_PW_1_EnumerationByTimingIsImpossible(t *testing.T) {
	samples, widest, apart := 300, 0.60, 0.10
	if testing.Short() {
		samples, widest, apart = 30, 0.75, 0.30
	}
	h := house.Start(t, house.Options{Engine: house.SQLite, Set: map[string]string{
		"password.argon2.memory": house.Unset, "password.argon2.passes": house.Unset,
	}})
	h.SignUp("known@example.org")
	var verdict string
	for range 3 {
		known, unknown := timeLogins(h, samples)
		auc, medians := separation(known, unknown)
		verdict = fmt.Sprintf("ROC-AUC %.3f, medians %.1f%% apart", auc, 100*medians)
		if auc <= widest && medians <= apart {
			t.Log(verdict)
			return
		}
	}
	t.Errorf("time tells known addresses from unknown ones: %s", verdict)
}

func timeLogins(h *house.House, samples int) (known, unknown []time.Duration) {
	for n := range samples {
		order := []bool{true, false}
		if rand.IntN(2) == 0 {
			slices.Reverse(order)
		}
		for _, exists := range order {
			email := "known@example.org"
			if !exists {
				email = fmt.Sprintf("u%04d@example.org", n)
			}
			start := time.Now()
			h.Post("daarion", "/api/auth/login", credentials(email, "wrong password"))
			took := time.Since(start)
			if exists {
				known = append(known, took)
			} else {
				unknown = append(unknown, took)
			}
		}
	}
	return known, unknown
}

// separation returns how well one can tell a from b, from 0.5 to 1, and how far
// the medians are apart, as a part of b's.
func separation(a, b []time.Duration) (auc, medians float64) {
	wins := 0.0
	for _, x := range a {
		for _, y := range b {
			switch cmp.Compare(x, y) {
			case 1:
				wins++
			case 0:
				wins += 0.5
			}
		}
	}
	auc = wins / float64(len(a)*len(b))
	slices.Sort(a)
	slices.Sort(b)
	x, y := a[len(a)/2].Seconds(), b[len(b)/2].Seconds()
	return max(auc, 1-auc), max(x-y, y-x) / y
}

// TestSeparationCanTell sees that the yardstick itself measures.
func TestSeparationCanTell(t *testing.T) {
	slow, quick := []time.Duration{30, 31, 32}, []time.Duration{10, 11, 12}
	if auc, medians := separation(slow, quick); auc != 1 || medians < 1 {
		t.Errorf("slow and quick: %v, %v", auc, medians)
	}
	if auc, medians := separation(quick, slices.Clone(quick)); auc != 0.5 || medians != 0 {
		t.Errorf("alike: %v, %v", auc, medians)
	}
}

// NT-PW-1, registration at a house that is closed tells nothing either.
func TestNT_PW_1_AClosedHouseDoesNotTellWhoIsRegistered(t *testing.T) {
	onEveryFace(t, house.Options{Set: map[string]string{"registration.open": "false"}}, func(t *testing.T, h *house.House, m mouth) {
		h.Tx(addUser("known@example.org"))
		known := h.Post(m.face, m.register, credentials("known@example.org", house.Password))
		want(t, "register at a closed house", known, http.StatusForbidden)
		if unknown := h.Post(m.face, m.register, credentials("nobody@example.org", house.Password)); anonymous(known) != anonymous(unknown) {
			t.Errorf("they differ:\n%s\n%s", anonymous(known), anonymous(unknown))
		}
	})
}
