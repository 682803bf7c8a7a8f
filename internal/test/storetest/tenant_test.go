//go:build unix

package storetest

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

const other = gate.TenantID("other")

// foreign says, for each exported method of store.Tx, how a transaction of
// another tenant calls it with what belongs to the first. It returns an error
// when it saw or claims to have changed anything.
var foreign = map[string]func(tx *store.Tx, w world) error{
	"Now":    func(tx *store.Tx, _ world) error { return saw(tx.Now().IsZero()) },
	"Tenant": func(tx *store.Tx, _ world) error { return saw(tx.Tenant() != other) },
	"Last":   func(tx *store.Tx, _ world) error { return saw(tx.Last().Tenant() != other) },
	"AddUser": func(tx *store.Tx, w world) error {
		u, err := tx.AddUser(gate.User{ID: w.user.ID}, w.email)
		return saw2(u.Number != 1, err)
	},
	"User":            func(tx *store.Tx, w world) error { _, err := tx.User(w.user.ID); return none(err) },
	"UserByEmail":     func(tx *store.Tx, w world) error { _, err := tx.UserByEmail(w.email.Key); return none(err) },
	"Users":           func(tx *store.Tx, _ world) error { list, err := tx.Users(0, 100); return saw2(len(list) > 0, err) },
	"SetDisabled":     func(tx *store.Tx, w world) error { did, err := tx.SetDisabled(w.user.ID, true); return saw2(did, err) },
	"SetMatrixUserID": func(tx *store.Tx, w world) error { return saw(tx.SetMatrixUserID(w.user.ID, "@x:y") == nil) },
	"RoleExists":      func(tx *store.Tx, _ world) error { did, err := tx.RoleExists("only-main"); return saw2(did, err) },
	"GrantRole": func(tx *store.Tx, w world) error {
		did, err := tx.GrantRole(w.user.ID, gate.RoleAgentSystem)
		return saw(did || err == nil)
	},
	"RevokeRole": func(tx *store.Tx, w world) error {
		did, err := tx.RevokeRole(w.user.ID, gate.RoleAdmin)
		return saw2(did, err)
	},
	"ActiveHolders": func(tx *store.Tx, _ world) error {
		n, err := tx.ActiveHolders(gate.RoleAdmin, "")
		return saw2(n > 0, err)
	},
	"LockRole":              func(tx *store.Tx, _ world) error { return none(tx.LockRole("only-main")) },
	"AccountByEmail":        func(tx *store.Tx, w world) error { _, err := tx.AccountByEmail(w.email.Key); return none(err) },
	"AccountByUsername":     func(tx *store.Tx, _ world) error { _, err := tx.AccountByUsername("ada"); return none(err) },
	"AccountOf":             func(tx *store.Tx, w world) error { _, err := tx.AccountOf(w.user.ID); return none(err) },
	"MakePasswordTemporary": func(tx *store.Tx, w world) error { return none(tx.MakePasswordTemporary(w.user.ID, w.later)) },
	"UserByNumber": func(tx *store.Tx, w world) error {
		u, err := tx.UserByNumber(w.user.Number)
		return saw(err == nil && u.ID == w.user.ID)
	},
	"SetProfile": func(tx *store.Tx, w world) error {
		return none(tx.SetProfile(w.user.ID, store.Profile{Email: w.email}))
	},
	"VerifyEmail":             func(tx *store.Tx, w world) error { did, err := tx.VerifyEmail(ada, w.email.Key); return saw2(did, err) },
	"RemoveUser":              func(tx *store.Tx, w world) error { return none(tx.RemoveUser(w.user.ID)) },
	"SetSessionOrg":           func(tx *store.Tx, w world) error { return none(tx.SetSessionOrg(w.session.ID, "theirs")) },
	"SetPasswordVerifier":     func(tx *store.Tx, w world) error { return saw(tx.SetPasswordVerifier(w.user.ID, "theirs") == nil) },
	"ReplacePasswordVerifier": func(tx *store.Tx, w world) error { return tx.ReplacePasswordVerifier(w.user.ID, "verifier", "theirs") },
	"UsePassword": func(tx *store.Tx, w world) error {
		did, err := tx.UsePassword(w.user.ID, "verifier")
		return saw2(did, err)
	},
	"HoldPassword": func(tx *store.Tx, w world) error { return tx.HoldPassword(w.user.ID) },
	"AddSession": func(tx *store.Tx, w world) error {
		return saw(tx.AddSession(gate.Session{ID: session3, Principal: w.user.ID}, digest("y"), w.later) == nil)
	},
	"Presence":   func(tx *store.Tx, w world) error { _, err := tx.Presence(w.session.ID); return none(err) },
	"EndSession": func(tx *store.Tx, w world) error { did, err := tx.EndSession(w.session.ID, "x"); return saw2(did, err) },
	"EndSessionsOf": func(tx *store.Tx, w world) error {
		n, err := tx.EndSessionsOf(w.user.ID, "", "x")
		return saw2(n > 0, err)
	},
	"EndAllSessions": func(tx *store.Tx, _ world) error { n, err := tx.EndAllSessions("x"); return saw2(n > 0, err) },
	"SeenFrom": func(tx *store.Tx, w world) error {
		did, err := tx.SeenFrom(w.user.ID, w.session.IP)
		return saw2(did, err)
	},
	"Chain": func(tx *store.Tx, w world) error { _, err := tx.Chain(w.session.ID); return none(err) },
	"RotateRefresh": func(tx *store.Tx, w world) error {
		did, err := tx.RotateRefresh(w.session.ID, store.Rotation{Presented: digest("first"), Successor: digest("x"), ExpiresAt: w.later})
		return saw2(did, err)
	},
	"AddOneTimeToken": func(tx *store.Tx, w world) error {
		return tx.AddOneTimeToken(digest("theirs"), "reset", "subject", w.later)
	},
	"OneTimeTokenGood": func(tx *store.Tx, _ world) error {
		did, err := tx.OneTimeTokenGood(digest("fresh"), "reset")
		return saw2(did, err)
	},
	"UseOneTimeToken": func(tx *store.Tx, _ world) error {
		_, err := tx.UseOneTimeToken(digest("link"), "reset")
		return none(err)
	},
	"ForgetOneTimeTokens": func(tx *store.Tx, _ world) error { return tx.ForgetOneTimeTokens() },
	"Enqueue":             func(tx *store.Tx, _ world) error { _, err := tx.Enqueue("kind", "x", ""); return err },
	"DueJobs":             func(tx *store.Tx, _ world) error { ids, err := tx.DueJobs(100); return saw2(len(ids) > 0, err) },
	"LeaseJob":            func(tx *store.Tx, w world) error { _, err := tx.LeaseJob(w.job, w.later); return none(err) },
	"FinishJob":           func(tx *store.Tx, w world) error { return tx.FinishJob(w.job) },
	"RetryJob":            func(tx *store.Tx, w world) error { return tx.RetryJob(w.job, w.later, "x") },
	"BuryJob":             func(tx *store.Tx, w world) error { return tx.BuryJob(w.job, "x") },
	"UsersNeverAsked": func(tx *store.Tx, _ world) error {
		ids, err := tx.UsersNeverAsked("another kind", 10)
		return saw2(len(ids) > 0, err)
	},
	"JobCounts": func(tx *store.Tx, _ world) error { n, m, err := tx.JobCounts(); return saw2(n+m > 0, err) },
	"TakeFrom":  func(tx *store.Tx, _ world) error { did, err := tx.TakeFrom(single); return saw2(!did, err) },
	"Waits": func(tx *store.Tx, _ world) error {
		waits, err := tx.Waits([]store.Bucket{single})
		return saw2(len(waits) > 0, err)
	},
	"Refill": func(tx *store.Tx, _ world) error { return tx.Refill(single.Name) },
	"AddSigningKey": func(tx *store.Tx, _ world) error {
		did, err := tx.AddSigningKey(store.SigningKey{ID: "kid", Algorithm: "EdDSA"})
		return saw2(!did, err)
	},
	"SigningKeys": func(tx *store.Tx, _ world) error { keys, err := tx.SigningKeys(); return saw2(len(keys) > 0, err) },
	"Record":      func(tx *store.Tx, _ world) error { return tx.Record(gate.Event{Name: "theirs"}) },
	"Events": func(tx *store.Tx, _ world) error {
		list, err := tx.Events(time.Time{}, 100)
		return saw2(len(list) > 0, err)
	},
	"EventsAbout": func(tx *store.Tx, w world) error {
		list, err := tx.EventsAbout(w.user.ID, "test")
		return saw2(len(list) > 0, err)
	},
	"VerifyEvents": func(tx *store.Tx, _ world) error {
		n, breaks, err := tx.VerifyEvents()
		return saw2(n > 0 || len(breaks) > 0, err)
	},
	"AddApp": func(tx *store.Tx, _ world) error { _, err := tx.AddApp(gate.App{ID: logs, Name: "logs"}); return err },
	"App":    func(tx *store.Tx, _ world) error { _, err := tx.App("logs"); return none(err) },
	"Apps":   func(tx *store.Tx, _ world) error { list, err := tx.Apps("", 9); return saw2(len(list) > 0, err) },
	"AppKey": func(tx *store.Tx, _ world) error { _, err := tx.AppKey("logs"); return none(err) },
	"SetKey": func(tx *store.Tx, _ world) error { return saw(tx.SetKey(logs, digest("theirs")) == nil) },
	"RotateKey": func(tx *store.Tx, _ world) error {
		return errors.Join(none(tx.RotateKey(logs, digest("theirs"))), none(tx.RotateKey(kitchen, digest("theirs"))))
	},
	"AddNode": func(tx *store.Tx, _ world) error {
		_, err := tx.AddNode(gate.Node{ID: kitchen, Name: "kitchen", Org: farm}) // in the first tenant's org
		return saw(err == nil || errors.Is(err, gate.ErrNodeTaken))
	},
	"Node":    func(tx *store.Tx, _ world) error { _, err := tx.Node("kitchen"); return none(err) },
	"NodeKey": func(tx *store.Tx, _ world) error { _, err := tx.NodeKey("kitchen"); return none(err) },
	"Nodes": func(tx *store.Tx, _ world) error {
		all, err := tx.Nodes("", "", "", 9)
		farms, err2 := tx.Nodes(farm, "", "", 9)
		return saw2(len(all)+len(farms) > 0, errors.Join(err, err2))
	},
	"NodesRegisteredBy": func(tx *store.Tx, _ world) error { n, err := tx.NodesRegisteredBy(ada); return saw2(n > 0, err) },
	"GrantService": func(tx *store.Tx, _ world) error {
		_, err := tx.GrantService(kitchen, "logs", "")
		return saw(err == nil || errors.Is(err, gate.ErrGrantTaken))
	},
	"RevokeService": func(tx *store.Tx, _ world) error {
		did, err := tx.RevokeService(kitchen, "logs")
		return saw2(did, err)
	},
	"AddOrg":           func(tx *store.Tx, _ world) error { _, err := tx.AddOrg(gate.Org{ID: home, Name: "Theirs"}); return err },
	"Org":              func(tx *store.Tx, _ world) error { _, err := tx.Org(home); return none(err) },
	"Orgs":             func(tx *store.Tx, _ world) error { list, err := tx.Orgs("", 100); return saw2(len(list) > 0, err) },
	"OrgsOf":           func(tx *store.Tx, _ world) error { list, err := tx.OrgsOf(ada); return saw2(len(list) > 0, err) },
	"RenameOrg":        func(tx *store.Tx, _ world) error { return none(tx.RenameOrg(home, "Theirs")) },
	"RemoveOrg":        func(tx *store.Tx, _ world) error { _, err := tx.RemoveOrg(home); return none(err) },
	"LockOrg":          func(tx *store.Tx, _ world) error { return none(tx.LockOrg(home)) },
	"LockMember":       func(tx *store.Tx, _ world) error { return none(tx.LockMember(ada)) },
	"Membership":       func(tx *store.Tx, _ world) error { _, err := tx.Membership(home, ada); return none(err) },
	"OldestMembership": func(tx *store.Tx, _ world) error { _, err := tx.OldestMembership(ada); return none(err) },
	"Member":           func(tx *store.Tx, w world) error { _, err := tx.Member(home, w.user.Number); return none(err) },
	"Members": func(tx *store.Tx, _ world) error {
		list, err := tx.Members(home, 0, 100)
		return saw2(len(list) > 0, err)
	},
	"AddMember": func(tx *store.Tx, _ world) error {
		did, err := tx.AddMember(work, ada, gate.OrgAdmin)
		return saw2(did, err)
	},
	"SetMemberRole": func(tx *store.Tx, _ world) error {
		did, err := tx.SetMemberRole(home, ada, gate.OrgMember)
		return saw2(did, err)
	},
	"RemoveMember":     func(tx *store.Tx, _ world) error { did, err := tx.RemoveMember(home, ada); return saw2(did, err) },
	"RemoveAgentsFrom": func(tx *store.Tx, _ world) error { return tx.RemoveAgentsFrom(home, ada) },
	"CountMembers":     func(tx *store.Tx, _ world) error { n, err := tx.CountMembers(home, ""); return saw2(n > 0, err) },
	"CountOrgAdmins":   func(tx *store.Tx, _ world) error { n, err := tx.CountOrgAdmins(home, ""); return saw2(n > 0, err) },
	"CountOrgsOf":      func(tx *store.Tx, _ world) error { n, err := tx.CountOrgsOf(ada); return saw2(n > 0, err) },
	"AddInvitation": func(tx *store.Tx, w world) error {
		_, err := tx.AddInvitation(gate.Invitation{ID: "i", Org: home, Role: gate.OrgMember, ExpiresAt: w.later}, digest("theirs"), "")
		return saw(err == nil)
	},
	"Invitations": func(tx *store.Tx, _ world) error {
		list, err := tx.Invitations(home, 100)
		return saw2(len(list) > 0, err)
	},
	"InvitationByCode":     func(tx *store.Tx, _ world) error { _, err := tx.InvitationByCode(digest("code")); return none(err) },
	"UseInvitation":        func(tx *store.Tx, _ world) error { _, err := tx.UseInvitation(digest("code")); return none(err) },
	"CountOpenInvitations": func(tx *store.Tx, _ world) error { n, err := tx.CountOpenInvitations(home); return saw2(n > 0, err) },
	"RevokeInvitation":     func(tx *store.Tx, _ world) error { did, err := tx.RevokeInvitation(home, 1); return saw2(did, err) },
	"RevokeInvitationsBy": func(tx *store.Tx, _ world) error {
		n, err := tx.RevokeInvitationsBy(home, ada)
		return saw2(n > 0, err)
	},
	"AddAgent": func(tx *store.Tx, _ world) error {
		_, err := tx.AddAgent(gate.Agent{ID: mole, Kind: gate.KindAgent, Name: "mole"})
		_, err2 := tx.AddAgent(gate.Agent{ID: shrew, Kind: gate.KindAgent, Name: "shrew", Owner: adas}) // who is of the first tenant
		return saw(err != nil || err2 == nil || errors.Is(err2, gate.ErrAgentTaken))
	},
	"Agent": func(tx *store.Tx, _ world) error {
		_, err := tx.Agent(gate.KindAgent, "mole")
		_, err2 := tx.Agent(gate.KindApp, "depot")
		return errors.Join(none(err), none(err2))
	},
	"AgentsOf": func(tx *store.Tx, _ world) error {
		all, err := tx.AgentsOf(gate.KindAgent, nil, "", 9)
		hers, err2 := tx.AgentsOf(gate.KindAgent, []gate.Owner{adas, homes}, "", 9)
		return saw2(len(all)+len(hers) > 0, errors.Join(err, err2))
	},
	"CountAgentsOf": func(tx *store.Tx, _ world) error { n, err := tx.CountAgentsOf(adas); return saw2(n > 0, err) },
	"RemoveAgent":   func(tx *store.Tx, _ world) error { return none(tx.RemoveAgent(mole)) },
	"MakeAgent":     func(tx *store.Tx, w world) error { return none(tx.MakeAgent(w.user.ID, "theirs")) },
	"Principal": func(tx *store.Tx, w world) error {
		_, err := tx.Principal(w.user.ID)
		_, err2 := tx.Principal(mole)
		return errors.Join(none(err), none(err2))
	},
	"AddAPIKey": func(tx *store.Tx, _ world) error {
		_, err := tx.AddAPIKey(gate.APIKey{ID: "theirs", Principal: mole}, digest("theirs"))
		return none(err)
	},
	"APIKeyByDigest": func(tx *store.Tx, _ world) error { _, err := tx.APIKeyByDigest(digest("key")); return none(err) },
	"APIKeysOf":      func(tx *store.Tx, _ world) error { list, err := tx.APIKeysOf(mole, 9); return saw2(len(list) > 0, err) },
	"CountAPIKeys":   func(tx *store.Tx, _ world) error { n, err := tx.CountAPIKeys(mole); return saw2(n > 0, err) },
	"RevokeAPIKey":   func(tx *store.Tx, _ world) error { _, err := tx.RevokeAPIKey(mole, "key"); return none(err) },
	"APIKeyUsed":     func(tx *store.Tx, w world) error { return tx.APIKeyUsed("key", w.later) },
	"AddPasskey": func(tx *store.Tx, _ world) error { // for somebody of the first tenant
		_, err := tx.AddPasskey(aPasskey("one", ada))
		return saw(err == nil || errors.Is(err, gate.ErrPasskeyTaken))
	},
	"PasskeyByCredential": func(tx *store.Tx, _ world) error {
		_, err := tx.PasskeyByCredential("credential-one")
		return none(err)
	},
	"PasskeysOf": func(tx *store.Tx, _ world) error { list, err := tx.PasskeysOf(ada, 9); return saw2(len(list) > 0, err) },
	"PasskeyUsed": func(tx *store.Tx, _ world) error {
		did, err := tx.PasskeyUsed(aPasskey("one", ada), 7)
		return saw2(did, err)
	},
	"RenamePasskey": func(tx *store.Tx, _ world) error { return none(tx.RenamePasskey(ada, "one", "theirs")) },
	"RemovePasskey": func(tx *store.Tx, _ world) error { return none(tx.RemovePasskey(ada, "one")) },
	"AddIdentity": func(tx *store.Tx, _ world) error { // for somebody of the first tenant
		_, err := tx.AddIdentity(anIdentity("one", ada))
		return saw(err == nil || errors.Is(err, gate.ErrIdentityTaken))
	},
	"Identity": func(tx *store.Tx, _ world) error { _, err := tx.Identity(issuer, "subject-one"); return none(err) },
	"IdentitiesOf": func(tx *store.Tx, _ world) error {
		list, err := tx.IdentitiesOf(ada, 9)
		return saw2(len(list) > 0, err)
	},
	"IdentityUsed":   func(tx *store.Tx, _ world) error { return none(tx.IdentityUsed(anIdentity("one", ada))) },
	"RemoveIdentity": func(tx *store.Tx, _ world) error { return none(tx.RemoveIdentity(ada, "one")) },
	"AddFlow": func(tx *store.Tx, w world) error {
		err := tx.AddFlow(digest("away"), digest("chrome"), gate.Flow{ExpiresAt: w.later})
		err2 := tx.AddFlow(digest("theirs"), digest("chrome"), gate.Flow{Principal: ada, ExpiresAt: w.later}) // who is of the first tenant
		return saw(err != nil || err2 == nil)
	},
	"Flow": func(tx *store.Tx, _ world) error {
		_, err := tx.Flow(digest("away"), digest("chrome"))
		return none(err)
	},
	"UseFlow":  func(tx *store.Tx, _ world) error { did, err := tx.UseFlow(digest("away")); return saw2(did, err) },
	"EndFlow":  func(tx *store.Tx, _ world) error { return none(tx.EndFlow(digest("back"), session3, "")) },
	"MarkDemo": func(tx *store.Tx, _ world) error { return tx.MarkDemo() }, // it is about the database
	"Spend": func(tx *store.Tx, w world) error {
		did, err := tx.Spend(digest("spent"), "test", w.later)
		return saw2(!did, err)
	},
	"Sweep": func(tx *store.Tx, _ world) error { n, err := tx.Sweep(0, 100); return saw2(n > 0, err) },
}

