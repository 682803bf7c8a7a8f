//go:build unix

package provision

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/provision/matrix"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	ada   = gate.PrincipalID("0a0a0a0a-0000-4000-8000-000000000001")
	adaID = "@daarion_0a0a0a0a:example.org"
)

// homeserver answers every registration with one status and body.
func homeserver(t *testing.T, status int, body, retryAfter string) *matrix.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(`{"nonce":"n"}`))
			return
		}
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	client, err := matrix.New(server.URL, secret.NewText("registration secret"))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// handle asks for ada's account and returns what came of it.
func handle(t *testing.T, m *storetest.Memory, db *store.DB, client *matrix.Client) (user gate.User, waiting int64, linked, conflicts int, err error) {
	t.Helper()
	p := &Matrix{DB: db, Client: client}
	var job store.Job
	storetest.Write(t, db, func(tx *store.Tx) error {
		_, err := tx.AddUser(gate.User{ID: ada, DisplayName: "Ada"}, gate.Email{})
		id, err2 := p.Enqueue(tx, ada)
		job = store.Job{ID: id, Kind: MatrixJob, Subject: string(ada)}
		return errors.Join(err, err2)
	})
	err = p.Handle(context.Background(), gate.DefaultTenant, job)
	storetest.Read(t, db, func(tx *store.Tx) error {
		var err1, err2, err3, err4 error
		var events []gate.Event
		user, err1 = tx.User(ada)
		waiting, _, err2 = tx.JobCounts()
		events, err3 = tx.EventsAbout(ada, gate.EventMatrixLinked)
		linked = len(events)
		events, err4 = tx.EventsAbout(ada, gate.EventMatrixConflict)
		conflicts = len(events)
		return errors.Join(err1, err2, err3, err4)
	})
	return user, waiting, linked, conflicts, err
}

func TestTheLinkAndItsRecordAndTheEndOfTheJobAreOne(t *testing.T) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		user, waiting, linked, _, err := handle(t, m, m.Open(t), homeserver(t, 200, `{"user_id":"`+adaID+`","access_token":"x","device_id":"d"}`, ""))
		if err != nil || user.MatrixUserID != adaID || waiting != 0 || linked != 1 {
			t.Errorf("%v, linked to %q, %d waiting, %d events", err, user.MatrixUserID, waiting, linked)
		}
	})
}

// TestAnAccountOfAnotherUserIsNeverLinked though the homeserver says it is made.
func TestAnAccountOfAnotherUserIsNeverLinked(t *testing.T) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		db := m.Open(t)
		storetest.Write(t, db, func(tx *store.Tx) error {
			_, err := tx.AddUser(gate.User{ID: "0b0b0b0b-0000-4000-8000-000000000002"}, gate.Email{})
			return errors.Join(err, tx.SetMatrixUserID("0b0b0b0b-0000-4000-8000-000000000002", adaID))
		})
		user, _, linked, conflicts, err := handle(t, m, db, homeserver(t, 200, `{"user_id":"`+adaID+`","access_token":"x","device_id":"d"}`, ""))
		if !errors.Is(err, gate.ErrConflict) || user.MatrixUserID != "" || linked != 0 || conflicts != 1 {
			t.Errorf("%v, linked to %q, %d + %d events", err, user.MatrixUserID, linked, conflicts)
		}
	})
}

func TestAHomeserverThatFailsIsAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		retryAfter string
	}{"down": {503, ""}, "broken": {500, ""}, "busy": {429, "7"}} {
		t.Run(name, func(t *testing.T) {
			m := storetest.New(t, storetest.SQLite)
			user, waiting, linked, conflicts, err := handle(t, m, m.Open(t), homeserver(t, c.status, `{"errcode":"M_LIMIT_EXCEEDED"}`, c.retryAfter))
			if err == nil || errors.Is(err, gate.ErrConflict) || user.MatrixUserID != "" || waiting != 1 || linked+conflicts != 0 {
				t.Errorf("%v, linked to %q, %d waiting, %d events", err, user.MatrixUserID, waiting, linked+conflicts)
			}
			if c.retryAfter != "" && gate.AsError(err).RetryAfter.Seconds() != 7 {
				t.Errorf("it asked for 7 s, we wait %v", gate.AsError(err).RetryAfter)
			}
		})
	}
}
