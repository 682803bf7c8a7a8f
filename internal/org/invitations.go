package org

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Invitation is one with its code, as members see it.
type Invitation struct {
	gate.Invitation
	Code secret.Text
}

// How long an invitation may last, and how long its code is: forty bits, of
// which Service.Guess lets nobody try many.
const (
	MaxLifetime = 90 * 24 * time.Hour
	codeLetters = 8
)

// Invite makes an invitation to an org, for its power users and administrators.
// Whoever joins with it gets the role. maxUses 0 is as often as one likes; the
// lifetime is at most MaxLifetime.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNotMember, gate.ErrOrgRole also for
// a role above the caller's, gate.ErrInvitationRole, gate.ErrValidation,
// gate.ErrOrgLimit.
func (s *Service) Invite(ctx context.Context, caller gate.Caller, id gate.OrgID, role gate.OrgRole, maxUses int64, lifetime time.Duration) (made Invitation, err error) {
	err = s.change(ctx, caller, id, gate.OrgPowerUser, func(tx *store.Tx, own gate.OrgRole) error {
		if err := checkTerms(own, role, maxUses, lifetime); err != nil {
			return err
		}
		open, err := tx.CountOpenInvitations(id)
		if err == nil && open >= MaxInvitations {
			err = gate.ErrOrgLimit.Saying("It cannot have more than " + strconv.Itoa(MaxInvitations) + " open invitations. Revoke one first.")
		}
		if err != nil {
			return err
		}
		wanted := gate.Invitation{Org: id, Role: role, CreatedBy: caller.Principal, MaxUses: maxUses, ExpiresAt: tx.Now().Add(lifetime)}
		if made, err = s.draw(tx, wanted); err != nil {
			return err
		}
		return tx.Record(event(caller, gate.EventInvitationCreated, id, detail(made.Number, role)))
	})
	return made, err
}

func checkTerms(own, role gate.OrgRole, maxUses int64, lifetime time.Duration) error {
	problem := gate.Problem{Rule: gate.RuleValue}
	switch {
	case role == gate.OrgAdmin:
		return gate.ErrInvitationRole
	case !role.Known():
		return knownRole(role)
	case !own.AtLeast(role):
		return gate.ErrOrgRole.At(gate.Problem{Path: []string{"role"}, Rule: gate.RuleValue, Words: string(role)})
	case maxUses < 0:
		problem.Path, problem.Words = []string{"max_uses"}, "at least 1"
	case lifetime <= 0 || lifetime > MaxLifetime:
		problem.Path, problem.Words = []string{"lifetime"}, "between 1 and 90 days"
	default:
		return nil
	}
	return gate.ErrValidation.At(problem)
}

// draw stores an invitation under a code that no other has.
func (s *Service) draw(tx *store.Tx, i gate.Invitation) (Invitation, error) {
	const tries = 8 // among a million codes, one in a million is taken
	var err error = gate.ErrConflict
	made := Invitation{}
	for range tries {
		i.ID = gate.InvitationID(secret.ID())
		made.Code = secret.Letters(codeLetters, secret.Readable)
		made.Invitation, err = tx.AddInvitation(i, s.digest(tx.Tenant(), made.Code), s.Box.Seal([]byte(made.Code.Reveal()), place(i.ID)))
		if !errors.Is(err, gate.ErrConflict) {
			break
		}
	}
	return made, err
}

// digest is what an invitation is found by. A code is folded as its readers may
// have typed it.
func (s *Service) digest(tenant gate.TenantID, code secret.Text) secret.Digest {
	folded := strings.ToUpper(strings.TrimSpace(code.Reveal()))
	return s.Box.Digest(secret.NewText(folded), "invitations|code_digest|"+string(tenant))
}

func place(id gate.InvitationID) string { return "invitations|code_sealed|" + string(id) }

func detail(number int64, role gate.OrgRole) map[string]string {
	d := map[string]string{"invitation": strconv.FormatInt(number, 10)}
	if role != "" {
		d["role"] = string(role)
	}
	return d
}

