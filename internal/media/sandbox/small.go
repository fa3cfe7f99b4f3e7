package sandbox

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
)

// programs has the small launcher, if it was built in.
//
//go:embed program
var programs embed.FS

// launcherFile returns the small launcher, ready to start; nil where there is none, then this program starts itself.
func launcherFile() *os.File {
	file, err := InMemory(programs, "program/unreel-box")
	if err != nil {
		return nil // a kernel may forbid programs in memory
	}
	return file
}

// InMemory copies an embedded program to where it can be executed as a Spec's Image, or Start's own launcher. An error
// that wraps fs.ErrNotExist says that the program was not built in.
func InMemory(from fs.FS, name string) (*os.File, error) {
	program, err := from.Open(name)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	file, err := memory(path.Base(name))
	if err != nil {
		return nil, err
	}
	// Piece by piece: the whole of it would be the largest thing in this process's memory.
	if _, err := io.Copy(file, program); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("copy %s to memory: %w", name, err)
	}
	return file, nil
}

// startItself goes without the small launcher, where the system does not let programs in memory start. It tells whether
// there was one.
func (b *Box) startItself() bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	had := b.small != nil
	b.small = nil
	return had
}

// launcherPath names what becomes the box.
func (b *Box) launcherPath() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.small == nil {
		return self
	}
	return "/proc/self/fd/" + strconv.Itoa(int(b.small.Fd()))
}
