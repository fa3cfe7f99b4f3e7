//go:build !linux || !(amd64 || arm64)

package launcher

// Supported tells whether this program can be a launcher.
const Supported = false
