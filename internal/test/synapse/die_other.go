//go:build unix && !linux

package synapse

import "syscall"

// dieWithTest has no counterpart here: a test that panics leaves Synapse behind.
func dieWithTest() *syscall.SysProcAttr { return nil }
