package passkey

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-webauthn/webauthn/protocol"
)

// envelope is a PublicKeyCredential in JSON (§5.1), of which R is the response. Members that are not here are nothing to us: clients send more with
// every version, and client extension outputs would be believed by nobody.
type envelope[R any] struct {
	ID       string `json:"id"`
	RawID    string `json:"rawId"`
	Type     string `json:"type"`
	Response R      `json:"response"`
}

// open reads the envelope and the credential id. The library would read it with
// encoding/json, which takes members twice and in another case; so only what is
// inside goes to the library.
func open[R any](raw []byte) (response R, id []byte, err error) {
	var e envelope[R]
	if len(raw) > maxResponseBytes || json.Unmarshal(raw, &e) != nil || e.Type != publicKey {
		return response, nil, refuse(Malformed)
	}
	id, err = decode(e.RawID)
	if err != nil {
		return response, nil, err
	}
	named, err := decode(e.ID)
	if err != nil || !bytes.Equal(named, id) || len(id) == 0 || len(id) > maxCredentialID {
		return response, nil, refuse(Malformed)
	}
	return e.Response, id, nil
}

// decode reads base64url in its one form: no line breaks, no stray bits. Padding
// is no part of it (§3), but some clients add it; if so, it has to be right.
func decode(text string) ([]byte, error) {
	encoding := base64.RawURLEncoding
	if strings.HasSuffix(text, "=") {
		encoding = base64.URLEncoding
	}
	// The decoder of the standard library skips line breaks even when strict.
	b, err := encoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, refuse(Malformed)
	}
	return b, nil
}

// clientData is what the browser says about the ceremony (§5.8.1). Token
// binding is gone since Level 3 and not looked at.
type clientData struct {
	Type        Ceremony `json:"type"`
	Challenge   string   `json:"challenge"`
	Origin      string   `json:"origin"`
	CrossOrigin bool     `json:"crossOrigin"`
	TopOrigin   *string  `json:"topOrigin"`

	challenge []byte
	hash      [sha256.Size]byte // of the text, which is what was signed
}

// readClientData is §7.1 steps 5 and 6, and §7.2 steps 8 and 9. "UTF-8 decode"
// drops a byte order mark; where it would mend invalid UTF-8, we refuse.
func readClientData(encoded string) (c clientData, err error) {
	text, err := decode(encoded)
	if err != nil {
		return c, err
	}
	if json.Unmarshal(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), &c) != nil {
		return c, refuse(Malformed)
	}
	if c.challenge, err = decode(c.Challenge); err != nil {
		return c, err
	}
	c.hash = sha256.Sum256(text)
	return c, nil
}

// check is §7.1 steps 7 and 9 to 11, and §7.2 steps 10 and 12 to 14. The
// library's own comparison takes "https://example.com/x" for
// "https://example.com", and a browser never writes that.
func (c *clientData) check(party Party, kind Ceremony) error {
	switch {
	case c.Type != kind:
		return refuse(WrongType)
	case !slices.Contains(party.Origins, c.Origin):
		return refuse(WrongOrigin)
	case c.CrossOrigin || c.TopOrigin != nil:
		return refuse(CrossOrigin)
	}
	return nil
}

// checkAuthenticator is §7.1 steps 14 to 17 and §7.2 steps 15 to 18.
func checkAuthenticator(data *protocol.AuthenticatorData, party Party) error {
	want := sha256.Sum256([]byte(party.ID))
	flags := data.Flags
	switch {
	case !bytes.Equal(data.RPIDHash, want[:]):
		return refuse(WrongParty)
	case !flags.HasUserPresent():
		return refuse(NotPresent)
	case !flags.HasUserVerified():
		return refuse(NotVerified)
	case flags.HasBackupState() && !flags.HasBackupEligible():
		return refuse(BackupState)
	}
	return nil
}
