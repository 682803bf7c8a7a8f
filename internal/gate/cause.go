package gate

// Cause is why the house cannot remember right now. It is the Err of an
// ErrDatabaseUnavailable, what /healthz and /readyz tell, and what doctor
// explains. It names no host, user or path: those belong into the log only.
type Cause struct {
	Code    string // e.g. "database_missing"
	Summary string // one sentence
	Fix     string // what an operator does about it
	Detail  error  // for the log and doctor, never for clients
}

func (c *Cause) Error() string {
	if c.Detail != nil {
		return c.Code + ": " + c.Detail.Error()
	}
	return c.Code
}

func (c *Cause) Unwrap() error { return c.Detail }

// Is matches causes by code, whatever the detail.
func (c *Cause) Is(target error) bool {
	t, ok := target.(*Cause)
	return ok && t.Code == c.Code
}

// With returns a copy of the cause with the detail of this occurrence.
func (c *Cause) With(detail error) *Cause {
	copied := *c
	copied.Detail = detail
	return &copied
}

// The causes.
var (
	CauseStarting        = &Cause{Code: "starting", Summary: "Gatehouse has not connected to its database yet.", Fix: "Wait a moment."}
	CauseStopping        = &Cause{Code: "stopping", Summary: "This process is about to stop.", Fix: "Ask another one, or wait for it to start again."}
	CauseDatabaseMissing = &Cause{Code: "database_missing", Summary: "The database server answers, but the database does not exist.", Fix: "Create it: gatehouse migrate --create-database"}
	CauseWrongPassword   = &Cause{Code: "wrong_password", Summary: "The database refuses the user name or the password.", Fix: "Correct the user name and password in the database URL."}
	CauseNoRights        = &Cause{Code: "no_rights", Summary: "The database user lacks a right that Gatehouse needs.", Fix: "Make the user the owner of the database, or grant it CREATE on the database and all rights on schema gatehouse."}
	CauseSchemaNewer     = &Cause{Code: "schema_newer", Summary: "The database was migrated by a newer Gatehouse.", Fix: "Run that version, or restore a backup made before the upgrade."}
	CauseSchemaOutdated  = &Cause{Code: "schema_outdated", Summary: "The database schema is older than this Gatehouse and automatic migration is off.", Fix: "Migrate it: gatehouse migrate"}
	CauseUnreachable     = &Cause{Code: "database_unreachable", Summary: "The database does not answer.", Fix: "Start the database, or correct host and port in the database URL."}
	CauseWrongMasterKey  = &Cause{Code: "wrong_master_key", Summary: "This database was sealed with another master key.", Fix: "Provide the master key that was in use when the database was made (GATEHOUSE_MASTER_KEY, or master.key in the data folder)."}
	CauseDemo            = &Cause{Code: "demo_database", Summary: "This database was furnished by --demo: it lets in people whose password is public.", Fix: "Give this server a database of its own, or serve this one with --demo."}
	CauseInhabited       = &Cause{Code: "inhabited_database", Summary: "This database holds users who are not of the demo, and --demo lets in people whose password is public.", Fix: "Give the demo a database of its own, such as --set data.dir=demo"}
	CauseInUse           = &Cause{Code: "database_in_use", Summary: "Another Gatehouse process has this SQLite database open.", Fix: "Stop the other process, or use Postgres for more than one."}
	CauseDiskFull        = &Cause{Code: "disk_full", Summary: "The disk is full.", Fix: "Free some space; Gatehouse goes on by itself."}
	CauseFile            = &Cause{Code: "database_file", Summary: "The database file cannot be opened or written.", Fix: "Check that the data folder exists and belongs to the user that runs Gatehouse."}
)
