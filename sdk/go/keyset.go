package gatehouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	maxKeySet   = 256 << 10 // bytes
	freshFor    = 5 * time.Minute
	usableFor   = 24 * time.Hour
	lookPause   = 10 * time.Second // between two looks for a key that we do not have
	failedPause = 10 * time.Second // before asking again an issuer that did not answer
	emptyPause  = time.Second      // before asking again when we have no keys to work with
)

var errNoKeys = errors.New("the issuer's key set is empty")

// keySet has the public keys of an issuer. They are fetched when first needed,
// again every five minutes, and for a key that is not among them; when that
// fails, those we have stay in use for a day.
type keySet struct {
	settings  settings
	refreshes calls[struct{}, struct{}]

	mu        sync.Mutex
	keys      []publicKey
	fetchedAt time.Time
	triedAt   time.Time // the last refresh, whether it worked or not
	failure   error     // of that one; nil if it worked
	lookedAt  time.Time // the last look for a key that we did not have
}

func newKeySet(s settings) *keySet {
	k := &keySet{settings: s}
	k.refreshes.share = max(freshFor, 2*s.http.client.Timeout) // one at a time, however slow
	return k
}

// find returns the key that makes signatures of an algorithm under a name. It is
// ErrUnauthenticated if there is none, and ErrUnavailable when that cannot be said.
func (k *keySet) find(ctx context.Context, kid string, algorithm jose.SignatureAlgorithm) (any, error) {
	key, refresh := k.look(ctx, kid, algorithm)
	if key != nil {
		return key, nil
	}
	if refresh != nil {
		if _, err := refresh.wait(ctx); err != nil {
			return nil, unavailable(err)
		}
	}
	return k.held(kid, algorithm)
}

// look returns a key, or a refresh to wait for, or neither when there is nothing
// to wait for.
func (k *keySet) look(ctx context.Context, kid string, algorithm jose.SignatureAlgorithm) (any, *call[struct{}]) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.settings.clock()
	var key any
	usable := k.usable(now)
	if usable {
		key = k.lookUp(kid, algorithm)
	}
	switch {
	case usable && within(k.fetchedAt, now, freshFor):
		if key != nil {
			return key, nil
		}
		// Anybody can make up names of keys, so they must not make us ask each time.
		if within(k.lookedAt, now, lookPause) {
			return nil, k.refreshes.current(struct{}{})
		}
		k.lookedAt = now
	case !usable && within(k.triedAt, now, emptyPause), usable && k.failure != nil && within(k.triedAt, now, failedPause):
		return key, k.refreshes.current(struct{}{})
	}
	refresh := k.refreshes.join(ctx, struct{}{}, now, k.refresh)
	if k.failure != nil {
		return key, refresh // it did not answer last time: who has a key does not wait for it again
	}
	return nil, refresh
}

func (k *keySet) usable(now time.Time) bool {
	return len(k.keys) > 0 && within(k.fetchedAt, now, usableFor)
}

// held returns a key that we have, of however old a set that is still usable.
func (k *keySet) held(kid string, algorithm jose.SignatureAlgorithm) (any, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.usable(k.settings.clock()) {
		return nil, unavailable(cmp.Or(k.failure, errNoKeys))
	}
	if key := k.lookUp(kid, algorithm); key != nil {
		return key, nil
	}
	if k.failure != nil { // it may have a new key by now
		return nil, unavailable(fmt.Errorf("a key that may be new: %w", k.failure))
	}
	return nil, unauthenticated("the token is signed with an unknown key")
}

func (k *keySet) lookUp(kid string, algorithm jose.SignatureAlgorithm) any {
	for _, key := range k.keys {
		if key.kid == kid && key.signs(algorithm) {
			return key.key
		}
	}
	return nil
}

// refresh fetches the set. That it failed is in k.failure: who has a key that is
// still usable need not know.
func (k *keySet) refresh(ctx context.Context) (struct{}, error) {
	asked := k.settings.clock()
	keys, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.triedAt, k.failure = k.settings.clock(), err
	if err == nil {
		k.keys, k.fetchedAt = keys, asked
	}
	return struct{}{}, nil
}

func (k *keySet) fetch(ctx context.Context) ([]publicKey, error) {
	a, err := k.settings.http.get(ctx, k.settings.jwksURL, credentials{}, maxKeySet)
	if err != nil {
		return nil, fmt.Errorf("the issuer: %w", err)
	}
	if a.status != http.StatusOK {
		return nil, fmt.Errorf("the issuer answers %d", a.status)
	}
	return readKeys(a.body)
}
