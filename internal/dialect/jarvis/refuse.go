package jarvis

import (
	"net/http"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/web"
	"github.com/gatehouse/gatehouse/internal/web/fastapi"
)

// statuses are the original's, where they differ from HTTP's own suggestion.
var statuses = web.Statuses{ByCode: map[string]int{
	gate.ErrMalformed.Code:     http.StatusUnprocessableEntity,
	gate.ErrEmailTaken.Code:    http.StatusBadRequest,
	gate.ErrUsernameTaken.Code: http.StatusBadRequest,
	gate.ErrAlreadyMember.Code: http.StatusBadRequest,
	gate.ErrJoinedAlready.Code: http.StatusBadRequest,
	gate.ErrAppTaken.Code:      http.StatusBadRequest,
	gate.ErrNodeTaken.Code:     http.StatusBadRequest,
	gate.ErrGrantTaken.Code:    http.StatusBadRequest,
	gate.ErrDisabled.Code:      http.StatusUnauthorized,
	gate.ErrFarewell.Code:      http.StatusBadGateway,
}}

// words are the original's; clients show them and match on them.
var words = fastapi.Words{
	gate.ErrEmailTaken.Code:         "Email already registered",
	gate.ErrUsernameTaken.Code:      "Username already taken",
	gate.ErrInvitation.Code:         "Invalid or expired invite code",
	gate.ErrInvalidCredentials.Code: "Invalid email or password",
	gate.ErrDisabled.Code:           "Invalid email or password",
	gate.ErrPasswordExpired.Code:    "Temporary password expired. Ask your administrator for a new one.",
	gate.ErrInvalidRefresh.Code:     "Invalid refresh token",
	gate.ErrSessionEnded.Code:       "Invalid refresh token",
	gate.ErrPrincipalGone.Code:      "Invalid refresh token",
	gate.ErrRefreshExpired.Code:     "Refresh token expired",
	gate.ErrInvalidToken.Code:       "Could not validate credentials",
	gate.ErrPrincipalUnknown.Code:   "Could not validate credentials",
	gate.ErrWrongPassword.Code:      "Incorrect password",
	gate.ErrSamePassword.Code:       "New password must be different from the current password",
	gate.ErrAccountHasNodes.Code:    "Cannot delete account with nodes registered to it",
	gate.ErrSoleOrgAdmin.Code:       "Cannot delete your account while you are the only admin of a household with other members. Make another member an admin first.",
	gate.ErrFarewell.Code:           "Could not complete account deletion. Please try again.",
	gate.ErrSetupDone.Code:          "Setup already completed",
	gate.ErrRateLimited.Code:        "Too many requests. Please slow down.",
	gate.ErrTooManyFailures.Code:    "Too many failed login attempts. Please try again later.",
	gate.ErrNotMember.Code:          "Not a member of this household",
	gate.ErrNotJoined.Code:          "Not a member of this household",
	gate.ErrOrgNotFound.Code:        "Household not found",
	gate.ErrUserNotFound.Code:       "User not found",
	gate.ErrMemberNotFound.Code:     "Member not found",
	gate.ErrAlreadyMember.Code:      "User is already a member of this household",
	gate.ErrJoinedAlready.Code:      "Already a member of this household",
	gate.ErrOwnRole.Code:            "Cannot demote yourself",
	gate.ErrRemoveSelf.Code:         "Cannot kick yourself. Use POST /households/{id}/leave instead.",
	gate.ErrOnlyOrg.Code:            "Cannot leave your only household. Join or create another household first.",
	gate.ErrLastOrgAdmin.Code:       "You're the only admin. Promote another member to admin before leaving.",
	gate.ErrInvitationRole.Code:     "Invite codes cannot assign admin role",
	gate.ErrInvitationAbsent.Code:   "Invite not found",
	gate.ErrOrgMismatch.Code:        "Household ID in payload must match URL",
	gate.ErrNodeTaken.Code:          "node_id already exists",
	gate.ErrNodeNotFound.Code:       "Node not found",
	gate.ErrGrantTaken.Code:         "Node already has access to this service",
	gate.ErrGrantNotFound.Code:      "Service access not found",
	gate.ErrAppTaken.Code:           "app_id already exists",
	gate.ErrAppNotFound.Code:        "App client not found",
	gate.ErrAdminToken.Code:         "Unauthorized",
	gate.ErrMissingKey.Code:         "Missing app credentials",
	gate.ErrInvalidKey.Code:         "Invalid app credentials",
	gate.ErrTooMany.Code:            "Maximum 100 user IDs per request",
	gate.ErrForbidden.Code:          "Superuser access required",
	gate.ErrUserDeactivated.Code:    "User is deactivated; reactivate the account before issuing a temporary password",
}

func refuse(w http.ResponseWriter, _ *http.Request, e *gate.Error) {
	switch e.Code {
	case gate.ErrNotAuthenticated.Code, gate.ErrInvalidToken.Code:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case gate.ErrOrgRole.Code:
		if len(e.Problems) == 1 {
			e = e.Saying("Requires " + e.Problems[0].Words + " role or higher")
		}
	}
	if e.Code == gate.ErrSettingUnknown.Code {
		_ = web.Reply(w, statuses.Of(e), fastapi.Refusal{Detail: settingProblem{settingError{Type: "not_found", Message: e.Message, Code: "not_found"}}})
		return
	}
	fastapi.Refuse(w, e, statuses.Of(e), words)
}
