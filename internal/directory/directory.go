// Package directory says who a principal is today. What it read is remembered
// while the store's feed says that nothing about the principal has changed, so
// that hot verbs need no SQL to put today's roles into a token.
package directory

import (
	"context"
	"errors"

	"github.com/maypok86/otter/v2"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Directory is shared by all faces of a house.
type Directory struct {
	db    *store.DB
	cache *otter.Cache[key, entry]
}

type key struct {
	tenant gate.TenantID
	id     gate.PrincipalID
}

type entry struct {
	user gate.User
	mark store.Mark
}

// size bounds how many principals are remembered.
const size = 100_000

// New returns an empty directory over a store.
func New(db *store.DB) *Directory {
	return &Directory{db: db, cache: otter.Must(&otter.Options[key, entry]{MaximumSize: size, InitialCapacity: 64})}
}

// User returns the user as of now, or gate.ErrPrincipalGone for one that does not
// exist any more. Whether they may act is for the caller to judge.
func (d *Directory) User(ctx context.Context, tenant gate.TenantID, id gate.PrincipalID) (gate.User, error) {
	k := key{tenant, id}
	if e, ok := d.cache.GetIfPresent(k); ok && d.db.Feed().Fresh(e.mark, tenant, id, "") {
		return e.user, nil
	}
	e := entry{mark: d.db.Feed().Mark()} // before reading: a change from here on makes the answer stale
	err := d.db.Read(ctx, tenant, func(tx *store.Tx) (err error) {
		e.user, err = tx.User(id)
		return err
	})
	if err != nil {
		d.cache.Invalidate(k)
		if errors.Is(err, gate.ErrNotFound) {
			err = gate.ErrPrincipalGone
		}
		return gate.User{}, err
	}
	d.cache.Set(k, e)
	return e.user, nil
}
