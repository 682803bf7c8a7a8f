package gatehouse

import (
	"errors"
	"net/http"
	"time"
)

// What a Refusal can be, for errors.Is.
var (
	// ErrUnauthenticated: nobody is known to be calling (401).
	ErrUnauthenticated = errors.New("gatehouse: unauthenticated")
	// ErrForbidden: it is known who is calling, and they may not (403).
	ErrForbidden = errors.New("gatehouse: forbidden")
	// ErrUnavailable: it cannot be said at the moment (503); try again later.
	ErrUnavailable = errors.New("gatehouse: unavailable")
	// ErrRejected: the auth service does not accept what a Client wants (another
	// 4xx). A Verifier never returns it.
	ErrRejected = errors.New("gatehouse: rejected")
)

// Refusal is every error of a Verifier and of a Client, for errors.As. It is one
// of the errors above, and contains no credential.
type Refusal struct {
	Kind       error         // ErrUnauthenticated, ErrForbidden, ErrUnavailable or ErrRejected
	Status     int           // the HTTP status that says so: 401, 403, 503, or of ErrRejected the auth service's own
	Detail     string        // safe to show to whoever is calling
	RetryAfter time.Duration // when to try again, if the auth service said so; otherwise 0
	cause      error         // for logs; may name hosts
}

// Error says everything, for logs. Detail is for callers.
func (r *Refusal) Error() string {
	text := r.Kind.Error() + ": " + r.Detail
	if r.cause != nil {
		text += ": " + r.cause.Error()
	}
	return text
}

// Unwrap returns Kind, and the cause if there is one.
func (r *Refusal) Unwrap() []error {
	if r.cause == nil {
		return []error{r.Kind}
	}
	return []error{r.Kind, r.cause}
}

func unauthenticated(detail string) *Refusal {
	return &Refusal{Kind: ErrUnauthenticated, Status: http.StatusUnauthorized, Detail: detail}
}

func forbidden(detail string) *Refusal {
	return &Refusal{Kind: ErrForbidden, Status: http.StatusForbidden, Detail: detail}
}

func unavailable(cause error) *Refusal {
	return &Refusal{
		Kind: ErrUnavailable, Status: http.StatusServiceUnavailable,
		Detail: "who is calling cannot be said at the moment", cause: cause,
	}
}
