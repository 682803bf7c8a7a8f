package token

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// Issuer mints and verifies tokens of all profiles.
type Issuer struct {
	Keys   *Keys
	Opaque OpaqueKey
	Clock  gate.Clock

	signers sync.Map // key id or face → jose.Signer
}

// Access mints an access token for a user in a session; the rest of the grant is
// filled in here.
func (i *Issuer) Access(ctx context.Context, p Profile, g Grant) (secret.Text, error) {
	g = i.dated(p, g)
	g.Audience, g.ExpiresAt = p.Audience, g.IssuedAt.Add(p.AccessTTL)
	if p.OpaqueAccess {
		return i.Opaque.mintSession(p, Owner{g.User.ID, g.Session}, g.ExpiresAt), nil
	}
	return i.sign(ctx, p, p.HeaderType, p.AccessClaims(g))
}

// Owner is whom a refresh token belongs to.
type Owner struct {
	Principal gate.PrincipalID
	Session   gate.SessionID
}

// Refresh mints a refresh token. Signed or not, it is only good while the
// session's row says so.
func (i *Issuer) Refresh(ctx context.Context, p Profile, of Owner) (secret.Text, error) {
	if p.RefreshClaims == nil {
		return i.Opaque.mint(p, of), nil
	}
	g := i.dated(p, Grant{User: gate.User{ID: of.Principal}, Session: of.Session})
	g.Audience, g.ExpiresAt = p.refreshAudience(), g.IssuedAt.Add(p.RefreshTTL)
	return i.sign(ctx, p, "JWT", p.RefreshClaims(g))
}

func (i *Issuer) dated(p Profile, g Grant) Grant {
	g.ID, g.Issuer, g.IssuedAt = secret.RandomID(), p.Issuer, i.Clock()
	return g
}

// VerifyAccess returns the claims of a good access token, or
// gate.ErrInvalidToken with the reason as its cause.
func (i *Issuer) VerifyAccess(ctx context.Context, p Profile, t secret.Text) (Claims, error) {
	if p.OpaqueAccess {
		of, expires, err := i.Opaque.readSession(p, t)
		if err == nil && !i.Clock().Before(expires) {
			err = errTimes
		}
		return Claims{Subject: string(of.Principal), Session: string(of.Session), ExpiresAt: expires.Unix()}, orTrouble(err, gate.ErrInvalidToken)
	}
	claims, err := i.verify(ctx, p, t, expected{p.HeaderType, "access", p.Audience})
	return claims, orTrouble(err, gate.ErrInvalidToken)
}

// VerifyRefresh returns the owner of a refresh token that this house issued and
// that has not expired, or gate.ErrInvalidRefresh. Whether it is still the
// newest of its session is for the store to say.
func (i *Issuer) VerifyRefresh(ctx context.Context, p Profile, t secret.Text) (Owner, error) {
	if p.RefreshClaims == nil {
		of, ok := i.Opaque.read(p, t)
		if !ok {
			return of, gate.ErrInvalidRefresh
		}
		return of, nil
	}
	claims, err := i.verify(ctx, p, t, expected{"JWT", "refresh", p.refreshAudience()})
	return Owner{gate.PrincipalID(claims.Subject), gate.SessionID(claims.SessionID)}, orTrouble(err, gate.ErrInvalidRefresh)
}

// keyTrouble is a failure to get at our own keys. It says nothing about the
// token.
type keyTrouble struct{ error }

func (t keyTrouble) Unwrap() error { return t.error }

// orTrouble keeps an outage an outage: a token that cannot be checked is not an
// invalid one.
func orTrouble(err error, invalid *gate.Error) error {
	if err == nil || errors.As(err, new(keyTrouble)) {
		return err
	}
	return invalid.Because(err)
}

