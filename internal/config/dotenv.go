package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// parseDotEnv reads NAME=value lines as docker compose and python-dotenv do:
// comments, "export", single quotes (with \' and \\), double quotes (with \n,
// \r, \t, \", \$ and \\), both over several lines, and " #" comments after a
// value. Nothing is interpolated. A name given twice keeps its last value. An
// error names the line and never quotes it.
func parseDotEnv(text string) (map[string]string, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	rest := strings.ReplaceAll(text, "\r\n", "\n")
	env := make(map[string]string)
	for line := 1; rest != ""; {
		name, value, after, err := nextAssignment(rest)
		if err != nil {
			return nil, fmt.Errorf("line %d %w", line, err)
		}
		if name != "" {
			env[name] = value
		}
		line += strings.Count(rest[:len(rest)-len(after)], "\n")
		rest = after
	}
	return env, nil
}

var dotEnvName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// nextAssignment reads one line, or more when a quoted value goes on. A blank
// line, a comment and a bare "export NAME" have no name.
func nextAssignment(text string) (name, value, rest string, err error) {
	line, rest, _ := strings.Cut(text, "\n")
	trimmed := strings.TrimSpace(line)
	if trimmed == "" || trimmed[0] == '#' {
		return "", "", rest, nil
	}
	left, right, assigned := strings.Cut(line, "=")
	name, exported := cutExport(strings.TrimSpace(left))
	switch {
	case !assigned && exported:
		return "", "", rest, nil
	case !assigned:
		return "", "", "", errors.New("has no '=': write NAME=value")
	case !dotEnvName.MatchString(name):
		return "", "", "", errors.New("does not begin with a name made of letters, digits and '_'")
	}
	right = strings.TrimLeft(right, " \t")
	if right == "" || right[0] != '\'' && right[0] != '"' {
		return name, unquoted(line), rest, noNUL(line)
	}
	quoted := text[len(line)-len(right):]
	value, after, ok := readQuoted(quoted[1:], quoted[0])
	if !ok {
		return "", "", "", errors.New("opens a quote that is never closed")
	}
	tail, rest, _ := strings.Cut(after, "\n")
	if tail = strings.TrimSpace(tail); tail != "" && tail[0] != '#' {
		return "", "", "", errors.New("has something after the closing quote")
	}
	return name, value, rest, noNUL(value)
}

func cutExport(name string) (string, bool) {
	if after, ok := strings.CutPrefix(name, "export"); ok && after != strings.TrimLeft(after, " \t") {
		return strings.TrimSpace(after), true
	}
	return name, false
}

// unquoted is what follows the '=' of a line, up to a '#' after white space.
func unquoted(line string) string {
	_, value, _ := strings.Cut(line, "=")
	for i := 1; i < len(value); i++ {
		if value[i] == '#' && (value[i-1] == ' ' || value[i-1] == '\t') {
			value = value[:i]
			break
		}
	}
	return strings.TrimSpace(value)
}

func noNUL(text string) error {
	if strings.ContainsRune(text, 0) {
		return errors.New("contains a NUL byte")
	}
	return nil
}

// readQuoted reads up to the closing quote and returns what is behind it.
func readQuoted(text string, quote byte) (value, rest string, ok bool) {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			return out.String(), text[i+1:], true
		case c == '\\' && i+1 < len(text):
			i++
			out.WriteString(unescape(text[i], quote))
		default:
			out.WriteByte(c)
		}
	}
	return "", "", false
}

// unescape is what a backslash and c stand for; what is no escape stays as it is.
func unescape(c, quote byte) string {
	if c == '\\' || c == quote {
		return string([]byte{c})
	}
	if quote == '"' {
		switch c {
		case 'n':
			return "\n"
		case 'r':
			return "\r"
		case 't':
			return "\t"
		case '$':
			return "$"
		}
	}
	return string([]byte{'\\', c})
}
