//go:build unix

package proof

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// A client that hears nothing tries again with the token it has. Whoever treats
// that as theft logs out everybody in a tunnel.
func TestProofLostResponses(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		f := startFleet(t, house.Options{Engine: engine})
		const clients = 40
		total := rounds(25, 3)
		tokens := make([]string, clients)
		for i := range tokens {
			tokens[i] = f.at(i).SignUp(fmt.Sprintf("tunnel%d@example.org", i)).Refresh
		}
		var committed, restarts, logouts int
		for round := range total {
			f.loseAnswers(tokens, round)
			for _, token := range tokens {
				committed += f.count(`SELECT COUNT(*) FROM sessions WHERE refresh_previous = $1`, digest(token))
			}
			if round%5 == 2 { // the new process must know what the old one gave out
				f.restart()
				restarts++
			}
			for i, o := range atOnce(clients, func(i int) (house.Answer, error) { return refresh(f.at(i+1).Visitor, tokens[i]) }) {
				if o.err != nil || o.Status != http.StatusOK {
					logouts++
					t.Errorf("round %d, client %d was logged out: %d %s (%v)", round, i, o.Status, o.Body, o.err)
				}
				tokens[i] = o.Field("refresh_token")
			}
			if logouts > 0 {
				break
			}
		}
		if committed == 0 {
			t.Error("no answer was lost after the commit: this proves nothing")
		}
		t.Logf("%d lost answers (%d of them after the commit), %d restarts before the retry: %d logouts",
			total*clients, committed, restarts, logouts)
	})
}

// loseAnswers sends a refresh for every token and hangs up at random moments.
func (f *fleet) loseAnswers(tokens []string, round int) {
	longest := []time.Duration{3 * time.Millisecond, 30 * time.Millisecond, 200 * time.Millisecond}[round%3]
	var lost sync.WaitGroup
	for i, token := range tokens {
		patience := time.Duration(rand.Int64N(int64(longest)))
		lost.Go(func() { hangUp(f.t, f.at(i), token, patience) })
	}
	lost.Wait()
}

// hangUp sends a refresh and closes the connection without reading a byte.
func hangUp(t *testing.T, h *house.House, token string, patience time.Duration) {
	conn, err := net.Dial("tcp", h.Server.Address("daarion"))
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	body := fmt.Sprintf(`{"refresh_token":%q}`, token)
	if _, err := fmt.Fprintf(conn, "POST /api/auth/refresh HTTP/1.1\r\nHost: gatehouse\r\n%s\r\nContent-Length: %d\r\n\r\n%s", asJSON, len(body), body); err != nil {
		t.Error(err)
	}
	time.Sleep(patience)
}

func digest(token string) string { return secret.DigestOf(secret.NewText(token)).String() }

// sessionOf reads the session's id out of a refresh token of the daarion face.
func sessionOf(t *testing.T, refresh string) string {
	t.Helper()
	var claims struct {
		Session string `json:"session_id"`
	}
	if err := json.Unmarshal(payload(t, refresh), &claims); err != nil {
		t.Fatal(err)
	}
	return claims.Session
}

// payload returns the claims of a JWT as they are.
func payload(t *testing.T, token string) []byte {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is not a JWT", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
