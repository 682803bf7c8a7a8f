package authn

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"

	"github.com/maypok86/otter/v2"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Machines verifies the keys of apps and nodes, for one face. What was good is
// remembered under a SHA-256 of all that was presented, in bounded caches; the
// store's feed says when it must not be believed any more. What was no good is
// not remembered, so that a flood of wrong keys drives nothing out.
type Machines struct {
	db    *store.DB
	apps  *otter.Cache[secret.Digest, *VerifiedApp]
	nodes *otter.Cache[secret.Digest, *NodeVerdict]
}

// NewMachines returns the verifier for one face.
func NewMachines(db *store.DB) *Machines {
	return &Machines{
		db:    db,
		apps:  otter.Must(&otter.Options[secret.Digest, *VerifiedApp]{MaximumSize: CacheSize, InitialCapacity: 64}),
		nodes: otter.Must(&otter.Options[secret.Digest, *NodeVerdict]{MaximumSize: CacheSize, InitialCapacity: 64}),
	}
}

// VerifiedApp is what the good key of an app proves.
type VerifiedApp struct {
	App gate.App

	subjects []string
	mark     store.Mark
	answers  answers
}

// AsCaller returns the caller acting as the app.
func (v *VerifiedApp) AsCaller(anonymous gate.Caller) gate.Caller { return anonymous.AsApp(v.App) }

// App verifies the key of an app.
//
// Refused: gate.ErrMissingKey when the name or the key is empty;
// gate.ErrInvalidKey for an app that is unknown or disabled and for a wrong key,
// which look alike. An outage of the database is neither: it is
// gate.ErrDatabaseUnavailable.
func (m *Machines) App(ctx context.Context, tenant gate.TenantID, name string, key secret.Text) (*VerifiedApp, error) {
	if name == "" || key.Empty() {
		return nil, gate.ErrMissingKey
	}
	presented := fingerprint("app", string(tenant), name, key.Reveal())
	kept, ok := m.apps.GetIfPresent(presented)
	if ok && m.db.Feed().FreshAll(kept.mark, tenant, kept.subjects...) {
		return kept, nil
	}
	v, err := m.verifyApp(ctx, tenant, name, key)
	if err != nil {
		if ok {
			m.apps.Invalidate(presented)
		}
		return nil, err
	}
	m.apps.Set(presented, v)
	return v, nil
}

func (m *Machines) verifyApp(ctx context.Context, tenant gate.TenantID, name string, key secret.Text) (*VerifiedApp, error) {
	mark := m.db.Feed().Mark() // before reading: a change from here on makes the answer stale
	var found store.AppKey
	if gate.CleanText(name) { // no other name was ever stored, and Postgres could not even compare it
		err := m.db.Read(ctx, tenant, func(tx *store.Tx) (err error) {
			found, err = tx.AppKey(name)
			return err
		})
		if err != nil && !errors.Is(err, gate.ErrNotFound) {
			return nil, err
		}
	}
	good := keyFits(found.Verifier, key) // for nobody's key, too: it costs the same
	switch {
	case found.App.ID == "":
		return nil, gate.ErrInvalidKey.Because(errors.New("unknown app"))
	case found.App.Disabled():
		return nil, gate.ErrInvalidKey.Because(errors.New("app disabled"))
	case !good:
		return nil, gate.ErrInvalidKey.Because(errors.New("wrong key"))
	}
	return &VerifiedApp{App: found.App, subjects: []string{string(found.App.ID), string(found.Owner)}, mark: mark}, nil
}

// NodeReason says why a node is not let in, "" when it is.
type NodeReason string

// The reasons, in the order in which they are looked for.
const (
	NodeNotFound          NodeReason = "node_not_found"
	NodeInactive          NodeReason = "node_inactive"
	NodeCredentials       NodeReason = "invalid_credentials"
	NodeServiceNotGranted NodeReason = "service_not_granted"
)

// NodeVerdict is the answer to whether a service lets a node in. Node and
// Members are empty when it does not. A good one is shared with other requests:
// nobody changes it.
type NodeVerdict struct {
	Valid   bool
	Reason  NodeReason
	Service string    // that was asked for
	Node    gate.Node // as it is today
	Members []int64   // numbers of today's members of the node's org, ascending

	subjects []string // the app that asked is one
	mark     store.Mark
	answers  answers
}

