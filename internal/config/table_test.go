package config

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/configuration.md")

// TestTable keeps the table in order: complete rows, no name with two meanings.
func TestTable(t *testing.T) {
	keys := make(map[string]bool)
	owners := make(map[string]string) // face and name → key
	for _, s := range Settings() {
		switch {
		case keys[s.Key]:
			t.Errorf("%s is there twice", s.Key)
		case s.Doc == "" || !strings.HasSuffix(s.Doc, "."):
			t.Errorf("%s needs a Doc that ends in a full stop", s.Key)
		case len(s.Env) == 0 || !strings.HasPrefix(s.Env[0], ownPrefix):
			t.Errorf("the first name of %s must begin with %s", s.Key, ownPrefix)
		case s.Secret && s.Type != TypeString:
			t.Errorf("%s: a secret is a string", s.Key)
		case (s.Type == TypeEnum) != (len(s.Enum) > 0):
			t.Errorf("%s: an enum has words, and nothing else has", s.Key)
		case s.Units != nil && s.Type != TypeDuration:
			t.Errorf("%s: only durations have units", s.Key)
		case s.Synonyms != nil && s.Type != TypeEnum:
			t.Errorf("%s: only the words of an enum have synonyms", s.Key)
		}
		keys[s.Key] = true
		for name, unit := range s.Units {
			if unitWords[unit] == "" {
				t.Errorf("%s: the reference has no word for %s", name, unit)
			}
		}
		for _, face := range Faces() {
			for _, name := range s.names(face.Name) {
				if other := owners[face.Name+" "+name]; other != "" {
					t.Errorf("%s is a name of %s and of %s", name, other, s.Key)
				}
				owners[face.Name+" "+name] = s.Key
			}
			if _, err := s.parse(s.initial(face.Name)); err != nil {
				t.Errorf("the default of %s under --as %s: %v", s.Key, face.Name, err)
			}
		}
		if _, err := s.parse(s.Default); err != nil {
			t.Errorf("the default of %s: %v", s.Key, err)
		}
	}
	for key := range keys {
		for other := range keys {
			if strings.HasPrefix(other, key+".") {
				t.Errorf("%s is a setting and the group of %s: YAML cannot hold both", key, other)
			}
		}
	}
}

// TestGetters: every getter works for its own types and panics for all others
// and for what is not there.
func TestGetters(t *testing.T) {
	c := mustLoad(t, Options{})
	getters := map[Type]func(string){
		TypeString:   func(key string) { c.String(key) },
		TypeBool:     func(key string) { c.Bool(key) },
		TypeInt:      func(key string) { c.Int(key) },
		TypeDuration: func(key string) { c.Duration(key) },
		TypeRate:     func(key string) { c.Rate(key) },
		TypeList:     func(key string) { c.List(key) },
	}
	for typ, getter := range getters {
		for _, s := range Settings() {
			own := s.Type
			if own == TypeEnum || own == TypeURL || own == TypeAddress {
				own = TypeString
			}
			if panics(func() { getter(s.Key) }) == (own == typ) {
				t.Errorf("the getter of %s and %s of type %s", typ, s.Key, s.Type)
			}
		}
		if !panics(func() { getter("no.such.key") }) {
			t.Errorf("the getter of %s takes any key", typ)
		}
	}
	if !panics(func() { c.IsSet("no.such.key") }) {
		t.Error("IsSet takes any key")
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return
}

func TestReference(t *testing.T) {
	const path = "../../docs/configuration.md"
	if *update {
		if err := os.WriteFile(path, []byte(Reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || string(have) != Reference() {
		t.Errorf("docs/configuration.md is not what the table says: go test ./internal/config -run TestReference -update (%v)", err)
	}
	for _, s := range Settings() {
		for _, name := range s.Env {
			if !strings.Contains(string(have), "`"+name+"`") {
				t.Errorf("%s is not in the reference", name)
			}
		}
	}
}

func TestValues(t *testing.T) {
	for _, tc := range []struct {
		typ Type
		raw string
		ok  bool
	}{
		{TypeDuration, "1800", true}, {TypeDuration, "1.5", false}, {TypeDuration, "1h30m", true}, {TypeDuration, "", false},
		{TypeDuration, "99999999999", false}, {TypeInt, " 12 ", true}, {TypeInt, "0x10", false}, {TypeInt, "1e3", false},
		{TypeRate, "10/300", true}, {TypeRate, "0/1s", false}, {TypeRate, "5/0s", false}, {TypeRate, "5", false}, {TypeRate, "OFF", true},
		{TypeURL, "https://a/b", true}, {TypeURL, "ftp://a", false}, {TypeURL, "http://", false}, {TypeURL, "a.example", false},
		{TypeAddress, "[::1]:80", true}, {TypeAddress, ":80", true}, {TypeAddress, "a:b", false}, {TypeAddress, "a:70000", false},
		{TypeBool, "TRUE", true}, {TypeBool, "2", false}, {TypeString, "a\x00", false},
	} {
		if _, err := (Setting{Type: tc.typ}).parse(tc.raw); (err == nil) != tc.ok {
			t.Errorf("%s %q: %v", tc.typ, tc.raw, err)
		}
	}
	for raw, ok := range map[string]bool{
		"": true, strings.Repeat("0f1e", 16): true, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=": true,
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8": true, "AAEC": false, strings.Repeat("00", 32): false,
	} {
		if _, err := parseMasterKey(raw); (err == nil) != ok {
			t.Errorf("master key %q: %v", raw, err)
		}
	}
}
