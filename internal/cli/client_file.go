package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// newborn is a file that gets its name only when it is complete.
type newborn struct {
	*os.File
	path string // the name to be
	done bool
}

// newFile begins a file beside the name that it will have.
func newFile(path string, mode fs.FileMode) (*newborn, error) {
	temporary := filepath.Join(filepath.Dir(path), ".unreel-"+rand.Text()+".part")
	file, err := os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, &fs.PathError{Op: "create", Path: path, Err: errors.Unwrap(err)} // with the name that was asked for
	}
	return &newborn{File: file, path: path}, nil
}

// replace gives the file its name, in place of whatever has it.
func (n *newborn) replace() error {
	if err := n.finish(); err != nil {
		return err
	}
	err := os.Rename(n.Name(), n.path)
	n.done = err == nil
	return err
}

// add gives the file its name unless another file has it.
func (n *newborn) add() error {
	if err := n.finish(); err != nil {
		return err
	}
	err := os.Link(n.Name(), n.path)
	switch {
	case err == nil:
		return nil // discard removes the temporary name
	case errors.Is(err, fs.ErrExist):
		return existsError(n.path)
	}
	// A file system without links, such as FAT, leaves a gap between looking and naming.
	if err := checkFree(n.path); err != nil {
		return err
	}
	return n.replace()
}

func (n *newborn) finish() error {
	if err := n.Sync(); err != nil {
		return err
	}
	return n.Close()
}

// discard removes the temporary name, if the file still has it.
func (n *newborn) discard() {
	if n.done {
		return
	}
	// The file may be closed already, and its name is nobody's business: there is nothing to tell.
	_ = n.Close()
	_ = os.Remove(n.Name())
}

// checkFree returns an error if something has this name.
func checkFree(path string) error {
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return existsError(path)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// existsError is the path of a file that would have been replaced.
type existsError string

// Error says what can be done.
func (e existsError) Error() string {
	return fmt.Sprintf("%s exists: say --force to replace it, or -o to write elsewhere", string(e))
}

// Is makes it fs.ErrExist.
func (e existsError) Is(target error) bool { return target == fs.ErrExist }