// NodeQuestion is what an app asks about a node: both show their keys.
type NodeQuestion struct {
	App     string
	AppKey  secret.Text
	Node    string
	NodeKey secret.Text
	Service string // that the node wants to use
}

// Node decides whether a service lets a node in, for an app that proves itself
// with the same question: one look at what is remembered answers for both keys.
//
// A node that is no good, for whatever reason, is not an error. An app that is
// no good is one, as App says, and so is an outage:
// gate.ErrDatabaseUnavailable.
func (m *Machines) Node(ctx context.Context, tenant gate.TenantID, q NodeQuestion) (*NodeVerdict, error) {
	presented := fingerprint("node", string(tenant), q.App, q.AppKey.Reveal(), q.Node, q.NodeKey.Reveal(), q.Service)
	kept, ok := m.nodes.GetIfPresent(presented)
	if ok && m.db.Feed().FreshAll(kept.mark, tenant, kept.subjects...) {
		return kept, nil
	}
	v, err := m.verifyQuestion(ctx, tenant, q)
	switch {
	case err == nil && v.Valid:
		m.nodes.Set(presented, v)
	case ok:
		m.nodes.Invalidate(presented)
	}
	return v, err
}

func (m *Machines) verifyQuestion(ctx context.Context, tenant gate.TenantID, q NodeQuestion) (*NodeVerdict, error) {
	mark := m.db.Feed().Mark() // before reading: a change from here on makes the answer stale
	asking, err := m.App(ctx, tenant, q.App, q.AppKey)
	if err != nil {
		return nil, err
	}
	v, err := m.verifyNode(ctx, tenant, q.Node, q.NodeKey, q.Service)
	if err != nil {
		return nil, err
	}
	v.mark, v.subjects = mark, append([]string{string(v.Node.ID), string(v.Node.Org)}, asking.subjects...)
	return v, nil
}

func (m *Machines) verifyNode(ctx context.Context, tenant gate.TenantID, name string, key secret.Text, service string) (*NodeVerdict, error) {
	v := &NodeVerdict{Service: service}
	if !gate.CleanText(name) {
		v.Reason = NodeNotFound
		return v, nil
	}
	err := m.db.Read(ctx, tenant, func(tx *store.Tx) error {
		found, err := tx.NodeKey(name)
		if err != nil && !errors.Is(err, gate.ErrNotFound) {
			return err
		}
		good := keyFits(found.Verifier, key)
		switch {
		case found.Node.ID == "":
			v.Reason = NodeNotFound
		case found.Node.Disabled():
			v.Reason = NodeInactive
		case !good:
			v.Reason = NodeCredentials
		case !found.Node.May(service):
			v.Reason = NodeServiceNotGranted
		default:
			v.Valid, v.Reason, v.Node = true, "", found.Node
			v.Members, err = numbersOf(tx, found.Node.Org)
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// numbersOf returns the numbers of an org's members, page by page.
func numbersOf(tx *store.Tx, org gate.OrgID) ([]int64, error) {
	const page = 1000
	var numbers []int64
	for after := int64(0); ; {
		members, err := tx.Members(org, after, page)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			numbers, after = append(numbers, m.Number), m.Number
		}
		if len(members) < page {
			return numbers, nil
		}
	}
}

// keyFits compares a presented key with what is stored of the right one, in
// constant time. A verifier of another form fits no key: one that an original
// made would be checked here, and replaced by the digest once it fits.
func keyFits(verifier string, presented secret.Text) bool {
	return subtle.ConstantTimeCompare([]byte(verifier), []byte(secret.DigestOf(presented).String())) == 1
}

// fingerprint is a digest of several texts, each preceded by its length, so that
// no two lists share one.
func fingerprint(parts ...string) secret.Digest {
	all := make([]byte, 0, 256) // as a rule on the stack
	for _, part := range parts {
		all = binary.AppendUvarint(all, uint64(len(part)))
		all = append(all, part...)
	}
	return sha256.Sum256(all)
}
