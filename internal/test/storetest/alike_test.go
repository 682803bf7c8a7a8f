//go:build unix

package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

// op is one step of a random history, with a name for the report. It tells what
// it saw; its error ends the transaction unless the store says it does not.
type op struct {
	name string
	run  func(tx *store.Tx) (string, error)
}

func (o op) String() string { return o.name }

var (
	someIDs      = []gate.PrincipalID{ada, bob, eve, ada[:8] + bob[8:]}
	someEmails   = []string{"ada@example.org", "ADA@example.org", "bob@example.org", "straße@example.org", "STRASSE@example.org", "Ⅷ@example.org", "viii@EXAMPLE.org"}
	someRoles    = []gate.Role{gate.RoleAdmin, gate.RoleUser, "nope"}
	someSessions = []gate.SessionID{session1, session2, session3}
	someWords    = []string{"one", "two", "three"}
)

// drawOp picks a method of store.Tx and what to call it with.
func drawOp(t *rapid.T) op {
	id := rapid.SampledFrom(someIDs).Draw(t, "id")
	session := rapid.SampledFrom(someSessions).Draw(t, "session")
	word, word2 := rapid.SampledFrom(someWords).Draw(t, "word"), rapid.SampledFrom(someWords).Draw(t, "word2")
	role := rapid.SampledFrom(someRoles).Draw(t, "role")
	address := rapid.SampledFrom(someEmails).Draw(t, "email")
	yes := rapid.Bool().Draw(t, "yes")
	minutes := time.Duration(rapid.IntRange(-5, 90).Draw(t, "minutes")) * time.Minute
	named := func(name string, run func(tx *store.Tx) (any, error)) op {
		return op{fmt.Sprint(name, " ", id[:2], " ", session[len(session)-1:], " ", word, " ", word2, " ", role, " ", address, " ", yes, " ", minutes), func(tx *store.Tx) (string, error) {
			got, err := run(tx)
			return fmt.Sprintf("%+v", got), err
		}}
	}
	e, _ := gate.ParseEmail(address)
	identity := gate.Identity{ID: gate.IdentityID(word), Principal: id, Connector: word2, Issuer: issuer, Subject: address, Email: address, EmailVerified: yes}
	flow := gate.Flow{Connector: word, Refusal: word2}
	if yes {
		flow = gate.Flow{Connector: word, Principal: id, Session: session}
	}
	return rapid.SampledFrom(slices.Concat(drawKeyOps(named, id, gate.PrincipalID(word), word2, yes, minutes), identityOps(named, identity), flowOps(named, flow, word, word2, minutes), []op{
		named("AddUser", func(tx *store.Tx) (any, error) {
			u := gate.User{ID: id, DisplayName: word}
			if yes {
				u.EmailVerifiedAt = tx.Now().Add(minutes)
			}
			return tx.AddUser(u, e)
		}),
		named("User", func(tx *store.Tx) (any, error) { return tx.User(id) }),
		named("UserByEmail", func(tx *store.Tx) (any, error) { return tx.UserByEmail(e.Key) }),
		named("SetProfile", func(tx *store.Tx) (any, error) { return nil, tx.SetProfile(id, store.Profile{Email: e}) }),
		named("VerifyEmail", func(tx *store.Tx) (any, error) { return tx.VerifyEmail(id, e.Key) }),
		named("Users", func(tx *store.Tx) (any, error) { return tx.Users(int64(minutes/time.Minute)/30, 2) }),
		named("SetDisabled", func(tx *store.Tx) (any, error) { return tx.SetDisabled(id, yes) }),
		named("SetMatrixUserID", func(tx *store.Tx) (any, error) { return nil, tx.SetMatrixUserID(id, word) }),
		named("GrantRole", func(tx *store.Tx) (any, error) { return tx.GrantRole(id, role) }),
		named("RevokeRole", func(tx *store.Tx) (any, error) { return tx.RevokeRole(id, role) }),
		named("ActiveHolders", func(tx *store.Tx) (any, error) { return tx.ActiveHolders(role, id) }),
		named("SetPassword", func(tx *store.Tx) (any, error) { return nil, tx.SetPasswordVerifier(id, word) }),
		named("ReplacePassword", func(tx *store.Tx) (any, error) { return nil, tx.ReplacePasswordVerifier(id, word, word2) }),
		named("UsePassword", func(tx *store.Tx) (any, error) { return tx.UsePassword(id, word) }),
		named("AddSession", func(tx *store.Tx) (any, error) {
			s := gate.Session{ID: session, Principal: id, IP: word, CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(10 * minutes)}
			return nil, tx.AddSession(s, digest(word), tx.Now().Add(minutes))
		}),
		named("EndSession", func(tx *store.Tx) (any, error) { return tx.EndSession(session, word) }),
		named("EndSessionsOf", func(tx *store.Tx) (any, error) { return tx.EndSessionsOf(id, session, word) }),
		named("Presence", func(tx *store.Tx) (any, error) { return tx.Presence(session) }),
		named("SeenFrom", func(tx *store.Tx) (any, error) { return tx.SeenFrom(id, word) }),
		named("Chain", func(tx *store.Tx) (any, error) { return tx.Chain(session) }),
		named("Rotate", func(tx *store.Tx) (any, error) {
			return tx.RotateRefresh(session, store.Rotation{Presented: digest(word), Successor: digest(word2), Sealed: word2, ExpiresAt: tx.Now().Add(minutes)})
		}),
		named("AddOneTimeToken", func(tx *store.Tx) (any, error) {
			return nil, tx.AddOneTimeToken(digest(word), word2, word, tx.Now().Add(minutes))
		}),
		named("UseOneTimeToken", func(tx *store.Tx) (any, error) { return tx.UseOneTimeToken(digest(word), word2) }),
		named("TakeFrom", func(tx *store.Tx) (any, error) {
			return tx.TakeFrom(store.Bucket{Name: word, Burst: 2, Interval: 10 * time.Minute})
		}),
		named("Refill", func(tx *store.Tx) (any, error) { return nil, tx.Refill(word) }),
		named("AddSigningKey", func(tx *store.Tx) (any, error) {
			return tx.AddSigningKey(store.SigningKey{ID: word, Algorithm: word2})
		}),
		named("Sweep", func(tx *store.Tx) (any, error) { return tx.Sweep(time.Hour, 1) }),
	})).Draw(t, "op")
}

