package config

import (
	"slices"
	"time"
)

// Setting is one row of the table.
type Setting struct {
	Key         string                   // dotted; nested maps in YAML
	Env         []string                 // names in order, first one wins; the first begins with GATEHOUSE_
	Aliases     map[string][]string      // face → further names in order, honoured only under --as that face
	Units       map[string]time.Duration // name → what a bare number counts there, if not seconds
	Type        Type
	Enum        []string
	Synonyms    map[string]string // of the words of an enum, in small letters
	Min, Max    int64             // bounds of an int, or of a duration in nanoseconds; none when both are 0
	Default     string
	FaceDefault map[string]string  // face → default under --as that face
	Secret      bool               // never shown; may come from the file that NAME_FILE names
	Check       func(string) error // further rules, for a list on each item; its error never quotes the value
	Doc         string             // Markdown, one paragraph
}

// Type says how the text of a setting is read.
type Type string

// The types of settings.
const (
	TypeString   Type = "string"
	TypeBool     Type = "bool"     // true/false, yes/no, on/off, 1/0
	TypeInt      Type = "int"      // decimal
	TypeDuration Type = "duration" // a number of seconds, or 90s, 15m, 1h30m
	TypeRate     Type = "rate"     // count/duration, or off
	TypeList     Type = "list"     // separated by commas, or a list in JSON or YAML
	TypeURL      Type = "url"      // http or https, without user and password
	TypeEnum     Type = "enum"     // one of a few words, in any case
	TypeAddress  Type = "address"  // host:port, or off
)

// Rate allows Count deeds per time Per. Off allows any number.
type Rate struct {
	Count int
	Per   time.Duration
	Off   bool
}

// Group is a part of the table under one heading.
type Group struct {
	Title    string
	Settings []Setting
}

// Face is an HTTP surface that has a listener of its own.
type Face struct {
	Name string
	Port int // its usual port
}

// Faces returns every face that can be served and stood in for with --as.
func Faces() []Face {
	return []Face{
		{Name: "native", Port: 8080},
		{Name: "daarion", Port: 7020},
		{Name: "microdao", Port: 7011},
		{Name: "jarvis", Port: 7701},
		{Name: "minos", Port: 8000},
	}
}

// Settings returns the whole table, in the order of the documentation.
func Settings() []Setting {
	var all []Setting
	for _, group := range Groups() {
		all = append(all, group.Settings...)
	}
	return all
}

// names returns every environment name of the setting, in order, for one face.
func (s Setting) names(as string) []string {
	return append(slices.Clone(s.Env), s.Aliases[as]...)
}

// initial returns the default of the setting, for one face.
func (s Setting) initial(as string) string {
	if value, ok := s.FaceDefault[as]; ok {
		return value
	}
	return s.Default
}

// everyFace gives all faces the same default.
func everyFace(value string) map[string]string {
	defaults := make(map[string]string)
	for _, face := range Faces() {
		defaults[face.Name] = value
	}
	return defaults
}
