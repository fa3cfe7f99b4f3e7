// Package e2e drives the built binary from outside, as its users do: over HTTP, by the mails it writes and with
// kill -9.
package e2e

import (
	"os"
	"testing"

	"github.com/unreel/unreel/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