var errSaw = gate.ErrConflict.Because(errors.New("a tenant met another's rows"))

func saw(did bool) error {
	if did {
		return errSaw
	}
	return nil
}

func saw2(did bool, err error) error { return errors.Join(err, saw(did)) }

func none(err error) error {
	if errors.Is(err, gate.ErrNotFound) {
		return nil
	}
	return errors.Join(err, errSaw)
}

// TestTenantsDoNotMeet: whatever a tenant's transaction is called with, it sees
// and changes nothing of another's.
func TestTenantsDoNotMeet(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		m.Options.Demo = true // MarkDemo is one of the deeds
		b := &bench{t, m, m.Open(t)}
		w := populate(b)
		before := m.Dump(t, gate.DefaultTenant)
		for name, call := range foreign {
			err := b.db.Write(context.Background(), other, func(tx *store.Tx) error { return call(tx, w) })
			if errors.Is(err, errSaw) || err != nil && !slices.Contains([]string{"AddSession", "GrantRole", "SetPasswordVerifier", "SetKey", "AddNode", "GrantService", "AddInvitation", "AddAgent", "AddPasskey", "AddIdentity", "AddFlow"}, name) {
				t.Errorf("%s: %v", name, err)
			}
			m.Reset(t, other)
			if after := m.Dump(t, gate.DefaultTenant); after != before {
				t.Fatalf("%s changed another tenant's rows:\n%s\nbefore:\n%s", name, after, before)
			}
		}
	})
}

