//go:build interop && unix

package synapse_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/provision/matrix"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/test/synapse"
)

const (
	ada gate.PrincipalID = "0d7c1e9e-8f0b-4a0e-9b43-3a2f6d0c9a11"
	// Another user whose id starts with the same eight digits.
	twin gate.PrincipalID = "0d7c1e9e-0000-4000-8000-000000000002"
)

const adaID = "@daarion_0d7c1e9e:daarion.space"

// The subtests build upon each other: they are the life of one homeserver.
func TestMatrixClient(t *testing.T) {
	started := time.Now()
	homeserver := synapse.Start(t)
	t.Logf("Synapse was ready after %v", time.Since(started).Round(time.Millisecond))
	client := clientOf(t, homeserver, homeserver.RegistrationSecret)

	t.Run("registers", func(t *testing.T) {
		mustProvision(t, client, ada, "Ада Лавлейс 🧮")
		want := synapse.Account{DisplayName: "Ада Лавлейс 🧮"} // no admin, no open session
		if got, _ := homeserver.Account("daarion_0d7c1e9e"); got != want {
			t.Errorf("account = %+v, want %+v", got, want)
		}
	})
	t.Run("again is the same account", func(t *testing.T) {
		mustProvision(t, client, ada, "Somebody else")
		want := synapse.Account{DisplayName: "Ада Лавлейс 🧮"}
		if got, _ := homeserver.Account("daarion_0d7c1e9e"); got != want || homeserver.CountUsers() != 1 {
			t.Errorf("account = %+v of %d, want %+v of 1", got, homeserver.CountUsers(), want)
		}
	})
	t.Run("the derived password logs in", func(t *testing.T) {
		loginAsGateway(t, homeserver)
	})
	t.Run("a check ends no session but its own", func(t *testing.T) {
		mustProvision(t, client, ada, "Ada")
		if got, _ := homeserver.Account("daarion_0d7c1e9e"); got.Devices != 1 {
			t.Errorf("%d sessions are open, want the one of the subtest before", got.Devices)
		}
	})
	t.Run("someone else's account", func(t *testing.T) {
		id, err := client.Provision(t.Context(), twin, "Twin")
		if !errors.Is(err, matrix.ErrTaken) || !matrix.Permanent(err) || id != "" {
			t.Errorf("Provision = %q, %v; want ErrTaken", id, err)
		}
	})
	t.Run("wrong secret", func(t *testing.T) {
		_, err := clientOf(t, homeserver, "not-the-secret").Provision(t.Context(), ada, "Ada")
		mustBeTemporary(t, err, "registration secret")
	})
	t.Run("suspended", func(t *testing.T) {
		homeserver.Suspend()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := client.Provision(ctx, ada, "Ada")
		homeserver.Resume()
		mustBeTemporary(t, err, "no answer in time")
		mustProvision(t, client, ada, "Ada")
	})
	t.Run("stopped and started", func(t *testing.T) {
		homeserver.Stop()
		_, err := client.Provision(t.Context(), ada, "Ada")
		mustBeTemporary(t, err, "connection refused")
		again := time.Now()
		homeserver.Start()
		t.Logf("Synapse was ready again after %v", time.Since(again).Round(time.Millisecond))
		mustProvision(t, client, ada, "Ada")
	})
	if got := homeserver.CountUsers(); got != 1 || homeserver.UserExists("daarion_00000000") {
		t.Errorf("%d accounts in the end, want 1", got)
	}
}

func TestConcurrentProvisioning(t *testing.T) {
	homeserver := synapse.Start(t)
	client := clientOf(t, homeserver, homeserver.RegistrationSecret)
	answers := make(chan error)
	for range 6 {
		go func() {
			id, err := client.Provision(t.Context(), ada, "Ada")
			if err == nil && id != adaID {
				err = errors.New("got " + id)
			}
			answers <- err
		}()
	}
	for range 6 {
		if err := <-answers; err != nil {
			t.Errorf("Provision: %v", err)
		}
	}
	if got := homeserver.CountUsers(); got != 1 {
		t.Errorf("%d accounts, want 1", got)
	}
}

// By itself Synapse lets one address log in a few times only, and our ownership
// checks all come from one address.
func TestRateLimit(t *testing.T) {
	homeserver := synapse.StartLimited(t)
	client := clientOf(t, homeserver, homeserver.RegistrationSecret)
	mustProvision(t, client, ada, "Ada")
	for range 20 {
		_, err := client.Provision(t.Context(), ada, "Ada")
		if err == nil {
			continue
		}
		mustBeTemporary(t, err, "too many requests")
		if wait := matrix.RetryAfter(err); wait < time.Second || wait > time.Hour {
			t.Errorf("RetryAfter = %v", wait)
		}
		t.Logf("%v; wait %v", err, matrix.RetryAfter(err))
		return
	}
	t.Error("Synapse's rate limit was never met")
}

func clientOf(t *testing.T, homeserver *synapse.Server, key string) *matrix.Client {
	t.Helper()
	client, err := matrix.New(homeserver.URL, secret.NewText(key))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func mustProvision(t *testing.T, client *matrix.Client, user gate.PrincipalID, name string) {
	t.Helper()
	id, err := client.Provision(t.Context(), user, name)
	if err != nil || id != adaID {
		t.Fatalf("Provision = %q, %v; want %q", id, err, adaID)
	}
}

func mustBeTemporary(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || matrix.Permanent(err) || !strings.Contains(err.Error(), words) {
		t.Errorf("error %v, want a temporary one with %q", err, words)
	}
}

// loginAsGateway does what matrix-gateway does for a user: it computes the name
// and the password by itself and logs in.
func loginAsGateway(t *testing.T, homeserver *synapse.Server) {
	t.Helper()
	password := matrix.Password(ada, secret.NewText(homeserver.RegistrationSecret)).Reveal()
	body := `{"type":"m.login.password","identifier":{"type":"m.id.user","user":"daarion_0d7c1e9e"},` +
		`"password":"` + password + `","device_id":"DAARION_0d7c1e9e"}`
	response, err := http.Post(homeserver.URL+"/_matrix/client/v3/login", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		UserID   string `json:"user_id"`
		DeviceID string `json:"device_id"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || answer.UserID != adaID || answer.DeviceID != "DAARION_0d7c1e9e" {
		t.Errorf("HTTP %d, %+v", response.StatusCode, answer)
	}
}
