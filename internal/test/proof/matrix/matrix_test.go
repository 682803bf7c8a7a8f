//go:build interop && unix

package matrix

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/synapse"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	answersWithin = 2 * time.Second
	followsWithin = time.Minute
)

// TestProofMatrix is the life of a homeserver beside a house: it is there, it
// hangs, it is gone, it was given another secret, and everybody has their
// account in the end.
func TestProofMatrix(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		homeserver := synapse.Start(t)
		o := house.Options{Engine: engine, Database: house.NewDatabase(t, engine), DataDir: t.TempDir()}
		h := startBeside(t, o, homeserver, homeserver.RegistrationSecret)

		t.Run("quick", func(t *testing.T) {
			id, matrixID, took := join(t, h, "quick@example.org")
			if matrixID != fullName(id) {
				t.Fatalf("matrix_user_id is %q after %v, want %s", matrixID, took, fullName(id))
			}
			mustShow(t, h, "quick@example.org", matrixID)
			loginAsGateway(t, homeserver, id)
			t.Logf("registered with %s in %v; login, /me and the gateway's own derivation agree", matrixID, took.Round(time.Millisecond))
		})
		t.Run("50 at once", func(t *testing.T) { oneOfMany(t, homeserver, replicas(t, h, o, homeserver)) })
		t.Run("suspended", func(t *testing.T) {
			homeserver.Suspend()
			late(t, h, "suspended@example.org", homeserver, homeserver.Resume)
		})
		t.Run("stopped", func(t *testing.T) {
			homeserver.Stop()
			late(t, h, "stopped@example.org", homeserver, homeserver.Start)
		})
		t.Run("wrong secret", func(t *testing.T) {
			h.Stop()
			wrong := startBeside(t, o, homeserver, "not the secret that Synapse has")
			late(t, wrong, "secret@example.org", homeserver, func() {
				wrong.Stop()
				h = startBeside(t, o, homeserver, homeserver.RegistrationSecret)
				wrong.Visitor = h.Visitor
			})
		})
	})
}

func startBeside(t *testing.T, o house.Options, homeserver *synapse.Server, secret string) *house.House {
	t.Helper()
	o.Set = map[string]string{"matrix.admin_url": homeserver.URL, "matrix.registration_secret": secret}
	return house.Start(t, o)
}

// replicas returns the house and, on Postgres, one more on its database.
func replicas(t *testing.T, h *house.House, o house.Options, homeserver *synapse.Server) []*house.House {
	t.Helper()
	if o.Engine == house.SQLite {
		return []*house.House{h}
	}
	return []*house.House{h, startBeside(t, o, homeserver, homeserver.RegistrationSecret)}
}

// join registers a user and returns what the answer says, and when it came.
func join(t *testing.T, h *house.House, email string) (id, matrixID string, took time.Duration) {
	t.Helper()
	started := time.Now()
	a := h.Post("daarion", "/api/auth/register", fmt.Sprintf(`{"email":%q,"password":%q}`, email, house.Password))
	if took = time.Since(started); a.Status != http.StatusCreated || took > answersWithin {
		t.Fatalf("registration: %d %s after %v", a.Status, a.Body, took)
	}
	return a.Field("user_id"), a.Field("matrix_user_id"), took
}

// late registers while the homeserver is away. The answer does not wait for it,
// and the account follows once it is back.
func late(t *testing.T, h *house.House, email string, homeserver *synapse.Server, back func()) {
	t.Helper()
	id, matrixID, took := join(t, h, email)
	if matrixID != "" {
		t.Errorf("matrix_user_id is %q, though the homeserver cannot have answered", matrixID)
	}
	mustShow(t, h, email, "")
	back()
	returned := time.Now()
	for {
		a := h.Get("daarion", "/api/auth/me", h.SignIn(email).Bearer())
		waited := time.Since(returned)
		if a.Field("matrix_user_id") == fullName(id) {
			mustShow(t, h, email, fullName(id))
			loginAsGateway(t, homeserver, id)
			t.Logf("registered without a Matrix user in %v; %s followed %v after the homeserver was back", took.Round(time.Millisecond), fullName(id), waited.Round(time.Millisecond))
			return
		}
		if waited > followsWithin {
			t.Fatalf("still without a Matrix user after %v: %s\n%s", waited, a.Body, h.Log.End())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// mustShow checks that login and /me show the Matrix user id.
func mustShow(t *testing.T, h *house.House, email, matrixID string) {
	t.Helper()
	var in struct {
		house.Tokens
		User struct {
			MatrixUserID string `json:"matrix_user_id"`
		} `json:"user"`
	}
	h.Post("daarion", "/api/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, email, house.Password)).JSON(t, &in)
	me := h.Get("daarion", "/api/auth/me", in.Bearer()).Field("matrix_user_id")
	if in.User.MatrixUserID != matrixID || me != matrixID {
		t.Errorf("login shows %q and /me %q, want %q", in.User.MatrixUserID, me, matrixID)
	}
}

// oneOfMany registers one address 50 times at once, in several spellings.
func oneOfMany(t *testing.T, homeserver *synapse.Server, houses []*house.House) {
	t.Helper()
	const racers = 50
	before := homeserver.CountUsers()
	var mu sync.Mutex
	var race sync.WaitGroup
	winners, matrixIDs := []string{}, []string{}
	gun := make(chan struct{})
	for i := range racers {
		race.Go(func() {
			email := []string{"many@example.org", "MANY@example.org", "\uFF4Dany@Example.org"}[i%3]
			<-gun
			a, err := houses[i%len(houses)].Try(http.MethodPost, "daarion", "/api/auth/register",
				fmt.Sprintf(`{"email":%q,"password":%q}`, email, house.Password), "Content-Type: application/json")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && a.Status == http.StatusCreated:
				winners, matrixIDs = append(winners, a.Field("user_id")), append(matrixIDs, a.Field("matrix_user_id"))
			case err != nil || a.Status != http.StatusBadRequest:
				t.Errorf("%d %s (%v)", a.Status, a.Body, err)
			}
		})
	}
	close(gun)
	race.Wait()
	if len(winners) != 1 || matrixIDs[0] != fullName(winners[0]) {
		t.Fatalf("winners %q with Matrix users %q, want one", winners, matrixIDs)
	}
	if made := homeserver.CountUsers() - before; made != 1 {
		t.Errorf("%d Matrix users were made, want 1", made)
	}
	t.Logf("%d registrations of one address at once over %d replicas: 1 account, 1 Matrix user", racers, len(houses))
}

// fullName is what the original derived from the user's id. It is computed here
// once more, because other programs compute it too.
func fullName(id string) string { return "@" + localpart(id) + ":daarion.space" }

func localpart(id string) string { return "daarion_" + strings.ReplaceAll(id[:8], "-", "") }

// loginAsGateway does what matrix-gateway does: it derives name and password
// from the user's id and the shared secret, and logs in.
func loginAsGateway(t *testing.T, homeserver *synapse.Server, id string) {
	t.Helper()
	sum := sha256.Sum256([]byte(id + ":" + homeserver.RegistrationSecret))
	body := fmt.Sprintf(`{"type":"m.login.password","identifier":{"type":"m.id.user","user":%q},"password":%q,"device_id":%q}`,
		localpart(id), hex.EncodeToString(sum[:])[:32], "DAARION_"+id[:8])
	response, err := http.Post(homeserver.URL+"/_matrix/client/v3/login", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		UserID string `json:"user_id"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK || answer.UserID != fullName(id) {
		t.Errorf("the gateway's login: HTTP %d, %q (%v)", response.StatusCode, answer.UserID, err)
	}
}
