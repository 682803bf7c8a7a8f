package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// OpaqueKey makes refresh tokens that say nothing to their bearer and yet name
// their session and principal:
//
//	gh_rt_<base64url(session 16 B, principal 16 B, MAC 16 B)>.<random><crc>
//
// The random half is the secret. The MAC covers everything else and proves that
// this house issued the token: a made-up one ends no session by looking like a
// spent one, and costs no SQL.
type OpaqueKey []byte

const (
	opaqueKind = "rt"
	idsSize    = 32
	macSize    = 16
)

func (k OpaqueKey) mint(of Owner) secret.Text {
	session, principal := uuid.MustParse(string(of.Session)), uuid.MustParse(string(of.Principal))
	random := secret.New(opaqueKind).Reveal()
	ids := append(session[:], principal[:]...)
	head := base64.RawURLEncoding.EncodeToString(append(ids, k.mac(ids, random)...))
	prefix := "gh_" + opaqueKind + "_"
	return secret.NewText(prefix + head + "." + strings.TrimPrefix(random, prefix))
}

func (k OpaqueKey) read(t secret.Text) (Owner, bool) {
	prefix := "gh_" + opaqueKind + "_"
	rest, ok := strings.CutPrefix(t.Reveal(), prefix)
	head, random, found := strings.Cut(rest, ".")
	random = prefix + random
	if !ok || !found || !secret.WellFormed(opaqueKind, secret.NewText(random)) {
		return Owner{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(head)
	if err != nil || len(raw) != idsSize+macSize || strings.ContainsAny(head, "\r\n") || !hmac.Equal(raw[idsSize:], k.mac(raw[:idsSize], random)) {
		return Owner{}, false
	}
	session, principal := uuid.UUID(raw[:16]), uuid.UUID(raw[16:32])
	return Owner{gate.PrincipalID(principal.String()), gate.SessionID(session.String())}, true
}

func (k OpaqueKey) mac(ids []byte, random string) []byte {
	mac := hmac.New(sha256.New, k)
	mac.Write(ids)
	mac.Write([]byte(random))
	return mac.Sum(nil)[:macSize]
}
