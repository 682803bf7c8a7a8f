package account

import (
	"context"
	"log/slog"
	"strings"

	"github.com/gatehouse/gatehouse/internal/factor/password/strength"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/provision/breach"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// Passwords is what a face asks of new passwords.
type Passwords struct {
	Strength strength.Policy
	Breach   *breach.Client // nil: nobody is asked
	Log      *slog.Logger
}

// product is tried by whoever guesses, like the person's own name.
const product = "gatehouse"

// check holds a new password against the rules; about are its owner's own words.
// A service of stolen passwords that does not answer is no reason to refuse one.
//
// Refused: gate.ErrValidation for the length, gate.ErrWeakPassword, which says
// which rules it breaks.
func (p Passwords) check(ctx context.Context, pw secret.Text, about ...string) error {
	if err := p.Strength.Check(pw, append(about, product)...); err != nil {
		return spoken(gate.AsError(err))
	}
	if p.Breach == nil {
		return nil
	}
	seen, err := p.Breach.Count(ctx, pw)
	switch {
	case err != nil:
		p.Log.Warn("a new password was accepted without being looked up among stolen ones", "error", err)
	case seen > 0:
		return spoken(gate.ErrWeakPassword.At(gate.Problem{Path: []string{"password"}, Rule: gate.RuleValue, Words: "a password that was not seen in stolen data"}))
	}
	return nil
}

// spoken says the broken rules in one sentence, for faces that have room for no
// more.
func spoken(e *gate.Error) error {
	if e.Code != gate.ErrWeakPassword.Code || len(e.Problems) == 0 {
		return e
	}
	wanted := make([]string, len(e.Problems))
	for i, problem := range e.Problems {
		wanted[i] = problem.Words
	}
	return e.Saying("The password is too easy to guess. Choose " + strings.Join(wanted, ", and ") + ".")
}

// of names the field of the request that holds the password, where it is not
// "password".
func of(field string, err error) error {
	if err == nil {
		return nil
	}
	e := *gate.AsError(err)
	e.Problems = append([]gate.Problem{}, e.Problems...)
	for i := range e.Problems {
		e.Problems[i].Path = []string{field}
	}
	return &e
}
