package apikey

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Uses notes when keys were last used, beside the requests that use them: a
// check of a key writes nothing. A use is in the database a moment later.
type Uses struct {
	DB  *store.DB
	Log *slog.Logger

	mu     sync.Mutex
	wanted map[use]time.Time // what is to be written
	wake   chan struct{}
}

type use struct {
	tenant gate.TenantID
	key    gate.APIKeyID
}

const (
	usesPause = 250 * time.Millisecond // what happens meanwhile is written together
	maxUses   = 10_000                 // wait to be written

	usesTimeout = time.Second // for a database that is busy or away
)

// NewUses returns an empty record. Nothing is written before Run.
func NewUses(db *store.DB, log *slog.Logger) *Uses {
	return &Uses{DB: db, Log: log, wanted: map[use]time.Time{}, wake: make(chan struct{}, 1)}
}

// Note says that a key was good just now. Whoever calls it does so now and then,
// not for every request.
func (u *Uses) Note(tenant gate.TenantID, key gate.APIKeyID, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.wanted) < maxUses {
		u.wanted[use{tenant, key}] = now
	}
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// Run writes what was noted until ctx ends, and the rest then.
func (u *Uses) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			u.write(ctx)
			return
		case <-u.wake:
			u.write(ctx)
		}
		select {
		case <-ctx.Done():
		case <-time.After(usesPause):
		}
	}
}

// write stores what is wanted. What cannot be stored is forgotten: when a key
// was used is worth a line in a list, not a queue. An end of ctx interrupts
// nothing: then it is the last chance.
func (u *Uses) write(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), usesTimeout)
	defer cancel()
	u.mu.Lock()
	wanted := u.wanted
	u.wanted = map[use]time.Time{}
	u.mu.Unlock()
	byTenant := map[gate.TenantID]map[gate.APIKeyID]time.Time{}
	for of, when := range wanted {
		if byTenant[of.tenant] == nil {
			byTenant[of.tenant] = map[gate.APIKeyID]time.Time{}
		}
		byTenant[of.tenant][of.key] = when
	}
	for tenant, keys := range byTenant {
		err := u.DB.Write(ctx, tenant, func(tx *store.Tx) error {
			for key, when := range keys {
				if err := tx.APIKeyUsed(key, when); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			u.Log.Warn("when API keys were last used could not be noted", "keys", len(keys), "error", err)
		}
	}
}

// instead returns the refusal for what the store did not find, and any other
// error as it is.
func instead(err error, refusal *gate.Error) error {
	if errors.Is(err, gate.ErrNotFound) {
		return refusal
	}
	return err
}
