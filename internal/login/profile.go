package login

import "github.com/gatehouse/gatehouse/internal/token"

// Profile and Grant let a face say what its tokens look like without reaching
// into the room where they are signed.
type (
	Profile = token.Profile
	Grant   = token.Grant
)
