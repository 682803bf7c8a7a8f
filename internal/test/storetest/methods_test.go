//go:build unix

package storetest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Who and what the tests talk about. Ids are given, so that both engines hold
// the very same rows.
const (
	ada = gate.PrincipalID("0a0a0a0a-0000-4000-8000-000000000001")
	bob = gate.PrincipalID("0b0b0b0b-0000-4000-8000-000000000002")
	eve = gate.PrincipalID("0e0e0e0e-0000-4000-8000-000000000003")
	nay = gate.PrincipalID("ffffffff-0000-4000-8000-00000000000f") // nobody

	session1 = gate.SessionID("01890000-0000-7000-8000-000000000001")
	session2 = gate.SessionID("01890000-0000-7000-8000-000000000002")
	noone    = gate.SessionID("01890000-0000-7000-8000-00000000000f")
)

func digest(text string) secret.Digest { return secret.DigestOf(secret.NewText(text)) }

func email(t testing.TB, text string) gate.Email {
	t.Helper()
	e, ok := gate.ParseEmail(text)
	if !ok {
		t.Fatalf("%q is not an address", text)
	}
	return e
}

// bench is one engine with a database open, as a case gets it.
type bench struct {
	*testing.T
	m  *Memory
	db *store.DB
}

func (b *bench) write(fn func(tx *store.Tx) error) { b.Helper(); Write(b.T, b.db, fn) }
func (b *bench) read(fn func(tx *store.Tx) error)  { b.Helper(); Read(b.T, b.db, fn) }
func (b *bench) now() time.Time                    { return b.m.Clock.Now() }

// user adds one with an address of that name.
func (b *bench) user(id gate.PrincipalID, name string) gate.User {
	b.Helper()
	var u gate.User
	b.write(func(tx *store.Tx) (err error) {
		u, err = tx.AddUser(gate.User{ID: id, DisplayName: name, Locale: "en", Timezone: "UTC"}, email(b, name+"@example.org"))
		return err
	})
	return u
}

// session adds one that lasts a day, with the refresh token "first".
func (b *bench) session(id gate.SessionID, of gate.PrincipalID, ip string) gate.Session {
	b.Helper()
	s := gate.Session{ID: id, Principal: of, Client: "daarion", IP: ip, UserAgent: "test", CreatedAt: b.now(), ExpiresAt: b.now().Add(24 * time.Hour)}
	b.write(func(tx *store.Tx) error { return tx.AddSession(s, digest("first"), b.now().Add(time.Hour)) })
	return s
}

