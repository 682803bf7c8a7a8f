package login

import (
	"context"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/passkeys"
	"github.com/gatehouse/gatehouse/internal/store"
)

// PasskeyRequest returns what a browser needs to sign in with a passkey. Anybody
// may call it.
func (s *Service) PasskeyRequest() passkeys.Request { return s.Passkeys.Request() }

// WithPasskey lets in whose authenticator answered a PasskeyRequest. User
// verification makes it two factors in one: something one has, and something
// that unlocks it.
//
// Anybody may call it. Refused: as passkeys.Service.Prove, gate.ErrDisabled,
// gate.ErrRateLimited. The challenge is spent, the counter kept, the session
// opened and the event stored together.
func (s *Service) WithPasskey(ctx context.Context, caller gate.Caller, raw []byte) (Admission, error) {
	if err := s.attempt(ctx, caller); err != nil {
		return Admission{}, err
	}
	proved, err := s.Passkeys.Prove(ctx, caller.Tenant, raw)
	if err != nil {
		return Admission{}, err
	}
	if proved.User.Disabled() {
		return Admission{}, s.turnAway(ctx, caller, proved.User, gate.ErrDisabled, proved.Use)
	}
	return s.admitted(ctx, caller, proved.User, func(tx *store.Tx) error { return proved.Use(tx) })
}
