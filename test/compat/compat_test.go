// Package compat has programs of the first version of this system take part in this one. They are written here as
// they were there: with a plain channel to the broker, the driver's own GridFS, and three fields in a message.
package compat

import (
	"os"
	"testing"

	"github.com/unreel/unreel/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
