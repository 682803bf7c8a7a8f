//go:build faultinject

package fault

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

var passed atomic.Int64

// Point kills the process, as a power cut would, when FAULT_POINT is
// "<name>" or "<name>:<n>" and this is the n-th time the point is passed.
func Point(name string) {
	want, nth, _ := strings.Cut(os.Getenv("FAULT_POINT"), ":")
	if want != name {
		return
	}
	if n, err := strconv.ParseInt(nth, 10, 64); err == nil && passed.Add(1) < n {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
