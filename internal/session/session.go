// Package session owns the life of sessions: they are opened, carried on by
// refresh tokens of which each works once, and ended. It decides nothing about
// who may open one (login does) and nothing about how tokens look (token does).
//
// Its functions work inside the caller's transaction, so that a session and
// the deed that opens or ends it are one.
package session

import (
	"errors"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Rules are the lifetimes of sessions.
type Rules struct {
	Absolute time.Duration // a session ends after this, however often it is refreshed
	Grace    time.Duration // how long a used refresh token still yields its successor
	Lenient  bool          // a spent token that comes back is refused, but ends nothing
	Pepper   []byte        // from the master key; a sealed successor needs it, too
}

// Reasons why a session ended, as stored and audited.
const (
	EndedByLogout         = "logout"
	EndedByReuse          = "refresh_reuse"
	EndedByDisable        = "account_disabled"
	EndedByPasswordChange = "password_changed"
	EndedByRestore        = "backup_restored"
	EndedByTemporary      = "temporary_password"
	EndedByRemoval        = "account_removed"
)

// New returns a session of a principal that is not stored yet; see Open. Its id is
// known beforehand because tokens name it.
func (r Rules) New(now time.Time, caller gate.Caller, id gate.PrincipalID) gate.Session {
	return gate.Session{
		ID: gate.SessionID(secret.ID()), Principal: id, Client: caller.Client,
		IP: caller.IP, UserAgent: gate.Clip(caller.UserAgent, 256),
		CreatedAt: now, ExpiresAt: now.Add(r.Absolute),
	}
}

// Open stores a session with the first refresh token of its chain, or returns
// gate.ErrDisabled.
func (r Rules) Open(tx *store.Tx, s gate.Session, refresh secret.Text, ttl time.Duration) error {
	err := tx.AddSession(s, secret.DigestOf(refresh), earlier(tx.Now().Add(ttl), s.ExpiresAt))
	if errors.Is(err, gate.ErrNotFound) {
		return gate.ErrDisabled // just now
	}
	return err
}

// End ends a session and records it. Ending it again does nothing.
func End(tx *store.Tx, caller gate.Caller, s gate.Session, reason string) error {
	ended, err := tx.EndSession(s.ID, reason)
	if err != nil || !ended {
		return err
	}
	return tx.Record(caller.Event(gate.EventSessionEnded, s.Principal, s.ID, map[string]string{"reason": reason}))
}

// EndAll ends all sessions of a principal, except one if it is named.
func EndAll(tx *store.Tx, caller gate.Caller, id gate.PrincipalID, except gate.SessionID, reason string) error {
	n, err := tx.EndSessionsOf(id, except, reason)
	if err != nil || n == 0 {
		return err
	}
	return tx.Record(caller.Event(gate.EventSessionEnded, id, "", map[string]string{"reason": reason, "count": decimal(n)}))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// EndEverything ends all sessions of the tenant and makes all links and codes
// unusable: after a backup was restored, nothing that was revoked since it was
// made may come back to life.
func EndEverything(tx *store.Tx, caller gate.Caller) (int64, error) {
	n, err := tx.EndAllSessions(EndedByRestore)
	if err != nil {
		return n, err
	}
	if err := tx.ForgetOneTimeTokens(); err != nil {
		return n, err
	}
	return n, tx.Record(caller.Event(gate.EventRestored, "", "", map[string]string{"sessions": decimal(n)}))
}
