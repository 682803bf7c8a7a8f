package web

import (
	"bytes"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// field is what the type and the tags of a struct field say about a member.
type field struct {
	index    int
	name     string
	kind     jsontext.Kind // of its JSON: '"', 't', '0', '[' or '{'
	required bool
	nullable bool
	min, max int // length of a text
	bounds   [2]int64
	bounded  bool
	enum     []string
	email    bool
}

var plans sync.Map // reflect.Type → []field

func planOf(t reflect.Type) []field {
	if known, ok := plans.Load(t); ok {
		return known.([]field)
	}
	var plan []field
	for i := range t.NumField() {
		plan = append(plan, fieldOf(i, t.Field(i)))
	}
	plans.Store(t, plan)
	return plan
}

func fieldOf(i int, of reflect.StructField) field {
	name, options, _ := strings.Cut(of.Tag.Get("json"), ",")
	f := field{index: i, name: name, kind: '"', required: options != "omitempty", email: of.Tag.Get("format") == "email"}
	t := of.Type
	if f.nullable = t.Kind() == reflect.Pointer; f.nullable {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		f.kind = 't'
	case reflect.Int64:
		f.kind = '0'
	case reflect.Slice:
		if f.kind = '['; t == reflect.TypeFor[Object]() {
			f.kind = '{'
		}
	}
	f.min, _ = strconv.Atoi(of.Tag.Get("minLength"))
	f.max, _ = strconv.Atoi(of.Tag.Get("maxLength"))
	if low, high := of.Tag.Get("minimum"), of.Tag.Get("maximum"); low != "" && high != "" {
		f.bounds[0], _ = strconv.ParseInt(low, 10, 64)
		f.bounds[1], _ = strconv.ParseInt(high, 10, 64)
		f.bounded = true
	}
	if words := of.Tag.Get("enum"); words != "" {
		f.enum = strings.Split(words, ",")
	}
	return f
}

var kindNames = map[jsontext.Kind]string{'"': "string", 't': "boolean", '0': "integer", '[': "list", '{': "object"}

// read stores one member. The problem is what is wrong with its value, the
// error that there is no more JSON to go on with.
func (f field) read(d *jsontext.Decoder, into reflect.Value) (gate.Problem, error) {
	kind := d.PeekKind()
	if kind == 'f' {
		kind = 't'
	}
	if kind == 'n' && f.nullable {
		return gate.Problem{}, d.SkipValue()
	}
	if kind != f.kind {
		return f.wrong(gate.RuleType, 0, kindNames[f.kind]), d.SkipValue()
	}
	switch f.kind {
	case '[':
		return f.readList(d, into)
	case '{':
		object, err := d.ReadValue()
		into.SetBytes(bytes.Clone(object))
		return gate.Problem{}, err
	}
	token, err := d.ReadToken()
	if err != nil {
		return gate.Problem{}, err
	}
	if f.nullable {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	switch f.kind {
	case 't':
		into.SetBool(token.Bool())
		return gate.Problem{}, nil
	case '0':
		return f.setNumber(into, token.String()), nil
	}
	return f.setText(into, token.String()), nil
}

func (f field) wrong(rule gate.Rule, limit int, words string) gate.Problem {
	return gate.Problem{Path: []string{f.name}, Rule: rule, Limit: limit, Words: words}
}

// readList reads an array of texts, to its end even if one is wrong.
func (f field) readList(d *jsontext.Decoder, into reflect.Value) (problem gate.Problem, err error) {
	if _, err := d.ReadToken(); err != nil {
		return problem, err
	}
	list := []string{}
	for d.PeekKind() != ']' {
		if d.PeekKind() != '"' {
			problem = f.wrong(gate.RuleType, 0, "string")
			problem.Path = append(problem.Path, strconv.Itoa(len(list)))
			list = append(list, "")
			if err := d.SkipValue(); err != nil {
				return problem, err
			}
			continue
		}
		token, err := d.ReadToken()
		if err != nil {
			return problem, err
		}
		if rule, limit, words := f.check(token.String()); rule != "" {
			problem = f.wrong(rule, limit, words)
		}
		list = append(list, token.String())
	}
	into.Set(reflect.ValueOf(list))
	_, err = d.ReadToken()
	return problem, err
}

// setNumber takes whole numbers only: "1.0" and "1e3" are spelled in a way that
// others might read differently.
func (f field) setNumber(into reflect.Value, text string) gate.Problem {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return f.wrong(gate.RuleType, 0, "integer")
	case f.bounded && n < f.bounds[0]:
		return f.wrong(gate.RuleTooSmall, int(f.bounds[0]), "")
	case f.bounded && n > f.bounds[1]:
		return f.wrong(gate.RuleTooLarge, int(f.bounds[1]), "")
	}
	into.SetInt(n)
	return gate.Problem{}
}

func (f field) setText(into reflect.Value, text string) gate.Problem {
	if rule, limit, words := f.check(text); rule != "" {
		return f.wrong(rule, limit, words)
	}
	if f.enum != nil {
		for _, word := range f.enum {
			if strings.EqualFold(word, text) {
				into.SetString(word)
				return gate.Problem{}
			}
		}
		return f.wrong(gate.RuleChoice, 0, strings.Join(f.enum, ","))
	}
	if hidden, ok := into.Addr().Interface().(*secret.Text); ok {
		*hidden = secret.NewText(text)
		return gate.Problem{}
	}
	into.SetString(text)
	return gate.Problem{}
}

func (f field) check(text string) (rule gate.Rule, limit int, words string) {
	if strings.IndexByte(text, 0) >= 0 {
		return gate.RuleValue, 0, "text without NUL"
	}
	if f.min > 0 || f.max > 0 {
		switch n := utf8.RuneCountInString(text); {
		case n < f.min:
			return gate.RuleTooShort, f.min, ""
		case f.max > 0 && n > f.max:
			return gate.RuleTooLong, f.max, ""
		}
	}
	if f.email {
		if _, ok := gate.ParseEmail(text); !ok {
			return gate.RuleValue, 0, "a valid e-mail address"
		}
	}
	return "", 0, ""
}
