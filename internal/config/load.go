package config

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"
)

const hidden = "[secret]"

// Error holds everything that is wrong with a configuration, one line each.
type Error struct{ Problems []string }

// Error tells all problems.
func (e *Error) Error() string {
	return "the configuration is not accepted:\n  - " + strings.Join(e.Problems, "\n  - ")
}

// found is the text of a setting and where it was.
type found struct{ raw, source string }

// loader gathers values, and all problems instead of the first.
type loader struct {
	as       string
	dir      string
	table    []Setting
	problems []string
	warnings []string
	failed   map[string]bool // settings with a problem; rules between settings leave them alone
}

// Load reads all sources and checks the result. An error is an *Error with
// every problem in it.
func Load(opts Options) (*Config, error) {
	l := &loader{as: opts.As, dir: opts.Dir, table: Settings(), failed: make(map[string]bool)}
	l.checkFace()
	env := l.environment(opts.Environ)
	name := opts.File
	if name == "" {
		name = env[configName].value
	}
	file := l.readFile(name)
	l.unknownNames(env)
	l.checkFlags(opts.Set)

	c := &Config{as: opts.As, table: l.table, values: make(map[string]value, len(l.table))}
	for _, s := range l.table {
		c.values[s.Key] = l.value(s, file, env, opts.Set)
	}
	l.review(c)
	if len(l.problems) > 0 {
		return nil, &Error{Problems: l.problems}
	}
	c.warnings = l.warnings
	return c, nil
}

// value takes a setting from the strongest source that has it. After a problem
// it holds the default, so that the rest can be checked too.
func (l *loader) value(s Setting, file map[string]found, env map[string]variable, flags map[string]string) value {
	initial := found{s.initial(l.as), sourceDefault}
	chosen := initial
	if v, ok := file[s.Key]; ok {
		chosen = v
	}
	if v, ok := l.fromEnvironment(s, env); ok {
		chosen = v
	}
	if v, ok := flags[s.Key]; ok {
		chosen = found{v, "flag"}
	}
	parsed, err := s.parse(chosen.raw)
	if err != nil {
		l.problem("%s", wrongValue(s, chosen, err))
		l.failed[s.Key] = true
		chosen = initial
		parsed, _ = s.parse(initial.raw) // the table's own defaults parse
	}
	return value{typ: s.Type, raw: chosen.raw, parsed: parsed, source: chosen.source}
}

func wrongValue(s Setting, v found, err error) string {
	shown := ""
	if !s.Secret && !strings.Contains(v.raw, "@") { // a URL with a password in the wrong place
		shown = fmt.Sprintf(" %q", shorten(v.raw))
	}
	return fmt.Sprintf("%s (%s): the value%s is not accepted: %s.", s.Key, v.source, shown, err)
}

func shorten(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}

func (l *loader) problem(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

func (l *loader) warn(format string, args ...any) {
	l.warnings = append(l.warnings, fmt.Sprintf(format, args...))
}

func (l *loader) checkFace() {
	var names []string
	for _, face := range Faces() {
		names = append(names, face.Name)
	}
	if l.as != "" && !slices.Contains(names, l.as) {
		l.problem("--as %q is not a face%s", shorten(l.as), suggest(l.as, names))
	}
}

func (l *loader) checkFlags(flags map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(flags)) {
		s, known := l.setting(key)
		switch {
		case !known:
			l.problem("--set %s is not a setting%s", key, suggest(key, l.keys()))
		case s.Secret && flags[key] != "":
			l.warn("--set %s puts a secret on the command line, where other users of this machine can read it. Use %s.", key, s.Env[0]+fileSuffix)
		}
	}
}

func (l *loader) setting(key string) (Setting, bool) {
	i := slices.IndexFunc(l.table, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		return Setting{}, false
	}
	return l.table[i], true
}

func (l *loader) keys() []string {
	keys := make([]string, 0, len(l.table))
	for _, s := range l.table {
		keys = append(keys, s.Key)
	}
	return keys
}

// groups are what a settings file may nest by: "listen", "password.argon2".
func (l *loader) groups() (groups []string) {
	for _, key := range l.keys() {
		for i := strings.LastIndexByte(key, '.'); i > 0; i = strings.LastIndexByte(key[:i], '.') {
			groups = append(groups, key[:i])
		}
	}
	return groups
}

func (l *loader) isGroup(key string) bool {
	return slices.ContainsFunc(l.table, func(s Setting) bool { return strings.HasPrefix(s.Key, key+".") })
}

func isDirectory(err error) bool { return errors.Is(err, syscall.EISDIR) }

// databaseIn is the database when database.url is empty.
func databaseIn(dir string) Database {
	path := filepath.Join(dir, "gatehouse.db")
	return Database{Engine: EngineSQLite, DSN: path, Path: path, Name: filepath.Base(path)}
}
