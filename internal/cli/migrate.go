package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/server"
	"github.com/gatehouse/gatehouse/internal/store"
)

func (a *app) migrate() *cobra.Command {
	var create bool
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to this program's schema; make it first with --create-database",
		Long: `Brings the database to this program's schema. Doing it again does nothing, and
any number of processes may do it at once: one does the work, the others wait.
A server does the same when it starts, unless database.auto_migrate is off.`,
		Example: `  gatehouse migrate
  gatehouse migrate --create-database --set database.url=postgresql://…`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.settings()
			if err != nil {
				return err
			}
			progress := func(done, total int, what string) {
				fmt.Fprintf(a.err, "%s %d of %d\n", what, done, total)
			}
			if err := server.Migrate(cmd.Context(), c, time.Now, create, progress); err != nil {
				return hintCreate(err)
			}
			return a.say(map[string]any{"schema": store.SchemaVersion}, fmt.Sprintf("The database is at schema %d.\n", store.SchemaVersion))
		},
	}
	cmd.Flags().BoolVar(&create, "create-database", false, "Postgres: create the database if it does not exist")
	return cmd
}

// hintCreate keeps a missing database from being a riddle.
func hintCreate(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return gate.ErrDatabaseUnavailable.Because(gate.CauseUnreachable.With(err))
	}
	return err
}