func (i *Issuer) sign(ctx context.Context, p Profile, typ string, claims any) (secret.Text, error) {
	signer, err := i.signer(ctx, p, typ)
	if err != nil {
		return secret.Text{}, err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return secret.Text{}, err
	}
	object, err := signer.Sign(payload)
	if err != nil {
		return secret.Text{}, err
	}
	compact, err := object.CompactSerialize()
	return secret.NewText(compact), err
}

func (i *Issuer) signer(ctx context.Context, p Profile, typ string) (jose.Signer, error) {
	options := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	key, id := jose.SigningKey{Algorithm: jose.SignatureAlgorithm(p.Algorithm)}, p.Face
	if p.symmetric() {
		key.Key = []byte(p.Secret.Reveal())
	} else {
		current, err := i.Keys.current(ctx, p.Tenant, p.Algorithm)
		if err != nil {
			return nil, err
		}
		key.Key, id = current.private, current.id
		options = options.WithHeader("kid", current.id)
	}
	id += "|" + typ
	if signer, ok := i.signers.Load(id); ok {
		return signer.(jose.Signer), nil
	}
	signer, err := jose.NewSigner(key, options)
	if err == nil {
		i.signers.Store(id, signer)
	}
	return signer, err
}

const maxTokenSize = 8 << 10

var (
	errMalformed = errors.New("not a compact JWS in strict base64url")
	errHeader    = errors.New("header with critical or embedded-key parameters, or of another type")
	errType      = errors.New("token of another type")
	errAudience  = errors.New("token for somebody else")
	errTimes     = errors.New("expired, or not valid yet")
	errKey       = errors.New("signed with an unknown key")
)

// expected tells one kind of token from the others.
type expected struct{ typ, claimType, audience string }

// verify checks signature, type, issuer, audience and times. The algorithm and key come from the
// profile, never from the token (RFC 8725 §3.1).
func (i *Issuer) verify(ctx context.Context, p Profile, t secret.Text, want expected) (Claims, error) {
	var claims Claims
	header, err := readHeader(t)
	if err != nil {
		return claims, err
	}
	if !p.ClaimTypes && !strings.EqualFold(header.Type, want.typ) {
		return claims, errHeader
	}
	object, err := jose.ParseSignedCompact(t.Reveal(), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(p.Algorithm)})
	if err != nil {
		return claims, err
	}
	var key any = []byte(p.Secret.Reveal())
	if !p.symmetric() {
		if key, err = i.Keys.public(ctx, p.Tenant, p.Algorithm, header.KeyID); err != nil {
			if !errors.Is(err, errKey) {
				err = keyTrouble{err}
			}
			return claims, err
		}
	}
	payload, err := object.Verify(key)
	if err != nil {
		return claims, err
	}
	if err := json.Unmarshal(payload, &claims); err != nil { // refuses duplicate names
		return claims, err
	}
	if p.ClaimTypes && claims.Type != want.claimType || claims.Issuer != p.Issuer {
		return claims, errType
	}
	if want.audience != "" && !slices.Contains(claims.Audience, want.audience) {
		return claims, errAudience
	}
	if now := i.Clock().Unix(); claims.ExpiresAt <= now || claims.NotBefore > now {
		return claims, errTimes
	}
	return claims, nil
}

type header struct {
	Algorithm string `json:"alg"`
	Type      string `json:"typ"`
	KeyID     string `json:"kid"`
}

// readHeader refuses everything that could be read in two ways: other
// serializations, sloppy base64, duplicate or unexpected header parameters.
func readHeader(t secret.Text) (header, error) {
	var h header
	if len(t.Reveal()) > maxTokenSize || strings.Count(t.Reveal(), ".") != 2 {
		return h, errMalformed
	}
	var first []byte
	for n, part := range strings.Split(t.Reveal(), ".") {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil || len(raw) == 0 || strings.ContainsAny(part, "\r\n") {
			return h, errMalformed
		}
		if n == 0 {
			first = raw
		}
	}
	if err := json.Unmarshal(first, &h, json.RejectUnknownMembers(true)); err != nil {
		return h, errHeader
	}
	return h, nil
}
