package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// TestAComplaintSaysEverythingThatIsWrong, to people and to machines.
func TestAComplaintSaysEverythingThatIsWrong(t *testing.T) {
	name := gate.Problem{Path: []string{"name"}, Rule: gate.RuleTooShort, Limit: 1}
	title := gate.Problem{Path: []string{"title"}, Rule: gate.RuleTooLong, Limit: 255}
	pair := gate.Problem{Path: []string{"rates", "0"}, Rule: gate.RuleValue, Words: "a rate"}
	for what, c := range map[string]struct {
		err      error
		why, fix string
	}{
		"one problem":   {gate.ErrValidation.At(name), "name is too short: 1 characters at least", ""},
		"two":           {gate.ErrValidation.At(name, title), "name is too short: 1 characters at least; title is too long: 255 characters at the most", ""},
		"three":         {gate.ErrValidation.At(pair, title, name), "rates.0 is not a rate; title is too long: 255 characters at the most; name is too short: 1 characters at least", ""},
		"none":          {gate.ErrRoleUnknown, "", ""},
		"of our own":    {gate.ErrInternal.Because(errors.New("no ink")), "no ink", ""},
		"a cause":       {gate.CauseDemo, "", gate.CauseDemo.Fix},
		"a caused one":  {gate.ErrDatabaseUnavailable.Because(gate.CauseInhabited), "", gate.CauseInhabited.Fix},
		"nobody's word": {errors.New("no such file"), "", ""},
	} {
		var words, raw bytes.Buffer
		(&app{err: &words}).complain(c.err)
		(&app{err: &raw, asJSON: true}).complain(c.err)
		var body map[string]string
		if err := json.Unmarshal(raw.Bytes(), &body); err != nil {
			t.Fatalf("%s: %v: %s", what, err, &raw)
		}
		if body["detail"] != c.why || body["fix"] != c.fix || body["error"] == "" {
			t.Errorf("%s: to machines %v", what, body)
		}
		want := "gatehouse: " + body["error"] + "\n"
		if c.why != "" {
			want += "  why: " + c.why + "\n"
		}
		if c.fix != "" {
			want += "  fix: " + c.fix + "\n"
		}
		if words.String() != want {
			t.Errorf("%s: to people %q, want %q", what, &words, want)
		}
	}
}

func TestWhatIsWrongHasWords(t *testing.T) {
	for want, p := range map[string]gate.Problem{
		"too short: 8 characters at least":   {Rule: gate.RuleTooShort, Limit: 8},
		"too long: 9 characters at the most": {Rule: gate.RuleTooLong, Limit: 9},
		"too small: 0 at least":              {Rule: gate.RuleTooSmall},
		"too small: 1 at least":              {Rule: gate.RuleTooSmall, Limit: 1},
		"too large: 3650 at the most":        {Rule: gate.RuleTooLarge, Limit: 3650},
		"missing":                            {Rule: gate.RuleMissing},
		"not a name":                         {Rule: gate.RuleValue, Words: "a name"},
	} {
		if got := describe(p); got != want {
			t.Errorf("%s: %q, want %q", p.Rule, got, want)
		}
	}
}
