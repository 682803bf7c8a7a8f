package house

import "syscall"

// dieWithTest makes the kernel kill the process when the test process ends
// without cleaning up (a panic, a timeout of go test).
func dieWithTest() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
