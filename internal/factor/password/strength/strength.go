// Package strength says whether a new password is good enough. It knows no
// user, no store and no network: it is given a password and the words that
// belong to whoever chose it, and answers with the rules that refuse it.
//
// The rules are those of NIST SP 800-63B-4 §3.1.1.2: a length, a list of what
// is common, and the person's own words. A score and rules of composition can
// be added; the standard forbids the latter, so they are off unless somebody
// insists. The same section forbids to cut a password and to make people
// change it now and then; neither exists here.
//
// What it promises:
//
//   - A password typed in another Unicode form, or in full-width letters, is
//     the same password, and gets the same answer.
//   - No answer holds the password or any part of it.
//   - The time is bounded: a few milliseconds at the most, whatever is sent.
//   - Nothing is read before it is needed. The lists are unpacked by the first
//     password that they are asked about, and take less than 1 MB from then on.
package strength

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse/gatehouse/internal/factor/password"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// Policy is what a new password must be. The zero Policy refuses only what is
// one of the person's own words, or too long to be hashed.
type Policy struct {
	MinLength   int // code points, in Unicode form NFC
	MaxLength   int // likewise; 0 is as long as can be hashed
	MinScore    int // 0 to 4, see score
	Common      bool
	Composition Composition
}

// Composition says which kinds of characters a password must have. NIST SP
// 800-63B-4 §3.1.1.2 forbids such rules, because they make passwords worse.
type Composition struct{ Upper, Lower, Digit, Symbol bool }

// Check holds a new password against the policy. The words about it are the
// person's name, user name and e-mail address, and the name of the product.
//
// Refused: gate.ErrValidation with gate.RuleTooShort or gate.RuleTooLong, and
// gate.ErrWeakPassword with a gate.RuleValue for each other rule that it
// breaks. A wrong length is the only thing said about a password of that
// length; a low score only if no other rule says what to change.
func (p Policy) Check(pw secret.Text, about ...string) error {
	typed := pw.Reveal()
	if len(typed) > password.MaxBytes {
		return length(gate.RuleTooLong, p.longest())
	}
	switch n := utf8.RuneCountInString(norm.NFC.String(typed)); {
	case n < p.MinLength:
		return length(gate.RuleTooShort, p.MinLength)
	case n > p.longest():
		return length(gate.RuleTooLong, p.longest())
	}
	var wanted []string
	folded, own := fold(typed), ownWords(about)
	if p.Common {
		wanted = append(wanted, uncommon(folded)...)
	}
	if madeOf(folded, own) {
		wanted = append(wanted, notYourOwn)
	}
	wanted = append(wanted, p.Composition.missing(typed)...)
	if len(wanted) == 0 && p.MinScore > 0 && score(typed, own) < p.MinScore {
		wanted = append(wanted, harderToGuess)
	}
	if len(wanted) == 0 {
		return nil
	}
	return weak(wanted)
}

const (
	notYourOwn    = "a password that is not made of your name, your address or the name of this service"
	harderToGuess = "a password that is harder to guess: make it longer, for example with a few words that do not belong together"
)

func (p Policy) longest() int {
	if p.MaxLength <= 0 {
		return password.MaxBytes
	}
	return p.MaxLength
}

var path = []string{"password"}

func length(rule gate.Rule, limit int) error {
	return gate.ErrValidation.At(gate.Problem{Path: path, Rule: rule, Limit: limit})
}

func weak(wanted []string) error {
	problems := make([]gate.Problem, len(wanted))
	for i, words := range wanted {
		problems[i] = gate.Problem{Path: path, Rule: gate.RuleValue, Words: words}
	}
	return gate.ErrWeakPassword.At(problems...)
}

// missing says which kinds of characters there should be, in one piece.
func (c Composition) missing(typed string) []string {
	var kinds []string
	for _, kind := range []struct {
		asked bool
		is    func(rune) bool
		name  string
	}{
		{c.Upper, func(r rune) bool { return unicode.IsUpper(r) || unicode.IsTitle(r) }, "an upper-case letter"},
		{c.Lower, unicode.IsLower, "a lower-case letter"},
		{c.Digit, unicode.IsDigit, "a digit"},
		{c.Symbol, isSymbol, "a character that is neither letter nor digit"},
	} {
		if kind.asked && !strings.ContainsFunc(typed, kind.is) {
			kinds = append(kinds, kind.name)
		}
	}
	if kinds == nil {
		return nil
	}
	return []string{"a password with " + strings.Join(kinds, " and ")}
}

func isSymbol(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }

// fold makes one text of all that people take for the same: NFKC and full case
// folding, until nothing changes, because one can undo the other.
func fold(s string) string {
	for range 4 {
		next := norm.NFKC.String(cases.Fold().String(s))
		if next == s {
			break
		}
		s = next
	}
	return s
}
