//go:build !linux

package sandbox

import (
	"errors"
	"os"
)

func memory(string) (*os.File, error) {
	return nil, errors.ErrUnsupported
}
