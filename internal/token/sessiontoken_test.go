//go:build unix

package token_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/token"
)

// opaque is a face whose access tokens are session tokens.
func opaque(face string) token.Profile {
	return token.Profile{Face: face, Tenant: gate.DefaultTenant, OpaqueAccess: true, AccessTTL: 10 * time.Minute, RefreshTTL: time.Hour}
}

func TestASessionTokenNamesItsSessionUntilItExpires(t *testing.T) {
	m, p := newMint(t), opaque("microdao")
	text := m.access(t, p)
	if !strings.HasPrefix(text, "gh_st_") || len(text) != len("gh_st_")+75 || strings.ContainsAny(text, "=+/ ;,\"") {
		t.Errorf("minted %q", text)
	}
	c, err := m.VerifyAccess(context.Background(), p, secret.NewText(text))
	if err != nil || c.Subject != string(ada) || c.Session != string(session) || c.ExpiresAt != m.clock.Now().Add(p.AccessTTL).Unix() {
		t.Errorf("%+v, %v", c, err)
	}
	m.clock.Forward(p.AccessTTL - time.Millisecond)
	if _, err := m.VerifyAccess(context.Background(), p, secret.NewText(text)); err != nil {
		t.Errorf("a moment before: %v", err)
	}
	m.clock.Forward(time.Millisecond)
	m.noAccess(t, "expired at its very moment", p, text)
}

func TestNoBitOfASessionTokenCanBeChanged(t *testing.T) {
	m, p := newMint(t), opaque("microdao")
	text := m.access(t, p)
	raw, err := base64.RawURLEncoding.DecodeString(text[6:])
	if err != nil || len(raw) != 56 {
		t.Fatal(len(raw), err)
	}
	for i := range raw {
		for bit := range 8 {
			changed := append([]byte{}, raw...)
			changed[i] ^= 1 << bit
			m.noAccess(t, "a changed bit", p, "gh_st_"+base64.RawURLEncoding.EncodeToString(changed))
		}
	}
	for what, other := range map[string]string{
		"nothing": "", "the prefix": "gh_st_", "cut": text[:len(text)-1], "longer": text + "A", "padded": text + "=", "a line break in it": text[:20] + "\n" + text[20:],
		"a line break for a character": text[:20] + "\n" + text[21:], "without a prefix": text[6:], "another prefix": "gh_rt_" + text[6:], "a blank before": " " + text,
		"in standard base64": "gh_st_" + base64.StdEncoding.EncodeToString(raw), "zeros": "gh_st_" + strings.Repeat("A", 75), "huge": "gh_st_" + strings.Repeat("A", 1<<20),
		"its refresh token": m.refresh(t, p), "an API key": secret.NewAPIKey(secret.NativeKey).Reveal(), "a JWT": m.access(t, m.native),
	} {
		m.noAccess(t, what, p, other)
	}
}

// TestASessionTokenIsOfOneFaceTenantAndHouse: its MAC covers all three, and
// nothing of one is run together with the next.
func TestASessionTokenIsOfOneFaceTenantAndHouse(t *testing.T) {
	m, p := newMint(t), opaque("microdao")
	text := m.access(t, p)
	tenant, shifted := p, p
	tenant.Tenant = "other"
	shifted.Tenant, shifted.Face = p.Tenant+"m", "icrodao"
	for what, other := range map[string]token.Profile{"another face": opaque("native"), "another tenant": tenant, "the two run together": shifted, "a face of JWTs": m.native, "one with a shared secret": m.shared} {
		m.noAccess(t, what, other, text)
	}
	m.noRefresh(t, "as a refresh token", p, text)
	elsewhere := &token.Issuer{Opaque: []byte(strings.Repeat("k", 32)), Clock: m.clock.Now}
	if _, err := elsewhere.VerifyAccess(context.Background(), p, secret.NewText(text)); !errors.Is(err, gate.ErrInvalidToken) {
		t.Errorf("another house: %v", err)
	}
	for what, c := range map[string]struct {
		profile token.Profile
		text    string
		want    bool
	}{"its own": {p, text, true}, "a JWT's": {m.native, text, false}, "a JWT": {p, m.access(t, m.native), false}, "a JWT by its own": {m.native, m.access(t, m.native), true}, "nothing": {p, "", false}} {
		if got := c.profile.Takes(secret.NewText(c.text)); got != c.want {
			t.Errorf("%s: taken %v, want %v", what, got, c.want)
		}
	}
}

// FuzzSessionToken: whatever comes is refused without a panic, unless it is to
// the letter what was minted.
func FuzzSessionToken(f *testing.F) {
	now := func() time.Time { return time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC) }
	i, p := &token.Issuer{Opaque: []byte(strings.Repeat("k", 32)), Clock: now}, opaque("microdao")
	minted, err := i.Access(context.Background(), p, token.Grant{User: gate.User{ID: ada}, Session: session})
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{minted.Reveal(), minted.Reveal() + "=", minted.Reveal()[:80], "", "gh_st_", "gh_st_" + strings.Repeat("A", 75), "gh_st_" + strings.Repeat("\n", 75), "gh_rt_x", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := i.VerifyAccess(context.Background(), p, secret.NewText(text))
		switch {
		case text == minted.Reveal():
			if err != nil || c.Subject != string(ada) || c.Session != string(session) {
				t.Fatalf("what was minted: %+v, %v", c, err)
			}
		case !errors.Is(err, gate.ErrInvalidToken):
			t.Fatalf("%q: %+v, %v", text, c, err)
		}
	})
}
