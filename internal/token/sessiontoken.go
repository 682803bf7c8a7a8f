package token

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// Session tokens are access tokens for browsers and services that know nothing
// of JWTs: they say nothing to their bearer and fit into a cookie as they are.
//
//	gh_st_<base64url(session 16 B, principal 16 B, expiry 8 B, MAC 16 B)>
//
// What they may do is asked of the session at every use, so nothing about it is
// in them. The MAC (HMAC-SHA-256, cut to 128 bits) is the secret; it also covers
// tenant and face, so that a token of one is nothing to another.
const (
	sessionPrefix = "gh_st_"
	sessionSize   = idsSize + 8
)

var errSessionToken = errors.New("not a session token of this face")

func (k OpaqueKey) mintSession(p Profile, of Owner, expires time.Time) secret.Text {
	session, principal := uuid.MustParse(string(of.Session)), uuid.MustParse(string(of.Principal))
	body := append(session[:], principal[:]...)
	body = binary.BigEndian.AppendUint64(body, uint64(expires.UnixMilli()))
	return secret.NewText(sessionPrefix + base64.RawURLEncoding.EncodeToString(append(body, k.sessionMAC(p, body)...)))
}

func (k OpaqueKey) readSession(p Profile, t secret.Text) (Owner, time.Time, error) {
	text, ok := strings.CutPrefix(t.Reveal(), sessionPrefix)
	if !ok || len(text) != base64.RawURLEncoding.EncodedLen(sessionSize+macSize) {
		return Owner{}, time.Time{}, errSessionToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != sessionSize+macSize || !hmac.Equal(raw[sessionSize:], k.sessionMAC(p, raw[:sessionSize])) {
		return Owner{}, time.Time{}, errSessionToken
	}
	session, principal := uuid.UUID(raw[:16]), uuid.UUID(raw[16:32])
	expires := time.UnixMilli(int64(binary.BigEndian.Uint64(raw[idsSize:sessionSize])))
	return Owner{gate.PrincipalID(principal.String()), gate.SessionID(session.String())}, expires, nil
}

func (k OpaqueKey) sessionMAC(p Profile, body []byte) []byte { return k.macOf(p, sessionPrefix, body) }

// Takes reports whether a token has the shape of the profile's access tokens.
// Which of several profiles a token is of is thus never a matter of trying.
func (p Profile) Takes(t secret.Text) bool {
	return p.OpaqueAccess == strings.HasPrefix(t.Reveal(), sessionPrefix)
}
