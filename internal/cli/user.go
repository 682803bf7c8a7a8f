package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/server"
)

func (a *app) user() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Create, list, disable and enable users; grant and revoke roles; set passwords",
		Long: `Works on the database directly, also while a server runs; the server notices
within a second. A user is named by id or by e-mail address.`,
		Example: `  gatehouse user create --admin ada@example.org
  gatehouse user list --json
  gatehouse user disable ada@example.org
  gatehouse user grant ada@example.org admin
  pass show ada | gatehouse user set-password --password-stdin ada@example.org`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.userCreate(), a.userList(), a.userSetPassword(),
		a.userChange("disable USER", "Disable a user: ends all sessions, nothing issued to them works any more", 1,
			func(ctx context.Context, h *server.House, by gate.Caller, u gate.User, _ []string) error {
				return h.Account.SetDisabled(ctx, by, u.ID, true)
			}),
		a.userChange("enable USER", "Enable a disabled user", 1,
			func(ctx context.Context, h *server.House, by gate.Caller, u gate.User, _ []string) error {
				return h.Account.SetDisabled(ctx, by, u.ID, false)
			}),
		a.userChange("grant USER ROLE", "Give a user a role", 2,
			func(ctx context.Context, h *server.House, by gate.Caller, u gate.User, rest []string) error {
				return h.Account.GrantRole(ctx, by, u.ID, gate.Role(rest[0]))
			}),
		a.userChange("revoke USER ROLE", "Take a role from a user", 2,
			func(ctx context.Context, h *server.House, by gate.Caller, u gate.User, rest []string) error {
				return h.Account.RevokeRole(ctx, by, u.ID, gate.Role(rest[0]))
			}),
	)
	return cmd
}

func (a *app) userCreate() *cobra.Command {
	var name string
	var admin, fromStdin bool
	cmd := &cobra.Command{
		Use:   "create EMAIL",
		Short: "Create a user; asks for the password, or reads it with --password-stdin",
		Example: `  gatehouse user create ada@example.org
  gatehouse user create --admin --name Ada --password-stdin ada@example.org < secret.txt`,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.house(cmd.Context())
			if err != nil {
				return err
			}
			defer h.Close()
			pw, err := a.password(fromStdin)
			if err != nil {
				return err
			}
			var roles []gate.Role
			if admin {
				roles = append(roles, gate.RoleAdmin)
			}
			u, err := h.Account.Create(cmd.Context(), gate.OperatorCaller(gate.DefaultTenant),
				account.Application{Email: args[0], Password: pw, DisplayName: name}, roles...)
			if err != nil {
				return err
			}
			return a.say(shown(u), fmt.Sprintf("Created %s (%s).\n", u.Email, u.ID))
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "display name")
	cmd.Flags().BoolVar(&admin, "admin", false, "make the user an administrator")
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	return cmd
}

func (a *app) userSetPassword() *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use:     "set-password USER",
		Short:   "Set a user's password; ends all their sessions",
		Example: "  gatehouse user set-password ada@example.org",
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.house(cmd.Context())
			if err != nil {
				return err
			}
			defer h.Close()
			by := gate.OperatorCaller(gate.DefaultTenant)
			u, err := h.Account.Find(cmd.Context(), by, args[0])
			if err != nil {
				return err
			}
			pw, err := a.password(fromStdin)
			if err != nil {
				return err
			}
			if err := h.Account.SetPassword(cmd.Context(), by, u.ID, pw); err != nil {
				return err
			}
			return a.say(shown(u), fmt.Sprintf("The password of %s is set; their sessions have ended.\n", u.Email))
		},
	}
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	return cmd
}

func (a *app) userList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List all users",
		Example: "  gatehouse user list --json",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.house(cmd.Context())
			if err != nil {
				return err
			}
			defer h.Close()
			const page = 1000
			all := []userView{}
			words := fmt.Sprintf("%-36s  %-32s  %-8s  %s\n", "ID", "EMAIL", "STATE", "ROLES")
			for after := int64(0); ; {
				users, err := h.Account.List(cmd.Context(), gate.OperatorCaller(gate.DefaultTenant), after, page)
				if err != nil {
					return err
				}
				for _, u := range users {
					v := shown(u)
					all, after = append(all, v), u.Number
					words += fmt.Sprintf("%-36s  %-32s  %-8s  %s\n", v.ID, v.Email, v.State, strings.Join(v.Roles, ","))
				}
				if len(users) < page {
					return a.say(all, words)
				}
			}
		},
	}
}

// userChange is a command that finds a user, changes something, and shows them.
func (a *app) userChange(use, short string, args int, change func(context.Context, *server.House, gate.Caller, gate.User, []string) error) *cobra.Command {
	name, _, _ := strings.Cut(use, " ")
	example := "  gatehouse user " + name + " ada@example.org"
	if args > 1 {
		example += " admin"
	}
	return &cobra.Command{
		Use: use, Short: short, Example: example, Args: exactly(args),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.house(cmd.Context())
			if err != nil {
				return err
			}
			defer h.Close()
			by := gate.OperatorCaller(gate.DefaultTenant)
			u, err := h.Account.Find(cmd.Context(), by, args[0])
			if err != nil {
				return err
			}
			if err := change(cmd.Context(), h, by, u, args[1:]); err != nil {
				return err
			}
			if u, err = h.Account.Find(cmd.Context(), by, string(u.ID)); err != nil {
				return err
			}
			v := shown(u)
			return a.say(v, fmt.Sprintf("%s is %s; roles: %s.\n", v.Email, v.State, strings.Join(v.Roles, ", ")))
		},
	}
}

type userView struct {
	ID           gate.PrincipalID `json:"id"`
	Number       int64            `json:"number"`
	Email        string           `json:"email"`
	DisplayName  string           `json:"display_name,omitempty"`
	State        string           `json:"state"`
	Roles        []string         `json:"roles"`
	MatrixUserID string           `json:"matrix_user_id,omitempty"`
	CreatedAt    time.Time        `json:"created_at"`
}

func shown(u gate.User) userView {
	v := userView{
		ID: u.ID, Number: u.Number, Email: u.Email, DisplayName: u.DisplayName, State: "active",
		Roles: []string{}, MatrixUserID: u.MatrixUserID, CreatedAt: u.CreatedAt,
	}
	if u.Disabled() {
		v.State = "disabled"
	}
	for _, role := range u.Roles {
		v.Roles = append(v.Roles, string(role))
	}
	return v
}

// password asks twice at a terminal, or reads one line.
func (a *app) password(fromStdin bool) (secret.Text, error) {
	if fromStdin {
		line, err := bufio.NewReader(a.in).ReadString('\n')
		if err != nil && line == "" {
			return secret.Text{}, errors.New("no password on standard input")
		}
		return secret.NewText(strings.TrimRight(line, "\r\n")), nil
	}
	terminal, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return secret.Text{}, usageError{errors.New("standard input is not a terminal: use --password-stdin")}
	}
	var typed [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(a.err, prompt)
		raw, err := term.ReadPassword(int(terminal.Fd()))
		fmt.Fprintln(a.err)
		if err != nil {
			return secret.Text{}, err
		}
		typed[i] = string(raw)
	}
	if typed[0] != typed[1] {
		return secret.Text{}, errors.New("the two passwords differ")
	}
	return secret.NewText(typed[0]), nil
}

func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("usage: %s; see %s --help", cmd.UseLine(), cmd.CommandPath())}
		}
		return nil
	}
}
