package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
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
// The random half is the secret. The MAC covers everything else, the tenant and
// the face, and proves that this house issued the token there: a made-up one ends no session by looking like a
// spent one, and costs no SQL.
type OpaqueKey []byte

const (
	opaqueKind = "rt"
	idsSize    = 32
	macSize    = 16
)

func (k OpaqueKey) mint(p Profile, of Owner) secret.Text {
	session, principal := uuid.MustParse(string(of.Session)), uuid.MustParse(string(of.Principal))
	random := secret.New(opaqueKind).Reveal()
	ids := append(session[:], principal[:]...)
	head := base64.RawURLEncoding.EncodeToString(append(ids, k.mac(p, ids, random)...))
	prefix := "gh_" + opaqueKind + "_"
	return secret.NewText(prefix + head + "." + strings.TrimPrefix(random, prefix))
}

func (k OpaqueKey) read(p Profile, t secret.Text) (Owner, bool) {
	prefix := "gh_" + opaqueKind + "_"
	rest, ok := strings.CutPrefix(t.Reveal(), prefix)
	head, random, found := strings.Cut(rest, ".")
	random = prefix + random
	if !ok || !found || !secret.WellFormed(opaqueKind, secret.NewText(random)) {
		return Owner{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(head)
	if err != nil || len(raw) != idsSize+macSize || strings.ContainsAny(head, "\r\n") || !hmac.Equal(raw[idsSize:], k.mac(p, raw[:idsSize], random)) {
		return Owner{}, false
	}
	session, principal := uuid.UUID(raw[:16]), uuid.UUID(raw[16:32])
	return Owner{gate.PrincipalID(principal.String()), gate.SessionID(session.String())}, true
}

func (k OpaqueKey) mac(p Profile, ids []byte, random string) []byte {
	return k.macOf(p, "gh_"+opaqueKind+"_", ids, []byte(random))
}

// macOf covers what a token is, whose tenant's and which face's, so that a token
// of one is nothing to another; each part after its length.
func (k OpaqueKey) macOf(p Profile, kind string, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, k)
	for _, part := range append([][]byte{[]byte(kind), []byte(p.Tenant), []byte(p.Face)}, parts...) {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		mac.Write(part)
	}
	return mac.Sum(nil)[:macSize]
}
