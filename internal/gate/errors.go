package gate

import (
	"errors"
	"time"
)

// Kind is what sort of refusal an error is; each face maps it to a status. The
// zero Kind is Internal, so what nobody classified never reaches a client in
// words.
type Kind uint8

// The kinds of refusals.
const (
	Internal        Kind = iota // our mistake; clients learn nothing
	Invalid                     // the request cannot be understood or accepted
	Unauthenticated             // no credential, or not a good one
	StepUp                      // a stronger or fresher proof is needed
	Forbidden                   // known, but not allowed
	NotFound                    // no such thing, or not visible to this caller
	Conflict                    // it collides with what exists
	Expired                     // it was good once
	RateLimited                 // too many; see RetryAfter
	Unavailable                 // something we need is away; see RetryAfter
)

var kindNames = [...]string{
	"internal", "invalid", "unauthenticated", "step_up", "forbidden",
	"not_found", "conflict", "expired", "rate_limited", "unavailable",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "internal"
}

// Problem is one thing wrong with one field of a request. It never carries the
// value that was sent.
type Problem struct {
	In    string   // "path", "query" or "header"; "": the body
	Path  []string // where, e.g. {"email"}; array indexes are decimal
	Rule  Rule
	Limit int    // for length rules: the bound
	Words string // for RuleValue: what a good value looks like
}

// Rule names the way in which a field can be wrong.
type Rule string

// The rules that fields can break.
const (
	RuleMissing  Rule = "missing"   // required, absent
	RuleType     Rule = "type"      // not of the expected JSON type, see Words
	RuleTooShort Rule = "too_short" // fewer than Limit code points
	RuleTooLong  Rule = "too_long"  // more than Limit code points
	RuleValue    Rule = "value"     // of the right type, but not acceptable
	RuleUnknown  Rule = "unknown"   // no such field
	RuleTooSmall Rule = "too_small" // a number below Limit
	RuleTooLarge Rule = "too_large" // a number above Limit
	RuleChoice   Rule = "choice"    // none of Words, which have commas between them
)

// Error is every refusal of the house. Verbs return the ones declared in
// catalogue.go, sometimes enriched by With…; faces translate Kind and Code into
// their own status and words in one place. Err is the cause for the log and is
// never shown to a client.
type Error struct {
	Kind       Kind
	Code       string // stable, snake_case; what clients may match on
	Message    string // safe to show, says what to do where that helps
	Problems   []Problem
	RetryAfter time.Duration
	Err        error
	said       bool // Message is for this occasion
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Code + ": " + e.Err.Error()
	}
	return e.Code + ": " + e.Message
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// Is makes an enriched copy match the catalogue entry it came from.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Because returns a copy of the error with a cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Err = cause
	return &c
}

// After returns a copy of the error that says when to try again.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Saying returns a copy of the error with other words for the client.
func (e *Error) Saying(message string) *Error {
	c := *e
	c.Message, c.said = message, true
	return &c
}

// Said reports whether the message was made for this occasion: then it says more
// than a face's own words for the code.
func (e *Error) Said() bool { return e.said }

// At returns a copy of the error that names what is wrong with which fields.
func (e *Error) At(problems ...Problem) *Error {
	c := *e
	c.Problems = problems
	return &c
}

// AsError returns err as an *Error; anything else becomes ErrInternal with err
// as its cause.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return ErrInternal.Because(err)
}
