package config

import (
	"errors"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

const (
	ownPrefix  = "GATEHOUSE_"
	configName = "GATEHOUSE_CONFIG"
	fileSuffix = "_FILE"
	maxSecret  = 64 << 10
)

// variable is one environment name that is set to something.
type variable struct {
	value string
	label string // "env" or ".env"
}

// environment merges .env and the real environment, which wins name by name.
// Empty variables count as not set: compose writes NAME= for "not given".
func (l *loader) environment(environ []string) map[string]variable {
	merged := make(map[string]variable)
	for name, value := range l.dotEnv() {
		merged[name] = variable{value, ".env"}
	}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok && value != "" {
			merged[name] = variable{value, "env"}
		}
	}
	maps.DeleteFunc(merged, func(name string, v variable) bool {
		return v.value == "" || serviceLink(name, v.value)
	})
	return merged
}

func (l *loader) dotEnv() map[string]string {
	data, err := readLimited(l.path(".env"), maxFile)
	if err != nil {
		// A directory of that name is somebody's Python environment.
		if !errors.Is(err, fs.ErrNotExist) && !isDirectory(err) {
			l.problem(".env cannot be read: %s. Check its permissions, or remove it.", reason(err))
		}
		return nil
	}
	env, err := parseDotEnv(string(data))
	if err != nil {
		l.problem(".env %s.", err)
	}
	return env
}

var (
	linkName  = regexp.MustCompile(`_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)
	linkValue = regexp.MustCompile(`^(tcp|udp|sctp)://`)
)

// serviceLink recognizes what Kubernetes puts into every pod for a Service
// called "gatehouse" or "auth": GATEHOUSE_SERVICE_HOST, GATEHOUSE_PORT_80_TCP,
// and AUTH_PORT=tcp://10.0.0.1:7020, which is no port number.
func serviceLink(name, value string) bool {
	return strings.HasPrefix(name, ownPrefix) && linkName.MatchString(name) ||
		strings.HasSuffix(name, "_PORT") && linkValue.MatchString(value)
}

// fromEnvironment returns the first of the setting's names that is set. A
// secret may also be in a file, named by NAME_FILE.
func (l *loader) fromEnvironment(s Setting, env map[string]variable) (found, bool) {
	for _, name := range s.names(l.as) {
		direct, inEnv := env[name]
		file, inFile := env[name+fileSuffix]
		inFile = inFile && s.Secret
		switch {
		case inEnv && inFile:
			l.problem("%s is set twice, as %s (%s) and as %s (%s). Keep one.", s.Key, name, direct.label, name+fileSuffix, file.label)
			l.failed[s.Key] = true
			return found{}, false
		case inEnv:
			return found{inUnits(direct.value, s.Units[name]), direct.label + " " + name}, true
		case inFile:
			return l.fromSecretFile(s, name+fileSuffix, file)
		}
	}
	return found{}, false
}

func (l *loader) fromSecretFile(s Setting, name string, v variable) (found, bool) {
	source := v.label + " " + name
	data, err := readLimited(l.path(v.value), maxSecret)
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case err != nil:
		// The path is not told: who confuses NAME_FILE with NAME has a secret there.
		l.problem("%s (%s): the file that it names cannot be read: %s. It must be the path of a file that holds the value.", s.Key, source, reason(err))
	case text == "":
		l.problem("%s (%s): the file that it names is empty. Put the value into it, or unset %s.", s.Key, source, name)
	default:
		return found{text, source}, true
	}
	l.failed[s.Key] = true
	return found{}, false
}

// unknownNames refuses GATEHOUSE_ names that mean nothing: a mistyped name must
// not leave a default in force.
func (l *loader) unknownNames(env map[string]variable) {
	known := []string{configName}
	for _, s := range l.table {
		known = append(known, s.Env...)
		if s.Secret {
			for _, name := range s.Env {
				known = append(known, name+fileSuffix)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if strings.HasPrefix(name, ownPrefix) && !slices.Contains(known, name) {
			l.problem("%s (%s) is not a setting%s", name, env[name].label, suggest(name, known))
		}
	}
}
