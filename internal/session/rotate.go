package session

import (
	"crypto/subtle"
	"errors"
	"strconv"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Exchange is a refresh token with the one that is to follow it.
type Exchange struct {
	Session   gate.SessionID // which the presented token names
	Presented secret.Text    // known to be one that this house issued
	Successor secret.Text    // made for this exchange, if it is the first
	TTL       time.Duration  // of the successor
}

// Outcome is what came of an exchange.
type Outcome struct {
	Refresh secret.Text // the successor: ours, or the one that was given out before
	// Stolen says that a spent token came back: the session was ended in this
	// transaction, unless the rules are lenient. It is not an error, because an error would undo that.
	Stolen bool
}

// Rotate uses up a refresh token and puts its successor in its place.
//
// A token that was used already yields the same successor again, to whoever
// shows it: a second tab, a client whose response was lost. That ends when the
// grace is over or the successor was used in turn; after that, one of two
// parties holding the token is a thief, and the session ends (RFC 9700 §4.14).
// The successor is kept sealed under a key that takes the token itself and the
// master key to make: any replica can give it out again, none can read it
// without the token, and a restart changes nothing.
//
// Refused: gate.ErrInvalidRefresh for an unknown session, gate.ErrSessionEnded
// for an ended one, gate.ErrRefreshExpired for an expired one, gate.ErrPrincipalGone for a disabled principal.
func (r Rules) Rotate(tx *store.Tx, caller gate.Caller, x Exchange) (Outcome, error) {
	box, err := r.successorBox(x.Presented)
	if err != nil {
		return Outcome{}, err
	}
	won, err := tx.Last().RotateRefresh(x.Session, store.Rotation{
		Presented: secret.DigestOf(x.Presented), Successor: secret.DigestOf(x.Successor),
		Sealed: box.Seal([]byte(x.Successor.Reveal()), place(x.Session)), ExpiresAt: tx.Now().Add(x.TTL),
	})
	if err != nil {
		return Outcome{}, err
	}
	if won {
		return Outcome{Refresh: x.Successor}, nil
	}
	return r.again(tx, caller, x, box)
}

// again deals with a token that is not the newest of a living chain.
func (r Rules) again(tx *store.Tx, caller gate.Caller, x Exchange, box *secret.Box) (Outcome, error) {
	p, err := tx.Presence(x.Session)
	if errors.Is(err, gate.ErrNotFound) {
		return Outcome{}, gate.ErrInvalidRefresh
	}
	if err != nil {
		return Outcome{}, err
	}
	chain, err := tx.Chain(x.Session)
	if err != nil {
		return Outcome{}, err
	}
	digest := secret.DigestOf(x.Presented).String()
	switch {
	case p.User.Disabled(): // first, because disabling ends the sessions, too
		return Outcome{}, gate.ErrPrincipalGone
	case !p.Session.EndedAt.IsZero():
		return Outcome{}, gate.ErrSessionEnded
	case !p.Session.Live(tx.Now()) || !tx.Now().Before(chain.ExpiresAt):
		return Outcome{}, gate.ErrRefreshExpired
	case same(digest, chain.Previous) && tx.Now().Sub(chain.RefreshedAt) <= r.Grace:
		plain, err := box.Open(chain.Sealed, place(x.Session))
		return Outcome{Refresh: secret.NewText(string(plain))}, err
	case same(digest, chain.Digest):
		return Outcome{}, gate.ErrSessionEnded.Because(errors.New("it could be used again between two looks"))
	}
	if err := tx.Record(caller.Event(gate.EventRefreshReused, p.User.ID, x.Session, nil)); err != nil {
		return Outcome{}, err
	}
	if r.Lenient {
		return Outcome{Stolen: true}, nil
	}
	return Outcome{Stolen: true}, End(tx, caller, p.Session, EndedByReuse)
}

func (r Rules) successorBox(presented secret.Text) (*secret.Box, error) {
	return secret.NewBox(append([]byte(presented.Reveal()), r.Pepper...), "refresh-successor")
}

func place(id gate.SessionID) string { return "sessions|refresh_sealed|" + string(id) }

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
