package passkey

import (
	"math/big"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

const (
	maxKeyBytes = 2048 // as stored; the largest that is taken has half of that
	minRSABits  = 2048 // NIST SP 800-131A: shorter ones may not make signatures any more
	maxRSABits  = 8192 // what checking one costs grows with the square
)

// readKey reads a COSE key of an algorithm that was offered, and that can have
// made a signature. It returns one of the library's three types of keys, and
// refuses with Malformed, WrongAlgorithm or BadKey.
//
// An Ed25519 key that is no point is not noticed: the standard library tells
// nobody. It fits no signature, so it lets nobody in.
func readKey(cose []byte) (any, error) {
	var head webauthncose.PublicKeyData
	if len(cose) > maxKeyBytes || webauthncbor.Unmarshal(cose, &head) != nil {
		return nil, refuse(Malformed)
	}
	if head.Algorithm != es256 && head.Algorithm != rs256 && head.Algorithm != eddsa {
		return nil, refuse(WrongAlgorithm)
	}
	key, err := webauthncose.ParsePublicKey(cose) // checks curve, length and point (§5.8.5)
	if err != nil {
		return nil, refuse(BadKey)
	}
	fits := false // the type of the key and its algorithm: the library looks only when it verifies
	switch k := key.(type) {
	case webauthncose.EC2PublicKeyData:
		fits = k.Algorithm == es256
	case webauthncose.OKPPublicKeyData:
		fits = k.Algorithm == eddsa
	case webauthncose.RSAPublicKeyData:
		fits = k.Algorithm == rs256 && soundRSA(&k)
	}
	if !fits {
		return nil, refuse(BadKey)
	}
	return key, nil
}

// soundRSA tells whether crypto/rsa will have the key.
func soundRSA(k *webauthncose.RSAPublicKeyData) bool {
	modulus := new(big.Int).SetBytes(k.Modulus)
	exponent, err := webauthncose.ParseRSAPublicKeyDataExponent(k)
	return err == nil && exponent >= 3 && exponent <= 1<<31-1 && exponent%2 == 1 &&
		modulus.Bit(0) == 1 && modulus.BitLen() >= minRSABits && modulus.BitLen() <= maxRSABits
}
