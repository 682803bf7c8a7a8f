//go:build !unix

package store

import (
	"os"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// lockFile makes a file that must not exist yet. Unlike on Unix it survives a
// crash and then has to be removed by hand.
func lockFile(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if os.IsExist(err) {
		return nil, gate.CauseInUse.With(err)
	}
	if err != nil {
		return nil, err
	}
	return func() { _ = f.Close(); _ = os.Remove(name) }, nil
}
