package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/server"
)

func (a *app) backup() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a consistent copy of the SQLite database, also while a server runs",
		Long: `Writes a consistent copy of the SQLite database to a new file, also while a
server runs. Keep the master key (master.key in the data folder) with it, but
in another place: the copy cannot be used without it. For Postgres use pg_dump.`,
		Example: "  gatehouse backup /backups/gatehouse-$(date +%F).db",
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.existingHouse(cmd.Context())
			if err != nil {
				return err
			}
			defer h.Close()
			stop := a.watchSize(args[0])
			err = h.DB.Backup(cmd.Context(), args[0])
			stop()
			if err != nil {
				return err
			}
			size := fileSize(args[0])
			return a.say(map[string]any{"file": args[0], "bytes": size}, fmt.Sprintf("Wrote %s (%.1f MB).\n", args[0], megabytes(size)))
		},
	}
}

// watchSize shows how a file grows, once a second.
func (a *app) watchSize(file string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				fmt.Fprintf(a.err, "%.1f MB\n", megabytes(fileSize(file)))
			case <-ctx.Done():
				return
			}
		}
	}()
	return cancel
}

func fileSize(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.Size()
}

func megabytes(size int64) float64 { return float64(size) / 1e6 }

func (a *app) restore() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in place of the SQLite database; the server must be stopped",
		Long: `Puts a backup in place of the SQLite database. The database that was there is
kept beside it. All sessions of the backup are ended: what was revoked after it
was made must not come back to life, so everybody signs in again.`,
		Example: "  gatehouse restore /backups/gatehouse-2026-11-23.db",
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.settings()
			if err != nil {
				return err
			}
			report, err := server.Restore(cmd.Context(), c, time.Now, args[0])
			if err != nil {
				return err
			}
			words := fmt.Sprintf("Restored %s. %d sessions were ended.\n", args[0], report.SessionsEnded)
			if report.Kept != "" {
				words += fmt.Sprintf("The database that was there is now %s.\n", report.Kept)
			}
			return a.say(report, words)
		},
	}
}

func (a *app) audit() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Check the audit trail", Args: none, Example: "  gatehouse audit verify",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(&cobra.Command{
		Use:     "verify",
		Short:   "Walk the hash chains of all audit events; fails if one was changed or removed",
		Example: "  gatehouse audit verify --json",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.existingHouse(cmd.Context())
			if err != nil {
				return err
			}
			defer h.Close()
			checked, breaks, err := h.VerifyAudit(cmd.Context())
			if err != nil {
				return err
			}
			for _, b := range breaks {
				fmt.Fprintf(a.err, "lane %s, event %d: %s\n", b.Lane, b.Seq, b.Why)
			}
			if len(breaks) > 0 {
				return fmt.Errorf("the audit trail is broken in %d places (of %d events)", len(breaks), checked)
			}
			return a.say(map[string]any{"events": checked, "breaks": 0}, fmt.Sprintf("%d events, every chain holds.\n", checked))
		},
	})
	return cmd
}
