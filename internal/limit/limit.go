// Package limit bounds how often things may be tried. Its state is in the
// store, so a restart forgives nothing and replicas share one budget. What is
// limited is the account and the network that tries, whatever the path, the
// spelling of the address or the headers of the request.
package limit

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Rate is so many in so long; the zero Rate is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

func (r Rate) bucket(name string) (store.Bucket, bool) {
	if r.Count <= 0 || r.Per <= 0 {
		return store.Bucket{}, false
	}
	return store.Bucket{Name: name, Burst: r.Count, Interval: max(time.Millisecond, r.Per/time.Duration(r.Count))}, true
}

// Limits are the rates of the house.
type Limits struct {
	LoginPerAccount      Rate // wrong passwords for one account from one network
	LoginPerAccountTotal Rate // wrong passwords for one account from anywhere (NIST 800-63B-4 §3.2.2)
	LoginPerIP           Rate // wrong passwords from one network
	RegisterPerIP        Rate // registrations from one network
	RequestsPerIP        Rate // sign-ins, refreshes and registrations from one network, good or bad
	GuessesPerIP         Rate // invitation codes tried from one network
}

// Failures counts the failed tries of this process, so that who waited for
// their turn can tell whether the budget needs another look.
type Failures struct{ n atomic.Uint64 }

// Seen returns how many there were so far.
func (f *Failures) Seen() uint64 { return f.n.Load() }

// Note counts one more, after it was taken from its budget.
func (f *Failures) Note() { f.n.Add(1) }

// Login is the budget of one account as seen from one network. The account is
// named by its canonical key, whether or not it exists, so that nobody can tell
// which.
type Login struct {
	pair, total, network string
	buckets              []store.Bucket
}

// Login returns the budget for signing in to an account.
func (l Limits) Login(accountKey, ip string) Login {
	account, from := digest(accountKey), network(ip)
	b := Login{pair: "login|" + account + "|" + from, total: "login|" + account, network: "login|from|" + from}
	for _, limit := range []struct { // always in this order: two that lock rows in different ones wait for each other
		name string
		rate Rate
	}{{b.pair, l.LoginPerAccount}, {b.total, l.LoginPerAccountTotal}, {b.network, l.LoginPerIP}} {
		if bucket, on := limit.rate.bucket(limit.name); on {
			b.buckets = append(b.buckets, bucket)
		}
	}
	return b
}

// Check returns gate.ErrTooManyFailures when the account's budget is used up,
// gate.ErrRateLimited when the network's is. Someone who has
// signed in from this network before (known) is not shut out by what strangers
// elsewhere do to the account. touched says that there were failures to forget.
func (b Login) Check(tx *store.Tx, known func() (bool, error)) (touched bool, err error) {
	waits, err := tx.Waits(b.buckets)
	if err != nil {
		return false, err
	}
	_, pair := waits[b.pair]
	_, total := waits[b.total]
	touched = pair || total
	if waits[b.total] > 0 {
		if ok, err := known(); err != nil {
			return touched, err
		} else if ok {
			delete(waits, b.total)
		}
	}
	if wait := max(waits[b.pair], waits[b.total]); wait > 0 {
		return touched, gate.ErrTooManyFailures.After(max(wait, waits[b.network]))
	}
	if wait := waits[b.network]; wait > 0 {
		return touched, gate.ErrRateLimited.After(wait)
	}
	return touched, nil
}

// Failed takes one from the budget.
func (b Login) Failed(tx *store.Tx) error {
	for _, bucket := range b.buckets {
		if _, err := tx.TakeFrom(bucket); err != nil {
			return err
		}
	}
	return nil
}

// Succeeded forgets the failures of the account. Those of the network stay: one
// good password does not buy a thousand bad ones.
func (b Login) Succeeded(tx *store.Tx) error {
	if err := tx.Refill(b.pair); err != nil {
		return err
	}
	return tx.Refill(b.total)
}

// Register takes one from the network's budget of registrations, or returns
// gate.ErrRateLimited.
func (l Limits) Register(tx *store.Tx, ip string) error {
	return take(tx, l.RegisterPerIP, "register|from|"+network(ip))
}

// Request takes one from the network's budget of requests, or returns
// gate.ErrRateLimited.
func (l Limits) Request(tx *store.Tx, ip string) error {
	return take(tx, l.RequestsPerIP, "request|from|"+network(ip))
}

// Guess takes one from the network's budget of invitation codes, or returns
// gate.ErrRateLimited.
func (l Limits) Guess(tx *store.Tx, ip string) error {
	return take(tx, l.GuessesPerIP, "guess|from|"+network(ip))
}

func take(tx *store.Tx, rate Rate, name string) error {
	bucket, on := rate.bucket(name)
	if !on {
		return nil
	}
	taken, err := tx.TakeFrom(bucket)
	if err != nil || taken {
		return err
	}
	waits, err := tx.Waits([]store.Bucket{bucket})
	if err != nil {
		return err
	}
	return gate.ErrRateLimited.After(max(time.Second, waits[bucket.Name]))
}

// network is the address itself, or the /64 that one IPv6 subscriber owns.
func network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return "unknown"
	}
	if addr = addr.Unmap(); addr.Is6() {
		prefix, _ := addr.WithZone("").Prefix(64)
		return prefix.String()
	}
	return addr.String()
}

// digest keeps addresses out of the limits table.
func digest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}
