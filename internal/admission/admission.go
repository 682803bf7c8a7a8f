// Package admission is what every way in ends with: a session is opened and its
// first tokens are made. A password, a registration or a change of password
// differ in what comes before; what they hand out is the same, and made here.
package admission

import (
	"context"
	"time"

	"github.com/gatehouse/gatehouse/internal/fault"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/session"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/token"
)

// Admission is what someone gets who was let in.
type Admission struct {
	User      gate.User
	Session   gate.SessionID
	Org       gate.OrgID // that the tokens speak of, "" for none
	Access    secret.Text
	Refresh   secret.Text
	ExpiresAt time.Time     // of the access token
	ExpiresIn time.Duration // of the access token, from now on
}

// Office hands out admissions of one face.
type Office struct {
	Rules   session.Rules
	Tokens  *token.Issuer
	Profile token.Profile
	Clock   gate.Clock
}

// Opening is a session that is about to be stored.
type Opening struct {
	Refresh secret.Text
	session gate.Session
	office  *Office
}

// Prepare makes a new session of a principal and its first refresh token: all
// that is slow or can fail, so that the transaction which opens it is short.
func (o *Office) Prepare(ctx context.Context, caller gate.Caller, id gate.PrincipalID) (Opening, error) {
	s := o.Rules.New(o.Clock(), caller, id)
	refresh, err := o.Tokens.Refresh(ctx, o.Profile, token.Owner{Principal: id, Session: s.ID})
	return Opening{Refresh: refresh, session: s, office: o}, err
}

// Open stores the session, or returns gate.ErrDisabled for who was disabled just
// now.
func (o Opening) Open(tx *store.Tx) error {
	return o.office.Rules.Open(tx, o.session, o.Refresh, o.office.Profile.RefreshTTL)
}

// Session is the session that is about to be stored.
func (o Opening) Session() gate.SessionID { return o.session.ID }

// Admission is what the user gets once the session is open.
func (o Opening) Admission(ctx context.Context, user gate.User) (Admission, error) {
	a, err := o.office.Mint(ctx, user, o.session)
	a.Refresh = o.Refresh
	return a, err
}

// Admit opens a session for who has proved themselves. Between the proof and now
// the account may have been disabled, or the proof used up or replaced; use says
// so, in the same transaction, and then nobody is let in.
//
// Refused: gate.ErrDisabled, and what use returns.
func (o *Office) Admit(ctx context.Context, db *store.DB, caller gate.Caller, user gate.User, use func(*store.Tx, gate.SessionID) error) (Admission, error) {
	opening, err := o.Prepare(ctx, caller, user.ID)
	if err != nil {
		return Admission{}, err
	}
	a, err := opening.Admission(ctx, user)
	if err != nil {
		return a, err
	}
	err = db.WriteRow(ctx, caller.Tenant, string(user.ID), func(tx *store.Tx) error {
		if err := use(tx, a.Session); err != nil {
			return err
		}
		if err := opening.Open(tx); err != nil {
			return err
		}
		return tx.Last().Record(caller.Event(gate.EventLoginSucceeded, a.User.ID, a.Session, nil))
	})
	if err != nil {
		return Admission{}, err
	}
	fault.Point("login_after_commit")
	return a, nil
}

// Mint makes an access token for a session and all of an admission but the
// refresh token. It speaks of the org that the session chose, as long as the
// user is a member, otherwise of the user's oldest.
func (o *Office) Mint(ctx context.Context, user gate.User, s gate.Session) (Admission, error) {
	org := s.Org
	if user.RoleIn(org) == "" {
		if org = ""; len(user.Memberships) > 0 {
			org = user.Memberships[0].Org
		}
	}
	access, err := o.Tokens.Access(ctx, o.Profile, token.Grant{User: user, Session: s.ID, Org: org})
	return Admission{
		User: user, Session: s.ID, Org: org, Access: access, ExpiresAt: o.Clock().Add(o.Profile.AccessTTL), ExpiresIn: o.Profile.AccessTTL,
	}, err
}
