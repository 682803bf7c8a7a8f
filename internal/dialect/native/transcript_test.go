//go:build unix

package native_test

import (
	"testing"

	"github.com/gatehouse/gatehouse/internal/dialect/native"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/transcript"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestTranscripts plays every endpoint and every refusal on both engines, and
// holds each answer against the documentation.
func TestTranscripts(t *testing.T) {
	contract := transcript.Contract{Face: native.Name}
	transcript.Play(t, native.Name, "testdata/*.http", contract.Check)
	contract.Complete(t)
}
