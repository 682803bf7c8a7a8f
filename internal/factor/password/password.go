// Package password makes password verifiers and checks passwords against them.
//
// What it promises:
//
//   - New verifiers are argon2id in PHC form. Verifiers made elsewhere (the
//     table in scheme.go) are checked too, and Verdict.Rehash says when to
//     replace one.
//   - A password is brought into Unicode form NFKC before it is hashed, so that
//     an accent typed on two devices is one password. A verifier from elsewhere
//     may have been made of the bytes as they were typed; where these differ,
//     they are tried as well.
//   - A password is never cut. What a scheme cannot take whole does not match:
//     bcrypt ends at 72 bytes, everything here at MaxBytes.
//   - A verifier cannot make us work without bound: one that asks for absurd
//     parameters is refused before anything is computed. See Acceptable.
//   - Only who holds a Slot can hash, so the house never hashes more than it
//     has slots for, and never needs more memory than that.
//   - An unknown user costs what a known one costs. This holds for verifiers
//     with the current parameters; older ones tell themselves by their own
//     time until they are replaced.
//
// Which passwords are good enough is policy, how often one may try is
// internal/limit, and when to look is internal/login. There is no I/O here.
package password

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// MaxBytes is the longest password, as sent, that is looked at.
const MaxBytes = 4096

// Params is what one argon2id hash costs (RFC 9106).
type Params struct {
	MemoryKiB, Passes uint32
	Lanes             uint8
}

// Default is the least that OWASP's password storage guidance accepts, and the
// cheapest of its equals.
var Default = Params{MemoryKiB: 19456, Passes: 2, Lanes: 1}

const (
	saltSize = 16
	keySize  = 32
)

// Hasher hands out slots to hash in. Its fields are set before its first use.
type Hasher struct {
	MaxWait time.Duration // for a slot; NewHasher sets 5 s

	params  Params
	nobody  string // a verifier that no password fits
	slots   chan struct{}
	waiting atomic.Int64
}

// NewHasher returns a hasher that makes verifiers with the given parameters, at
// most so many at a time; 0 is one per processor.
func NewHasher(p Params, slots int) (*Hasher, error) {
	if p.check() != nil {
		return nil, fmt.Errorf("argon2id parameters m=%d, t=%d, p=%d are out of bounds: "+
			"m is in KiB, from 8 times p to 1 GiB; t and p are from 1 to 64; m times t is at most 4 GiB",
			p.MemoryKiB, p.Passes, p.Lanes)
	}
	if slots < 0 {
		return nil, fmt.Errorf("%d slots for hashing passwords: must not be negative", slots)
	}
	if slots == 0 {
		slots = runtime.GOMAXPROCS(0)
	}
	return &Hasher{
		MaxWait: 5 * time.Second,
		params:  p,
		nobody:  p.encode(secret.Bytes(saltSize), secret.Bytes(keySize)),
		slots:   make(chan struct{}, slots),
	}, nil
}

// Verdict is the outcome of a check.
type Verdict struct {
	Match  bool // the password is the right one
	Rehash bool // and its verifier should be replaced by one from Slot.Hash
}

// Hash makes a verifier for the password: "$argon2id$v=19$m=…,t=…,p=…$salt$key".
// A password over MaxBytes is gate.ErrValidation.
func (s *Slot) Hash(pw secret.Text) (string, error) {
	if len(pw.Reveal()) > MaxBytes {
		return "", gate.ErrValidation.At(gate.Problem{
			Path: []string{"password"}, Rule: gate.RuleValue, Words: fmt.Sprintf("at most %d bytes", MaxBytes),
		})
	}
	p, salt := s.h.params, secret.Bytes(saltSize)
	return p.encode(salt, p.key(norm.NFKC.String(pw.Reveal()), salt, keySize)), nil
}

// Check tells whether the password fits the verifier. A verifier that is not
// Acceptable fits nothing, in the time that a good one takes.
func (s *Slot) Check(pw secret.Text, verifier string) Verdict {
	typed := pw.Reveal()
	if len(typed) > MaxBytes {
		return Verdict{}
	}
	fits, err := parse(verifier)
	if err != nil {
		s.CheckNothing(pw)
		return Verdict{}
	}
	// Normal form first: it is all that our own verifiers need.
	normal := norm.NFKC.String(typed)
	if fits(normal) {
		return Verdict{Match: true, Rehash: !s.h.current(verifier)}
	}
	if typed != normal && fits(typed) {
		return Verdict{Match: true, Rehash: true}
	}
	return Verdict{}
}

// CheckNothing does the work of a Check that fails. It is for users who do not
// exist or have no password, so that time does not tell who does.
func (s *Slot) CheckNothing(pw secret.Text) { s.Check(pw, s.h.nobody) }

// current reports whether a verifier that parses is as Slot.Hash makes them.
// All of those are alike in their beginning, their length and where the key
// begins.
func (h *Hasher) current(verifier string) bool {
	return strings.HasPrefix(verifier, h.params.prefix()) && len(verifier) == len(h.nobody) &&
		strings.LastIndexByte(verifier, '$') == strings.LastIndexByte(h.nobody, '$')
}
