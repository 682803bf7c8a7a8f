package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/agent"
	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/server"
)

// actors are the commands for one kind of principals that act for themselves
// and that somebody answers for.
type actors struct {
	*app
	kind    gate.PrincipalKind
	command string // "agent"
	one     string // "an AI agent"
	many    string // "AI agents"
	example string // the name that examples use
}

func (a *app) agent() *cobra.Command {
	return actors{a, gate.KindAgent, "agent", "an AI agent", "AI agents", "sofia"}.commands()
}

func (a *app) service() *cobra.Command {
	return actors{a, gate.KindApp, "app", "a service", "services", "billing"}.commands()
}

func (k actors) commands() *cobra.Command {
	cmd := &cobra.Command{
		Use:   k.command,
		Short: "Give " + k.many + " an identity: create, list, disable and remove them; their orgs and API keys",
		Long: `Works on the database directly, also while a server runs; the server notices
within a second. What is made here may never do more than its owner, a user or
an org; one without an owner answers to whoever has this shell.`,
		Example: k.examples("create NAME --owner ada@example.org --key", "list --json", "join NAME ORG-ID member",
			"key create NAME --expires-days 90", "disable NAME"),
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(k.create(), k.list(), k.show(), k.remove(), k.join(), k.leave(), k.keys(),
		k.role("grant", "Give "+k.one+" a role of the house", true), k.role("revoke", "Take a role from "+k.one, false),
		k.switching("disable", "Let nothing of "+k.one+" work any more", true),
		k.switching("enable", "Let "+k.one+" that was disabled work again", false))
	return cmd
}

// examples are command lines, a line each, about the one of the examples.
func (k actors) examples(lines ...string) string {
	for i, line := range lines {
		line = strings.Replace(line, "ORG-ID", "5f0c7c1b-0d1f-4b6a-9be3-d1f0c8a7e6d5", 1)
		lines[i] = "  gatehouse " + k.command + " " + strings.Replace(line, "NAME", k.example, 1)
	}
	return strings.Join(lines, "\n")
}

// with opens the house, does something there as the operator, and puts refusals
// into words about whoever has the name.
func (k actors) with(cmd *cobra.Command, name string, do func(context.Context, *server.House, gate.Caller) error) error {
	h, err := k.existingHouse(cmd.Context())
	if err != nil {
		return err
	}
	defer h.Close()
	by := gate.OperatorCaller(gate.DefaultTenant)
	return k.refused(cmd.Context(), h, by, name, do(cmd.Context(), h, by))
}

func (k actors) create() *cobra.Command {
	wish := gate.Agent{Kind: k.kind}
	var owner, org string
	var withKey bool
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create " + k.one + "; with --key, its first API key, too",
		Long: `Creates ` + k.one + `. The name is what it calls itself by and cannot be changed.
It may never do more than its owner, a user or an org. Without one, only
whoever has this shell answers for it.`,
		Example: k.examples("create NAME --owner ada@example.org --key", "create NAME --title 'The one of the docs' --org ORG-ID", "create NAME --key --json"),
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			wish.Name, wish.Owner.Org = args[0], gate.OrgID(org)
			if wish.Title == "" {
				wish.Title = wish.Name
			}
			// A variable of a script that is not set must not make one that nobody bounds.
			if flags := cmd.Flags(); flags.Changed("owner") && owner == "" || flags.Changed("org") && org == "" {
				return usageError{errors.New("--owner and --org want somebody; leave them out for one that only the operator answers for")}
			} else if owner != "" && org != "" {
				return usageError{errors.New("either a user answers for it or an org: give --owner or --org, not both")}
			}
			h, err := k.house(cmd.Context())
			if err != nil {
				return err
			}
			defer h.Close()
			by := gate.OperatorCaller(gate.DefaultTenant)
			made, err := k.make(cmd.Context(), h, by, wish, owner)
			if err != nil {
				return k.refused(cmd.Context(), h, by, wish.Name, err)
			}
			return k.introduce(cmd.Context(), h, by, made, withKey)
		},
	}
	cmd.Flags().StringVar(&wish.Title, "title", "", "what people call it (default: its name)")
	cmd.Flags().StringVar(&owner, "owner", "", "the `user` who answers for it, by id or e-mail address")
	cmd.Flags().StringVar(&org, "org", "", "the `id` of the org that answers for it")
	cmd.Flags().BoolVar(&withKey, "key", false, "create an API key that may do whatever it may, and show it this once")
	return cmd
}