// drawKeyOps are the methods about agents, API keys and passkeys. Agents have
// words for ids, so that histories meet them often.
func drawKeyOps(named func(string, func(tx *store.Tx) (any, error)) op, id, agent gate.PrincipalID, word string, yes bool, minutes time.Duration) []op {
	kind, of, owner := gate.KindAgent, agent, gate.Owner{}
	if yes {
		kind, of, owner = gate.KindApp, id, gate.Owner{User: id}
	}
	key := gate.APIKeyID(agent)
	passkey := gate.Passkey{ID: gate.PasskeyID(agent), Principal: id, CredentialID: word, SignCount: int64(minutes / time.Minute), BackedUp: yes}
	return []op{
		named("AddAgent", func(tx *store.Tx) (any, error) {
			return tx.AddAgent(gate.Agent{ID: agent, Kind: kind, Name: word, Owner: owner})
		}),
		named("MakeAgent", func(tx *store.Tx) (any, error) { return nil, tx.MakeAgent(id, word) }),
		named("Agent", func(tx *store.Tx) (any, error) { return tx.Agent(kind, word) }),
		named("AgentsOf", func(tx *store.Tx) (any, error) { return tx.AgentsOf(kind, []gate.Owner{owner, {User: ada}}, "", 2) }),
		named("CountAgentsOf", func(tx *store.Tx) (any, error) { return tx.CountAgentsOf(owner) }),
		named("RemoveAgent", func(tx *store.Tx) (any, error) { return nil, tx.RemoveAgent(agent) }),
		named("RemoveUser", func(tx *store.Tx) (any, error) { return nil, tx.RemoveUser(id) }),
		named("Principal", func(tx *store.Tx) (any, error) { return tx.Principal(of) }),
		named("AddAPIKey", func(tx *store.Tx) (any, error) {
			return tx.AddAPIKey(gate.APIKey{ID: key, Principal: of, ExpiresAt: tx.Now().Add(minutes)}, digest(word))
		}),
		named("APIKeyByDigest", func(tx *store.Tx) (any, error) { return tx.APIKeyByDigest(digest(word)) }),
		named("APIKeysOf", func(tx *store.Tx) (any, error) { return tx.APIKeysOf(of, 2) }),
		named("CountAPIKeys", func(tx *store.Tx) (any, error) { return tx.CountAPIKeys(of) }),
		named("RevokeAPIKey", func(tx *store.Tx) (any, error) { return tx.RevokeAPIKey(of, key) }),
		named("APIKeyUsed", func(tx *store.Tx) (any, error) { return nil, tx.APIKeyUsed(key, tx.Now().Add(minutes)) }),
		named("AddPasskey", func(tx *store.Tx) (any, error) { return tx.AddPasskey(passkey) }),
		named("PasskeysOf", func(tx *store.Tx) (any, error) { return tx.PasskeysOf(id, 2) }),
		named("PasskeyUsed", func(tx *store.Tx) (any, error) { return tx.PasskeyUsed(passkey, passkey.SignCount) }),
		named("RemovePasskey", func(tx *store.Tx) (any, error) { return nil, tx.RemovePasskey(id, passkey.ID) }),
		named("MarkDemo", func(tx *store.Tx) (any, error) { return nil, tx.MarkDemo() }),
		named("Spend", func(tx *store.Tx) (any, error) { return tx.Spend(digest(word), string(agent), tx.Now().Add(minutes)) }),
	}
}