// Invitations returns the newest MaxListed invitations to an org that are not
// revoked, those that are over included, the newest first. A member sees those
// whose role is not above their own.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNotMember.
func (s *Service) Invitations(ctx context.Context, caller gate.Caller, id gate.OrgID) (list []Invitation, err error) {
	err = s.look(ctx, caller, id, gate.OrgMember, func(tx *store.Tx, own gate.OrgRole) error {
		stored, err := tx.Invitations(id, MaxListed)
		if err != nil {
			return err
		}
		stored = slices.DeleteFunc(stored, func(i store.Invitation) bool { return !own.AtLeast(i.Role) })
		list = make([]Invitation, len(stored))
		for n, i := range stored {
			code, err := s.Box.Open(i.Sealed, place(i.ID))
			if err != nil {
				return err
			}
			list[n] = Invitation{i.Invitation, secret.NewText(string(code))}
		}
		return nil
	})
	return list, err
}

// RevokeInvitation makes the invitation with a number unusable, for power users
// and administrators of the org.
//
// Refused: gate.ErrNotAuthenticated, gate.ErrNotMember, gate.ErrOrgRole,
// gate.ErrInvitationAbsent also for one that was revoked before.
func (s *Service) RevokeInvitation(ctx context.Context, caller gate.Caller, id gate.OrgID, number int64) error {
	return s.change(ctx, caller, id, gate.OrgPowerUser, func(tx *store.Tx, _ gate.OrgRole) error {
		revoked, err := tx.RevokeInvitation(id, number)
		if err == nil && !revoked {
			err = gate.ErrInvitationAbsent
		}
		if err != nil {
			return err
		}
		return tx.Record(event(caller, gate.EventInvitationRevoked, id, detail(number, "")))
	})
}

// Preview is what the holder of a code learns before joining.
type Preview struct {
	Valid bool
	Name  string // of the org, "" unless the code is valid
}

// Preview tells whether one could join with a code, and what. Codes that are
// unknown, expired, revoked or used up are told apart neither by the answer nor
// by the time it takes.
//
// Anybody may call it. Refused: gate.ErrRateLimited.
func (s *Service) Preview(ctx context.Context, caller gate.Caller, code secret.Text) (p Preview, err error) {
	if err := s.TakeGuess(ctx, caller); err != nil {
		return p, err
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) error {
		i, err := tx.InvitationByCode(s.digest(tx.Tenant(), code))
		if err == nil && i.Open(tx.Now()) {
			p = Preview{Valid: true, Name: i.OrgName}
		}
		if errors.Is(err, gate.ErrNotFound) {
			return nil
		}
		return err
	})
	return p, err
}

// Join makes the caller a member of the org that a code invites to.
//
// Users may call it. Refused: gate.ErrNotAuthenticated, gate.ErrForbidden,
// gate.ErrRateLimited, gate.ErrInvitation whatever is wrong with the code,
// gate.ErrAlreadyMember, gate.ErrOrgLimit. None of these uses the invitation.
func (s *Service) Join(ctx context.Context, caller gate.Caller, code secret.Text) (place Place, err error) {
	switch {
	case caller.Principal == "":
		return place, gate.ErrNotAuthenticated
	case caller.Kind != gate.KindUser:
		return place, gate.ErrForbidden
	}
	if err := s.TakeGuess(ctx, caller); err != nil {
		return place, err
	}
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		place.Org, place.Role, err = s.Enter(tx, caller, code, caller.Principal)
		return err
	})
	return place, err
}

// TakeGuess takes one try of a code from the budget of the caller's network, or
// returns gate.ErrRateLimited. It is counted by itself: a try costs the same
// whatever comes of it.
func (s *Service) TakeGuess(ctx context.Context, caller gate.Caller) error {
	if s.Guess == nil {
		return nil
	}
	return s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error { return s.Guess(tx, caller.IP) })
}
