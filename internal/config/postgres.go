package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var errPostgresURL = errors.New("it must look like postgres://user:password@host:5432/name; if the password has unusual characters, percent-encode them")

var (
	hostAndPort = regexp.MustCompile(`^(\[[0-9A-Fa-f:.%a-z]*\]|[^\[\]:]*)(?::([0-9]*))?$`)
	optionName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]{0,63}$`)
)

// sslModes are libpq's words, and asyncpg's ways to say them under "ssl".
var sslModes = map[string]string{
	"disable": "disable", "allow": "allow", "prefer": "prefer", "require": "require",
	"verify-ca": "verify-ca", "verify-full": "verify-full",
	"true": "require", "1": "require", "on": "require", "false": "disable", "0": "disable", "off": "disable",
}

// foreignOptions are options of other drivers and pools that Postgres itself
// would refuse, with what to say about each.
var foreignOptions = map[string]string{
	"server_settings":              "",
	"command_timeout":              "",
	"timeout":                      "Use connect_timeout.",
	"prepared_statement_name_func": "",
	"async_fallback":               "",
	"pgbouncer":                    "",
	"echo":                         "",
	"charset":                      "Use client_encoding.",
	"schema":                       "Gatehouse keeps its tables in a schema of its own.",
	"connection_limit":             "Use database.max_connections.",
	"max_overflow":                 "Use database.max_connections.",

	"prepared_statement_cache_size": "", "statement_cache_size": "", "max_cached_statement_lifetime": "", "max_cacheable_statement_size": "",
}

// parsePostgresURL reads what follows postgres://. It is lenient where a
// password was not percent-encoded: the user's part ends at the last '@' before
// the options, wherever other reserved characters are.
func parsePostgresURL(rest string) (Database, error) {
	user, rest := cutUser(rest)
	rest, query, _ := strings.Cut(rest, "?")
	hosts, name, _ := strings.Cut(rest, "/")
	settings := make(map[string]string)
	if err := splitHosts(hosts, settings); err != nil {
		return Database{}, err
	}
	if user != "" {
		login, password, ok := strings.Cut(user, ":")
		settings["user"] = unpercent(login)
		if ok {
			settings["password"] = unpercent(password)
		}
	}
	if name != "" {
		settings["dbname"] = unpercent(name)
	}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		settings[unpercent(key)] = unpercent(strings.ReplaceAll(value, "+", " "))
	}
	return postgres(settings)
}

// cutUser splits user:password from the rest at the right '@'. An '@' behind
// the first '?' belongs to an option, unless what is before cannot be a host:
// then the '?' was part of the password.
func cutUser(text string) (user, rest string) {
	head, _, _ := strings.Cut(text, "?")
	if at := strings.LastIndexByte(head, '@'); at >= 0 {
		return text[:at], text[at+1:]
	}
	at := strings.LastIndexByte(text, '@')
	hosts, _, _ := strings.Cut(head, "/")
	if at < 0 || splitHosts(hosts, map[string]string{}) == nil {
		return "", text
	}
	return text[:at], text[at+1:]
}

// splitHosts reads "host:port,host:port" as libpq does, with all ports or none.
func splitHosts(text string, settings map[string]string) error {
	if text == "" {
		return nil
	}
	var hosts, ports []string
	given := false
	for part := range strings.SplitSeq(text, ",") {
		match := hostAndPort.FindStringSubmatch(part)
		if match == nil {
			return errPostgresURL
		}
		port := match[2]
		given = given || port != ""
		if port == "" {
			port = "5432"
		}
		hosts = append(hosts, unpercent(strings.Trim(match[1], "[]")))
		ports = append(ports, port)
	}
	settings["host"] = strings.Join(hosts, ",")
	if given {
		settings["port"] = strings.Join(ports, ",")
	}
	return nil
}

// postgres turns libpq settings, whatever they were written as, into a
// Database with one canonical DSN.
func postgres(settings map[string]string) (Database, error) {
	d := Database{Engine: EnginePostgres}
	if name, ok := settings["database"]; ok {
		settings["dbname"] = name
		delete(settings, "database")
	}
	if err := mapTLS(settings); err != nil {
		return Database{}, err
	}
	d.Warnings = dropForeign(settings)
	if err := checkPostgres(settings); err != nil {
		return Database{}, err
	}
	d.Host, d.User, d.Name = settings["host"], settings["user"], settings["dbname"]
	if d.Name == "" {
		d.Name = d.User // as libpq does
	}
	d.DSN = pairs(settings)
	return d, nil
}

// mapTLS rewrites asyncpg's ssl=… as sslmode=…; an sslmode that is there wins.
func mapTLS(settings map[string]string) error {
	if ssl, ok := settings["ssl"]; ok {
		delete(settings, "ssl")
		if settings["sslmode"] == "" {
			settings["sslmode"] = ssl
		}
	}
	mode, ok := settings["sslmode"]
	if !ok {
		return nil
	}
	if settings["sslmode"], ok = sslModes[strings.ToLower(mode)]; !ok {
		return errors.New("its sslmode must be disable, allow, prefer, require, verify-ca or verify-full")
	}
	return nil
}

func dropForeign(settings map[string]string) (warnings []string) {
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		advice, foreign := foreignOptions[name]
		if strings.HasPrefix(name, "pool_") {
			name, advice, foreign = "pool_…", "Use database.max_connections.", true
			maps.DeleteFunc(settings, func(key, _ string) bool { return strings.HasPrefix(key, "pool_") })
		}
		if !foreign {
			continue
		}
		delete(settings, name)
		warning := strings.TrimSpace(fmt.Sprintf("the option %s means nothing to Gatehouse and is left out. %s", name, advice))
		if !slices.Contains(warnings, warning) {
			warnings = append(warnings, warning)
		}
	}
	return warnings
}

// checkPostgres finds mistakes early and in words that quote nothing: any part
// of a URL that was cut in the wrong place may hold a piece of the password.
func checkPostgres(settings map[string]string) error {
	for name, value := range settings {
		if !optionName.MatchString(name) {
			return errPostgresURL
		}
		if strings.ContainsRune(value, 0) {
			return errors.New("it must not contain a NUL byte")
		}
	}
	hosts := strings.Split(settings["host"], ",")
	if slices.ContainsFunc(hosts, func(host string) bool { return strings.ContainsAny(host, "@ \t\r\n") }) {
		return errPostgresURL
	}
	ports := strings.Split(settings["port"], ",")
	if settings["port"] != "" {
		for _, port := range ports {
			if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
				return errors.New("its port must be a number from 1 to 65535")
			}
		}
	} else {
		delete(settings, "port")
	}
	if len(ports) > 1 && len(ports) != len(hosts) {
		return errors.New("it must name one port, or one for each host")
	}
	if timeout, ok := settings["connect_timeout"]; ok {
		if _, err := strconv.ParseUint(timeout, 10, 31); err != nil {
			return errors.New("its connect_timeout must be a number of seconds")
		}
	}
	return nil
}

// unpercent decodes %XX and leaves a '%' that begins no such thing as it is.
func unpercent(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if b, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				out.WriteByte(byte(b))
				i += 2
				continue
			}
		}
		out.WriteByte(text[i])
	}
	return out.String()
}
