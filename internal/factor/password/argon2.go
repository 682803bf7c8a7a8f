package password

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon2 in PHC string format, version 19 only: Go has no older one, and no
// argon2d. Go's functions panic on zero passes and quietly raise too little
// memory, so parameters are checked before they get there.

const (
	maxPasses     = 64
	maxLanes      = 64
	minArgon2Salt = 8 // RFC 9106 §3.1
)

// check holds parameters against RFC 9106 §3.1 and against our bounds.
func (p Params) check() error {
	if p.Passes < 1 || p.Lanes < 1 || p.MemoryKiB < 8*uint32(p.Lanes) {
		return ErrForm
	}
	memory := uint64(p.MemoryKiB) << 10
	if p.Passes > maxPasses || p.Lanes > maxLanes || memory > maxMemory || memory*uint64(p.Passes) > maxTraffic {
		return ErrCost
	}
	return nil
}

func (p Params) key(password string, salt []byte, size int) []byte {
	return argon2.IDKey([]byte(password), salt, p.Passes, p.MemoryKiB, p.Lanes, uint32(size))
}

func (p Params) prefix() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, p.MemoryKiB, p.Passes, p.Lanes)
}

func (p Params) encode(salt, key []byte) string {
	return p.prefix() + phc64.EncodeToString(salt) + "$" + phc64.EncodeToString(key)
}

func parseArgon2id(rest string) (fits, error) {
	p, salt, key, err := readArgon2(rest)
	if err != nil {
		return nil, err
	}
	return derived(key, func(password string, size int) []byte { return p.key(password, salt, size) })
}

func parseArgon2i(rest string) (fits, error) {
	p, salt, key, err := readArgon2(rest)
	if err != nil {
		return nil, err
	}
	return derived(key, func(password string, size int) []byte {
		return argon2.Key([]byte(password), salt, p.Passes, p.MemoryKiB, p.Lanes, uint32(size))
	})
}

// readArgon2 reads "v=19$m=…,t=…,p=…$salt$key".
func readArgon2(rest string) (p Params, salt, key []byte, err error) {
	version, rest, _ := strings.Cut(rest, "$")
	if version != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, ErrScheme
	}
	costs, rest, _ := strings.Cut(rest, "$")
	n, err := numbers(costs, "m", "t", "p")
	if err != nil {
		return p, nil, nil, err
	}
	if n[2] > maxLanes { // before it is squeezed into 8 bits
		return p, nil, nil, ErrCost
	}
	p = Params{MemoryKiB: uint32(n[0]), Passes: uint32(n[1]), Lanes: uint8(n[2])}
	if err = p.check(); err != nil {
		return p, nil, nil, err
	}
	salt, key, err = saltAndKey(rest, phc64)
	if err == nil && len(salt) < minArgon2Salt {
		err = ErrForm
	}
	return p, salt, key, err
}
