package gate

// The names of audit events. A name is noun.verb in the past tense and never
// changes its meaning once released.
const (
	EventUserCreated          = "user.created"
	EventUserDisabled         = "user.disabled"
	EventUserEnabled          = "user.enabled"
	EventRoleGranted          = "role.granted"
	EventRoleRevoked          = "role.revoked"
	EventPasswordChanged      = "password.changed"
	EventLoginSucceeded       = "login.succeeded"
	EventLoginFailed          = "login.failed"
	EventLoginRefused         = "login.refused" // right password, but not allowed in
	EventSessionEnded         = "session.ended"
	EventRefreshReused        = "refresh.reused" // a spent refresh token came back: theft
	EventSetupClaimed         = "setup.claimed"  // the first administrator was made
	EventMatrixLinked         = "matrix.linked"
	EventMatrixConflict       = "matrix.conflict" // the Matrix name belongs to someone else
	EventKeyCreated           = "key.created"
	EventOrgCreated           = "org.created"
	EventOrgRenamed           = "org.renamed"
	EventOrgRemoved           = "org.removed"
	EventMemberAdded          = "member.added"
	EventMemberRoleChanged    = "member.role_changed"
	EventMemberRemoved        = "member.removed"
	EventInvitationCreated    = "invitation.created"
	EventInvitationRevoked    = "invitation.revoked"
	EventAppCreated           = "app.created"
	EventAppDisabled          = "app.disabled"
	EventAppEnabled           = "app.enabled"
	EventNodeCreated          = "node.created"
	EventNodeDisabled         = "node.disabled"
	EventKeyRotated           = "key.rotated"
	EventServiceGranted       = "service.granted"
	EventServiceRevoked       = "service.revoked"
	EventTemporaryPassword    = "password.temporary"
	EventUserRemoved          = "user.removed"
	EventUserChanged          = "user.changed"
	EventAgentCreated         = "agent.created"
	EventAgentDisabled        = "agent.disabled"
	EventAgentEnabled         = "agent.enabled"
	EventAgentRemoved         = "agent.removed"
	EventAPIKeyCreated        = "api_key.created"
	EventAPIKeyRevoked        = "api_key.revoked"
	EventPasskeyAdded         = "passkey.added"
	EventPasskeyRenamed       = "passkey.renamed"
	EventPasskeyRemoved       = "passkey.removed"
	EventIdentityConnected    = "identity.connected"
	EventIdentityDisconnected = "identity.disconnected"
	EventDemo                 = "house.demo" // people moved in whose password is public
	EventRestored             = "house.restored"
)
