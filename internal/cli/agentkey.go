package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/server"
)

func (k actors) keys() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "key",
		Short:   "Create, list and revoke API keys of " + k.one,
		Example: k.examples("key create NAME", "key list NAME", "key revoke NAME KEY-ID"),
		Args:    none,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(k.keyCreate(), k.keyList(), k.keyRevoke())
	return cmd
}

// noScopes is what one says for a key that may nothing: a list that is empty by
// accident must not pass for it.
const noScopes = "none"

func (k actors) keyCreate() *cobra.Command {
	wish := apikey.Wish{Prefix: secret.NativeKey}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create an API key, which is shown this once",
		Long: `Creates an API key and prints it alone in the last line. It is shown this
once: only its digest is kept.

A scope is a right that the key may use: * (all that its bearer has, the
default), orgs:ID, orgs:*, roles:NAME, roles:*. With --scope none a key proves
who its bearer is, and may do nothing.`,
		Example: k.examples("key create NAME", "key create NAME --description 'the night shift' --expires-days 90",
			"key create NAME --scope orgs:ORG-ID", "key create NAME --scope none --json"),
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("expires-days") && (wish.Days < 1 || wish.Days > apikey.MaxDays) {
				return usageError{fmt.Errorf("--expires-days is a number from 1 to %d; without it a key does not expire", apikey.MaxDays)}
			}
			if slices.Contains(wish.Scopes, noScopes) {
				if len(wish.Scopes) > 1 {
					return usageError{errors.New("--scope none stands alone: give either none or the scopes")}
				}
				wish.Scopes = nil
			}
			return k.with(cmd, args[0], func(ctx context.Context, h *server.House, by gate.Caller) error {
				key, shown, err := h.Agents.CreateKey(ctx, by, k.kind, args[0], wish)
				if err != nil {
					return err
				}
				body := struct {
					keyView
					Key string `json:"key"`
				}{keyViewOf(key), shown.Reveal()}
				return k.say(body, keyWords(args[0], key, shown))
			})
		},
	}
	cmd.Flags().StringVar(&wish.Label, "description", "", "what the key is for")
	cmd.Flags().Int64Var(&wish.Days, "expires-days", 0, "`days` until it expires (default: never)")
	cmd.Flags().StringArrayVar(&wish.Scopes, "scope", apikey.Everything(), "a right that the key may use, or none; may be repeated")
	return cmd
}

// keyWords ends with the key, alone in its line, for scripts that take the last.
func keyWords(name string, key gate.APIKey, shown secret.Text) string {
	return fmt.Sprintf("API key %s of %s. It is shown this once; keep it where secrets are kept:\n%s\n", key.ID, name, shown.Reveal())
}

func (k actors) keyList() *cobra.Command {
	return &cobra.Command{
		Use:     "list NAME",
		Short:   "List API keys by how they begin, the newest first; never the keys themselves",
		Example: k.examples("key list NAME", "key list NAME --json"),
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return k.with(cmd, args[0], func(ctx context.Context, h *server.House, by gate.Caller) error {
				w, err := h.Agents.Get(ctx, by, k.kind, args[0])
				if err != nil {
					return err
				}
				all := keyViewsOf(w.Keys)
				words := fmt.Sprintf(keyLine, "ID", "BEGINS", "STATE", "EXPIRES", "USED", "SCOPES", "DESCRIPTION")
				for _, v := range all {
					words += v.line()
				}
				return k.say(all, words)
			})
		},
	}
}

func (k actors) keyRevoke() *cobra.Command {
	return &cobra.Command{
		Use:     "revoke NAME KEY-ID",
		Short:   "Revoke an API key: it opens nothing any more",
		Example: k.examples("key revoke NAME 019ab1c2-7d3e-7f40-8a51-6b7c8d9e0f12"),
		Args:    exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return k.with(cmd, args[0], func(ctx context.Context, h *server.House, by gate.Caller) error {
				if err := h.Agents.RevokeKey(ctx, by, k.kind, args[0], gate.APIKeyID(args[1])); err != nil {
					return err
				}
				return k.say(map[string]any{"id": args[1], "state": "revoked"}, fmt.Sprintf("The API key %s of %s is revoked.\n", args[1], args[0]))
			})
		},
	}
}
