package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/server"
	"github.com/gatehouse/gatehouse/internal/store"
)

// finding is one thing that doctor looked at.
type finding struct {
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	What   string `json:"what"`
	Why    string `json:"why,omitempty"`
	Fix    string `json:"fix,omitempty"`
	Code   string `json:"code,omitempty"`
	Advice bool   `json:"advice,omitempty"` // worth knowing, nothing is broken
}

func (a *app) doctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look at settings, database, keys and neighbours; say what is wrong and what to do",
		Long: `Looks at the settings, the database, the master key, the audit trail, the
homeserver and the running server. Changes nothing. Exits with 1 when something
is broken.`,
		Example: `  gatehouse doctor
  gatehouse doctor --as daarion --json`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings := a.examine(cmd.Context())
			broken := 0
			words := ""
			for _, f := range findings {
				words += f.words()
				if !f.OK {
					broken++
				}
			}
			if err := a.say(findings, words); err != nil || broken == 0 {
				return err
			}
			return fmt.Errorf("%d of %d checks failed", broken, len(findings))
		},
	}
}

func (f finding) words() string {
	mark := "ok   "
	if !f.OK {
		mark = "BAD  "
	} else if f.Advice {
		mark = "note "
	}
	out := fmt.Sprintf("%s %-10s %s\n", mark, f.Check, f.What)
	if f.Why != "" {
		out += fmt.Sprintf("      %-10s why: %s\n", "", f.Why)
	}
	if f.Fix != "" {
		out += fmt.Sprintf("      %-10s fix: %s\n", "", f.Fix)
	}
	return out
}

func (a *app) examine(ctx context.Context) []finding {
	c, err := a.settings()
	if err != nil {
		return []finding{{Check: "settings", What: "They cannot be used.", Why: err.Error(), Fix: "Correct them; docs/configuration.md lists all."}}
	}
	findings := []finding{{Check: "settings", OK: true, What: "All of them can be used; 'gatehouse config' shows them."}}
	database, house := a.examineDatabase(ctx, c)
	findings = append(findings, database)
	if house != nil {
		defer house.Close()
		findings = append(findings, examineAudit(ctx, house), examineAdmin(ctx, house), examineJobs(ctx, house))
	}
	findings = append(findings, examineServers(ctx, c)...)
	if c.String("matrix.registration_secret") != "" {
		findings = append(findings, examineMatrix(ctx, c))
	}
	return findings
}

func (a *app) examineDatabase(ctx context.Context, c *config.Config) (finding, *server.House) {
	f := finding{Check: "database"}
	inspected, err := server.Inspect(ctx, c, time.Now)
	var cause *gate.Cause
	switch {
	case errors.Is(err, server.ErrNoDatabaseYet):
		f.OK, f.Advice, f.What, f.Fix = true, true, "There is no "+c.Database().String()+" yet; the first start makes it.", "gatehouse serve"
		return f, nil
	case errors.Is(err, gate.CauseSchemaOutdated) && c.Bool("database.auto_migrate"):
		f.OK, f.Advice, f.What, f.Fix = true, true, "Its schema is older than this program.", "The next 'gatehouse serve' or 'gatehouse migrate' brings it up to date."
		return f, nil
	case errors.As(err, &cause):
		f.Code, f.What, f.Fix = cause.Code, cause.Summary, cause.Fix
		if cause.Detail != nil {
			f.Why = cause.Detail.Error()
		}
		return f, nil
	case err != nil:
		f.What, f.Why = "It cannot be opened.", err.Error()
		return f, nil
	}
	f.OK, f.What = true, fmt.Sprintf("%s is at schema %d and opens with this master key.", c.Database(), store.SchemaVersion)
	return f, inspected
}

func examineAudit(ctx context.Context, h *server.House) finding {
	checked, breaks, err := h.VerifyAudit(ctx)
	f := finding{Check: "audit", OK: err == nil && len(breaks) == 0, What: fmt.Sprintf("%d events, every chain holds.", checked)}
	if err != nil {
		f.What, f.Why = "The trail cannot be read.", err.Error()
	} else if len(breaks) > 0 {
		f.What = fmt.Sprintf("The trail is broken in %d places.", len(breaks))
		f.Fix = "See 'gatehouse audit verify', and treat the database as tampered with."
	}
	return f
}

func examineAdmin(ctx context.Context, h *server.House) finding {
	n, err := h.Administrators(ctx)
	f := finding{Check: "admin", OK: true, What: fmt.Sprintf("%d active administrators.", n)}
	if err != nil {
		f.OK, f.What, f.Why = false, "They cannot be counted.", err.Error()
	} else if n == 0 {
		f.Advice, f.What, f.Fix = true, "Nobody administers this house yet.", "gatehouse user create --admin you@example.org"
	}
	return f
}

func examineJobs(ctx context.Context, h *server.House) finding {
	waiting, dead, err := h.Waiting(ctx)
	f := finding{Check: "outbox", OK: err == nil, What: fmt.Sprintf("%d jobs waiting, %d given up.", waiting, dead)}
	if err != nil {
		f.What, f.Why = "It cannot be read.", err.Error()
	} else if dead > 0 {
		f.Advice, f.Fix = true, "The events matrix.conflict name the users; see docs/dialects/daarion.md."
	}
	return f
}

// examineServers asks each listener whether it is up. That none is up is no
// fault: doctor also runs before the first start.
func examineServers(ctx context.Context, c *config.Config) (findings []finding) {
	client := &http.Client{Timeout: 2 * time.Second}
	for _, face := range config.Faces() {
		if c.As() != "" && c.As() != face.Name {
			continue
		}
		url := fmt.Sprintf("http://localhost:%d/version", c.Int("listen."+face.Name+".port"))
		f := finding{Check: face.Name, OK: true}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			continue
		}
		response, err := client.Do(request)
		if err != nil {
			f.Advice, f.What = true, "Nothing listens on "+request.URL.Host+"; is the server running?"
		} else {
			_ = response.Body.Close()
			f.What = "Something answers on " + request.URL.Host + "."
		}
		findings = append(findings, f)
	}
	return findings
}

func examineMatrix(ctx context.Context, c *config.Config) finding {
	f := finding{Check: "matrix", OK: true, What: "The homeserver answers at " + c.String("matrix.admin_url") + "."}
	client := &http.Client{Timeout: 3 * time.Second}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.String("matrix.admin_url")+"/_synapse/admin/v1/register", nil)
	if err == nil {
		var response *http.Response
		if response, err = client.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK {
				err = fmt.Errorf("it answers %s to a request for a nonce", response.Status)
			}
		}
	}
	if err != nil {
		f.OK, f.What, f.Why = false, "The homeserver cannot register users.", err.Error()
		f.Fix = "Correct SYNAPSE_ADMIN_URL, and set registration_shared_secret in Synapse. Accounts are made as soon as it answers."
	}
	return f
}
