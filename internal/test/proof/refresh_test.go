//go:build unix

package proof

import (
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

// A check-then-set here forks the session (NT-TOK-1): two tabs refresh at once,
// and one of them is logged out later.
func TestProofOneSuccessor(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		f := startFleet(t, house.Options{Engine: engine})
		const tabs = 50
		total, forks := rounds(200, 10), 0
		token := f.at(0).SignUp("tabs@example.org").Refresh
		session := sessionOf(t, token)
		started := time.Now()
		for round := range total {
			successors := map[string]int{}
			for _, o := range atOnce(tabs, func(i int) (house.Answer, error) { return refresh(f.at(i).Visitor, token) }) {
				if o.err != nil || o.Status != http.StatusOK {
					t.Fatalf("round %d: a tab was logged out: %d %s (%v)", round, o.Status, o.Body, o.err)
				}
				successors[o.Field("refresh_token")]++
			}
			for next := range successors { // the chain has one head: its successor
				heads := f.count(`SELECT COUNT(*) FROM sessions WHERE id = $1 AND refresh_digest = $2 AND refresh_previous = $3`, session, digest(next), digest(token))
				if len(successors) != 1 || next == token || heads != 1 {
					forks++
					t.Errorf("round %d: one of %d successors, head of %d chains", round, len(successors), heads)
				}
			}
			for next := range successors {
				token = next
			}
		}
		t.Logf("%d × %d refreshes with one token over %d replicas: %d forks, nobody logged out, %v",
			total, tabs, len(f.houses), forks, time.Since(started).Round(time.Millisecond))
	})
}
