// Command gatehouse is the authentication server and everything an operator
// does with it. See gatehouse --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/gatehouse/gatehouse/internal/cli"
)

// garbage may grow to twice the live heap before it is collected. What lives is
// small, and a password hash takes 19 MiB at once: with Go's default every
// single one would start a collection.
const garbage = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
