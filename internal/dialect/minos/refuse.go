package minos

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/web"
	"github.com/gatehouse/gatehouse/internal/web/fastapi"
)

// statuses are the original's, where they differ from HTTP's own suggestion.
var statuses = web.Statuses{ByCode: map[string]int{
	gate.ErrMalformed.Code:             http.StatusUnprocessableEntity,
	gate.ErrEmailTaken.Code:            http.StatusBadRequest,
	gate.ErrUsernameTaken.Code:         http.StatusBadRequest,
	gate.ErrWrongPassword.Code:         http.StatusBadRequest,
	gate.ErrCurrentPasswordNeeded.Code: http.StatusBadRequest,
	gate.ErrNotAuthenticated.Code:      http.StatusForbidden,
	gate.ErrDisabled.Code:              http.StatusUnauthorized,
}}

// words are the original's; clients show them and match on them.
var words = fastapi.Words{
	gate.ErrEmailTaken.Code:         "Email already registered",
	gate.ErrUsernameTaken.Code:      "Username already taken",
	gate.ErrInvalidCredentials.Code: "Invalid username or password",
	gate.ErrDisabled.Code:           "Invalid username or password",
	gate.ErrInvalidRefresh.Code:     "Invalid refresh token",
	gate.ErrSessionEnded.Code:       "Invalid refresh token",
	gate.ErrRefreshExpired.Code:     "Invalid refresh token",
	gate.ErrPrincipalGone.Code:      "User not found or inactive",
	gate.ErrPrincipalUnknown.Code:   "User not found",
	gate.ErrUserNotFound.Code:       "User not found",
	gate.ErrInvalidToken.Code:       "Invalid authentication credentials",
	gate.ErrForbidden.Code:          "Insufficient permissions",
	gate.ErrWrongPassword.Code:      "Current password is incorrect",

	gate.ErrCurrentPasswordNeeded.Code: "Give the current password, too: POST it to " + base + "/change-password.",
}

// refusal is FastAPI's, and again in the members in which the platform's other
// clients look for it.
type refusal struct {
	Detail  any    `json:"detail"`
	Error   string `json:"error" doc:"detail in one sentence"`
	Message string `json:"message" doc:"the same"`
}

func refuse(w http.ResponseWriter, _ *http.Request, e *gate.Error) {
	status, detail := statuses.Of(e), fastapi.Detail(e, words)
	text := fastapi.Text(e, words)
	if list, ok := detail.([]fastapi.Problem); ok {
		text = sentence(list)
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	_ = web.Reply(w, status, refusal{detail, text, text})
}

// sentence is a list of problems for a person: "email: Field required".
func sentence(list []fastapi.Problem) string {
	var parts []string
	for _, p := range list {
		var path []string
		for _, step := range p.Loc[1:] {
			path = append(path, fmt.Sprint(step))
		}
		if len(path) == 0 || p.Type == "json_invalid" {
			parts = append(parts, p.Msg)
		} else {
			parts = append(parts, strings.Join(path, ".")+": "+p.Msg)
		}
	}
	return strings.Join(parts, "; ")
}

// short says of a password that is too short what the original said itself,
// before its framework could.
func short(err error, field, words string) error {
	var e *gate.Error
	if errors.As(err, &e) && len(e.Problems) == 1 {
		if p := e.Problems[0]; p.Rule == gate.RuleTooShort && slices.Equal(p.Path, []string{field}) {
			return gate.ErrWeakPassword.Saying(fmt.Sprintf(words, p.Limit))
		}
	}
	return err
}
