//go:build unix

package store

import (
	"os"
	"syscall"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// lockFile takes a lock that the operating system gives back when the process
// dies, however it dies.
func lockFile(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, gate.CauseInUse.With(err)
	}
	return func() { _ = f.Close() }, nil
}
