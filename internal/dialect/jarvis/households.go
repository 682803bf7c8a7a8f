package jarvis

import (
	"errors"
	"net/http"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/org"
	"github.com/gatehouse/gatehouse/internal/web"
)

func (f *Face) householdRoutes() []web.Route {
	return forUser(
		web.Do(f.Web, http.MethodPost, "/households", "Found a household", http.StatusCreated, f.user, f.createHousehold).Refusing(gate.ErrOrgLimit),
		web.Do(f.Web, http.MethodGet, "/households", "My households", http.StatusOK, f.user, f.myHouseholds),
		web.Do(f.Web, http.MethodPost, "/households/join", "Join a household with an invite code", http.StatusOK, f.user, f.join).
			Refusing(gate.ErrInvitation, gate.ErrJoinedAlready, gate.ErrOrgLimit, gate.ErrRateLimited),
		web.Do(f.Web, http.MethodGet, "/households/{household_id}", "One household", http.StatusOK, f.user, f.household).Refusing(gate.ErrNotMember),
		web.Do(f.Web, http.MethodPatch, "/households/{household_id}", "Rename a household", http.StatusOK, f.user, f.renameHousehold).
			Refusing(gate.ErrNotMember, gate.ErrOrgRole),
		web.Do(f.Web, http.MethodDelete, "/households/{household_id}", "Remove a household with all that is in it", http.StatusNoContent, f.user, f.removeHousehold).
			Refusing(gate.ErrNotMember, gate.ErrOrgRole),
		web.Do(f.Web, http.MethodGet, "/households/{household_id}/members", "Who lives there", http.StatusOK, f.user, f.members).Refusing(gate.ErrNotMember),
		web.Do(f.Web, http.MethodPost, "/households/{household_id}/members", "Take a user in", http.StatusCreated, f.user, f.addMember).
			Refusing(gate.ErrNotMember, gate.ErrOrgRole, gate.ErrUserNotFound, gate.ErrAlreadyMember, gate.ErrOrgLimit),
		web.Do(f.Web, http.MethodPatch, "/households/{household_id}/members/{user_id}", "Give a member another role", http.StatusOK, f.user, f.setMemberRole).
			Refusing(gate.ErrNotMember, gate.ErrOrgRole, gate.ErrOwnRole, gate.ErrUserNotFound, gate.ErrMemberNotFound),
		web.Do(f.Web, http.MethodDelete, "/households/{household_id}/members/{user_id}", "Put a member out", http.StatusNoContent, f.user, f.removeMember).
			Refusing(gate.ErrNotMember, gate.ErrOrgRole, gate.ErrRemoveSelf, gate.ErrMemberNotFound, gate.ErrValidation),
		web.Do(f.Web, http.MethodPost, "/households/{household_id}/leave", "Leave a household", http.StatusOK, f.user, f.leave).
			Refusing(gate.ErrNotJoined, gate.ErrOnlyOrg, gate.ErrLastOrgAdmin),
		web.Do(f.Web, http.MethodGet, "/households/{household_id}/nodes", "The household's nodes", http.StatusOK, f.user, f.householdNodes).Refusing(gate.ErrNotMember),
		web.Do(f.Web, http.MethodPost, "/households/{household_id}/nodes", "Register a node; its key is shown once", http.StatusCreated, f.user, f.addHouseholdNode).
			Refusing(gate.ErrNotMember, gate.ErrOrgRole, gate.ErrOrgMismatch, gate.ErrNodeTaken, gate.ErrUserNotFound, gate.ErrMemberNotFound),
		web.Do(f.Web, http.MethodPost, "/households/{household_id}/invites", "Invite somebody", http.StatusCreated, f.user, f.invite).
			Refusing(gate.ErrNotMember, gate.ErrOrgRole, gate.ErrInvitationRole, gate.ErrOrgLimit),
		web.Do(f.Web, http.MethodGet, "/households/{household_id}/invites", "Invitations that were not revoked", http.StatusOK, f.user, f.invitations).
			Refusing(gate.ErrNotMember),
		web.Do(f.Web, http.MethodDelete, "/households/{household_id}/invites/{invite_id}", "Revoke an invitation", http.StatusNoContent, f.user, f.revokeInvitation).
			Refusing(gate.ErrNotMember, gate.ErrOrgRole, gate.ErrInvitationAbsent, gate.ErrValidation),
	)
}

func (f *Face) invitationRoutes() []web.Route {
	return []web.Route{
		web.Get[inviteCheck]("/invites/{code}/validate", "Is this invite code good, and where to?", f.previewInvitation).Refusing(gate.ErrRateLimited),
	}
}

func householdID(r *http.Request) gate.OrgID { return gate.OrgID(web.PathText(r, "household_id")) }

func (f *Face) createHousehold(r *http.Request, caller gate.Caller, in nameRequest) (newHousehold, error) {
	o, err := f.Orgs.Create(r.Context(), caller, gate.KindHousehold, in.Name)
	return newHousehold{ID: o.ID, Name: o.Name, CreatedAt: stamp(o.CreatedAt)}, err
}

