package connector

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const discoveryPath = "/.well-known/openid-configuration"

func begin(c *Client) error {
	_, err := c.AuthorizationURL(context.Background(), start())
	return err
}

// settle waits for a request in the background to end.
func settle[T any](k *kept[T]) {
	k.mu.Lock()
	f := k.running
	k.mu.Unlock()
	if f != nil {
		<-f.done
	}
}

func TestNothingIsAskedBeforeTheFirstUse(t *testing.T) {
	p := serve(t)
	c := p.client()
	if n := p.requests(discoveryPath); n != 0 {
		t.Errorf("New asked %d times", n)
	}
	p.Close()
	if err := begin(c); !errors.Is(err, ErrUnavailable) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestManyFirstUsesAreOneRequest(t *testing.T) {
	p := serve(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	p.do(discoveryPath, func(w http.ResponseWriter, _ *http.Request) {
		once.Do(func() { close(arrived) })
		<-release
		reply(w, 200, p.metadata)
	})
	c := p.client()
	var ready, done sync.WaitGroup
	results := make(chan error, 50)
	for range cap(results) {
		ready.Add(1)
		done.Go(func() { ready.Done(); results <- begin(c) })
	}
	ready.Wait()
	<-arrived
	time.Sleep(20 * time.Millisecond) // for those that would ask, too
	close(release)
	done.Wait()
	close(results)
	for err := range results {
		if err != nil {
			t.Error(err)
		}
	}
	if n := p.requests(discoveryPath); n != 1 {
		t.Errorf("discovery was asked %d times", n)
	}
}

// Who asked first and left does not spoil it for the others.
func TestAWaiterWhoLeavesDoesNotEndTheRequest(t *testing.T) {
	p := serve(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	p.do(discoveryPath, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		reply(w, 200, p.metadata)
	})
	c := p.client()
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := c.AuthorizationURL(ctx, start()); first <- err }()
	<-arrived
	go func() { second <- begin(c) }()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("who left: %v", err)
	}
	close(release)
	if err := <-second; err != nil || p.requests(discoveryPath) != 1 {
		t.Errorf("who stayed: %v, %d requests", err, p.requests(discoveryPath))
	}
}

func TestPausesDoubleAfterFailures(t *testing.T) {
	p := serve(t)
	p.do(discoveryPath, status(http.StatusBadGateway))
	c := p.client()
	for n, pause := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		pause *= time.Second
		if err := begin(c); !errors.Is(err, ErrUnavailable) || p.requests(discoveryPath) != n+1 {
			t.Fatalf("failure %d: %v, %d requests", n+1, err, p.requests(discoveryPath))
		}
		p.clock.forward(pause - time.Millisecond)
		err := begin(c)
		if !errors.Is(err, ErrUnavailable) || p.requests(discoveryPath) != n+1 || RetryAfter(err) > time.Second {
			t.Fatalf("before the end of %v: %v, %d requests, try again in %v", pause, err, p.requests(discoveryPath), RetryAfter(err))
		}
		p.clock.forward(time.Millisecond)
	}
	p.do(discoveryPath, nil)
	if err := begin(c); err != nil {
		t.Errorf("well again: %v", err)
	}
	p.clock.forward(staleFor)
	p.do(discoveryPath, status(http.StatusBadGateway))
	_ = begin(c)
	p.clock.forward(leastPause)
	if _ = begin(c); p.requests(discoveryPath) != 11 {
		t.Errorf("after a success, pauses begin anew: %d requests", p.requests(discoveryPath))
	}
}

