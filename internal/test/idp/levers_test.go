//go:build interop && unix

package idp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/test/idp"
)

func TestKeyRotation(t *testing.T) {
	p := idp.Start(t, idp.Options{Clients: []idp.Client{mosaic}})
	before := newParty(t, p, mosaic)
	before.signIn("ada")
	old := before.rawIDToken

	p.RotateKeys(true)
	before.signIn("ada") // knows the new key although it had read the keys
	if before.rawIDToken == old || keyID(before.rawIDToken) == keyID(old) {
		t.Error("signed with the old key after a rotation")
	}
	after := newParty(t, p, mosaic)
	if _, err := after.verify(old); err != nil {
		t.Errorf("the old key is not published any more: %v", err)
	}

	p.RotateKeys(false)
	after = newParty(t, p, mosaic)
	if _, err := after.verify(old); err == nil {
		t.Error("the old key is still published")
	}
	after.signIn("ada")
}

func TestCodeOutlivesARotation(t *testing.T) {
	p := idp.Start(t, idp.Options{Clients: []idp.Client{mosaic}})
	party := newParty(t, p, mosaic)
	callbackURL := p.SignIn(party.authorizationURL(), "ada", true)
	p.RotateKeys(false)
	party.finish(callbackURL)
}

func TestAway(t *testing.T) {
	p := idp.Start(t, idp.Options{Clients: []idp.Client{mosaic}})
	p.Away()
	if got := status(t, p.Issuer+"/.well-known/openid-configuration"); got != http.StatusServiceUnavailable {
		t.Errorf("HTTP %d while all is away", got)
	}
	p.Back()
	party := newParty(t, p, mosaic)
	callbackURL := p.SignIn(party.authorizationURL(), "ada", true)

	p.Away(idp.Token)
	if _, err := party.config.Exchange(party.ctx, query(t, callbackURL).Get("code")); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("the token endpoint answers %v while it is away", err)
	}
	if got := status(t, p.Issuer+"/.well-known/openid-configuration"); got != http.StatusOK {
		t.Errorf("HTTP %d of discovery while the token endpoint is away", got)
	}
	p.Back()
	party.finish(callbackURL)
	if got := p.Requests(idp.Token); got != 2 {
		t.Errorf("the token endpoint was asked %d times, want 2", got)
	}
	if got := p.Requests(idp.Discovery); got != 3 {
		t.Errorf("discovery was asked %d times, want 3", got)
	}
}

func TestHang(t *testing.T) {
	p := idp.Start(t, idp.Options{Clients: []idp.Client{mosaic}})
	party := newParty(t, p, mosaic)
	p.Hang(idp.JWKS)
	answered := make(chan int, 1)
	keys := p.Issuer + "/application/o/jwks"
	go func() { answered <- status(t, keys) }()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := http.DefaultClient.Do(request); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the keys answer %v while they hang", err)
	}
	select {
	case got := <-answered:
		t.Errorf("HTTP %d while it hangs", got)
	default:
	}
	p.Back()
	if got := <-answered; got != http.StatusOK {
		t.Errorf("HTTP %d after it hung", got)
	}
	party.signIn("ada")
}

func TestStoppedAndStarted(t *testing.T) {
	p := idp.Start(t, idp.Options{Clients: []idp.Client{mosaic}})
	issuer := p.Issuer
	p.SetAccount("new", map[string]any{"name": "New"})
	p.AddClient(idp.Client{ID: "second", Secret: "s", RedirectURIs: []string{callback}})
	p.Stop()
	if _, err := http.Get(issuer); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a stopped provider answers %v", err)
	}
	p.Start()
	if p.Issuer != issuer {
		t.Errorf("the issuer is %s now, and was %s", p.Issuer, issuer)
	}
	second := idp.Client{ID: "second", Secret: "s", RedirectURIs: []string{callback}}
	if idToken, _ := newParty(t, p, second).signIn("new"); idToken["name"] != "New" {
		t.Errorf("ID token %v", idToken)
	}
}

func keyID(rawIDToken string) string {
	header, _, _ := strings.Cut(rawIDToken, ".")
	return header
}

func status(t *testing.T, address string) int {
	response, err := http.Get(address)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}
