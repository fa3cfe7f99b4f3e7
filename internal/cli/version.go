package cli

import (
	"encoding/json"
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
type VersionCmd struct {
	JSON bool `name:"json" help:"Print a JSON object."`
}

// Run prints it.
func (c *VersionCmd) Run(io *IO) error {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if c.JSON {
		return json.NewEncoder(io.Out).Encode(map[string]string{
			"version": version, "commit": commit, "go": runtime.Version(), "platform": platform,
		})
	}
	_, err := fmt.Fprintf(io.Out, "unreel %s (%s, %s, %s)\n", version, commit, runtime.Version(), platform)
	return err
}
