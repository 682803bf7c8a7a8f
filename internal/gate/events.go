package gate

// The names of audit events. A name is noun.verb in the past tense and never
// changes its meaning once released.
const (
	EventUserCreated     = "user.created"
	EventUserDisabled    = "user.disabled"
	EventUserEnabled     = "user.enabled"
	EventRoleGranted     = "role.granted"
	EventRoleRevoked     = "role.revoked"
	EventPasswordChanged = "password.changed"
	EventLoginSucceeded  = "login.succeeded"
	EventLoginFailed     = "login.failed"
	EventLoginRefused    = "login.refused" // right password, but not allowed in
	EventSessionEnded    = "session.ended"
	EventRefreshReused   = "refresh.reused" // a spent refresh token came back: theft
	EventSetupClaimed    = "setup.claimed"  // the first administrator was made
	EventMatrixLinked    = "matrix.linked"
	EventMatrixConflict  = "matrix.conflict" // the Matrix name belongs to someone else
	EventKeyCreated      = "key.created"
	EventRestored        = "house.restored"
)
