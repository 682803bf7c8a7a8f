// Package account conducts the life of user accounts: registration, the first
// administrator, status, roles and passwords. Each verb is one transaction with
// its audit event; what must be slow (hashing) happens before it.
package account

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/admission"
	"github.com/gatehouse/gatehouse/internal/factor/password"
	"github.com/gatehouse/gatehouse/internal/fault"
	"github.com/gatehouse/gatehouse/internal/federation"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/jobs"
	"github.com/gatehouse/gatehouse/internal/limit"
	"github.com/gatehouse/gatehouse/internal/org"
	"github.com/gatehouse/gatehouse/internal/passkeys"
	"github.com/gatehouse/gatehouse/internal/proving"
	"github.com/gatehouse/gatehouse/internal/provision"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Service keeps the accounts of a house, as one face sees them.
type Service struct {
	DB         *store.DB
	Hasher     *password.Hasher
	Passwords  Passwords
	Limits     limit.Limits
	Proving    *proving.Service
	Passkeys   *passkeys.Service
	Federation *federation.Service
	Office     *admission.Office // for who is let in by registering
	Orgs       *org.Service
	Open       bool // anybody may register
	Home       Home
	Matrix     *provision.Matrix
	MatrixWait time.Duration // how long a registration waits for Synapse
	Jobs       *jobs.Runner
}

// Home is the org that newcomers found when nobody invited them; the zero Home
// is none.
type Home struct {
	Kind gate.OrgKind
	Name string
}

// Application is a wish for an account. Roles are not part of it: nobody
// chooses their own.
type Application struct {
	Email        string
	Password     secret.Text
	DisplayName  string
	Username     string      // "" for none
	NameFromMail bool        // without a Username, the local part of the address, with a number if it is taken
	Invitation   secret.Text // its code; empty for none
}

// idsToTry is how many ids are drawn before giving up: with a billion users, one
// in four is taken.
const idsToTry = 32

// Register makes an account for whoever asks, if registration is open. With
// Matrix it waits a moment for the homeserver; the account is there in any
// case, and the outbox finishes what did not happen in time.
//
// Anybody may call it. Refused: gate.ErrRegistrationClosed,
// gate.ErrRateLimited, gate.ErrEmailTaken, gate.ErrUsernameTaken,
// gate.ErrInvitation, gate.ErrValidation for an address that is none,
// gate.ErrWeakPassword, gate.ErrBusy.
func (s *Service) Register(ctx context.Context, caller gate.Caller, a Application) (gate.User, error) {
	if err := s.mayRegister(ctx, caller); err != nil {
		return gate.User{}, err
	}
	made, err := s.create(ctx, caller, newcomer{Application: a, roles: []gate.Role{gate.RoleUser}})
	return made.user, err
}

// SignUp is Register for who is let in at once: account and session are made in
// one transaction.
func (s *Service) SignUp(ctx context.Context, caller gate.Caller, a Application) (admission.Admission, error) {
	if err := s.mayRegister(ctx, caller); err != nil {
		return admission.Admission{}, err
	}
	if !a.Invitation.Empty() {
		if err := s.Orgs.TakeGuess(ctx, caller); err != nil {
			return admission.Admission{}, err
		}
	}
	made, err := s.create(ctx, caller, newcomer{Application: a, roles: []gate.Role{gate.RoleUser}, enters: true})
	if err != nil {
		return admission.Admission{}, err
	}
	return made.opening.Admission(ctx, made.user)
}

// mayRegister counts by itself and before the hash: an attempt costs the same
// whatever comes of it, and "this address is taken" is an answer worth limiting,
// too.
func (s *Service) mayRegister(ctx context.Context, caller gate.Caller) error {
	if !s.Open {
		return gate.ErrRegistrationClosed
	}
	if s.Limits.RegisterPerIP == (limit.Rate{}) && s.Limits.RequestsPerIP == (limit.Rate{}) {
		return nil
	}
	return s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		if err := s.Limits.Request(tx, caller.IP); err != nil {
			return err
		}
		return s.Limits.Register(tx, caller.IP)
	})
}

// newcomer is an account that is to be made.
type newcomer struct {
	Application
	roles    []gate.Role
	verified bool                        // the address was shown to be theirs
	enters   bool                        // and lets its owner in
	proof    func(*store.Tx, made) error // stores what its owner signs in with
	before   func(*store.Tx) error       // runs first in the transaction, nil for nothing
}

// made is what came of a newcomer.
type made struct {
	user    gate.User
	opening admission.Opening
	job     gate.JobID // Matrix, "" for none
}

// create makes an account with a password.
func (s *Service) create(ctx context.Context, caller gate.Caller, n newcomer) (made, error) {
	email, problem := s.examine(ctx, n.Application)
	if problem != nil {
		return made{}, problem
	}
	verifier, err := s.hash(ctx, n.Password)
	if err != nil {
		return made{}, err
	}
	n.proof = func(tx *store.Tx, m made) error { return tx.SetPasswordVerifier(m.user.ID, verifier) }
	return s.open(ctx, caller, n, email)
}

