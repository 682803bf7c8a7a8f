// Package apikey owns the life of API keys: they are made for a principal of any
// kind, shown once, used until they expire, and revoked. A key reaches no
// further than its scopes and its principal's rights of the moment (policy);
// whether a presented one is good is decided where all credentials are, in
// authn.
package apikey

import (
	"context"
	"unicode/utf8"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Service keeps the API keys of a house.
type Service struct{ DB *store.DB }

// What there may be at most.
const (
	MaxKeys   = 100 // of one principal that are good at a time
	MaxListed = 1000
	MaxLabel  = 255 // code points
	MaxDays   = 3650
)

// Wish says what a key is to be.
type Wish struct {
	Prefix secret.KeyPrefix
	Label  string
	Scopes []string
	Days   int64 // until it expires; 0: never
}

// Everything is the scopes of a key that may do whatever its principal may.
func Everything() []string { return []string{policy.ScopeAll} }

// Create makes a key for its caller.
//
// Whoever signed in may call it. Refused: gate.ErrNotAuthenticated;
// gate.ErrNeedsSession for who came with a key, gate.ErrScope,
// gate.ErrValidation, gate.ErrAPIKeyLimit.
func (s *Service) Create(ctx context.Context, caller gate.Caller, wish Wish) (key gate.APIKey, shown secret.Text, err error) {
	if err := policy.InPerson(caller); err != nil {
		return key, shown, err
	}
	made := secret.NewAPIKey(wish.Prefix)
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		key, err = Make(tx, caller, caller.Principal, wish, made)
		return err
	})
	if err != nil {
		return gate.APIKey{}, shown, err
	}
	return key, made, nil
}

// Make stores a key for a principal, in the transaction of another verb, which
// has asked whether its caller may.
//
// Refused: gate.ErrScope, gate.ErrValidation, gate.ErrAPIKeyLimit,
// gate.ErrPrincipalGone.
func Make(tx *store.Tx, caller gate.Caller, of gate.PrincipalID, wish Wish, made secret.Text) (key gate.APIKey, err error) {
	if err := wish.check(); err != nil {
		return key, err
	}
	if err := tx.LockMember(of); err != nil { // so that a count stays true
		return key, instead(err, gate.ErrPrincipalGone)
	}
	count, err := tx.CountAPIKeys(of)
	if err != nil {
		return key, err
	}
	if count >= MaxKeys {
		return key, gate.ErrAPIKeyLimit
	}
	key = gate.APIKey{
		ID: gate.APIKeyID(secret.ID()), Principal: of, Preview: secret.Preview(made), Label: wish.Label, Scopes: wish.Scopes, CreatedBy: caller.Principal,
	}
	if wish.Days > 0 {
		key.ExpiresAt = tx.Now().AddDate(0, 0, int(wish.Days))
	}
	if key, err = tx.AddAPIKey(key, secret.DigestOf(made)); err != nil {
		return key, instead(err, gate.ErrPrincipalGone)
	}
	return key, tx.Record(caller.Event(gate.EventAPIKeyCreated, of, "", map[string]string{"key": string(key.ID), "preview": key.Preview}))
}

func (w Wish) check() error {
	if err := policy.KnownScopes(w.Scopes); err != nil {
		return err
	}
	var problems []gate.Problem
	if utf8.RuneCountInString(w.Label) > MaxLabel {
		problems = append(problems, gate.Problem{Path: []string{"description"}, Rule: gate.RuleTooLong, Limit: MaxLabel})
	} else if !gate.CleanText(w.Label) {
		problems = append(problems, gate.Problem{Path: []string{"description"}, Rule: gate.RuleValue, Words: "text without control characters"})
	}
	if w.Days < 0 {
		problems = append(problems, gate.Problem{Path: []string{"expires_days"}, Rule: gate.RuleTooSmall})
	} else if w.Days > MaxDays {
		problems = append(problems, gate.Problem{Path: []string{"expires_days"}, Rule: gate.RuleTooLarge, Limit: MaxDays})
	}
	if len(problems) > 0 {
		return gate.ErrValidation.At(problems...)
	}
	return nil
}

// Mine returns the caller's keys, the newest first, ended ones among them. A key
// may look at its siblings. Refused: gate.ErrNotAuthenticated.
func (s *Service) Mine(ctx context.Context, caller gate.Caller) (keys []gate.APIKey, err error) {
	if caller.Principal == "" {
		return nil, gate.ErrNotAuthenticated
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		keys, err = tx.APIKeysOf(caller.Principal, MaxListed)
		return err
	})
	return keys, err
}

// Revoke ends one of the caller's keys, everywhere within a second. Doing it
// again does nothing.
//
// Whoever signed in may call it. Refused: gate.ErrNotAuthenticated,
// gate.ErrNeedsSession, gate.ErrAPIKeyNotFound for a key that is unknown or
// somebody else's.
func (s *Service) Revoke(ctx context.Context, caller gate.Caller, id gate.APIKeyID) error {
	if err := policy.InPerson(caller); err != nil {
		return err
	}
	return s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error { return End(tx, caller, caller.Principal, id) })
}

// End revokes a key of a principal, in the transaction of another verb.
func End(tx *store.Tx, caller gate.Caller, of gate.PrincipalID, id gate.APIKeyID) error {
	if !gate.CleanText(string(id)) { // it comes from a URL; Postgres refuses to look for NUL
		return gate.ErrAPIKeyNotFound
	}
	ended, err := tx.RevokeAPIKey(of, id)
	if err != nil || !ended {
		return instead(err, gate.ErrAPIKeyNotFound)
	}
	return tx.Record(caller.Event(gate.EventAPIKeyRevoked, of, "", map[string]string{"key": string(id)}))
}
