package sandbox

import (
	"embed"
	"os"
	"strconv"
)

// programs has the small launcher, if it was built in.
//
//go:embed program
var programs embed.FS

// launcherFile returns the small launcher, ready to start; nil where there is none, then this program starts itself.
func launcherFile() *os.File {
	content, err := programs.ReadFile("program/unreel-box")
	if err != nil {
		return nil
	}
	file, err := memory("unreel-box")
	if err != nil {
		return nil // a kernel may forbid programs in memory
	}
	if _, err := file.Write(content); err != nil {
		_ = file.Close()
		return nil
	}
	return file
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
