package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/server"
)

func (a *app) serve() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve every face, or stand in for one service with --as",
		Example: `  gatehouse serve
  gatehouse serve --as daarion
  GATEHOUSE_DATABASE_URL=postgresql://gatehouse:…@db/gatehouse gatehouse serve
  gatehouse serve --set registration.open=false`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.settings()
			if err != nil {
				return err
			}
			s, err := server.New(c, server.Options{Build: build(), Clock: time.Now, Log: a.logger(c), Out: a.out})
			if err != nil {
				return err
			}
			return s.Run(cmd.Context())
		},
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Say what this is: version, commit, build time, schema",
		Example: "  gatehouse version --json",
		Args:    none,
		RunE: func(*cobra.Command, []string) error {
			b := build()
			body := map[string]any{"version": b.Version, "commit": b.Commit, "build_time": b.Time, "schema": b.Schema}
			return a.say(body, fmt.Sprintf("gatehouse %s\ncommit     %s\nbuild time %s\nschema     %d\n", b.Version, b.Commit, b.Time, b.Schema))
		},
	}
}

func (a *app) configCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "config",
		Short:   "Show every setting, its value and where it comes from (never a secret)",
		Example: "  gatehouse config --as daarion",
		Args:    none,
		RunE: func(*cobra.Command, []string) error {
			c, err := a.settings()
			if err != nil {
				return err
			}
			lines := c.Explain()
			return a.say(lines, table(lines))
		},
	}
}

func table(lines []config.Line) (out string) {
	for _, line := range lines {
		out += fmt.Sprintf("%-32s %-28s %s\n", line.Key, line.Value, line.Source)
	}
	return out
}