// identityOps are the methods about accounts elsewhere. Subjects are addresses,
// which differ in letters alone.
func identityOps(named func(string, func(tx *store.Tx) (any, error)) op, i gate.Identity) []op {
	return []op{
		named("AddIdentity", func(tx *store.Tx) (any, error) { return tx.AddIdentity(i) }),
		named("Identity", func(tx *store.Tx) (any, error) { return tx.Identity(i.Issuer, i.Subject) }),
		named("IdentitiesOf", func(tx *store.Tx) (any, error) { return tx.IdentitiesOf(i.Principal, 2) }),
		named("IdentityUsed", func(tx *store.Tx) (any, error) { return nil, tx.IdentityUsed(i) }),
		named("RemoveIdentity", func(tx *store.Tx) (any, error) { return nil, tx.RemoveIdentity(i.Principal, i.ID) }),
	}
}

// flowOps are the methods about browsers that are away.
func flowOps(named func(string, func(tx *store.Tx) (any, error)) op, f gate.Flow, state, browser string, minutes time.Duration) []op {
	return []op{
		named("AddFlow", func(tx *store.Tx) (any, error) {
			f.ExpiresAt = tx.Now().Add(minutes)
			return nil, tx.AddFlow(digest(state), digest(browser), f)
		}),
		named("Flow", func(tx *store.Tx) (any, error) { return tx.Flow(digest(state), digest(browser), digest("one")) }),
		named("UseFlow", func(tx *store.Tx) (any, error) { return tx.UseFlow(digest(state)) }),
		named("EndFlow", func(tx *store.Tx) (any, error) { return nil, tx.EndFlow(digest(state), f.Session, f.Refusal) }),
	}
}

// TestBothEnginesRememberAlike plays random histories on both and compares what
// every step saw, and every row that is left.
func TestBothEnginesRememberAlike(t *testing.T) {
	memories := []*Memory{New(t, SQLite), New(t, Postgres)}
	var stores []*store.DB
	for _, m := range memories {
		m.Options.Clock = memories[0].Clock.Now // one time for both
		m.Options.Demo = true                   // MarkDemo is among the steps; any other server would stop at its next look
		stores = append(stores, m.Open(t))
	}
	tenants := 0
	rapid.Check(t, func(r *rapid.T) {
		tenants++
		tenant := gate.TenantID(fmt.Sprint("t", tenants))
		for _, m := range memories {
			m.AddTenant(t, tenant)
		}
		for range rapid.IntRange(1, 25).Draw(r, "transactions") {
			ops := rapid.SliceOfN(rapid.Custom(drawOp), 1, 4).Draw(r, "transaction")
			memories[0].Clock.Forward(time.Duration(rapid.IntRange(0, 30).Draw(r, "later")) * time.Minute)
			refuse := rapid.IntRange(0, 4).Draw(r, "refused at the end") == 0
			var saw [2]string
			for i, db := range stores {
				saw[i] = transaction(db, tenant, ops, refuse)
			}
			if saw[0] != saw[1] {
				r.Fatalf("%v\nSQLite:\n%s\nPostgres:\n%s", ops, saw[0], saw[1])
			}
		}
		if a, b := memories[0].Dump(t, tenant), memories[1].Dump(t, tenant); a != b {
			r.Fatalf("SQLite:\n%s\nPostgres:\n%s", a, b)
		}
	})
}

// transaction returns what its steps saw. Like a verb it goes on after a
// refusal that the store promises to survive, and stops at a driver's error.
func transaction(db *store.DB, tenant gate.TenantID, ops []op, refuse bool) string {
	var saw strings.Builder
	err := db.Write(context.Background(), tenant, func(tx *store.Tx) error {
		saw.Reset()
		for _, o := range ops {
			got, err := o.run(tx)
			var refused *gate.Error
			if err != nil && !errors.As(err, &refused) {
				return err
			}
			fmt.Fprintln(&saw, o.name, got, err)
		}
		if refuse {
			return gate.ErrForbidden
		}
		return nil
	})
	if err != nil {
		saw.WriteString(gate.AsError(err).Code)
	}
	return saw.String()
}