func (f *Face) myHouseholds(r *http.Request, caller gate.Caller, _ struct{}) ([]ownHousehold, error) {
	places, err := f.Orgs.Mine(r.Context(), caller, gate.KindHousehold)
	return list(places, func(p org.Place) ownHousehold {
		return ownHousehold{ID: p.Org.ID, Name: p.Org.Name, Role: p.Role, CreatedAt: stamp(p.Org.CreatedAt)}
	}), err
}

func (f *Face) household(r *http.Request, caller gate.Caller, _ struct{}) (household, error) {
	o, err := f.Orgs.Get(r.Context(), caller, householdID(r))
	return householdOf(o), err
}

func (f *Face) renameHousehold(r *http.Request, caller gate.Caller, in nameRequest) (household, error) {
	o, err := f.Orgs.Rename(r.Context(), caller, householdID(r), in.Name)
	return householdOf(o), err
}

func (f *Face) removeHousehold(r *http.Request, caller gate.Caller, _ struct{}) (struct{}, error) {
	return struct{}{}, f.Orgs.Remove(r.Context(), caller, householdID(r))
}

func (f *Face) members(r *http.Request, caller gate.Caller, _ struct{}) ([]member, error) {
	all, err := f.Orgs.Members(r.Context(), caller, householdID(r))
	return list(all, memberOf), err
}

func (f *Face) addMember(r *http.Request, caller gate.Caller, in addMemberRequest) (member, error) {
	role := gate.OrgMember
	if in.Role != nil {
		role = gate.OrgRole(*in.Role)
	}
	m, err := f.Orgs.AddMember(r.Context(), caller, householdID(r), in.UserID, role)
	return memberOf(m), err
}

func (f *Face) setMemberRole(r *http.Request, caller gate.Caller, in roleRequest) (member, error) {
	number, err := web.PathNumber(r, "user_id")
	if err != nil {
		return member{}, err
	}
	m, err := f.Orgs.SetMemberRole(r.Context(), caller, householdID(r), number, gate.OrgRole(in.Role))
	return memberOf(m), err
}

func (f *Face) removeMember(r *http.Request, caller gate.Caller, _ struct{}) (struct{}, error) {
	number, err := web.PathNumber(r, "user_id")
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, f.Orgs.RemoveMember(r.Context(), caller, householdID(r), number)
}

func (f *Face) leave(r *http.Request, caller gate.Caller, _ struct{}) (left, error) {
	removed, err := f.Orgs.Leave(r.Context(), caller, householdID(r))
	if errors.Is(err, gate.ErrNotMember) {
		err = gate.ErrNotJoined.Because(err) // only here the original says 404
	}
	return left{Left: true, HouseholdID: householdID(r), HouseholdDeleted: removed}, err
}

func (f *Face) join(r *http.Request, caller gate.Caller, in joinRequest) (joined, error) {
	p, err := f.Orgs.Join(r.Context(), caller, in.InviteCode)
	if errors.Is(err, gate.ErrAlreadyMember) {
		err = gate.ErrJoinedAlready.Because(err) // the same, said to oneself
	}
	return joined{HouseholdID: p.Org.ID, HouseholdName: p.Org.Name, Role: p.Role}, err
}

// inviteDays is how long an invitation is good for unless somebody says
// otherwise.
const inviteDays = 7

func (f *Face) invite(r *http.Request, caller gate.Caller, in inviteRequest) (invite, error) {
	role, days, uses := gate.OrgMember, int64(inviteDays), int64(0)
	if in.DefaultRole != nil {
		role = gate.OrgRole(*in.DefaultRole)
	}
	if in.ExpiresInDays != nil {
		days = *in.ExpiresInDays
	}
	if in.MaxUses != nil {
		uses = *in.MaxUses
	}
	i, err := f.Orgs.Invite(r.Context(), caller, householdID(r), role, uses, time.Duration(days)*24*time.Hour)
	return inviteOf(i), err
}

func (f *Face) invitations(r *http.Request, caller gate.Caller, _ struct{}) ([]invite, error) {
	all, err := f.Orgs.Invitations(r.Context(), caller, householdID(r))
	return list(all, inviteOf), err
}

func (f *Face) revokeInvitation(r *http.Request, caller gate.Caller, _ struct{}) (struct{}, error) {
	number, err := web.PathNumber(r, "invite_id")
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, f.Orgs.RevokeInvitation(r.Context(), caller, householdID(r), number)
}

func (f *Face) previewInvitation(w http.ResponseWriter, r *http.Request) error {
	p, err := f.Orgs.Preview(r.Context(), f.Web.Caller(r), secretOf(web.PathText(r, "code")))
	if err != nil {
		return err
	}
	return web.Reply(w, http.StatusOK, inviteCheck{Valid: p.Valid, HouseholdName: orNull(p.Name)})
}
