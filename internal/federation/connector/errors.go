package connector

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"
)

// The four kinds of errors. Every error of a Client that was used as documented
// is one of them.
var (
	// ErrUnavailable says that the provider did not answer, or nothing that can be
	// read. It may be well again later, see RetryAfter.
	ErrUnavailable = errors.New("the provider is unavailable")

	// ErrRefused says that the provider does not take the code: it is spent, too
	// old, or never was one. Whoever came with it can start again.
	ErrRefused = errors.New("the provider refuses the code")

	// ErrMisconfigured says that an operator has something to put right, here or
	// at the provider.
	ErrMisconfigured = errors.New("the provider is not set up rightly")

	// ErrUntrusted says that the provider's answer is not what it must be: it is of
	// another issuer, for somebody else, too old, or somebody tampered with it.
	ErrUntrusted = errors.New("the provider's answer cannot be trusted")
)

// RetryAfter is how long to wait after an ErrUnavailable, and 0 for other errors.
func RetryAfter(err error) time.Duration {
	var f *failure
	if !errors.As(err, &f) || !errors.Is(f.kind, ErrUnavailable) {
		return 0
	}
	return max(f.retryAfter, leastPause)
}

const maxRetryAfter = time.Hour // whoever asks for more is asked again after that

// failure is an error of one step of a sign-in, in our words: an answer can echo
// the question, and that holds secrets.
type failure struct {
	kind       error // one of the four
	step       string
	reason     string
	cause      error // known to be harmless, or nil
	retryAfter time.Duration
}

func fail(kind error, step, reason string) *failure {
	return &failure{kind: kind, step: step, reason: reason}
}

func (f *failure) Error() string {
	text := f.kind.Error() + ": " + f.step + ": " + f.reason
	if f.cause != nil {
		text += ": " + f.cause.Error()
	}
	return text
}

// Unwrap gives kind and cause to errors.Is.
func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}

// connectionProblem reduces what net/http says about a failed exchange to what
// cannot hold any of it: it quotes URLs and malformed answers.
func connectionProblem(step string, err error) error {
	var (
		timeout net.Error
		network *net.OpError
		trust   *tls.CertificateVerificationError
		f       = fail(ErrUnavailable, step, "the connection broke off, or the other side does not speak HTTP")
	)
	switch {
	case errors.Is(err, errForbiddenAddress):
		f = fail(ErrMisconfigured, step, "the provider is at an address that is not public; allow private ones if it belongs there")
	case errors.Is(err, context.Canceled):
		f.reason, f.cause = "nobody waits for the answer any more", context.Canceled
	case errors.As(err, &timeout) && timeout.Timeout():
		f.reason = "no answer in time"
	case errors.As(err, &network):
		f.reason, f.cause = "no connection", network
	case errors.As(err, &trust):
		f.reason, f.cause = "the certificate is not good", trust
	}
	return f
}

// statusProblem is what a status means at any of the provider's addresses, nil if
// it depends on the address.
func statusProblem(step string, status int, header http.Header) error {
	reason := "HTTP " + strconv.Itoa(status)
	switch {
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		f := fail(ErrUnavailable, step, reason)
		f.retryAfter = retryAfter(header)
		return f
	case status >= 300 && status < 400:
		return fail(ErrMisconfigured, step, reason+", a redirect, which is not followed; the address must be the one that answers itself")
	}
	return nil
}

// retryAfter reads the header (RFC 9110 §10.2.3); dates are left to our own pause.
func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
}
