// Package cli is the command line: it reads the settings, opens the house as a
// server or as a guest beside one, calls one verb per command, and says what
// happened to people or, with --json, to machines.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/server"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/telemetry"
)

// Set by the linker; see Makefile.
var (
	version   = "dev"
	commit    = "unknown"
	buildTime = "unknown"
)

func build() gate.Build {
	return gate.Build{Version: version, Commit: commit, Time: buildTime, Schema: store.SchemaVersion}
}

// app is what all commands share.
type app struct {
	in       io.Reader
	out, err io.Writer

	as     string
	file   string
	set    []string
	asJSON bool
}

// Main runs the command line and returns the exit code: 0 for success, 1 for
// a refusal or failure, 2 for a command that cannot be understood.
func Main(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	a := &app{in: in, out: out, err: errs}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	a.complain(err)
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "gatehouse",
		Short: "Knows who is at the door: one server for users, sessions, tokens and keys",
		Long: `Gatehouse is an authentication server. It speaks its own API and, face by face,
the wire formats of the services it replaces.

Settings come from gatehouse.yaml, .env, the environment and --set; the later
one wins. docs/configuration.md lists them all.`,
		Example: `  gatehouse serve                      everything, on an embedded database in ./data
  gatehouse serve --as daarion         stand in for DAARION's auth-service
  gatehouse user create --admin ada@example.org
  gatehouse agent create sofia --owner ada@example.org --key
  gatehouse doctor                     what is wrong, and what to do about it`,
		SilenceUsage: true, SilenceErrors: true,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
	})
	flags := root.PersistentFlags()
	flags.StringVar(&a.as, "as", "", "stand in for one service: its port and its environment names")
	flags.StringVar(&a.file, "config", "", "settings file (default: gatehouse.yaml, if there is one)")
	flags.StringArrayVar(&a.set, "set", nil, "one setting, as `key=value`; may be repeated")
	flags.BoolVar(&a.asJSON, "json", false, "answer with JSON")
	root.AddCommand(a.serve(), a.migrate(), a.doctor(), a.user(), a.agent(), a.service(), a.audit(), a.backup(), a.restore(), a.versionCommand(), a.configCommand())
	return root
}

// none refuses arguments, and names the command that a mistyped one was meant
// to be.
func none(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !cmd.HasAvailableSubCommands():
		return usageError{fmt.Errorf("%s takes no arguments, and got %q; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())}
	}
	meant := ""
	for distance := 1; distance <= 2 && meant == ""; distance++ {
		cmd.SuggestionsMinimumDistance = distance
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			meant = "did you mean " + strings.Join(near, " or ") + "? "
		}
	}
	return usageError{fmt.Errorf("%s has no command %q; %ssee %s --help", cmd.CommandPath(), args[0], meant, cmd.CommandPath())}
}

// complain says what went wrong, why, and what to do.
func (a *app) complain(err error) {
	var refusal *gate.Error
	var cause *gate.Cause
	body := map[string]string{"error": err.Error()}
	switch {
	case errors.As(err, &cause):
		body = map[string]string{"error": cause.Summary, "code": cause.Code, "fix": cause.Fix}
		if cause.Detail != nil {
			body["detail"] = cause.Detail.Error()
		}
	case errors.As(err, &refusal):
		body = map[string]string{"error": refusal.Message, "code": refusal.Code}
		var problems []string
		for _, p := range refusal.Problems {
			problems = append(problems, strings.TrimSpace(strings.Join(p.Path, ".")+" is "+describe(p)))
		}
		if len(problems) > 0 {
			body["detail"] = strings.Join(problems, "; ")
		}
		if refusal.Kind == gate.Internal && refusal.Err != nil {
			body["detail"] = refusal.Err.Error()
		}
	}
	if a.asJSON {
		_ = json.NewEncoder(a.err).Encode(body)
		return
	}
	fmt.Fprintln(a.err, "gatehouse: "+body["error"])
	if body["detail"] != "" {
		fmt.Fprintln(a.err, "  why: "+body["detail"])
	}
	if body["fix"] != "" {
		fmt.Fprintln(a.err, "  fix: "+body["fix"])
	}
}

func describe(p gate.Problem) string {
	switch p.Rule {
	case gate.RuleTooShort:
		return fmt.Sprintf("too short: %d characters at least", p.Limit)
	case gate.RuleTooLong:
		return fmt.Sprintf("too long: %d characters at the most", p.Limit)
	case gate.RuleTooSmall:
		return fmt.Sprintf("too small: %d at least", p.Limit)
	case gate.RuleTooLarge:
		return fmt.Sprintf("too large: %d at the most", p.Limit)
	case gate.RuleMissing:
		return "missing"
	}
	return "not " + p.Words
}

// settings loads the settings and shows their warnings.
func (a *app) settings() (*config.Config, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	set := map[string]string{}
	for _, pair := range a.set {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return nil, usageError{fmt.Errorf("--set wants key=value, such as --set log.level=debug, and got %q", pair)}
		}
		set[key] = value
	}
	c, err := config.Load(config.Options{As: a.as, File: a.file, Environ: os.Environ(), Dir: dir, Set: set})
	if err != nil {
		return nil, err
	}
	for _, warning := range c.Warnings() {
		fmt.Fprintln(a.err, "warning: "+warning)
	}
	return c, nil
}

func (a *app) logger(c *config.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.String("log.level"))) // one of four words, checked when read
	return telemetry.NewLogger(a.err, c.String("log.format"), level)
}

// readyWithin is how long a command waits for the database.
const readyWithin = 10 * time.Second

// house opens the house as a guest and waits until it can be used.
func (a *app) house(ctx context.Context) (*server.House, error) {
	c, err := a.settings()
	if err != nil {
		return nil, err
	}
	return open(ctx, c)
}

// existingHouse is house for commands that make no sense in an empty one: it
// does not begin a new database.
func (a *app) existingHouse(ctx context.Context) (*server.House, error) {
	c, err := a.settings()
	if err != nil {
		return nil, err
	}
	if database := c.Database(); database.Engine == config.EngineSQLite {
		if _, err := os.Stat(database.Path); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("there is no database at %s; is this the right folder? data.dir says where it is", database.Path)
		}
	}
	return open(ctx, c)
}

func open(ctx context.Context, c *config.Config) (*server.House, error) {
	quiet := slog.New(slog.DiscardHandler) // a command says itself what is wrong
	h, err := server.NewHouse(c, server.Options{Build: build(), Clock: time.Now, Log: quiet}, true)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		short, stop := context.WithTimeout(ctx, time.Second)
		err := h.Ready(short)
		stop()
		if err == nil {
			return h, nil
		}
		// Only a database that does not answer may still be starting.
		if ctx.Err() != nil || !errors.Is(err, gate.CauseUnreachable) && !errors.Is(err, gate.CauseStarting) {
			return nil, errors.Join(err, h.Close())
		}
	}
}

// say writes JSON or words.
func (a *app) say(body any, words string) error {
	if a.asJSON {
		encoder := json.NewEncoder(a.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(body)
	}
	_, err := fmt.Fprint(a.out, words)
	return err
}
