package daarion

import (
	"net/http"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/web"
	"github.com/gatehouse/gatehouse/internal/web/fastapi"
)

// statuses are the original's, where they differ from HTTP's own suggestion.
var statuses = web.Statuses{ByCode: map[string]int{
	gate.ErrEmailTaken.Code:       http.StatusBadRequest,
	gate.ErrMalformed.Code:        http.StatusUnprocessableEntity,
	gate.ErrPrincipalUnknown.Code: http.StatusNotFound,
}}

// words are the original's; clients show them and match on them.
var words = fastapi.Words{
	gate.ErrEmailTaken.Code:         "Email already registered",
	gate.ErrInvalidCredentials.Code: "Invalid email or password",
	gate.ErrDisabled.Code:           "Account is disabled",
	gate.ErrInvalidRefresh.Code:     "Invalid refresh token",
	gate.ErrSessionEnded.Code:       "Session expired or revoked",
	gate.ErrRefreshExpired.Code:     "Session expired or revoked",
	gate.ErrPrincipalGone.Code:      "User not found or disabled",
	gate.ErrInvalidToken.Code:       "Not authenticated",
	gate.ErrUserNotFound.Code:       "User not found",
	gate.ErrPrincipalUnknown.Code:   "User not found",
}

func refuse(w http.ResponseWriter, _ *http.Request, e *gate.Error) {
	fastapi.Refuse(w, e, statuses.Of(e), words)
}
