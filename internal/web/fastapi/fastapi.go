// Package fastapi says what is wrong with a request the way FastAPI and pydantic
// do, for faces whose originals were built on them.
package fastapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/web"
)

// Refusal is FastAPI's: a text, or for validation a list of what is wrong.
type Refusal struct {
	Detail any `json:"detail"`
}

// Problem is one thing wrong with a request.
type Problem struct {
	Type    string         `json:"type"`
	Loc     []any          `json:"loc"`
	Msg     string         `json:"msg"`
	Input   any            `json:"input"` // always null: what was sent is not sent back
	Context map[string]any `json:"ctx,omitempty"`
}

// Words are an original's own, by the code of a refusal.
type Words map[string]string

// Common are FastAPI's own words.
var Common = Words{
	gate.ErrNotAuthenticated.Code: "Not authenticated",
	gate.ErrRouteNotFound.Code:    "Not Found",
	gate.ErrMethodNotAllowed.Code: "Method Not Allowed",
	gate.ErrInternal.Code:         "Internal Server Error",
}

// Refuse writes a refusal with the original's words, or else FastAPI's, or else
// ours.
func Refuse(w http.ResponseWriter, e *gate.Error, status int, words Words) {
	_ = web.Reply(w, status, Refusal{Detail: Detail(e, words)})
}

// Detail is what a refusal says.
func Detail(e *gate.Error, words Words) any {
	switch {
	case e.Code == gate.ErrMalformed.Code:
		return []Problem{malformed(e)}
	case e.Code == gate.ErrValidation.Code && len(e.Problems) > 0:
		list := make([]Problem, len(e.Problems))
		for i, p := range e.Problems {
			list[i] = problemOf(p)
		}
		return list
	}
	return Text(e, words)
}

// Text is what a refusal says in one sentence.
func Text(e *gate.Error, words Words) string {
	if e.Said() {
		return e.Message
	}
	for _, own := range []Words{words, Common} {
		if text, ok := own[e.Code]; ok {
			return text
		}
	}
	return e.Message
}

func malformed(e *gate.Error) Problem {
	p := Problem{Type: "json_invalid", Loc: []any{"body"}, Msg: "JSON decode error", Context: map[string]any{"error": "not valid JSON, or a name twice"}}
	if len(e.Problems) == 1 && len(e.Problems[0].Path) == 1 {
		if at, err := strconv.Atoi(e.Problems[0].Path[0]); err == nil {
			p.Loc = append(p.Loc, at)
		}
	}
	return p
}

// problemOf says what pydantic says.
func problemOf(p gate.Problem) Problem {
	out := Problem{Loc: location(p)}
	limit := strconv.Itoa(p.Limit)
	switch p.Rule {
	case gate.RuleMissing:
		out.Type, out.Msg = "missing", "Field required"
	case gate.RuleType:
		out.Type, out.Msg = wrongType(p)
	case gate.RuleTooShort:
		out.Type, out.Msg = "string_too_short", "String should have at least "+limit+" characters"
		out.Context = map[string]any{"min_length": p.Limit}
	case gate.RuleTooLong:
		out.Type, out.Msg = "string_too_long", "String should have at most "+limit+" characters"
		out.Context = map[string]any{"max_length": p.Limit}
	case gate.RuleTooSmall:
		out.Type, out.Msg = "greater_than_equal", "Input should be greater than or equal to "+limit
		out.Context = map[string]any{"ge": p.Limit}
	case gate.RuleTooLarge:
		out.Type, out.Msg = "less_than_equal", "Input should be less than or equal to "+limit
		out.Context = map[string]any{"le": p.Limit}
	case gate.RuleChoice:
		out.Type, out.Msg = "enum", "Input should be "+choice(p.Words)
		out.Context = map[string]any{"expected": choice(p.Words)}
	case gate.RuleUnknown:
		out.Type, out.Msg = "extra_forbidden", "Extra inputs are not permitted"
	default:
		out.Type, out.Msg = "value_error", "Value error, this should be "+p.Words
	}
	return out
}

// location begins with where the value came from; an index in a list is a
// number.
func location(p gate.Problem) []any {
	loc := []any{"body"}
	if p.In != "" {
		loc[0] = p.In
	}
	for i, step := range p.Path {
		if n, err := strconv.Atoi(step); err == nil && i > 0 {
			loc = append(loc, n)
		} else {
			loc = append(loc, step)
		}
	}
	return loc
}

func wrongType(p gate.Problem) (kind, msg string) {
	switch {
	case p.Words == "object":
		return "model_attributes_type", "Input should be a valid dictionary or object to extract fields from"
	case p.Words == "integer" && p.In != "":
		return "int_parsing", "Input should be a valid integer, unable to parse string as an integer"
	case p.Words == "integer":
		return "int_type", "Input should be a valid integer"
	}
	return p.Words + "_type", "Input should be a valid " + p.Words
}

// choice is "'a', 'b' or 'c'".
func choice(words string) string {
	list := strings.Split(words, ",")
	for i := range list {
		list[i] = "'" + list[i] + "'"
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " or " + list[last]
}
