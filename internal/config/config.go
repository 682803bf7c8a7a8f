// Package config knows every setting of the house: what it is called, where it
// may come from, what it means and what it is worth when nobody says anything.
//
// The table (table.go) is the one place where keys, environment names, defaults
// and documentation live; the loader, the error messages, Explain and the
// reference in docs/configuration.md are all made from it. To add a setting,
// add one literal there and run the reference test with -update.
//
// Later sources beat earlier ones: defaults, the YAML file, .env, the
// environment, flags. Under "--as face" a setting also honours the names that
// the service behind that face used; the first name that is set wins.
//
// It promises to be strict: what it does not understand is an error that names
// the nearest thing it knows, all errors are told at once, and no message ever
// shows a secret. It reads files and nothing else; what the values mean is the
// business of those that get them from cli and server, its only users.
package config

import (
	"fmt"
	"slices"
	"time"
)

// Options say where to look.
type Options struct {
	As      string            // the face to stand in for, or ""
	File    string            // the YAML file of --config, or ""
	Environ []string          // NAME=value, as os.Environ gives them
	Dir     string            // where .env and gatehouse.yaml are looked for; "" is the working directory
	Set     map[string]string // --set key=value
}

// Config is a complete, checked configuration. It does not change.
type Config struct {
	as       string
	table    []Setting
	values   map[string]value
	database Database
	warnings []string
}

// value is one setting as it was found and understood.
type value struct {
	typ    Type
	raw    string
	parsed any
	source string
}

const sourceDefault = "default"

// Line tells one setting for people: its value as it came and where from.
type Line struct {
	Key    string
	Value  string // a secret is "[secret]", or "" when there is none
	Source string // "default", "file gatehouse.yaml", ".env AUTH_PORT", "env AUTH_PORT", "flag"
}

// As returns the face that this configuration stands in for, or "".
func (c *Config) As() string { return c.as }

// String returns a string, an enum, a URL or an address.
func (c *Config) String(key string) string {
	return get[string](c, key, TypeString, TypeEnum, TypeURL, TypeAddress)
}

// Bool returns a yes or no.
func (c *Config) Bool(key string) bool { return get[bool](c, key, TypeBool) }

// Int returns a number.
func (c *Config) Int(key string) int { return get[int](c, key, TypeInt) }

// Duration returns a length of time.
func (c *Config) Duration(key string) time.Duration {
	return get[time.Duration](c, key, TypeDuration)
}

// List returns the items of a list, in order; nil when it is empty.
func (c *Config) List(key string) []string {
	return slices.Clone(get[[]string](c, key, TypeList))
}

// Rate returns a limit.
func (c *Config) Rate(key string) Rate { return get[Rate](c, key, TypeRate) }

// Database returns what database.url says, or the SQLite file in data.dir when
// it says nothing.
func (c *Config) Database() Database { return c.database }

// MigrationsDSN is the database for the role that makes tables, or "" when one
// role does all.
func (c *Config) MigrationsDSN() string {
	raw := c.String("database.migrations_url")
	if raw == "" || c.database.Engine != EnginePostgres {
		return ""
	}
	d, _ := ParseDatabaseURL(raw) // checked with the setting
	return d.DSN
}

// MasterKey returns the 32 bytes of master.key, or nil when it is empty.
func (c *Config) MasterKey() []byte {
	key, _ := parseMasterKey(c.String("master.key")) // checked by Load
	return key
}

// IsSet reports whether anybody set it: it did not come from the defaults.
func (c *Config) IsSet(key string) bool { return c.lookup(key).source != sourceDefault }

// Warnings are lines to print at start: things that work, but not as somebody
// may believe.
func (c *Config) Warnings() []string { return slices.Clone(c.warnings) }

// Explain tells every setting, in the order of the table.
func (c *Config) Explain() []Line {
	lines := make([]Line, 0, len(c.table))
	for _, s := range c.table {
		v := c.values[s.Key]
		line := Line{Key: s.Key, Value: v.raw, Source: v.source}
		if s.Secret && v.raw != "" {
			line.Value = hidden
		}
		lines = append(lines, line)
	}
	return lines
}

// Format keeps the secrets of a Config out of anything that prints it whole.
func (c *Config) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[config]")) }

// get panics when the program asks for what the table does not have: that is a
// mistake in the program, never in the input.
func get[T any](c *Config, key string, types ...Type) T {
	v := c.lookup(key)
	if !slices.Contains(types, v.typ) {
		panic(fmt.Sprintf("config: %s is of type %s, which this getter does not return", key, v.typ))
	}
	return v.parsed.(T)
}

func (c *Config) lookup(key string) value {
	v, ok := c.values[key]
	if !ok {
		panic("config: there is no setting " + key)
	}
	return v
}
