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
	ErrSessionEnded       = entry(Expired, "session_ended", "The session has ended. Sign in again.")
	ErrPrincipalGone      = entry(Unauthenticated, "principal_gone", "The account does not exist any more, or is disabled.")
	ErrPrincipalUnknown   = entry(Unauthenticated, "principal_unknown", "The account of this token does not exist any more.")
	ErrDisabled           = entry(Forbidden, "account_disabled", "The account is disabled.")
	ErrForbidden          = entry(Forbidden, "forbidden", "You are not allowed to do that.")

	// Accounts.
	ErrEmailTaken         = entry(Conflict, "email_taken", "An account with this e-mail address exists already.")
	ErrRegistrationClosed = entry(Forbidden, "registration_closed", "Registration is closed. Ask an administrator for an account.")
	ErrUserNotFound       = entry(NotFound, "user_not_found", "There is no such user.")
	ErrRoleUnknown        = entry(NotFound, "role_unknown", "There is no such role.")
	ErrLastAdmin          = entry(Conflict, "last_admin", "This is the last administrator. Make another one first.")
	ErrSetupLink          = entry(Forbidden, "setup_link_invalid", "This set-up link is used up or expired. Restart Gatehouse for a new one, or use 'gatehouse user create --admin'.")
	ErrConflict           = entry(Conflict, "conflict", "It collides with something that exists.")
	ErrNotFound           = entry(NotFound, "not_found", "There is no such thing.")

	// Not now.
	ErrRateLimited         = passing(RateLimited, "rate_limited", "Too many attempts. Wait, then try again.", time.Minute)
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
