//go:build !linux

package encoder

import (
	"errors"
	"os"
)

func memory() (*os.File, error) {
	return nil, errors.New("programs are started from memory on Linux only")
}
