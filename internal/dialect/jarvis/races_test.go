//go:build unix

package jarvis_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dialect/jarvis"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// race does something fifty times at once and returns how often each status came.
func race(do func(i int) int) map[int]int {
	var mu sync.Mutex
	var all sync.WaitGroup
	counts := map[int]int{}
	for i := range 50 {
		all.Go(func() {
			status := do(i)
			mu.Lock()
			defer mu.Unlock()
			counts[status]++
		})
	}
	all.Wait()
	return counts
}

var unlimited = map[string]string{"jarvis.limits.enabled": "false", "jarvis.admin_token": adminToken, "limits.guesses_per_ip": "off"}

// TestOneOfFiftyFirstSuperusersWins: the original had two after a race.
func TestOneOfFiftyFirstSuperusersWins(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := house.Start(t, house.Options{Engine: engine, Set: unlimited})
		got := race(func(i int) int {
			return h.Post(jarvis.Name, "/auth/setup", fmt.Sprintf(`{"email": "p%d@example.org", "password": "correct horse battery"}`, i)).Status
		})
		if got[201] != 1 || got[201]+got[409]+got[503] != 50 {
			t.Errorf("answers %v, want one 201", got)
		}
	})
}

// TestTwoSuperusersCannotDemoteEachOtherAtOnce: one stays.
func TestTwoSuperusersCannotDemoteEachOtherAtOnce(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := house.Start(t, house.Options{Engine: engine, Set: unlimited})
		admin := "X-Jarvis-Admin-Token: " + adminToken
		for i, path := range []string{"/auth/setup", "/auth/register"} {
			if a := h.Post(jarvis.Name, path, fmt.Sprintf(`{"email": "p%d@example.org", "password": "correct horse battery"}`, i)); a.Status != 201 {
				t.Fatal(a.Status, a.Body)
			}
		}
		set := func(user int, held bool) int {
			return h.Do("PUT", jarvis.Name, fmt.Sprintf("/admin/users/%d/superuser", user), fmt.Sprintf(`{"is_superuser": %v}`, held), admin).Status
		}
		if status := set(2, true); status != 200 {
			t.Fatal(status)
		}
		got := race(func(i int) int { return set(1+i%2, false) })
		if got[200]+got[409] != 50 || got[409] == 0 {
			t.Errorf("answers %v, want 200 for who was demoted and 409 for the last one", got)
		}
		if a := h.Get(jarvis.Name, "/auth/setup-status"); a.Body != `{"needs_setup":false}` {
			t.Errorf("nobody is left: %s", a.Body)
		}
	})
}

// TestAnInvitationsLastUseIsUsedOnce by fifty who register with it at once.
func TestAnInvitationsLastUseIsUsedOnce(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := house.Start(t, house.Options{Engine: engine, Set: unlimited})
		a := h.Post(jarvis.Name, "/auth/register", `{"email": "ada@example.org", "password": "correct horse battery"}`)
		bearer := "Authorization: Bearer " + a.Field("access_token")
		home := a.Field("household_id")
		code := h.Do("POST", jarvis.Name, "/households/"+home+"/invites", `{"max_uses": 1}`, bearer).Field("code")
		got := race(func(i int) int {
			return h.Post(jarvis.Name, "/auth/register", fmt.Sprintf(`{"email": "p%d@example.org", "password": "correct horse battery", "invite_code": %q}`, i, code)).Status
		})
		if got[201] != 1 || got[201]+got[400]+got[503] != 50 {
			t.Errorf("answers %v, want one 201", got)
		}
		var members []any
		h.Do("GET", jarvis.Name, "/households/"+home+"/members", "", bearer).JSON(t, &members)
		if len(members) != 2 {
			t.Errorf("%d members, want 2", len(members))
		}
	})
}
