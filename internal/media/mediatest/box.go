package mediatest

import (
	"testing"

	"github.com/unreel/unreel/internal/media/sandbox"
)

// Box is the whole box for ffmpeg. On a machine that cannot make it, it is what can be made, and the test's log says so:
// the tests of everything else must run there too.
func Box(t testing.TB) *sandbox.Box {
	t.Helper()
	box, err := sandbox.New(sandbox.BestEffort)
	if err != nil {
		t.Fatal(err)
	}
	if missing := box.Missing(); len(missing) > 0 {
		t.Logf("ffmpeg runs without %v, which this machine lacks", missing)
	}
	return box
}
