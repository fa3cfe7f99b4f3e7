//go:build !linux

package transcode

import "os"

func widen(*os.File) {}
