package cli

import (
	"fmt"
	"runtime"

	"github.com/unreel/unreel/internal/app"
)

// Set by the linker.
var (
	version = "development"
	commit  = "unknown"
)

// build is what services tell of the program.
func build() app.Build { return app.Build{Version: version, Commit: commit} }

// VersionCmd prints the version.
type VersionCmd struct{}

// Run prints it.
func (VersionCmd) Run(io *IO) error {
	_, err := fmt.Fprintf(io.Out, "unreel %s (%s, %s, %s/%s)\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