// open makes an account for whoever has the address.
func (s *Service) open(ctx context.Context, caller gate.Caller, n newcomer, email gate.Email) (m made, err error) {
	for try := range idsToTry {
		m.user = s.blank(n.Application, email, try)
		if n.enters {
			if m.opening, err = s.Office.Prepare(ctx, caller, m.user.ID); err != nil {
				return made{}, err
			}
		}
		err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error { return s.insert(tx, caller, n, email, &m) })
		if !errors.Is(err, store.ErrShortIDTaken) && !(errors.Is(err, gate.ErrUsernameTaken) && n.Username == "") {
			break
		}
	}
	if err != nil {
		return made{}, err
	}
	fault.Point("register_after_commit")
	m.user = s.awaitMatrix(ctx, m.user, caller.Tenant, m.job)
	return m, nil
}

// blank is the user that is to be inserted; at each try with another id and, if
// the name is not theirs by choice, with another name.
func (s *Service) blank(a Application, email gate.Email, try int) gate.User {
	u := gate.User{
		ID: gate.PrincipalID(secret.RandomID()), Username: a.Username, DisplayName: a.DisplayName, Locale: "uk", Timezone: "Europe/Kyiv",
	}
	if a.Username == "" && a.NameFromMail {
		u.Username, _, _ = strings.Cut(email.Address, "@")
		switch {
		case try > 8: // somebody collects them
			u.Username += "-" + string(u.ID[:8])
		case try > 0:
			u.Username += strconv.Itoa(try + 1)
		}
	}
	return u
}

func (s *Service) examine(ctx context.Context, a Application) (gate.Email, error) {
	email, problem := who(a.Email, a.DisplayName)
	if problem != nil {
		return email, problem
	}
	if a.Username != "" {
		if problem := checkUsername(a.Username, email); problem != nil {
			return email, problem
		}
	}
	return email, s.Passwords.check(ctx, a.Password, a.DisplayName, a.Username, a.Email)
}

// who reads how a newcomer introduces themselves.
func who(address, displayName string) (gate.Email, error) {
	email, ok := gate.ParseEmail(address)
	switch {
	case !ok:
		return email, gate.ErrValidation.At(gate.Problem{Path: []string{"email"}, Rule: gate.RuleValue, Words: "a valid e-mail address"})
	case !gate.CleanText(displayName):
		return email, gate.ErrValidation.At(gate.Problem{Path: []string{"display_name"}, Rule: gate.RuleValue, Words: "text without control characters"})
	}
	return email, nil
}

// checkUsername refuses what is no name, and somebody else's address as a name:
// where names are shown, it would pass for theirs.
func checkUsername(text string, own gate.Email) error {
	name, ok := gate.ParseUsername(text)
	if ok && strings.Contains(name.Name, "@") {
		address, isAddress := gate.ParseEmail(name.Name)
		ok = isAddress && address.Key == own.Key
	}
	if ok {
		return nil
	}
	return gate.ErrValidation.At(gate.Problem{Path: []string{"username"}, Rule: gate.RuleValue, Words: "a name without control characters, and no address but your own"})
}

func (s *Service) hash(ctx context.Context, pw secret.Text) (string, error) {
	slot, err := s.Hasher.Slot(ctx)
	if err != nil {
		return "", err
	}
	defer slot.Release()
	return slot.Hash(pw)
}

// insert stores the newcomer and all that comes with them. It may run again.
func (s *Service) insert(tx *store.Tx, caller gate.Caller, n newcomer, email gate.Email, m *made) error {
	if n.before != nil {
		if err := n.before(tx); err != nil {
			return err
		}
	}
	if n.verified {
		m.user.EmailVerifiedAt = tx.Now()
	}
	user, err := tx.AddUser(m.user, email)
	if err != nil {
		return err
	}
	if err := n.proof(tx, *m); err != nil {
		return err
	}
	for _, role := range n.roles {
		if _, err := tx.GrantRole(user.ID, role); err != nil {
			return err
		}
	}
	user.Roles = n.roles
	if err := tx.Record(caller.Event(gate.EventUserCreated, user.ID, "", nil)); err != nil {
		return err
	}
	if user.Memberships, err = s.settle(tx, caller, n.Invitation, user.ID); err != nil {
		return err
	}
	if n.enters {
		if err := m.opening.Open(tx); err != nil {
			return err
		}
	}
	if m.user = user; s.Matrix != nil {
		m.job, err = s.Matrix.Enqueue(tx, user.ID)
	}
	return err
}

// settle brings a newcomer into the org that they were invited to, or lets them
// found their own.
func (s *Service) settle(tx *store.Tx, caller gate.Caller, invitation secret.Text, id gate.PrincipalID) ([]gate.Membership, error) {
	switch {
	case !invitation.Empty():
		joined, role, err := s.Orgs.Enter(tx, caller, invitation, id)
		return []gate.Membership{{Org: joined.ID, Principal: id, Role: role}}, err
	case s.Home != Home{}:
		founded, err := org.Found(tx, caller, s.Home.Kind, s.Home.Name, id)
		return []gate.Membership{{Org: founded.ID, Principal: id, Role: gate.OrgAdmin}}, err
	}
	return nil, nil
}

// awaitMatrix gives the homeserver a moment, and returns the user with what
// came of it.
func (s *Service) awaitMatrix(ctx context.Context, user gate.User, tenant gate.TenantID, job gate.JobID) gate.User {
	if job == "" || !s.Jobs.RunNow(ctx, job, s.MatrixWait) {
		return user
	}
	_ = s.DB.Read(ctx, tenant, func(tx *store.Tx) error {
		linked, err := tx.User(user.ID)
		if err == nil {
			user.MatrixUserID = linked.MatrixUserID
		}
		return err
	}) // at worst the answer lacks the id, as it does when Synapse is slow
	return user
}