func (k actors) make(ctx context.Context, h *server.House, by gate.Caller, wish gate.Agent, owner string) (gate.Agent, error) {
	if owner != "" {
		user, err := h.Account.Find(ctx, by, owner)
		if errors.Is(err, gate.ErrUserNotFound) {
			err = gate.ErrUserNotFound.Saying(fmt.Sprintf("There is no user %q. 'gatehouse user list' shows who there is.", owner))
		}
		if err != nil {
			return wish, err
		}
		wish.Owner.User = user.ID
	}
	made, err := h.Agents.Create(ctx, by, wish)
	if errors.Is(err, gate.ErrOrgNotFound) {
		err = noSuchOrg(wish.Owner.Org)
	}
	return made, err
}

// introduce shows who was made and, if there is to be one, the first key.
func (k actors) introduce(ctx context.Context, h *server.House, by gate.Caller, made gate.Agent, withKey bool) error {
	body := struct {
		agentView
		Key   string        `json:"key,omitempty"`
		KeyID gate.APIKeyID `json:"key_id,omitempty"`
	}{agentView: agentViewOf(made)}
	words := fmt.Sprintf("Created %s (%s).\n", made.Name, made.ID)
	if withKey {
		key, shown, err := h.Agents.CreateKey(ctx, by, k.kind, made.Name, apikey.Wish{Prefix: secret.NativeKey, Scopes: apikey.Everything()})
		if err != nil {
			refusal := gate.AsError(err)
			return refusal.Saying(fmt.Sprintf("%s was created, but not its key: %s Then say: gatehouse %s key create %s", made.Name, refusal.Message, k.command, made.Name))
		}
		body.Key, body.KeyID = shown.Reveal(), key.ID
		words += keyWords(made.Name, key, shown)
	}
	return k.say(body, words)
}

func (k actors) list() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List all " + k.many,
		Example: k.examples("list", "list --json"),
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return k.with(cmd, "", func(ctx context.Context, h *server.House, by gate.Caller) error {
				all := []agentView{}
				words := fmt.Sprintf("%-36s  %-24s  %-8s  %-41s  %s\n", "ID", "NAME", "STATE", "OWNER", "TITLE")
				for after := ""; ; {
					found, err := h.Agents.List(ctx, by, k.kind, after, agent.MaxListed)
					if err != nil {
						return err
					}
					for _, a := range found {
						v := agentViewOf(a)
						all, after = append(all, v), a.Name
						words += fmt.Sprintf("%-36s  %-24s  %-8s  %-41s  %s\n", v.ID, v.Name, v.State, v.owner(), v.Title)
					}
					if len(found) < agent.MaxListed {
						return k.say(all, words)
					}
				}
			})
		},
	}
}

func (k actors) show() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show " + k.one + ", its owner, its orgs and its API keys",
		Example: k.examples("show NAME", "show NAME --json"),
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return k.with(cmd, args[0], func(ctx context.Context, h *server.House, by gate.Caller) error {
				w, err := h.Agents.Get(ctx, by, k.kind, args[0])
				if err != nil {
					return err
				}
				v := wholeViewOf(w)
				return k.say(v, v.words())
			})
		},
	}
}

func (k actors) switching(name, short string, disabled bool) *cobra.Command {
	return &cobra.Command{
		Use:     name + " NAME",
		Short:   short,
		Example: k.examples(name + " NAME"),
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return k.with(cmd, args[0], func(ctx context.Context, h *server.House, by gate.Caller) error {
				if err := h.Agents.SetDisabled(ctx, by, k.kind, args[0], disabled); err != nil {
					return err
				}
				words := args[0] + " is active.\n"
				if disabled {
					words = args[0] + " is disabled: nothing it has works any more.\n"
				}
				return k.sayWhole(ctx, h, by, args[0], words)
			})
		},
	}
}

