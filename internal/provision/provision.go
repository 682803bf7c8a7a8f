// Package provision makes accounts in other systems for principals of this
// house. The wish is written to the outbox in the transaction that creates the
// principal; here it is carried out.
package provision

import (
	"context"
	"errors"
	"strings"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/provision/matrix"
	"github.com/gatehouse/gatehouse/internal/store"
)

// MatrixJob is the kind of outbox entries that ask for a Matrix account.
const MatrixJob = "matrix.provision"

// Matrix gives users an account on the platform's homeserver.
type Matrix struct {
	DB     *store.DB
	Client *matrix.Client
}

// Enqueue asks for the user's account, in the transaction of the deed.
func (m *Matrix) Enqueue(tx *store.Tx, user gate.PrincipalID) (gate.JobID, error) {
	return tx.Enqueue(MatrixJob, string(user), "")
}

// Backfill asks for the accounts of users who registered before there was a
// homeserver. Doing it again does nothing.
func (m *Matrix) Backfill(ctx context.Context, tenant gate.TenantID) error {
	const batch = 500
	for {
		var users []gate.PrincipalID
		err := m.DB.Write(ctx, tenant, func(tx *store.Tx) (err error) {
			users, err = tx.UsersNeverAsked(MatrixJob, batch)
			for _, user := range users {
				if _, err := m.Enqueue(tx, user); err != nil {
					return err
				}
			}
			return err
		})
		if err != nil || len(users) < batch {
			return err
		}
	}
}

// Handle makes the account and links it. An account of that name which belongs
// to somebody else is never linked: that is final, and an event says so.
func (m *Matrix) Handle(ctx context.Context, tenant gate.TenantID, job store.Job) error {
	id := gate.PrincipalID(job.Subject)
	var user gate.User
	if err := m.DB.Read(ctx, tenant, func(tx *store.Tx) (err error) {
		user, err = tx.User(id)
		return err
	}); err != nil {
		return err
	}
	matrixID, err := user.MatrixUserID, error(nil)
	if matrixID == "" {
		matrixID, err = m.Client.Provision(ctx, id, displayName(user))
	}
	taken := matrix.Permanent(err)
	if wait := matrix.RetryAfter(err); wait > 0 {
		return gate.ErrRateLimited.Because(err).After(wait)
	}
	if err != nil && !taken {
		return err
	}
	if !taken {
		err = m.link(ctx, tenant, job, matrixID)
		taken = errors.Is(err, gate.ErrConflict)
	}
	if taken {
		return errors.Join(gate.ErrConflict.Because(err), m.record(ctx, tenant, id, gate.EventMatrixConflict))
	}
	return err
}

func (m *Matrix) link(ctx context.Context, tenant gate.TenantID, job store.Job, matrixID string) error {
	id := gate.PrincipalID(job.Subject)
	return m.DB.Write(ctx, tenant, func(tx *store.Tx) error {
		if err := tx.SetMatrixUserID(id, matrixID); err != nil {
			return err
		}
		if err := tx.Record(gate.Event{Name: gate.EventMatrixLinked, Subject: id, Client: "house", Detail: map[string]string{"matrix_user_id": matrixID}}); err != nil {
			return err
		}
		return tx.FinishJob(job.ID)
	})
}

func (m *Matrix) record(ctx context.Context, tenant gate.TenantID, id gate.PrincipalID, name string) error {
	return m.DB.Write(ctx, tenant, func(tx *store.Tx) error {
		return tx.Record(gate.Event{Name: name, Subject: id, Client: "house"})
	})
}

func displayName(user gate.User) string {
	if user.DisplayName != "" {
		return user.DisplayName
	}
	local, _, _ := strings.Cut(user.Email, "@")
	return local
}
