package main

import (
	"bytes"
	"encoding/json"
	"strings"
)

// object is a JSON object as text: its members stay in order, and may be there
// twice.
type object []member

func (o object) MarshalJSON() ([]byte, error) { return []byte(o.String()), nil }

func (o object) String() string {
	members := make([]string, 0, len(o))
	for _, m := range o {
		members = append(members, quoted(m.name)+":"+m.raw)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// with replaces a member where it is, or adds it at the end.
func (o object) with(name, raw string) object {
	out := append(object(nil), o...)
	for i := range out {
		if out[i].name == name {
			out[i].raw = raw
			return out
		}
	}
	return append(out, member{name, raw})
}

func (o object) without(name string) object {
	var out object
	for _, m := range o {
		if m.name != name {
			out = append(out, m)
		}
	}
	return out
}

// renamed gives a member another name.
func (o object) renamed(from, to string) object {
	out := append(object(nil), o...)
	for i := range out {
		if out[i].name == from {
			out[i].name = to
		}
	}
	return out
}

// twice adds a member whether there is one of this name or not.
func (o object) twice(name, raw string) object {
	return append(append(object(nil), o...), member{name, raw})
}

func quoted(text string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
