package web

import (
	"mime"
	"net/http"
	"net/url"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// DecodeForm reads a form body (application/x-www-form-urlencoded). Parameters
// of the query are never mixed in, and one given twice is refused (RFC 6749
// §3.1): which of the two counts would depend on who reads.
func DecodeForm(r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, gate.ErrMediaType.Saying("Send the body as application/x-www-form-urlencoded.")
	}
	raw, err := readBody(r)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, gate.ErrValidation.Because(err)
	}
	for name, values := range form {
		if len(values) > 1 || !gate.CleanText(values[0]) {
			return nil, gate.ErrValidation.At(gate.Problem{Path: []string{unknownName(name)}, Rule: gate.RuleValue, Words: "given once, as text"})
		}
	}
	return form, nil
}
