// Package faults takes the system's servers and services away while it works, and holds that whatever was accepted is
// converted once and told. It runs in a short form with every test and in a long one by `make test-faults`.
package faults

import (
	"os"
	"testing"

	"github.com/unreel/unreel/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
