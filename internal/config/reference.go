package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const referenceIntro = `# Configuration

Every setting of Gatehouse, made from the table in ` + "`internal/config/table.go`" + ` (do not edit by hand;
` + "`go test ./internal/config -run TestReference -update`" + ` writes it anew).

A setting takes its value from the last of these that has one:

1. its default;
2. the YAML file: ` + "`--config`" + `, or ` + "`GATEHOUSE_CONFIG`" + `, or ` + "`gatehouse.yaml`" + ` in the working directory;
3. the file ` + "`.env`" + ` in the working directory;
4. the environment (a name that is set there hides the same name in ` + "`.env`" + `);
5. the command line: ` + "`--set key=value`" + `.

` + "`gatehouse serve --as FACE`" + ` stands in for one original service: the setting then also honours that service's own
environment names, after the ` + "`GATEHOUSE_`" + ` name and in the order given. **The first name that is set wins**,
wherever it is set. A name that is set to nothing counts as not set.

In YAML, each dot of a key is one level:

` + "```yaml" + `
listen:
  host: 0.0.0.0
  daarion:
    port: 7020
` + "```" + `

A secret (marked 🔒) may be kept in a file: ` + "`NAME_FILE`" + ` holds its path, for every name of the setting; one line break at
its end is removed. What Gatehouse does not know (a key in the file, a ` + "`GATEHOUSE_`" + ` name) is an error that names the
nearest thing it knows. ` + "`gatehouse doctor`" + ` shows where each value comes from.

Durations are a number of seconds, or ` + "`90s`" + `, ` + "`15m`" + `, ` + "`1h30m`" + `. Rates are a count and a duration, ` + "`10/5m`" + `, or ` + "`off`" + `.
Lists are separated by commas, or written as in JSON; in YAML they may also be lists.
`

// Reference returns the whole table as Markdown, for docs/configuration.md.
func Reference() string {
	var out strings.Builder
	out.WriteString(referenceIntro)
	for _, group := range Groups() {
		fmt.Fprintf(&out, "\n## %s\n", group.Title)
		for _, s := range group.Settings {
			lock := ""
			if s.Secret {
				lock = " 🔒"
			}
			fmt.Fprintf(&out, "\n### `%s`%s\n\n%s\n\n", s.Key, lock, s.Doc)
			fmt.Fprintf(&out, "- Type: %s\n- Default: %s\n- Environment: %s\n", s.describeType(), s.describeDefault(), code(s.Env, ", "))
			for _, face := range slices.Sorted(maps.Keys(s.Aliases)) {
				fmt.Fprintf(&out, "- With `--as %s`: %s%s\n", face, code(s.names(face), ", then "), s.describeUnits(face))
			}
		}
	}
	return out.String()
}

func (s Setting) describeType() string {
	switch {
	case s.Type == TypeEnum:
		return "one of " + code(s.Enum, ", ")
	case s.Min != 0 || s.Max != 0:
		return string(s.Type) + ", " + s.bounds()
	}
	return string(s.Type)
}

var unitWords = map[time.Duration]string{time.Minute: "minutes", time.Hour: "hours", day: "days"}

// describeUnits says under which names of a face a bare number counts something
// other than seconds.
func (s Setting) describeUnits(face string) string {
	var out strings.Builder
	for _, name := range s.Aliases[face] {
		if word := unitWords[s.Units[name]]; word != "" {
			fmt.Fprintf(&out, "; a number in `%s` counts %s", name, word)
		}
	}
	return out.String()
}

func (s Setting) describeDefault() string {
	text := orEmpty(s.Default)
	for _, face := range Faces() {
		if value, ok := s.FaceDefault[face.Name]; ok {
			// everyFace is the only kind of face default so far: one sentence for all.
			return text + "; with `--as`, " + orEmpty(value)
		}
	}
	return text
}

func orEmpty(value string) string {
	if value == "" {
		return "empty"
	}
	return "`" + value + "`"
}

func code(words []string, separator string) string {
	return "`" + strings.Join(words, "`"+separator+"`") + "`"
}
