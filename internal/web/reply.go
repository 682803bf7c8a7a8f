package web

import (
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// Statuses maps refusals to HTTP status codes: by kind, and by code for the
// exceptions that an original makes.
type Statuses struct {
	ByKind map[gate.Kind]int
	ByCode map[string]int
}

// DefaultKinds are the status codes that HTTP suggests (RFC 9110 §15).
var DefaultKinds = map[gate.Kind]int{
	gate.Internal: 500, gate.Invalid: 400, gate.Unauthenticated: 401, gate.StepUp: 403, gate.Forbidden: 403,
	gate.NotFound: 404, gate.Conflict: 409, gate.Expired: 401, gate.RateLimited: 429, gate.Unavailable: 503,
}

// DefaultCodes are exceptions that HTTP itself makes.
var DefaultCodes = map[string]int{
	gate.ErrBodyTooLarge.Code: 413, gate.ErrMediaType.Code: 415, gate.ErrMethodNotAllowed.Code: 405, gate.ErrValidation.Code: 422,
}

// Of returns the status for a refusal.
func (s Statuses) Of(e *gate.Error) int {
	for _, codes := range []map[string]int{s.ByCode, DefaultCodes} {
		if status, ok := codes[e.Code]; ok {
			return status
		}
	}
	for _, kinds := range []map[gate.Kind]int{s.ByKind, DefaultKinds} {
		if status, ok := kinds[e.Kind]; ok {
			return status
		}
	}
	return http.StatusInternalServerError
}

// Reply writes a JSON answer.
func Reply(w http.ResponseWriter, status int, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return ReplyJSON(w, status, raw)
}

var jsonType = []string{"application/json"}

// ReplyJSON writes an answer that is JSON already.
func ReplyJSON(w http.ResponseWriter, status int, raw []byte) error {
	if h := w.Header(); len(h["Content-Type"]) == 0 {
		h["Content-Type"] = jsonType
	}
	w.WriteHeader(status)
	_, _ = w.Write(raw) // a client that went away is not our mistake
	return nil
}

// Bearer returns the access token of the Authorization header (RFC 6750 §2.1),
// or an empty one. Two such headers are nobody's.
func Bearer(r *http.Request) secret.Text {
	values := r.Header["Authorization"]
	if len(values) != 1 {
		return secret.Text{}
	}
	scheme, credentials, found := strings.Cut(values[0], " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return secret.Text{}
	}
	return secret.NewText(strings.TrimSpace(credentials))
}
