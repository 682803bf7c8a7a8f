//go:build unix

package idp

import (
	"os"
	"path/filepath"
	"testing"
)

// ClientBundle returns the Better Auth client of that line, "1.4" or "1.7", as a
// classic script for browsers. It sets the global BetterAuth, which has
// createAuthClient, the plugins twoFactorClient and passkeyClient and, in 1.4,
// genericOAuthClient; all as they are published.
func ClientBundle(t testing.TB, line string) []byte {
	t.Helper()
	_, home := mustInstall(t, clientFiles)
	script, err := os.ReadFile(filepath.Join(home, "client-"+line+".js"))
	if err != nil {
		t.Fatalf("there is no client %q: %v", line, err)
	}
	return script
}
