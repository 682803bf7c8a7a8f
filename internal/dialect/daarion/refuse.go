package daarion

import (
	"net/http"
	"strconv"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/web"
)

// statuses are the original's, where they differ from HTTP's own suggestion.
var statuses = web.Statuses{ByCode: map[string]int{
	gate.ErrEmailTaken.Code:       http.StatusBadRequest,
	gate.ErrMalformed.Code:        http.StatusUnprocessableEntity,
	gate.ErrPrincipalUnknown.Code: http.StatusNotFound,
}}

// words are the original's; clients show them and match on them.
var words = map[string]string{
	gate.ErrEmailTaken.Code:         "Email already registered",
	gate.ErrInvalidCredentials.Code: "Invalid email or password",
	gate.ErrDisabled.Code:           "Account is disabled",
	gate.ErrInvalidRefresh.Code:     "Invalid refresh token",
	gate.ErrSessionEnded.Code:       "Session expired or revoked",
	gate.ErrPrincipalGone.Code:      "User not found or disabled",
	gate.ErrNotAuthenticated.Code:   "Not authenticated",
	gate.ErrInvalidToken.Code:       "Not authenticated",
	gate.ErrUserNotFound.Code:       "User not found",
	gate.ErrPrincipalUnknown.Code:   "User not found",
	gate.ErrRouteNotFound.Code:      "Not Found",
	gate.ErrMethodNotAllowed.Code:   "Method Not Allowed",
	gate.ErrInternal.Code:           "Internal Server Error",
}

// refusalBody is FastAPI's: a text, or for validation a list of what is wrong.
type refusalBody struct {
	Detail any `json:"detail"`
}

type problem struct {
	Type    string         `json:"type"`
	Loc     []any          `json:"loc"`
	Msg     string         `json:"msg"`
	Input   any            `json:"input"` // always null: what was sent is not sent back
	Context map[string]any `json:"ctx,omitempty"`
}

func refuse(w http.ResponseWriter, _ *http.Request, e *gate.Error) {
	body := refusalBody{Detail: e.Message}
	if text, ok := words[e.Code]; ok {
		body.Detail = text
	}
	switch {
	case e.Code == gate.ErrMalformed.Code:
		body.Detail = []problem{malformed(e)}
	case len(e.Problems) > 0:
		list := make([]problem, len(e.Problems))
		for i, p := range e.Problems {
			list[i] = problemOf(p)
		}
		body.Detail = list
	}
	_ = web.Reply(w, statuses.Of(e), body)
}

func malformed(e *gate.Error) problem {
	p := problem{Type: "json_invalid", Loc: []any{"body"}, Msg: "JSON decode error", Context: map[string]any{"error": "not valid JSON, or a name twice"}}
	if len(e.Problems) == 1 && len(e.Problems[0].Path) == 1 {
		if at, err := strconv.Atoi(e.Problems[0].Path[0]); err == nil {
			p.Loc = append(p.Loc, at)
		}
	}
	return p
}

// problemOf says what pydantic says.
func problemOf(p gate.Problem) problem {
	out := problem{Loc: []any{"body"}}
	for _, step := range p.Path {
		out.Loc = append(out.Loc, step)
	}
	limit := strconv.Itoa(p.Limit)
	switch p.Rule {
	case gate.RuleMissing:
		out.Type, out.Msg = "missing", "Field required"
	case gate.RuleType:
		out.Type, out.Msg = p.Words+"_type", "Input should be a valid "+p.Words
		if p.Words == "object" {
			out.Type, out.Msg = "model_attributes_type", "Input should be a valid dictionary or object to extract fields from"
		}
	case gate.RuleTooShort:
		out.Type, out.Msg = "string_too_short", "String should have at least "+limit+" characters"
		out.Context = map[string]any{"min_length": p.Limit}
	case gate.RuleTooLong:
		out.Type, out.Msg = "string_too_long", "String should have at most "+limit+" characters"
		out.Context = map[string]any{"max_length": p.Limit}
	case gate.RuleUnknown:
		out.Type, out.Msg = "extra_forbidden", "Extra inputs are not permitted"
	default:
		out.Type, out.Msg = "value_error", "Value error, this should be "+p.Words
	}
	return out
}
