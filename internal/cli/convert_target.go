package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// convertTarget is a video and where its MP3 goes.
type convertTarget struct {
	source string
	path   string    // of the MP3; empty: out takes it
	out    io.Writer // nil: a file
}

// targets says where each MP3 goes, and refuses what would lose one.
func (c *ConvertCmd) targets(streams *IO) ([]convertTarget, error) {
	if c.Output == "-" {
		return c.toOutput(streams)
	}
	folder, inside := c.folder()
	if inside && folder != "" {
		if err := makeFolder(folder); err != nil {
			return nil, UsageError{fmt.Errorf("-o: %w", err)}
		}
	}
	targets := make([]convertTarget, len(c.Files))
	from := map[string]string{}
	for i, file := range c.Files {
		target := convertTarget{source: file, path: string(c.Output)}
		switch {
		case folder != "":
			target.path = inFolder(folder, file)
		case inside:
			target.path = inFolder(filepath.Dir(file), file)
		}
		if other, taken := from[target.path]; taken {
			return nil, UsageError{fmt.Errorf("%s and %s would both become %s: convert one of them with -o",
				other, file, target.path)}
		}
		from[target.path] = file
		targets[i] = target
	}
	return targets, nil
}

// folder tells whether MP3s go into folders: one that was named, or, if it is empty, each video's own.
func (c *ConvertCmd) folder() (string, bool) {
	if c.Output == "" {
		return "", true
	}
	name := string(c.Output)
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir(), os.IsPathSeparator(name[len(name)-1]), len(c.Files) > 1:
		return name, true
	default:
		return "", false
	}
}

// makeFolder makes a folder for the MP3s, but none that has the name of an MP3: who gave that thought of one file.
func makeFolder(name string) error {
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) && strings.EqualFold(filepath.Ext(name), ".mp3") {
		return fmt.Errorf("%s is the name of one MP3; name a folder for many files", name)
	}
	return os.MkdirAll(name, 0o777)
}

func (c *ConvertCmd) toOutput(streams *IO) ([]convertTarget, error) {
	_, onScreen := terminal(streams.Out)
	switch {
	case len(c.Files) > 1:
		return nil, UsageError{errors.New("-o -: takes one file; name a folder for many")}
	case c.JSON:
		return nil, UsageError{errors.New("-o -: the output cannot take both the MP3 and --json")}
	case onScreen:
		return nil, UsageError{errors.New("-o -: the output is a terminal; send it to a file or a pipe")}
	}
	// Hidden behind a plain writer, so that nobody tries to rewrite what may be a pipe or appended to a file.
	return []convertTarget{{source: c.Files[0], out: struct{ io.Writer }{streams.Out}}}, nil
}

// check finds before the work what would make it useless.
func (t convertTarget) check(force bool) error {
	source, err := os.Stat(t.source)
	if err != nil {
		return err
	}
	there, err := os.Stat(t.path)
	switch {
	case err == nil && os.SameFile(source, there):
		return fmt.Errorf("%s is the file itself: say -o to write elsewhere", t.path)
	case err == nil && there.IsDir():
		return fmt.Errorf("%s is a folder: say -o to write elsewhere", t.path)
	case force:
		return nil
	default:
		return checkFree(t.path)
	}
}
