package config

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// parsePairs reads libpq's "host=db dbname='my base'" form: values end at white
// space unless quoted, and a backslash takes the next character as it is.
func parsePairs(text string) (Database, error) {
	settings := make(map[string]string)
	for text = strings.TrimLeft(text, pairSpace); text != ""; text = strings.TrimLeft(text, pairSpace) {
		key, after, ok := strings.Cut(text, "=")
		key = strings.Trim(key, pairSpace)
		if !ok || !optionName.MatchString(key) {
			return Database{}, errors.New("it must be made of key=value pairs with spaces between them; a value with spaces needs quotes: password='a b'")
		}
		value, rest, ok := pairValue(strings.TrimLeft(after, pairSpace))
		if !ok {
			return Database{}, errors.New("a quote in it is never closed")
		}
		settings[key], text = value, rest
	}
	return postgres(settings)
}

const pairSpace = " \t\n\r\v\f"

func pairValue(text string) (value, rest string, ok bool) {
	quoted := strings.HasPrefix(text, "'")
	if quoted {
		text = text[1:]
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quoted && c == '\'':
			return out.String(), text[i+1:], true
		case !quoted && strings.IndexByte(pairSpace, c) >= 0:
			return out.String(), text[i:], true
		case c == '\\' && i+1 < len(text):
			i++
			out.WriteByte(text[i])
		case c != '\\':
			out.WriteByte(c)
		}
	}
	return out.String(), "", !quoted
}

// pairs writes settings in that form: who and where first, then the options.
func pairs(settings map[string]string) string {
	order := []string{"host", "port", "user", "password", "dbname"}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if !slices.Contains(order, key) {
			order = append(order, key)
		}
	}
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	var parts []string
	for _, key := range order {
		if value, ok := settings[key]; ok {
			parts = append(parts, key+"='"+escape.Replace(value)+"'")
		}
	}
	return strings.Join(parts, " ")
}