// want fails unless the error is the one that is wanted, nil included.
func (b *bench) want(what string, got, want error) {
	b.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		b.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func same[T any](b *bench, what string, got, want T) {
	b.Helper()
	if !reflect.DeepEqual(got, want) {
		b.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// methods says, for each exported method of store.Tx, what it does. A method
// without a case fails TestEveryMethod.
var methods = map[string]func(b *bench){
	"Now": testNow, "Tenant": testTenant, "Last": testLast,
	"AddUser": testAddUser, "User": testUser, "UserByEmail": testUserByEmail, "UserByNumber": testUserByNumber, "SetProfile": testSetProfile, "VerifyEmail": testVerifyEmail, "RemoveUser": testRemoveUser, "Users": testUsers,
	"SetDisabled": testSetDisabled, "SetMatrixUserID": testSetMatrixUserID,
	"RoleExists": testRoleExists, "GrantRole": testGrantRole, "RevokeRole": testRevokeRole,
	"ActiveHolders": testActiveHolders, "LockRole": testLockRole,
	"AccountByEmail": testAccountByEmail, "AccountByUsername": testAccountByUsername, "AccountOf": testAccountOf, "MakePasswordTemporary": testMakePasswordTemporary, "SetPasswordVerifier": testSetPasswordVerifier,
	"ReplacePasswordVerifier": testReplacePasswordVerifier, "UsePassword": testUsePassword, "HoldPassword": testHoldPassword,
	"AddSession": testAddSession, "SetSessionOrg": testSetSessionOrg, "Presence": testPresence, "EndSession": testEndSession, "EndSessionsOf": testEndSessionsOf,
	"EndAllSessions": testEndAllSessions, "SeenFrom": testSeenFrom,
	"RotateRefresh": testRotateRefresh, "Chain": testChain,
	"AddOneTimeToken": testAddOneTimeToken, "UseOneTimeToken": testUseOneTimeToken, "OneTimeTokenGood": testOneTimeTokenGood, "ForgetOneTimeTokens": testForgetOneTimeTokens,
	"Enqueue": testEnqueue, "DueJobs": testDueJobs, "LeaseJob": testLeaseJob, "FinishJob": testFinishJob,
	"RetryJob": testRetryJob, "BuryJob": testBuryJob, "JobCounts": testJobCounts, "UsersNeverAsked": testUsersNeverAsked,
	"TakeFrom": testTakeFrom, "Waits": testWaits, "Refill": testRefill,
	"AddSigningKey": testAddSigningKey, "SigningKeys": testSigningKeys,
	"Record": testRecord, "Events": testEvents, "EventsAbout": testEventsAbout, "VerifyEvents": testVerifyEvents,
	"AddApp": testAddApp, "App": testApp, "Apps": testApps, "AppKey": testAppKey,
	"SetKey": testSetKey, "RotateKey": testRotateKey,
	"AddNode": testAddNode, "Node": testNode, "Nodes": testNodes, "NodeKey": testNodeKey, "NodesRegisteredBy": testNodesRegisteredBy,
	"GrantService": testGrantService, "RevokeService": testRevokeService,
	"AddOrg": testAddOrg, "Org": testOrg, "Orgs": testOrgs, "RenameOrg": testRenameOrg, "RemoveOrg": testRemoveOrg, "LockOrg": testLockOrg,
	"OrgsOf": testOrgsOf, "Membership": testMembership, "OldestMembership": testOldestMembership, "Member": testMember, "Members": testMembers,
	"AddMember": testAddMember, "SetMemberRole": testSetMemberRole, "RemoveMember": testRemoveMember, "LockMember": testLockMember,
	"CountMembers": testCountMembers, "RemoveAgentsFrom": testRemoveAgentsFrom, "CountOrgAdmins": testCountOrgAdmins, "CountOrgsOf": testCountOrgsOf,
	"AddInvitation": testAddInvitation, "Invitations": testInvitations, "InvitationByCode": testInvitationByCode, "UseInvitation": testUseInvitation,
	"CountOpenInvitations": testCountOpenInvitations, "RevokeInvitation": testRevokeInvitation, "RevokeInvitationsBy": testRevokeInvitationsBy,
	"AddAgent": testAddAgent, "Agent": testAgent, "AgentsOf": testAgentsOf, "CountAgentsOf": testCountAgentsOf, "RemoveAgent": testRemoveAgent,
	"MakeAgent": testMakeAgent, "Principal": testPrincipal,
	"AddAPIKey": testAddAPIKey, "APIKeyByDigest": testAPIKeyByDigest, "APIKeysOf": testAPIKeysOf, "CountAPIKeys": testCountAPIKeys,
	"RevokeAPIKey": testRevokeAPIKey, "APIKeyUsed": testAPIKeyUsed,
	"AddPasskey": testAddPasskey, "PasskeyByCredential": testPasskeyByCredential, "PasskeysOf": testPasskeysOf, "PasskeyUsed": testPasskeyUsed,
	"RenamePasskey": testRenamePasskey, "RemovePasskey": testRemovePasskey, "Spend": testSpend, "MarkDemo": testMarkDemo,
	"AddIdentity": testAddIdentity, "Identity": testIdentity, "IdentitiesOf": testIdentitiesOf, "IdentityUsed": testIdentityUsed, "RemoveIdentity": testRemoveIdentity,
	"AddFlow": testAddFlow, "Flow": testFlow, "UseFlow": testUseFlow, "EndFlow": testEndFlow,
	"Sweep": testSweep,
}

func exported() []string {
	tx := reflect.TypeFor[*store.Tx]()
	names := make([]string, tx.NumMethod())
	for i := range names {
		names[i] = tx.Method(i).Name
	}
	return names
}

func TestEveryMethod(t *testing.T) {
	known := map[string]bool{}
	for _, name := range exported() {
		known[name] = true
		if methods[name] == nil {
			t.Errorf("store.Tx.%s has no case here: write one", name)
		}
		if foreign[name] == nil {
			t.Errorf("store.Tx.%s is not in the list of tenant_test.go: say there what another tenant gets", name)
		}
	}
	for name := range methods {
		if !known[name] {
			t.Errorf("store.Tx has no method %s any more", name)
		}
	}
	OnBothEngines(t, func(t *testing.T, m *Memory) {
		m.Open(t).Close() // migrated
		for name, test := range methods {
			t.Run(name, func(t *testing.T) {
				m.Reset(t, gate.DefaultTenant)
				test(&bench{t, m, m.Open(t)})
			})
		}
	})
}
