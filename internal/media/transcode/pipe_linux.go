package transcode

import (
	"os"

	"golang.org/x/sys/unix"
)

// widen makes a pipe as large as anyone may: then neither side waits for the other so often. It is as good without.
func widen(pipe *os.File) {
	const most = 1 << 20
	_, _ = unix.FcntlInt(pipe.Fd(), unix.F_SETPIPE_SZ, most)
}
