//go:build unix && !linux

package pgtest

import "syscall"

// dieWithTest has no counterpart here: a test that panics leaves Postgres behind.
func dieWithTest() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
