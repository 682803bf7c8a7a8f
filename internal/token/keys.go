package token

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Keys is the tenant's signing keys: made when first needed, private halves
// sealed in the database, shared by all replicas.
type Keys struct {
	DB    *store.DB
	Box   *secret.Box
	Clock gate.Clock

	mu     sync.Mutex
	loaded map[gate.TenantID]*keySet
}

type keySet struct {
	at   time.Time
	keys []signingKey // newest first
}

type signingKey struct {
	id        string
	algorithm string
	private   crypto.Signer
	retired   bool
}

const (
	keysFreshFor = 30 * time.Second
	// An unknown kid is a reason to look again, but not for every forged token.
	keysReloadAtMost = time.Second
)

// current returns the key that signs now, making one if there is none.
func (k *Keys) current(ctx context.Context, tenant gate.TenantID, algorithm string) (signingKey, error) {
	find := func(set *keySet) (signingKey, bool) {
		for _, key := range set.keys {
			if key.algorithm == algorithm && !key.retired {
				return key, true
			}
		}
		return signingKey{}, false
	}
	set, err := k.load(ctx, tenant, keysFreshFor)
	if err != nil {
		return signingKey{}, err
	}
	if key, ok := find(set); ok {
		return key, nil
	}
	if err := k.make(ctx, tenant, algorithm); err != nil {
		return signingKey{}, err
	}
	if set, err = k.load(ctx, tenant, 0); err != nil {
		return signingKey{}, err
	}
	key, ok := find(set)
	if !ok {
		return key, fmt.Errorf("no signing key for %s", algorithm)
	}
	return key, nil
}

// public returns the verification key for a kid and algorithm.
func (k *Keys) public(ctx context.Context, tenant gate.TenantID, algorithm, kid string) (crypto.PublicKey, error) {
	for _, age := range []time.Duration{keysFreshFor, keysReloadAtMost} {
		set, err := k.load(ctx, tenant, age)
		if err != nil {
			return nil, err
		}
		for _, key := range set.keys {
			if key.id == kid && key.algorithm == algorithm {
				return key.private.Public(), nil
			}
		}
	}
	return nil, errKey
}

// JWKS returns the public keys (RFC 7517 §5). The named algorithms get a key
// if they have none yet, so that a verifier which starts first finds one.
func (k *Keys) JWKS(ctx context.Context, tenant gate.TenantID, algorithms ...string) (jose.JSONWebKeySet, error) {
	var out jose.JSONWebKeySet
	for _, algorithm := range algorithms {
		if _, err := k.current(ctx, tenant, algorithm); err != nil {
			return out, err
		}
	}
	set, err := k.load(ctx, tenant, keysFreshFor)
	if err != nil {
		return out, err
	}
	out.Keys = []jose.JSONWebKey{}
	for _, key := range set.keys {
		out.Keys = append(out.Keys, jose.JSONWebKey{Key: key.private.Public(), KeyID: key.id, Algorithm: key.algorithm, Use: "sig"})
	}
	return out, nil
}

// load returns the keys, read again if what we have is older than age. During
// an outage what we have goes on being used: keys do not go bad by waiting.
func (k *Keys) load(ctx context.Context, tenant gate.TenantID, age time.Duration) (*keySet, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	have := k.loaded[tenant]
	if have != nil && k.Clock().Sub(have.at) < age {
		return have, nil
	}
	set := &keySet{at: k.Clock()}
	err := k.DB.Read(ctx, tenant, func(tx *store.Tx) error {
		rows, err := tx.SigningKeys()
		if err != nil {
			return err
		}
		set.keys = nil
		for _, row := range rows {
			key, err := k.open(tenant, row)
			if err != nil {
				return err
			}
			set.keys = append(set.keys, key)
		}
		return nil
	})
	if err != nil {
		if have != nil {
			return have, nil
		}
		return nil, err
	}
	if k.loaded == nil {
		k.loaded = map[gate.TenantID]*keySet{}
	}
	k.loaded[tenant] = set
	return set, nil
}

func place(tenant gate.TenantID, kid string) string {
	return "signing_keys|private|" + string(tenant) + "|" + kid
}

func (k *Keys) open(tenant gate.TenantID, row store.SigningKey) (signingKey, error) {
	der, err := k.Box.Open(row.Private, place(tenant, row.ID))
	if err != nil {
		return signingKey{}, fmt.Errorf("signing key %s: %w", row.ID, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return signingKey{}, fmt.Errorf("signing key %s: %w", row.ID, err)
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return signingKey{}, fmt.Errorf("signing key %s: not a key that signs", row.ID)
	}
	return signingKey{id: row.ID, algorithm: row.Algorithm, private: signer, retired: !row.RetiredAt.IsZero()}, nil
}

// make generates a key; when several replicas do so at once, one key stays.
func (k *Keys) make(ctx context.Context, tenant gate.TenantID, algorithm string) error {
	private, err := generate(algorithm)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	thumbprint, err := (&jose.JSONWebKey{Key: private.Public()}).Thumbprint(crypto.SHA256) // RFC 7638
	if err != nil {
		return err
	}
	kid := base64.RawURLEncoding.EncodeToString(thumbprint)
	public, err := (&jose.JSONWebKey{Key: private.Public(), KeyID: kid, Algorithm: algorithm, Use: "sig"}).MarshalJSON()
	if err != nil {
		return err
	}
	return k.DB.Write(ctx, tenant, func(tx *store.Tx) error {
		added, err := tx.AddSigningKey(store.SigningKey{
			ID: kid, Algorithm: algorithm, Public: string(public), Private: k.Box.Seal(der, place(tenant, kid)),
		})
		if err != nil || !added {
			return err
		}
		return tx.Record(gate.Event{Name: gate.EventKeyCreated, Client: "house", Detail: map[string]string{"kid": kid, "algorithm": algorithm}})
	})
}

func generate(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), secret.Reader)
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(secret.Reader)
		return private, err
	case "RS256":
		return rsa.GenerateKey(secret.Reader, 3072)
	}
	return nil, fmt.Errorf("no keys can be made for algorithm %q", algorithm)
}
