package gate

import (
	"slices"
	"time"
)

// The catalogue: every refusal that the house knows. Each is declared here,
// once; a face that has its own words for one says so in its own table.
var (
	ErrInternal = entry(Internal, "internal_error", "Something went wrong on our side.")

	// Requests that cannot be understood.
	ErrMalformed        = entry(Invalid, "malformed_body", "The request body is not valid JSON.")
	ErrValidation       = entry(Invalid, "validation_failed", "Some fields are missing or not acceptable.")
	ErrBodyTooLarge     = entry(Invalid, "body_too_large", "The request body is too large.")
	ErrMediaType        = entry(Invalid, "unsupported_media_type", "Send the body as application/json.")
	ErrMethodNotAllowed = entry(Invalid, "method_not_allowed", "This address does not answer that method.")
	ErrRouteNotFound    = entry(NotFound, "route_not_found", "There is nothing at this address.")
	ErrCrossOrigin      = entry(Forbidden, "cross_origin", "Requests from that origin are not accepted here.")

	// Who are you?
	ErrNotAuthenticated   = entry(Unauthenticated, "not_authenticated", "Send an access token.")
	ErrInvalidCredentials = entry(Unauthenticated, "invalid_credentials", "The e-mail address or the password is wrong.")
	ErrInvalidToken       = entry(Unauthenticated, "invalid_token", "The access token is not valid, or not valid any more.")
	ErrInvalidRefresh     = entry(Unauthenticated, "invalid_refresh_token", "The refresh token is not valid.")
	ErrRefreshExpired     = entry(Expired, "refresh_token_expired", "The refresh token has expired. Sign in again.")
	ErrSessionEnded       = entry(Expired, "session_ended", "The session has ended. Sign in again.")
	ErrPrincipalGone      = entry(Unauthenticated, "principal_gone", "The account does not exist any more, or is disabled.")
	ErrPrincipalUnknown   = entry(Unauthenticated, "principal_unknown", "The account of this token does not exist any more.")
	ErrDisabled           = entry(Forbidden, "account_disabled", "The account is disabled.")
	ErrForbidden          = entry(Forbidden, "forbidden", "You are not allowed to do that.")

	// Accounts.
	ErrEmailTaken            = entry(Conflict, "email_taken", "An account with this e-mail address exists already.")
	ErrRegistrationClosed    = entry(Forbidden, "registration_closed", "Registration is closed. Ask an administrator for an account.")
	ErrUserNotFound          = entry(NotFound, "user_not_found", "There is no such user.")
	ErrRoleUnknown           = entry(NotFound, "role_unknown", "There is no such role.")
	ErrLastAdmin             = entry(Conflict, "last_admin", "This is the last administrator. Make another one first.")
	ErrSetupLink             = entry(Forbidden, "setup_link_invalid", "This set-up link is used up or expired. Restart Gatehouse for a new one, or use 'gatehouse user create --admin'.")
	ErrWrongPassword         = entry(Unauthenticated, "wrong_password", "The current password is wrong.")
	ErrSamePassword          = entry(Invalid, "same_password", "The new password is the current one. Choose another.")
	ErrCurrentPasswordNeeded = entry(StepUp, "current_password_needed", "Give the current password, too: use the address that changes passwords.")
	ErrTooMany               = entry(Invalid, "too_many", "That is more at once than this address answers.")
	ErrWeakPassword          = entry(Invalid, "weak_password", "The password is too easy to guess. Choose another.")
	ErrPasswordExpired       = entry(Unauthenticated, "temporary_password_expired", "The temporary password has expired. Ask your administrator for a new one.")
	ErrUsernameTaken         = entry(Conflict, "username_taken", "An account with this user name exists already.")
	ErrSetupDone             = entry(Conflict, "setup_done", "The first administrator exists already.")
	ErrUserDeactivated       = entry(Conflict, "user_deactivated", "The account is disabled. Enable it first.")
	ErrFarewell              = passing(Unavailable, "farewell_failed", "Another service would not let go of the account's data. Try again.", 5*time.Second)
	ErrSettingUnknown        = entry(NotFound, "setting_unknown", "There is no such setting.")
	ErrSettingFixed          = entry(Forbidden, "setting_fixed", "Settings come from the environment and the configuration file: change them there.")
	ErrAccountHasNodes       = entry(Conflict, "account_has_nodes", "Devices are registered to this account. Remove them first.")

	// Orgs.
	ErrNotMember        = entry(Forbidden, "not_member", "You are not a member of that org, or there is no such org.")
	ErrOrgRole          = entry(Forbidden, "org_role_too_low", "Your role in that org does not allow it.")
	ErrOrgNotFound      = entry(NotFound, "org_not_found", "There is no such org.")
	ErrMemberNotFound   = entry(NotFound, "member_not_found", "There is no such member.")
	ErrAlreadyMember    = entry(Conflict, "already_member", "That account is a member already.")
	ErrOwnRole          = entry(Invalid, "own_role", "Nobody lowers their own role. Ask another administrator.")
	ErrRemoveSelf       = entry(Invalid, "remove_self", "Leave the org instead of removing yourself.")
	ErrOnlyOrg          = entry(Invalid, "only_org", "This is your only one. Join or create another first.")
	ErrLastOrgAdmin     = entry(Invalid, "last_org_admin", "You are its only administrator. Make another member one first.")
	ErrSoleOrgAdmin     = entry(Conflict, "sole_org_admin", "You are the only administrator of an org with other members. Make another member one first.")
	ErrNotJoined        = entry(NotFound, "not_joined", "You are not a member of that org.")
	ErrJoinedAlready    = entry(Conflict, "joined_already", "You are a member already.")
	ErrOrgMismatch      = entry(Invalid, "org_mismatch", "The body and the address name different orgs.")
	ErrInvitation       = entry(Invalid, "invitation_invalid", "The invitation is not valid, or not any more.")
	ErrInvitationRole   = entry(Invalid, "invitation_role", "An invitation cannot make somebody an administrator.")
	ErrInvitationAbsent = entry(NotFound, "invitation_not_found", "There is no such invitation.")
	ErrOrgLimit         = entry(Conflict, "org_limit", "There are as many as there may be.")

	// Services and devices.
	ErrMissingKey    = entry(Unauthenticated, "missing_key", "Send the name and the key of your app.")
	ErrInvalidKey    = entry(Unauthenticated, "invalid_key", "The name or the key is not valid, or not any more.")
	ErrAdminToken    = entry(Unauthenticated, "invalid_admin_token", "The admin token is missing or wrong.")
	ErrAppTaken      = entry(Conflict, "app_taken", "An app with this name exists already.")
	ErrAppNotFound   = entry(NotFound, "app_not_found", "There is no such app.")
	ErrNodeTaken     = entry(Conflict, "node_taken", "A node with this name exists already.")
	ErrNodeNotFound  = entry(NotFound, "node_not_found", "There is no such node.")
	ErrGrantTaken    = entry(Conflict, "grant_exists", "The node may use this service already.")
	ErrGrantNotFound = entry(NotFound, "grant_not_found", "The node was not granted this service.")

	// Agents, API keys, passkeys.
	ErrAgentTaken     = entry(Conflict, "agent_taken", "An agent or a service with this name exists already.")
	ErrAgentNotFound  = entry(NotFound, "agent_not_found", "There is no such agent or service.")
	ErrAgentDisabled  = entry(Conflict, "agent_disabled", "It is disabled. Enable it first.")
	ErrAgentRights    = entry(Forbidden, "agent_rights", "Nobody gives an agent more than they have.")
	ErrAPIKeyNotFound = entry(NotFound, "api_key_not_found", "There is no such API key.")
	ErrAPIKeyLimit    = entry(Conflict, "api_key_limit", "There are as many as there may be. Revoke one first.")
	ErrNeedsSession   = entry(StepUp, "session_needed", "An API key cannot do that. Sign in.")
	ErrCredentials    = entry(Unauthenticated, "conflicting_credentials", "The credentials of the request belong to different principals. Send one.")
	ErrKeyInAddress   = entry(Invalid, "key_in_address", "Send API keys in the header X-API-Key: addresses end up in logs. Revoke this one.")
	ErrPasskey        = entry(Invalid, "passkey_refused", "The passkey was not accepted. Try again.")
	ErrPasskeyUnknown = entry(Unauthenticated, "passkey_unknown", "That passkey is not known here.")
	ErrPasskeyTaken   = entry(Conflict, "passkey_taken", "That passkey is registered already.")
	ErrPasskeyAbsent  = entry(NotFound, "passkey_not_found", "There is no such passkey.")
	ErrLastWayIn      = entry(Conflict, "last_way_in", "You could not sign in any more. First set a password or add another passkey.")
	ErrPasskeyLimit   = entry(Conflict, "passkey_limit", "There are as many as there may be. Remove one first.")
	ErrChallenge      = entry(Invalid, "challenge_invalid", "The challenge is not valid, or not any more. Start again.")
	ErrSignInFirst    = entry(Unauthenticated, "sign_in_first", "Sign in before you add a passkey to this account.")
	ErrScope          = entry(Invalid, "scope_unknown", "That is not a scope: use *, roles:<role>, roles:*, orgs:<id> or orgs:*.")

	// Other providers.
	ErrProviderUnknown   = entry(NotFound, "provider_unknown", "There is no such provider to sign in with.")
	ErrProviderAway      = passing(Unavailable, "provider_unavailable", "The provider does not answer at the moment. Try again shortly, or sign in another way.", 5*time.Second)
	ErrProviderSetup     = passing(Unavailable, "provider_misconfigured", "The provider is not set up correctly. Tell whoever runs this service.", time.Minute)
	ErrProviderRefused   = entry(Forbidden, "provider_refused", "The provider did not let you in.")
	ErrProviderUntrusted = entry(Unauthenticated, "provider_untrusted", "What the provider said could not be verified.")
	ErrFlow              = entry(Invalid, "flow_invalid", "This sign-in was begun too long ago, or in another browser. Start again.")
	ErrEmailMissing      = entry(Forbidden, "email_missing", "The provider did not tell your e-mail address. Add one to your account there, then try again.")
	ErrNotLinked         = entry(Conflict, "account_not_linked", "There is an account with your e-mail address already. Sign in to it, then connect the provider.")
	ErrIdentityTaken     = entry(Conflict, "identity_taken", "That account at the provider is connected to another account here.")
	ErrIdentityLimit     = entry(Conflict, "identity_limit", "There are as many as there may be. Disconnect one first.")
	ErrIdentityAbsent    = entry(NotFound, "identity_not_found", "There is no such connected account.")

	// Whatever else.
	ErrConflict = entry(Conflict, "conflict", "It collides with something that exists.")
	ErrNotFound = entry(NotFound, "not_found", "There is no such thing.")

	// Not now.
	ErrRateLimited         = passing(RateLimited, "rate_limited", "Too many attempts. Wait, then try again.", time.Minute)
	ErrTooManyFailures     = passing(RateLimited, "too_many_failures", "Too many failed attempts to sign in. Wait, then try again.", 15*time.Minute)
	ErrBusy                = passing(Unavailable, "busy", "Too many sign-ins at this moment. Try again shortly.", time.Second)
	ErrDatabaseUnavailable = passing(Unavailable, "database_unavailable", "The database is not available. Try again shortly.", 2*time.Second)
	ErrTimeout             = passing(Unavailable, "timeout", "It took too long. Try again shortly.", 2*time.Second)
)

var catalogue []*Error

func entry(kind Kind, code, message string) *Error {
	e := &Error{Kind: kind, Code: code, Message: message}
	catalogue = append(catalogue, e)
	return e
}

// passing is an entry that says when to try again.
func passing(kind Kind, code, message string, wait time.Duration) *Error {
	e := entry(kind, code, message)
	e.RetryAfter = wait
	return e
}

// Catalogue returns every declared error, so that a test can walk all faces
// over all of them.
func Catalogue() []*Error { return slices.Clone(catalogue) }
