package passkey

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// ChallengeLifetime is how long a ceremony may take. Browsers are told to give
// up long before (timeout), but people look for their telephones.
const ChallengeLifetime = 5 * time.Minute

// Challenger makes challenges that remember themselves what they are for:
//
//	nonce (16 B) ‖ when they expire (Unix ms, 8 B) ‖ MAC (16 B)
//
// So a ceremony which nobody finishes costs no row, and a flood of them costs
// nobody a place. The nonce alone has the entropy that §13.4.3 asks for. What a
// MAC cannot tell is whether a challenge was used before: who finishes a
// ceremony stores the SHA-256 of its challenge, once, until it has expired.
type Challenger struct {
	key    [sha256.Size]byte
	tenant gate.TenantID
}

const (
	nonceSize     = 16
	expirySize    = 8
	challengeMAC  = 16
	challengeSize = nonceSize + expirySize + challengeMAC
)

// NewChallenger takes a key that has no other use, and whose challenges these are.
func NewChallenger(key [32]byte, tenant gate.TenantID) Challenger {
	return Challenger{key, tenant}
}

// New makes a challenge. The subject is who will own the passkey: the id of a
// principal, or the canonical address of a newcomer. Authentication has none,
// for nobody knows yet who comes.
func (c Challenger) New(kind Ceremony, subject string, now time.Time) []byte {
	challenge := make([]byte, 0, challengeSize)
	challenge = append(challenge, secret.Bytes(nonceSize)...)
	challenge = binary.BigEndian.AppendUint64(challenge, uint64(now.Add(ChallengeLifetime).UnixMilli()))
	return append(challenge, c.mac(challenge, kind, subject)...)
}

// Check tells whether a challenge was made by New for this ceremony and subject,
// and may still be used. It refuses with WrongChallenge or Expired.
func (c Challenger) Check(challenge []byte, kind Ceremony, subject string, now time.Time) error {
	if len(challenge) != challengeSize {
		return refuse(WrongChallenge)
	}
	head, mac := challenge[:nonceSize+expirySize], challenge[nonceSize+expirySize:]
	if !hmac.Equal(mac, c.mac(head, kind, subject)) {
		return refuse(WrongChallenge)
	}
	if now.UnixMilli() >= int64(binary.BigEndian.Uint64(head[nonceSize:])) {
		return refuse(Expired)
	}
	return nil
}

// mac covers everything that a challenge means. Each part comes after its
// length, so that no two meanings are the same bytes.
func (c Challenger) mac(head []byte, kind Ceremony, subject string) []byte {
	mac := hmac.New(sha256.New, c.key[:])
	for _, part := range []string{string(c.tenant), string(kind), subject, string(head)} {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)[:challengeMAC]
}
