//go:build unix && !linux

package house

import "syscall"

// dieWithTest does nothing where the kernel offers nothing.
func dieWithTest() *syscall.SysProcAttr { return nil }
