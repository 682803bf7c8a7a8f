//go:build unix

package synapse

import (
	"database/sql"
	"errors"

	_ "modernc.org/sqlite" // reads Synapse's own database
)

// Account is what Synapse remembers about one of its users.
type Account struct {
	Admin       bool
	DisplayName string
	Devices     int // sessions that are still open
}

// Account looks a user up in Synapse's database, which also works while Synapse
// is stopped or suspended.
func (s *Server) Account(localpart string) (Account, bool) {
	s.t.Helper()
	var found Account
	err := s.ask([]any{&found.Admin, &found.DisplayName, &found.Devices},
		`SELECT u.admin, COALESCE(p.displayname, ''), (SELECT COUNT(*) FROM devices d WHERE d.user_id = u.name AND NOT d.hidden)
		   FROM users u LEFT JOIN profiles p ON p.full_user_id = u.name
		  WHERE u.name = $1`, "@"+localpart+":"+s.ServerName)
	if errors.Is(err, sql.ErrNoRows) {
		return Account{}, false
	}
	if err != nil {
		s.t.Fatalf("read Synapse's database: %v", err)
	}
	return found, true
}

// UserExists reports whether the homeserver has an account of that name.
func (s *Server) UserExists(localpart string) bool {
	s.t.Helper()
	_, ok := s.Account(localpart)
	return ok
}

// CountUsers counts all accounts of the homeserver.
func (s *Server) CountUsers() int {
	s.t.Helper()
	var n int
	if err := s.ask([]any{&n}, `SELECT COUNT(*) FROM users`); err != nil {
		s.t.Fatalf("read Synapse's database: %v", err)
	}
	return n
}

func (s *Server) ask(into []any, query string, args ...any) error {
	db, err := sql.Open("sqlite", "file:"+s.Database+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return db.QueryRow(query, args...).Scan(into...)
}
