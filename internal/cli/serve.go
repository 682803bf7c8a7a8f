package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/server"
	"github.com/gatehouse/gatehouse/internal/telemetry/remotelog"
)

func (a *app) serve() *cobra.Command {
	var demo bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve every face, or stand in for one service with --as",
		Example: `  gatehouse serve
  gatehouse serve --as daarion
  GATEHOUSE_DATABASE_URL=postgresql://gatehouse:…@db/gatehouse gatehouse serve
  gatehouse serve --set registration.open=false
  gatehouse serve --demo --set data.dir=demo       with people whose password is "any"`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if demo {
				a.set = append(a.set, "listen.host=127.0.0.1") // whatever else was said
			}
			c, err := a.settings()
			if err != nil {
				return err
			}
			log, remote, err := a.serveLogger(c)
			if err != nil {
				return err
			}
			s, err := server.New(c, server.Options{Build: build(), Clock: time.Now, Log: log, Remote: remote, Demo: demo, Out: a.out})
			if err != nil {
				return err
			}
			if demo {
				if err := a.demonstrate(cmd.Context(), s); err != nil {
					return errors.Join(err, s.House().Close())
				}
			}
			go tidy(cmd.Context(), s)
			return s.Run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&demo, "demo", false, "let in people whose password is public; on loopback, and only with an empty database")
	return cmd
}

// tidy gives back, once, what starting took and serving does not need: parsed
// migrations, the tables that documentation is made of.
func tidy(ctx context.Context, s *server.Server) {
	if s.House().Ready(ctx) == nil {
		debug.FreeOSMemory()
	}
}

func (a *app) demonstrate(ctx context.Context, s *server.Server) error {
	if err := s.Demonstrate(ctx); err != nil {
		return err
	}
	fmt.Fprint(a.err, `
  DEMO. Anybody who reaches this machine's loopback can sign in with the password "any" as
  admin@daarion.city (an administrator), user@daarion.city and sofia@agents.daarion.city (an agent).
  Never let anything that matters trust this server.

`)
	return nil
}

// serveLogger is the logger of a server: on the console, and at jarvis-logs
// where that is set up.
func (a *app) serveLogger(c *config.Config) (*slog.Logger, *remotelog.Handler, error) {
	console := a.logger(c)
	if c.String("jarvis.app.key") == "" {
		return console, nil, nil
	}
	address := c.String("jarvis.logs.url")
	if address == "" && c.String("jarvis.config.url") == "" {
		address = "http://localhost:7702"
	}
	level, err := remotelog.ParseLevel(c.String("jarvis.logs.level"))
	if err != nil {
		return nil, nil, err
	}
	remote, err := remotelog.New(console.Handler(), remotelog.Config{
		URL: address, ConfigURL: c.String("jarvis.config.url"), ConfigURLStyle: c.String("jarvis.config.url_style"),
		AppID: c.String("jarvis.app.id"), AppKey: c.String("jarvis.app.key"), Level: level, Clock: time.Now,
	})
	if err != nil {
		return nil, nil, err
	}
	return slog.New(remote), remote, nil
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
