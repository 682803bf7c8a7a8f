package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gatehouse/gatehouse/internal/agent"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/server"
)

type agentView struct {
	ID        gate.PrincipalID   `json:"id"`
	Kind      gate.PrincipalKind `json:"kind"`
	Name      string             `json:"name"`
	Title     string             `json:"title"`
	OwnerUser gate.PrincipalID   `json:"owner_user,omitempty"`
	OwnerOrg  gate.OrgID         `json:"owner_org,omitempty"`
	State     string             `json:"state"`
	CreatedAt time.Time          `json:"created_at"`
}

func agentViewOf(a gate.Agent) agentView {
	v := agentView{
		ID: a.ID, Kind: a.Kind, Name: a.Name, Title: a.Title, OwnerUser: a.Owner.User, OwnerOrg: a.Owner.Org, State: "active", CreatedAt: a.CreatedAt,
	}
	if a.Disabled() {
		v.State = "disabled"
	}
	return v
}

func (v agentView) owner() string {
	switch {
	case v.OwnerUser != "":
		return "user " + string(v.OwnerUser)
	case v.OwnerOrg != "":
		return "org " + string(v.OwnerOrg)
	}
	return "operator"
}

type orgRoleView struct {
	Org  gate.OrgID   `json:"org"`
	Kind gate.OrgKind `json:"kind"`
	Role gate.OrgRole `json:"role"`
}

type wholeView struct {
	agentView
	Roles []gate.Role   `json:"roles"`
	Orgs  []orgRoleView `json:"orgs"`
	Keys  []keyView     `json:"keys"`
}

func wholeViewOf(w agent.Whole) wholeView {
	v := wholeView{agentView: agentViewOf(w.Agent), Roles: append([]gate.Role{}, w.Roles...), Orgs: []orgRoleView{}, Keys: keyViewsOf(w.Keys)}
	for _, m := range w.Memberships {
		v.Orgs = append(v.Orgs, orgRoleView{m.Org, m.Kind, m.Role})
	}
	return v
}

func (v wholeView) words() string {
	words := fmt.Sprintf("%s (%s)\n", v.Name, v.ID)
	line := func(what, text string) { words += fmt.Sprintf("  %-6s  %s\n", what, text) }
	line("title", v.Title)
	line("state", v.State)
	line("owner", v.owner())
	for _, role := range v.Roles {
		line("role", string(role))
	}
	for _, o := range v.Orgs {
		line("org", fmt.Sprintf("%s (%s) as %s", o.Org, o.Kind, o.Role))
	}
	for _, key := range v.Keys {
		line("key", fmt.Sprintf("%s %s…, %s", key.ID, key.Preview, key.State))
	}
	return words
}

// sayWhole says what was done or, to machines, what has become of it.
func (k actors) sayWhole(ctx context.Context, h *server.House, by gate.Caller, name, words string) error {
	w, err := h.Agents.Get(ctx, by, k.kind, name)
	if err != nil {
		return err
	}
	return k.say(wholeViewOf(w), words)
}

type keyView struct {
	ID          gate.APIKeyID `json:"id"`
	Preview     string        `json:"preview"`
	Description string        `json:"description,omitempty"`
	Scopes      []string      `json:"scopes"`
	State       string        `json:"state"`
	CreatedAt   time.Time     `json:"created_at"`
	ExpiresAt   *time.Time    `json:"expires_at,omitempty"`
	UsedAt      *time.Time    `json:"used_at,omitempty"`
}

func keyViewOf(key gate.APIKey) keyView {
	v := keyView{ID: key.ID, Preview: key.Preview, Description: key.Label, Scopes: key.Scopes, State: "active", CreatedAt: key.CreatedAt}
	if v.Scopes == nil {
		v.Scopes = []string{}
	}
	if !key.ExpiresAt.IsZero() {
		v.ExpiresAt = &key.ExpiresAt
	}
	if !key.UsedAt.IsZero() {
		v.UsedAt = &key.UsedAt
	}
	switch {
	case !key.RevokedAt.IsZero():
		v.State = "revoked"
	case !key.Good(time.Now()):
		v.State = "expired"
	}
	return v
}