func (k actors) role(name, short string, held bool) *cobra.Command {
	return &cobra.Command{
		Use:     name + " NAME ROLE",
		Short:   short,
		Example: k.examples(name + " NAME agent-system"),
		Args:    exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return k.with(cmd, args[0], func(ctx context.Context, h *server.House, by gate.Caller) error {
				if err := h.Agents.SetRole(ctx, by, k.kind, args[0], gate.Role(args[1]), held); err != nil {
					return err
				}
				words := fmt.Sprintf("%s does not hold the role %s.\n", args[0], args[1])
				if held {
					words = fmt.Sprintf("%s holds the role %s, as far as its owner does.\n", args[0], args[1])
				}
				return k.sayWhole(ctx, h, by, args[0], words)
			})
		},
	}
}

func (k actors) remove() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:     "remove NAME",
		Short:   "Remove " + k.one + " for good, with its memberships and API keys; asks first",
		Example: k.examples("remove NAME", "remove NAME --yes"),
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return k.with(cmd, args[0], func(ctx context.Context, h *server.House, by gate.Caller) error {
				w, err := h.Agents.Get(ctx, by, k.kind, args[0])
				if err != nil {
					return err
				}
				if !yes {
					question := fmt.Sprintf("Remove %s for good, with all its memberships and API keys? [y/N] ", w.Name)
					if err := k.confirm(ctx, question); err != nil {
						return err
					}
				}
				if err := h.Agents.Remove(ctx, by, k.kind, args[0]); err != nil {
					return err
				}
				return k.say(map[string]any{"id": w.ID, "name": w.Name, "removed": true}, fmt.Sprintf("Removed %s. Its keys open nothing any more.\n", w.Name))
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (k actors) join() *cobra.Command {
	return &cobra.Command{
		Use:   "join NAME ORG-ID ROLE",
		Short: "Make " + k.one + " a member of an org, or give it another role there",
		Long: `Makes ` + k.one + ` a member of an org, or gives it another role there: member,
power_user or admin. It can do there what its owner can do there, at the most.`,
		Example: k.examples("join NAME ORG-ID member"),
		Args:    exactly(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[2] == "" { // to the verb it would mean: leave
				return usageError{errors.New("no role was given: member, power_user or admin")}
			}
			return k.place(cmd, args[0], gate.OrgID(args[1]), gate.OrgRole(args[2]), fmt.Sprintf("%s is in org %s as %s.\n", args[0], args[1], args[2]))
		},
	}
}

func (k actors) leave() *cobra.Command {
	return &cobra.Command{
		Use:     "leave NAME ORG-ID",
		Short:   "End the membership of " + k.one + " in an org",
		Example: k.examples("leave NAME ORG-ID"),
		Args:    exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return k.place(cmd, args[0], gate.OrgID(args[1]), "", fmt.Sprintf("%s is not in org %s any more.\n", args[0], args[1]))
		},
	}
}

func (k actors) place(cmd *cobra.Command, name string, org gate.OrgID, role gate.OrgRole, words string) error {
	return k.with(cmd, name, func(ctx context.Context, h *server.House, by gate.Caller) error {
		err := h.Agents.Place(ctx, by, k.kind, name, org, role)
		switch {
		case errors.Is(err, gate.ErrOrgNotFound):
			err = noSuchOrg(org)
		case errors.Is(err, gate.ErrMemberNotFound):
			err = gate.ErrMemberNotFound.Saying(fmt.Sprintf("%s is not in an org with the id %q. 'gatehouse %s show %s' says where it is.", name, org, k.command, name))
		}
		if err != nil {
			return err
		}
		return k.sayWhole(ctx, h, by, name, words)
	})
}

func noSuchOrg(id gate.OrgID) error {
	return gate.ErrOrgNotFound.Saying(fmt.Sprintf("There is no org with the id %q. Orgs are known by their ids, not by their names.", id))
}
