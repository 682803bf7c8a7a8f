package matrix

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// The two refusals that no amount of trying again will mend.
var (
	// ErrTaken says that the account with the user's name is someone else's.
	ErrTaken = errors.New("matrix: the account with this user's name belongs to someone else")

	// ErrOtherUser says that Synapse answered with the id of another user than
	// the one that was asked for.
	ErrOtherUser = errors.New("matrix: Synapse answered with the id of another user")
)

// Permanent reports whether trying again is pointless.
func Permanent(err error) bool {
	return errors.Is(err, ErrTaken) || errors.Is(err, ErrOtherUser)
}

// RetryAfter is how long Synapse asked us to wait, or 0 if it did not ask.
func RetryAfter(err error) time.Duration {
	var answer *answerError
	if errors.As(err, &answer) {
		return answer.retryAfter
	}
	return 0
}

// answerError is an answer that is not the one we need. It repeats no word of
// the other side's: an answer can echo the question, which holds secrets.
type answerError struct {
	step       string // nonce, register, login or logout
	status     int
	problem    string // in our words
	retryAfter time.Duration

	code    string // Matrix's errcode, for decisions only
	message string // Matrix's error, for decisions only
}

func (e *answerError) Error() string {
	return fmt.Sprintf("matrix %s: HTTP %d: %s", e.step, e.status, e.problem)
}

func isTaken(err error) bool {
	var answer *answerError
	return errors.As(err, &answer) && answer.status == http.StatusBadRequest &&
		(answer.code == "M_USER_IN_USE" || strings.Contains(answer.message, "User ID already taken"))
}

func isForbidden(err error) bool {
	var answer *answerError
	return errors.As(err, &answer) && answer.status == http.StatusForbidden && answer.code == "M_FORBIDDEN"
}

// problemOf says what an operator can make of a status.
func problemOf(step string, status int) string {
	switch {
	case step == "register" && status == http.StatusForbidden:
		return "refused; is the registration secret the one of Synapse's registration_shared_secret?"
	case status == http.StatusTooManyRequests:
		return "too many requests"
	case status >= 300 && status < 400:
		return "a redirect, which is not followed; set the URL that Synapse itself answers at"
	case status >= 500:
		return "Synapse, or a proxy before it, has a problem"
	}
	return "not the expected answer"
}

// connectionProblem reduces what net/http says about a failed exchange to what
// is known to hold nothing of the exchange itself: net/http quotes malformed
// answers, and an answer can echo the question.
func connectionProblem(step string, err error) error {
	var (
		timeout net.Error
		network *net.OpError
		trust   *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, context.Canceled):
		err = context.Canceled
	case errors.As(err, &timeout) && timeout.Timeout():
		err = errors.New("no answer in time")
	case errors.As(err, &network):
		err = network
	case errors.As(err, &trust):
		err = trust
	default:
		err = errors.New("the connection broke off, or the other side does not speak HTTP")
	}
	return fmt.Errorf("matrix %s: %w", step, err)
}