// TestTheTableListIsComplete: a new table must not be forgotten, neither here
// nor by row-level security.
func TestTheTableListIsComplete(t *testing.T) {
	m := New(t, Postgres)
	rows, err := m.Raw(t).Query(`SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'gatehouse' AND c.relkind = 'r' AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant') ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var name string
		var walled bool
		if err := rows.Scan(&name, &walled); err != nil {
			t.Fatal(err)
		}
		if found = append(found, name); !walled {
			t.Errorf("table %s has no forced row-level security with a policy", name)
		}
	}
	if !slices.Equal(found, tables) {
		t.Errorf("tables with tenants:\n%v, this package knows\n%v", found, tables)
	}
}

// ours is a plain connection pool of the role that Gatehouse uses.
func ours(t *testing.T, m *Memory, connections int) *sql.DB {
	db, err := sql.Open("pgx", m.DSNOf(t, pgtest.Owner))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db
}

// TestASecondWallStandsOnPostgres: even a statement that forgot its tenant sees
// nothing, and can write nothing, unless the transaction named one.
func TestASecondWallStandsOnPostgres(t *testing.T) {
	m := New(t, Postgres)
	b := &bench{t, m, m.Open(t)}
	populate(b)
	db := ours(t, m, 1)
	visible := func(table string, setting string) (n int) {
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }()
		if setting != "unset" {
			if _, err := tx.Exec(`SELECT set_config('gatehouse.tenant', $1, true)`, setting); err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, table := range tables {
		if n := visible(table, "unset"); n != 0 {
			t.Errorf("%s: %d rows without a tenant", table, n)
		}
		if n := visible(table, "main"); n == 0 {
			t.Errorf("%s: no rows for their owner: this test proves nothing", table)
		}
		for _, setting := range []string{"unset", "", "other"} { // unset is '' now, after the setting was used
			if n := visible(table, setting); n != 0 && table != "roles" {
				t.Errorf("%s: %d rows for tenant %q", table, n, setting)
			}
		}
	}
	if _, err := db.Exec(`INSERT INTO limits (tenant, name, tat) VALUES ('main', 'x', 0)`); err == nil {
		t.Error("a row was written without a tenant")
	}
}

// TestAPooledConnectionLeaksNoTenant: ten thousand transactions, committed,
// rolled back and panicking, of two tenants over two connections.
func TestAPooledConnectionLeaksNoTenant(t *testing.T) {
	rounds := 10_000
	if testing.Short() {
		rounds = 500
	}
	m := New(t, Postgres)
	m.Options.MaxConnections = 2
	b := &bench{t, m, m.Open(t)}
	b.m.AddTenant(b, other)
	b.user(ada, "ada")
	Race(4, func(worker int) {
		random := rand.New(rand.NewPCG(1, uint64(worker)))
		for range rounds / 4 {
			tenant, want := gate.DefaultTenant, 1
			if random.IntN(2) == 0 {
				tenant, want = other, 0
			}
			run := b.db.Read
			if random.IntN(2) == 0 {
				run = b.db.Write
			}
			var got int
			err := run(context.Background(), tenant, func(tx *store.Tx) error {
				users, err := tx.Users(0, 10)
				if got = len(users); err == nil && random.IntN(3) == 0 {
					err = gate.ErrConflict // and so a rollback
				}
				return err
			})
			if got != want || err != nil && !errors.Is(err, gate.ErrConflict) {
				t.Errorf("tenant %s: %d users, %v", tenant, got, err)
				return
			}
		}
	})
}

// TestAPanicLeavesNothingBehind: neither its rows nor an open transaction that
// the next user of the connection would commit.
func TestAPanicLeavesNothingBehind(t *testing.T) {
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		m.Options.MaxConnections = 1
		b := &bench{t, m, m.Open(t)}
		for range 3 {
			func() {
				defer func() { _ = recover() }()
				_ = b.db.Write(context.Background(), gate.DefaultTenant, func(tx *store.Tx) error {
					if _, err := tx.AddUser(gate.User{ID: eve}, email(t, "eve@example.org")); err != nil {
						t.Error(err)
					}
					panic("boom")
				})
			}()
			func() {
				defer func() { _ = recover() }()
				_ = b.db.Read(context.Background(), gate.DefaultTenant, func(*store.Tx) error { panic("boom") })
			}()
		}
		b.user(ada, "ada")
		b.read(func(tx *store.Tx) error {
			_, err := tx.User(eve)
			b.want("who panicked", err, gate.ErrNotFound)
			return nil
		})
	})
}

// TestATenantIsAName: it stands in a statement on Postgres, so nothing else may.
func TestATenantIsAName(t *testing.T) {
	m := New(t, Postgres)
	db := m.Open(t)
	for _, tenant := range []gate.TenantID{"", "main'; SELECT 1; --", "Main", "a b", "main\x00"} {
		if err := db.Read(context.Background(), tenant, func(*store.Tx) error { return nil }); err == nil {
			t.Errorf("tenant %q was accepted", tenant)
		}
	}
}
