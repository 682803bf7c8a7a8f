//go:build unix

package login_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/admission"
	"github.com/gatehouse/gatehouse/internal/factor/passkey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/login"
	"github.com/gatehouse/gatehouse/internal/passkeys"
	"github.com/gatehouse/gatehouse/internal/proving"
	"github.com/gatehouse/gatehouse/internal/session"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/softauthn"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
	"github.com/gatehouse/gatehouse/internal/token"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const origin = "https://auth.example.org"

var (
	ctx     = context.Background()
	visitor = gate.Caller{Tenant: gate.DefaultTenant, Client: "native", IP: "192.0.2.1"}
)

// hall is a house with ada, who has a passkey.
type hall struct {
	*testing.T
	db    *store.DB
	s     *login.Service
	authn *softauthn.Authenticator
	ada   gate.PrincipalID
}

// withAuthenticators runs a test on both engines with an authenticator that
// counts, and with one whose passkeys are synced and so count nothing.
func withAuthenticators(t *testing.T, test func(h *hall)) {
	for name, authenticator := range map[string]func() *softauthn.Authenticator{"counting": softauthn.New, "synced": softauthn.NewSynced} {
		t.Run(name, func(t *testing.T) {
			storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
				h := &hall{T: t, db: m.Open(t), authn: authenticator()}
				kept := &passkeys.Service{
					DB: h.db, Clock: m.Clock.Now, Party: passkey.Party{ID: "auth.example.org", Name: "Gatehouse", Origins: []string{origin}},
					Challenger: passkey.NewChallenger([32]byte(bytes.Repeat([]byte{7}, 32)), gate.DefaultTenant),
				}
				h.s = &login.Service{DB: h.db, Passkeys: kept, Proving: &proving.Service{}, Office: &admission.Office{
					Rules: session.Rules{Absolute: time.Hour}, Clock: m.Clock.Now, Tokens: &token.Issuer{Opaque: bytes.Repeat([]byte{7}, 32), Clock: m.Clock.Now},
					Profile: token.Profile{Face: "native", Tenant: gate.DefaultTenant, OpaqueAccess: true, AccessTTL: time.Minute, RefreshTTL: time.Hour},
				}}
				accounts, of := &account.Service{DB: h.db, Passkeys: kept, Open: true}, account.PasskeyFor{Email: "ada@example.org", DisplayName: "Ada"}
				options, err := accounts.PasskeyCreation(ctx, visitor, of)
				h.must(err)
				raw, err := h.authn.Create(h.marshal(options), origin)
				h.must(err)
				made, err := accounts.AddPasskey(ctx, visitor, of, raw)
				h.must(err)
				h.ada = made.Principal
				test(h)
			})
		})
	}
}

func (h *hall) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *hall) marshal(options any) []byte {
	h.Helper()
	text, err := json.Marshal(options)
	h.must(err)
	return text
}

func (h *hall) assertion() []byte {
	h.Helper()
	raw, err := h.authn.Get(h.marshal(h.s.PasskeyRequest()), origin)
	h.must(err)
	return raw
}

func (h *hall) disable(disabled bool) {
	h.Helper()
	storetest.Write(h.T, h.db, func(tx *store.Tx) error { _, err := tx.SetDisabled(h.ada, disabled); return err })
}

func (h *hall) refusals() (n int) {
	h.Helper()
	storetest.Read(h.T, h.db, func(tx *store.Tx) error {
		list, err := tx.EventsAbout(h.ada, gate.EventLoginRefused)
		n = len(list)
		return err
	})
	return n
}

// TestAnAnswerOfWhoIsDisabledCountsOnce: shown again it is a used one, and what
// happened is recorded once. Enabled again, they need a new one.
func TestAnAnswerOfWhoIsDisabledCountsOnce(t *testing.T) {
	withAuthenticators(t, func(h *hall) {
		h.disable(true)
		raw := h.assertion()
		if _, err := h.s.WithPasskey(ctx, visitor, raw); !errors.Is(err, gate.ErrDisabled) {
			h.Errorf("the first time: %v", err)
		}
		h.disable(false) // so that only what was kept of the first time refuses
		for range 3 {
			// One that counts gives itself away before the challenge does.
			a, err := h.s.WithPasskey(ctx, visitor, raw)
			if !errors.Is(err, gate.ErrChallenge) && !(h.authn.Passkeys[0].Counter > 0 && errors.Is(err, gate.ErrPasskey)) || !a.Access.Empty() {
				h.Errorf("again: %v", err)
			}
		}
		if n := h.refusals(); n != 1 {
			h.Errorf("%d refusals are recorded, want 1", n)
		}
		h.disable(true)
		if _, err := h.s.WithPasskey(ctx, visitor, h.assertion()); !errors.Is(err, gate.ErrDisabled) {
			h.Errorf("with a new one: %v", err)
		}
		if n := h.refusals(); n != 2 {
			h.Errorf("%d refusals are recorded, want 2", n)
		}
		h.disable(false)
		if a, err := h.s.WithPasskey(ctx, visitor, h.assertion()); err != nil || a.User.ID != h.ada || a.Access.Empty() {
			h.Errorf("enabled again, with a new one: %v", err)
		}
	})
}

// TestOfFiftyAnswersOfWhoIsDisabledOneIsRecorded.
func TestOfFiftyAnswersOfWhoIsDisabledOneIsRecorded(t *testing.T) {
	withAuthenticators(t, func(h *hall) {
		h.disable(true)
		raw := h.assertion()
		var told atomic.Int64
		storetest.Race(50, func(i int) {
			_, err := h.s.WithPasskey(ctx, visitor, raw)
			switch {
			case errors.Is(err, gate.ErrDisabled):
				told.Add(1)
			case !errors.Is(err, gate.ErrChallenge) && !errors.Is(err, gate.ErrPasskey):
				h.Errorf("visitor %d: %v", i, err)
			}
		})
		if n := h.refusals(); told.Load() != 1 || n != 1 {
			h.Errorf("%d were told, %d refusals are recorded; want 1 and 1", told.Load(), n)
		}
	})
}