func TestTheProviderMayAskForALongerPause(t *testing.T) {
	p := serve(t)
	p.do(discoveryPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	c := p.client()
	if err := begin(c); RetryAfter(err) != 30*time.Second {
		t.Errorf("try again in %v", RetryAfter(err))
	}
	p.clock.forward(20 * time.Second)
	if err := begin(c); RetryAfter(err) != 10*time.Second || p.requests(discoveryPath) != 1 {
		t.Errorf("try again in %v, %d requests", RetryAfter(err), p.requests(discoveryPath))
	}
}

// A clock that was put back does not keep a provider away.
func TestAClockThatIsPutBackEndsThePause(t *testing.T) {
	p := serve(t)
	p.do(discoveryPath, status(http.StatusBadGateway))
	c := p.client()
	_ = begin(c)
	p.do(discoveryPath, nil)
	p.clock.forward(-time.Hour)
	if err := begin(c); err != nil {
		t.Error(err)
	}
}

func TestDiscoveryIsKeptWhileTheProviderIsAway(t *testing.T) {
	p := serve(t)
	c := p.client()
	use := func(name string, wantErr bool, requests int) {
		t.Helper()
		err := begin(c)
		settle(c.discovery)
		if (err != nil) != wantErr || p.requests(discoveryPath) != requests {
			t.Errorf("%s: %v, %d requests, want %d", name, err, p.requests(discoveryPath), requests)
		}
	}
	use("the first", false, 1)
	p.clock.forward(freshFor - time.Second)
	use("within the hour", false, 1)
	p.clock.forward(time.Second)
	use("after it, in the background", false, 2)
	use("and again", false, 2)

	p.do(discoveryPath, status(http.StatusInternalServerError))
	p.clock.forward(freshFor)
	use("an hour later it is away", false, 3)
	use("within the pause", false, 3)
	p.clock.forward(staleFor - freshFor - time.Second)
	use("nearly a day later", false, 4)
	p.clock.forward(leastPause / 2)
	use("half a second before it was a day", false, 4) // still within the pause
	p.clock.forward(mostPause)
	use("a day later", true, 5)
	p.do(discoveryPath, nil)
	p.clock.forward(mostPause)
	use("well again", false, 6)
}

func TestNewKeysAreFoundAndOldOnesForgotten(t *testing.T) {
	p := serve(t)
	c := p.client()
	sign := func(name string, want error, requests int) {
		t.Helper()
		_, err := finish(t, c, theAnswer())
		settle(c.keys)
		if !errors.Is(err, want) || p.requests("/keys") != requests {
			t.Errorf("%s: %v, %d requests, want %d", name, err, p.requests("/keys"), requests)
		}
	}
	sign("the first", nil, 1)
	sign("the second", nil, 1)

	p.sign = func(m map[string]any) string { return signed("RS256", "two", anotherKey(), m) }
	sign("a key that is not published, at once", ErrUntrusted, 1)
	p.clock.forward(renewAfter)
	sign("ten seconds later", ErrUntrusted, 2)
	for range 5 {
		sign("and often", ErrUntrusted, 2)
	}
	p.keys = []jose.JSONWebKey{publicKey("two", anotherKey())}
	p.clock.forward(renewAfter)
	sign("once it is published", nil, 3)

	p.sign = func(m map[string]any) string { return signed("RS256", "one", rsaKey(), m) }
	sign("the old key", ErrUntrusted, 3)

	p.keys = []jose.JSONWebKey{publicKey("two", rsaKey())} // another key of the same name
	p.sign = func(m map[string]any) string { return signed("RS256", "two", rsaKey(), m) }
	p.clock.forward(renewAfter)
	sign("a new key of an old name", nil, 4)
}

func TestKeysAreKeptWhileTheProviderIsAway(t *testing.T) {
	p := serve(t)
	c := p.client()
	if _, err := finish(t, c, theAnswer()); err != nil {
		t.Fatal(err)
	}
	p.do("/keys", status(http.StatusBadGateway))
	p.clock.forward(2 * freshFor)
	for range 3 {
		if _, err := finish(t, c, theAnswer()); err != nil {
			t.Errorf("a known key: %v", err)
		}
		settle(c.keys)
	}
	if n := p.requests("/keys"); n != 2 {
		t.Errorf("%d requests", n)
	}
	p.sign = func(m map[string]any) string { return signed("RS256", "two", anotherKey(), m) }
	if _, err := finish(t, c, theAnswer()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("an unknown key, and nobody to ask: %v", err)
	}
}

// A key that this program cannot read does not hide the others.
func TestUnknownKeysAreSkipped(t *testing.T) {
	p := serve(t)
	one := string(must(publicKey("one", rsaKey()).MarshalJSON()))
	p.do("/keys", write(200, "text/plain", `{"keys":[{"kty":"AKP","kid":"pq","pub":"x"},7,{"kty":"EC","crv":"P-999"},`+one+`]}`))
	if _, err := finish(t, p.client(), theAnswer()); err != nil {
		t.Error(err)
	}
}

// Many sign-ins with an unknown key at one time are one request, too.
func TestManyUnknownKeysAreOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock, asked := newClock(), 0
		k := &kept[keySet]{clock: clock.Now, fetch: func(ctx context.Context) (keySet, error) {
			asked++
			time.Sleep(time.Second) // of the bubble
			return nil, ctx.Err()
		}}
		_, _ = k.get(t.Context())
		clock.forward(renewAfter)
		for range 50 {
			go func() { _, _ = k.renew(t.Context(), renewAfter) }()
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
		if asked != 2 {
			t.Errorf("asked %d times", asked)
		}
	})
}
