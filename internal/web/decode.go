package web

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// Decode reads a JSON object into the fields of T and checks them against its
// tags. It is strict where reading in two ways is dangerous: duplicate members,
// trailing data, invalid UTF-8 and NUL are refused by every face, and another
// spelling of a name is another name. Errors never carry what was sent.
//
// T is a struct of string, secret.Text, bool and int64 fields, pointers to them,
// []string and Object, with the tags
//
//	json:"name[,omitempty]"  the exact member name; without omitempty required
//	minLength, maxLength     bounds in code points
//	minimum, maximum         bounds of an int64
//	enum:"a,b"               one of these, in any case; stored as written here
//	format:"email"           has to pass gate.ParseEmail
//
// A pointer may be null. Refused: gate.ErrMalformed, gate.ErrBodyTooLarge,
// gate.ErrMediaType, gate.ErrValidation with all problems at once.
func Decode[T any](f *Face, r *http.Request) (T, error) {
	var into T
	if err := f.checkMediaType(r); err != nil {
		return into, err
	}
	s := scratches.Get().(*scratch)
	defer s.giveBack()
	if err := s.fill(r); err != nil {
		return into, err
	}
	return into, s.decodeObject(reflect.ValueOf(&into).Elem(), f.StrictBodies)
}

// Object is a JSON object that somebody else reads: a browser's credential, say.
// Of it, only that it is JSON is checked here.
type Object []byte

// Schema is what the documentation says of it.
func (Object) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeObject} }

// MarshalJSON writes it as it is.
func (o Object) MarshalJSON() ([]byte, error) { return o, nil }

// scratch is what decoding needs and throws away. Nothing of it is kept: text
// is copied out.
type scratch struct {
	body    bytes.Buffer
	decoder jsontext.Decoder
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// giveBack wipes what was sent, which may be a password, and keeps the scratch
// for the next request unless it grew large.
func (s *scratch) giveBack() {
	s.body.Reset()
	used := s.body.AvailableBuffer()
	clear(used[:cap(used)])
	if cap(used) <= 4<<10 {
		scratches.Put(s)
	}
}

func (s *scratch) fill(r *http.Request) error {
	s.body.Reset()
	if r.Body == nil {
		return nil
	}
	_, err := s.body.ReadFrom(r.Body)
	if err == nil {
		return nil
	}
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return gate.ErrBodyTooLarge
	}
	return gate.ErrMalformed.Because(err)
}

func readBody(r *http.Request) ([]byte, error) {
	var s scratch
	err := s.fill(r)
	return s.body.Bytes(), err
}

// checkMediaType lets through what claims to be JSON. A lenient face also takes
// what curl -d sends, but not from a browser: a form on a hostile page can send
// exactly that.
func (f *Face) checkMediaType(r *http.Request) error {
	declared := r.Header.Get("Content-Type")
	if declared == "application/json" {
		return nil
	}
	media, _, err := mime.ParseMediaType(declared)
	if err == nil && (media == "application/json" || strings.HasSuffix(media, "+json")) {
		return nil
	}
	browser := r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
	lenient := declared == "" || media == "application/x-www-form-urlencoded" || media == "text/plain"
	if f.StrictBodies || browser || !lenient {
		return gate.ErrMediaType
	}
	return nil
}

func (s *scratch) decodeObject(into reflect.Value, strict bool) error {
	plan := planOf(into.Type())
	if absent := bytes.TrimSpace(s.body.Bytes()); len(absent) == 0 || string(absent) == "null" {
		return gate.ErrValidation.At(gate.Problem{Rule: gate.RuleMissing})
	}
	d := &s.decoder
	d.Reset(&s.body)
	kind := d.PeekKind()
	if kind != '{' {
		if err := d.SkipValue(); err != nil {
			return malformed(d, err)
		}
		return orTrailing(d, gate.ErrValidation.At(gate.Problem{Rule: gate.RuleType, Words: "object"}))
	}
	if _, err := d.ReadToken(); err != nil {
		return malformed(d, err)
	}
	seen := make([]bool, len(plan))
	var problems []gate.Problem
	for d.PeekKind() != '}' {
		quoted, err := d.ReadValue()
		if err != nil {
			return malformed(d, err)
		}
		name := nameOf(quoted)
		i := indexOf(plan, name)
		if i < 0 {
			if strict && len(problems) < maxProblems {
				problems = append(problems, gate.Problem{Path: []string{unknownName(string(name))}, Rule: gate.RuleUnknown})
			}
			if err := d.SkipValue(); err != nil {
				return malformed(d, err)
			}
			continue
		}
		seen[i] = true
		problem, err := plan[i].read(d, into.Field(plan[i].index))
		if err != nil {
			return malformed(d, err)
		}
		if problem.Rule != "" {
			problems = append(problems, problem)
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return malformed(d, err)
	}
	for i, f := range plan {
		if !seen[i] && f.required {
			problems = append(problems, gate.Problem{Path: []string{f.name}, Rule: gate.RuleMissing})
		}
	}
	if len(problems) > 0 {
		return orTrailing(d, gate.ErrValidation.At(problems...))
	}
	return orTrailing(d, nil)
}

// maxProblems bounds an answer to a body of nothing but mistakes.
const maxProblems = 32

func indexOf(plan []field, name []byte) int {
	for i := range plan {
		if plan[i].name == string(name) {
			return i
		}
	}
	return -1
}

// nameOf is what a JSON string says. As a rule there is nothing to unescape, and
// it is not copied.
func nameOf(quoted jsontext.Value) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	name, _ := jsontext.AppendUnquote(nil, quoted) // the decoder found it well-formed
	return name
}

// unknownName is safe to say: a member name is the client's, but it might be a
// password in the wrong place.
func unknownName(name string) string {
	if len(name) > 32 || !gate.CleanText(name) {
		return "?"
	}
	return name
}

// malformed tells how far the body could be read.
func malformed(d *jsontext.Decoder, err error) error {
	at := strconv.FormatInt(d.InputOffset(), 10)
	return gate.ErrMalformed.Because(err).At(gate.Problem{Path: []string{at}, Rule: gate.RuleType, Words: "JSON"})
}

func orTrailing(d *jsontext.Decoder, otherwise error) error {
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return malformed(d, err)
	}
	return otherwise
}
