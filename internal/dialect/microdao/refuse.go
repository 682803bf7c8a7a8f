package microdao

import (
	"net/http"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/web"
	"github.com/gatehouse/gatehouse/internal/web/fastapi"
)

// statuses are the original's, where they differ from HTTP's own suggestion.
var statuses = web.Statuses{ByCode: map[string]int{
	gate.ErrMalformed.Code: http.StatusUnprocessableEntity,
	gate.ErrDisabled.Code:  http.StatusUnauthorized,
	gate.ErrScope.Code:     http.StatusUnprocessableEntity,

	gate.ErrPasskeyUnknown.Code: http.StatusNotFound,
}}

const unauthorized = "Unauthorized: No valid session token or API key"

// words are the original's; clients show them and match on them.
var words = fastapi.Words{
	gate.ErrInvalidCredentials.Code: "Invalid credentials",
	gate.ErrPasswordExpired.Code:    "Invalid credentials",
	gate.ErrDisabled.Code:           "Invalid credentials",
	gate.ErrNotAuthenticated.Code:   unauthorized,
	gate.ErrInvalidToken.Code:       unauthorized,
	gate.ErrPrincipalGone.Code:      unauthorized,
	gate.ErrPrincipalUnknown.Code:   unauthorized,
	gate.ErrAPIKeyNotFound.Code:     "API key not found",
	gate.ErrUserNotFound.Code:       "User not found",
	gate.ErrChallenge.Code:          "Invalid or expired challenge",
	gate.ErrPasskeyUnknown.Code:     "Passkey not found",
	gate.ErrPasskey.Code:            "Verification failed: the passkey was not accepted",
}

func refuse(w http.ResponseWriter, _ *http.Request, e *gate.Error) {
	code := statuses.Of(e)
	if code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	fastapi.Refuse(w, e, code, words)
}
