package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// The engines that a database URL can name.
const (
	EngineSQLite   = "sqlite"
	EnginePostgres = "postgres"
)

// Database says which database to open. It holds a password, and prints
// without it.
type Database struct {
	Engine   string   // EngineSQLite or EnginePostgres
	DSN      string   // SQLite: the file; Postgres: key='value' pairs, as libpq and pgx read them
	Path     string   // SQLite only: the file
	Name     string   // the database, or the base name of the file
	Host     string   // Postgres only; several are separated by commas, a socket is a directory
	User     string   // Postgres only
	Warnings []string // what was left out of the URL, and why
}

// String names the database for people, without its password.
func (d Database) String() string {
	if d.Engine == EngineSQLite {
		return "sqlite file " + d.Path
	}
	return fmt.Sprintf("postgres database %q at %q as %q", d.Name, d.Host, d.User)
}

// Format prints what String returns for every verb of fmt.
func (d Database) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(d.String())) }

// MarshalText keeps the password out of JSON.
func (d Database) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

var (
	urlScheme  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+._-]{0,40})://`)
	pairsStart = regexp.MustCompile(`^[a-z_]+\s*=`)
)

// errDatabaseURL is the answer to what looks like nothing we know.
var errDatabaseURL = errors.New("it must look like postgres://user:password@host:5432/name, sqlite:///file.db, or a path that ends in .db")

// ParseDatabaseURL understands the URLs of libpq, SQLAlchemy and asyncpg
// (postgresql+driver://, sqlite:///), the key=value form of libpq, and the bare
// path of an SQLite file. Passwords may hold '@', ':', '/', '?', '#' and '%' as
// they are. An error never quotes any part of a Postgres URL but its scheme.
func ParseDatabaseURL(raw string) (Database, error) {
	raw = strings.TrimSpace(raw)
	if strings.ContainsRune(raw, 0) {
		return Database{}, errors.New("it must not contain a NUL byte")
	}
	match := urlScheme.FindStringSubmatch(raw)
	if match == nil {
		switch {
		case pairsStart.MatchString(raw):
			return parsePairs(raw)
		case isSQLiteFile(raw):
			return sqliteFile(raw)
		}
		return Database{}, errDatabaseURL
	}
	rest := raw[len(match[0]):]
	scheme, _, _ := strings.Cut(strings.ToLower(match[1]), "+") // behind the '+' is a Python driver
	switch scheme {
	case "postgres", "postgresql":
		return parsePostgresURL(rest)
	case "sqlite", "sqlite3":
		return parseSQLiteURL(rest)
	}
	return Database{}, fmt.Errorf("%s is not a database that Gatehouse can use: %w", scheme, errDatabaseURL)
}

func isSQLiteFile(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".db", ".sqlite", ".sqlite3":
		return true
	}
	return false
}

// parseSQLiteURL reads what follows sqlite://, which is a host (never given)
// and a slash before the path, as SQLAlchemy has it.
func parseSQLiteURL(rest string) (Database, error) {
	rest, query, _ := strings.Cut(rest, "?")
	path, ok := strings.CutPrefix(rest, "/")
	switch {
	case !ok && rest != "":
		return Database{}, errors.New("an SQLite URL has three slashes before a relative path and four before an absolute one: sqlite:///file.db, sqlite:////var/lib/gatehouse/file.db")
	case path == "" || path == ":memory:":
		return Database{}, errors.New("a database in memory would forget every account: name a file, as in sqlite:///gatehouse.db")
	}
	d, err := sqliteFile(path)
	if query != "" {
		d.Warnings = append(d.Warnings, "the options of an SQLite URL are not used: Gatehouse sets its own.")
	}
	return d, err
}

func sqliteFile(path string) (Database, error) {
	if strings.HasSuffix(path, "/") {
		return Database{}, errors.New("it names a directory: add the name of the file, as in sqlite:///data/gatehouse.db")
	}
	if strings.ContainsAny(path, "?#\r\n") { // drivers take '?' and '#' for the end of the path
		return Database{}, errors.New("the path of an SQLite file must not contain '?', '#' or a line break")
	}
	return Database{Engine: EngineSQLite, DSN: path, Path: path, Name: filepath.Base(path)}, nil
}
