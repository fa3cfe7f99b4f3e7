package cli

import (
	"fmt"
	"runtime"
)

// Set by the linker.
var (
	version = "development"
	commit  = "unknown"
)

// VersionCmd prints the version.
type VersionCmd struct{}

// Run prints it.
func (VersionCmd) Run(io *IO) error {
	_, err := fmt.Fprintf(io.Out, "unreel %s (%s, %s, %s/%s)\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
