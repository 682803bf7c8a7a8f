package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// Param is a parameter of the query, for the documentation.
type Param struct {
	Name     string
	Type     string // JSON Schema: "string", "integer", "boolean"; "" is string
	Many     bool   // may come more than once
	Required bool
	Doc      string
}

// PathText is a segment of the path, as the route names it. It is empty for one
// that no stored text could equal.
func PathText(r *http.Request, name string) string {
	text := chi.URLParam(r, name)
	if r.URL.RawPath != "" { // then the router looked at the path as it was sent
		decoded, err := url.PathUnescape(text)
		if err != nil {
			return ""
		}
		text = decoded
	}
	if !gate.CleanText(text) {
		return ""
	}
	return text
}

// PathNumber is a segment of the path that has to be a whole number, else
// gate.ErrValidation.
func PathNumber(r *http.Request, name string) (int64, error) {
	return number("path", chi.URLParam(r, name), name)
}

// QueryNumbers are all values of a parameter, which have to be whole numbers; it
// is gate.ErrValidation as well when there is none.
func QueryNumbers(r *http.Request, name string) ([]int64, error) {
	values := r.URL.Query()[name]
	if len(values) == 0 {
		return nil, gate.ErrValidation.At(gate.Problem{In: "query", Path: []string{name}, Rule: gate.RuleMissing})
	}
	numbers := make([]int64, len(values))
	for i, value := range values {
		n, err := number("query", value, name, strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		numbers[i] = n
	}
	return numbers, nil
}

// QueryNumber is a parameter that has to be a whole number between low and high,
// else gate.ErrValidation; absent is otherwise.
func QueryNumber(r *http.Request, name string, otherwise, low, high int64) (int64, error) {
	value := r.URL.Query().Get(name)
	if value == "" {
		return otherwise, nil
	}
	n, err := number("query", value, name)
	switch {
	case err != nil:
		return 0, err
	case n < low:
		return 0, gate.ErrValidation.At(gate.Problem{In: "query", Path: []string{name}, Rule: gate.RuleTooSmall, Limit: int(low)})
	case n > high:
		return 0, gate.ErrValidation.At(gate.Problem{In: "query", Path: []string{name}, Rule: gate.RuleTooLarge, Limit: int(high)})
	}
	return n, nil
}

func number(in, text string, path ...string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, gate.ErrValidation.At(gate.Problem{In: in, Path: path, Rule: gate.RuleType, Words: "integer"})
	}
	return n, nil
}

var pathParam = regexp.MustCompile(`\{([a-z_]+)\}`)

// params documents what a route takes from its address.
func (r Route) params() []*huma.Param {
	var params []*huma.Param
	for _, match := range pathParam.FindAllStringSubmatch(r.Path, -1) {
		params = append(params, &huma.Param{Name: match[1], In: "path", Required: true, Schema: &huma.Schema{Type: "string"}})
	}
	for _, q := range r.Query {
		schema := &huma.Schema{Type: "string"}
		if q.Type != "" {
			schema.Type = q.Type
		}
		if q.Many {
			schema = &huma.Schema{Type: "array", Items: schema}
		}
		params = append(params, &huma.Param{Name: q.Name, In: "query", Required: q.Required, Description: q.Doc, Schema: schema})
	}
	return params
}
