package gate

import (
	"time"
)

// IdentityID names an identity.
type IdentityID string

// Identity is a user's link to an account at an upstream provider (OpenID
// Connect Core §5.7): the issuer and the subject make it, and never the e-mail
// address, which people change and providers hand out again.
type Identity struct {
	ID            IdentityID
	Principal     PrincipalID
	Connector     string // that it came through
	Issuer        string
	Subject       string
	Email         string // as the provider last told it, "" if it did not
	EmailVerified bool   // as the provider last told it
	CreatedAt     time.Time
	UsedAt        time.Time
}

// Flow is a sign-in whose browser is away at a provider. What the provider and
// the browser must bring back is known by digests alone.
type Flow struct {
	Connector   string
	Principal   PrincipalID // whose account an identity is to be linked to; "" to sign in
	Destination string      // where the browser goes afterwards, in the words of the face that began
	CreatedAt   time.Time
	ExpiresAt   time.Time
	UsedAt      time.Time // when it came back; zero: not yet
	Session     SessionID // that it led to, "" for none yet
	Refusal     string    // the code of what it led to instead
}