func keyViewsOf(keys []gate.APIKey) []keyView {
	all := []keyView{}
	for _, key := range keys {
		all = append(all, keyViewOf(key))
	}
	return all
}

const keyLine = "%-36s  %-11s  %-7s  %-10s  %-10s  %-20s  %s\n"

func (v keyView) line() string {
	day := func(t *time.Time) string {
		if t == nil {
			return "never"
		}
		return t.Format(time.DateOnly)
	}
	line := fmt.Sprintf(keyLine, v.ID, v.Preview, v.State, day(v.ExpiresAt), day(v.UsedAt), cmp.Or(strings.Join(v.Scopes, " "), noScopes), v.Description)
	return strings.TrimRight(line, " \n") + "\n"
}

// refused puts a refusal into words that know whom it is about and what to do.
func (k actors) refused(ctx context.Context, h *server.House, by gate.Caller, name string, err error) error {
	if err == nil {
		return nil
	}
	command := "gatehouse " + k.command
	for _, r := range []struct {
		refusal *gate.Error
		words   func() string
	}{
		{gate.ErrAgentNotFound, func() string {
			return fmt.Sprintf("There is no %s %q.%s '%s list' shows what there is.", k.command, name, k.meant(ctx, h, by, name), command)
		}},
		{gate.ErrAgentTaken, func() string {
			return fmt.Sprintf("There is %s with the name %s already. Choose another name; '%s show %s' says whose it is.", k.one, name, command, name)
		}},
		{gate.ErrAgentDisabled, func() string {
			return fmt.Sprintf("%s is disabled and gets no keys. First say: %s enable %s", name, command, name)
		}},
		{gate.ErrScope, func() string {
			return "That is not a scope: use *, roles:NAME, roles:*, orgs:ID or orgs:*, or none for a key that only proves who its bearer is."
		}},
		{gate.ErrRoleUnknown, func() string {
			return "There is no such role. Every house has user, admin and agent-system; its services may have brought more."
		}},
		{gate.ErrOrgLimit, func() string {
			return fmt.Sprintf("There are as many as there may be: nobody answers for more than %d, and none is in more than %d orgs. Remove one first.", agent.MaxOwned, agent.MaxOrgs)
		}},
		{gate.ErrAPIKeyNotFound, func() string {
			return fmt.Sprintf("%s has no such API key. '%s key list %s' shows their ids.", name, command, name)
		}},
	} {
		if errors.Is(err, r.refusal) {
			return r.refusal.Saying(r.words())
		}
	}
	if invalid := gate.AsError(err); errors.Is(err, gate.ErrValidation) && len(invalid.Problems) > 1 {
		return invalid.At(invalid.Problems[0]) // a title that was not given is as wrong as the name
	}
	return err
}

// meant names whom a mistyped name was meant for, as none does with commands.
func (k actors) meant(ctx context.Context, h *server.House, by gate.Caller, name string) string {
	known, err := h.Agents.List(ctx, by, k.kind, "", agent.MaxListed)
	if err != nil {
		return "" // without it the refusal still says where to look
	}
	names := &cobra.Command{}
	for _, a := range known {
		names.AddCommand(&cobra.Command{Use: a.Name, Run: func(*cobra.Command, []string) {}})
	}
	for names.SuggestionsMinimumDistance = 1; names.SuggestionsMinimumDistance <= 2; names.SuggestionsMinimumDistance++ {
		if near := names.SuggestionsFor(name); len(near) > 0 && len(near) <= 3 {
			return " Did you mean " + strings.Join(near, " or ") + "?"
		}
	}
	return ""
}

// confirm asks a person. It returns nil for a yes and for nothing else.
func (a *app) confirm(ctx context.Context, question string) error {
	terminal, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return usageError{errors.New("standard input is not a terminal, so nobody can be asked: use --yes")}
	}
	fmt.Fprint(a.err, question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(terminal).ReadString('\n') // an end without an answer is a no
		answer <- line
	}()
	select {
	case line := <-answer:
		if said := strings.ToLower(strings.TrimSpace(line)); said == "y" || said == "yes" {
			return nil
		}
	case <-ctx.Done(): // Ctrl-C does not interrupt what reads
		fmt.Fprintln(a.err)
	}
	return errors.New("nothing was removed")
}
