package gatehouse

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	maxAnswer     = 64 << 10 // bytes
	maxRemembered = 10_000
	rememberFor   = time.Second
)

// introspection asks the auth service who somebody is, and remembers good answers
// for a moment.
type introspection struct {
	settings settings
	known    *lru[fingerprint, known]
	asked    calls[fingerprint, *Actor]
}

type known struct {
	since time.Time
	actor *Actor
}

func newIntrospection(s settings) *introspection {
	i := &introspection{settings: s, known: newLRU[fingerprint, known](maxRemembered)}
	// An older question may have been decided before the credential was revoked.
	i.asked.share = rememberFor
	return i
}

func (i *introspection) actor(ctx context.Context, c credentials) (*Actor, error) {
	name, now := c.fingerprint(), i.settings.clock()
	if k, ok := i.known.get(name); ok && within(k.since, now, rememberFor) {
		return k.actor.clone(), nil
	}
	actor, err := i.asked.do(ctx, name, now, func(ctx context.Context) (*Actor, error) {
		actor, err := i.ask(ctx, c)
		if err == nil {
			// Its age counts from the question: it was true at some time after that.
			i.known.put(name, known{since: now, actor: actor})
		}
		return actor, err
	})
	if err != nil {
		return nil, asRefusal(err)
	}
	return actor.clone(), nil
}

func (i *introspection) ask(ctx context.Context, c credentials) (*Actor, error) {
	a, err := i.settings.http.get(ctx, i.settings.authURL+"/auth/me", c, maxAnswer)
	if err != nil {
		return nil, unavailable(fmt.Errorf("the auth service: %w", err))
	}
	switch a.status {
	case http.StatusOK:
		return actorIn(a)
	case http.StatusUnauthorized:
		return nil, unauthenticated("the credential was refused")
	case http.StatusForbidden:
		return nil, forbidden("this actor may not do that")
	}
	return nil, a.unavailable()
}

// actorIn reads an answer that says who somebody is.
func actorIn(a answer) (*Actor, error) {
	value, err := parseStrictly(a.body)
	if actor := readActor(value); err == nil && actor != nil {
		return actor, nil
	}
	return nil, unavailable(errors.New("the auth service says something else than who it is"))
}

// unavailable is the refusal for an answer that is none.
func (a answer) unavailable() *Refusal {
	refusal := unavailable(fmt.Errorf("the auth service answers %d", a.status))
	refusal.RetryAfter = a.retryAfter
	return refusal
}

// asRefusal is for those who gave up waiting; all other errors are refusals.
func asRefusal(err error) error {
	if _, ok := errors.AsType[*Refusal](err); ok {
		return err
	}
	return unavailable(err)
}
