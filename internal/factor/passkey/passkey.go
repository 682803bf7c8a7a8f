// Package passkey registers passkeys and checks that somebody holds one: the
// server's half of W3C Web Authentication, Level 3 (§7.1 and §7.2).
//
// What it promises:
//
//   - User presence and user verification are demanded whenever a passkey is made
//     or used: it is two factors at once. That it can be discovered is asked for
//     and not checked, for only the client would say so, and nobody signs that.
//   - An origin is compared as text with those of the Party (§13.4.9): no case
//     folding, no default port, no path. Frames of others are refused.
//   - No attestation is believed. Statements of other formats than none are
//     read past, so that authenticators which send one anyway can be used, and
//     nothing that a client says of its model proves anything.
//   - A challenge needs no memory until its ceremony is finished. See Challenger.
//   - Whatever is sent, nothing panics, and no error repeats it: documents have
//     a size and a depth, members occur once, keys are on their curve.
//
// What it leaves to the verbs, because it needs a memory: that a challenge is
// spent once, that a credential id is registered once (§7.1 step 26), that the
// owner is alive, and that the Credential which Verify returns replaces the one
// it was given only if that has not changed meanwhile. There is no I/O here.
package passkey

// Party is who asks for passkeys (§4, "Relying Party").
type Party struct {
	ID      string   // the RP ID, a domain: "example.com", "localhost"
	Name    string   // what authenticators show
	Origins []string // exactly as browsers write them: "https://login.example.com", "http://localhost:8080"
}

// Ceremony is one of the two things that are done with a passkey. Its value is
// what the client data of that ceremony calls itself (§5.8.1, type).
type Ceremony string

// The two ceremonies.
const (
	Register     Ceremony = "webauthn.create"
	Authenticate Ceremony = "webauthn.get"
)

// Credential is what is kept of a passkey (§4, "credential record").
type Credential struct {
	ID                []byte   // 1 to 1023 bytes, unique in the house
	PublicKey         []byte   // a COSE key (RFC 9052 §7) in CTAP2's canonical form
	SignCount         uint32   // stays 0 where the authenticator does not count
	AAGUID            string   // the model, as a UUID in text; not attested
	Transports        []string // hints for excludeCredentials; nil when the client told none
	UserVerified      bool     // uvInitialized; always true, since nothing else is registered
	BackupEligible    bool     // BE: it may be synchronized. For showing, not for deciding; see Assertion.Verify
	BackedUp          bool     // BS: it is, as of its last use
	AttestationFormat string   // what the authenticator called its statement, which nobody checked
}

// Error is every refusal of this package. Its reason is one of the words below
// and nothing else, so it may go to any log.
type Error struct{ Reason string }

// Error is the reason with the name of the package before it.
func (e *Error) Error() string { return "passkey: " + e.Reason }

// Reasons of refusals. They are for logs and tests; to a stranger, all of them
// but expired should look alike.
const (
	Malformed       = "malformed"         // not the JSON, base64url or CBOR that it should be, or too large
	WrongType       = "type"              // client data of the other ceremony
	WrongChallenge  = "challenge"         // not ours, or not for this ceremony or subject
	Expired         = "expired"           // the challenge is ours, but too old
	WrongOrigin     = "origin"            // not one of the party's
	CrossOrigin     = "cross_origin"      // made in somebody else's frame
	WrongParty      = "rp_id"             // made for another RP ID
	NotPresent      = "user_presence"     // nobody touched it
	NotVerified     = "user_verification" // it did not check who that was
	BackupState     = "backup_state"      // backed up without being eligible, which cannot be
	WrongAlgorithm  = "algorithm"         // a key for an algorithm that was not offered
	BadKey          = "public_key"        // a key that is none: off its curve, too short, too long
	BadAttestation  = "attestation"       // a statement where the format says that there is none
	WrongCredential = "credential"        // not the passkey that it says it is
	WrongUser       = "user_handle"       // the passkey says it belongs to somebody else
	WrongSignature  = "signature"         // made with another key, or over something else
	CounterWentBack = "counter"           // there may be a copy of the authenticator
)

const (
	maxCredentialID  = 1023     // §7.1 step 25
	maxUserHandle    = 64       // §5.4.3
	maxResponseBytes = 64 << 10 // attestation certificates take a few KiB; nothing takes more
)

func refuse(reason string) error { return &Error{reason} }
