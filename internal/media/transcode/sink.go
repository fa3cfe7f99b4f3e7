package transcode

import (
	"fmt"
	"io"
	"os"
)

// rewritable is a sink in which what is written first can be written again at the end, when more is known.
type rewritable interface {
	io.Writer
	io.ReaderAt
	io.WriterAt
	io.Seeker
	Truncate(size int64) error
}

// canvas is where an MP3 grows: in the sink itself when that can be rewritten, else in a file.
type canvas struct {
	rewritable
	base    int64     // where the MP3 begins
	sink    io.Writer // nil: the canvas is the sink
	scratch *os.File  // nil: likewise
}

// newCanvas prefers the sink; file forces a file, which has a path.
func newCanvas(sink io.Writer, dir string, file bool) (*canvas, error) {
	if target, ok := sink.(rewritable); ok && !file {
		// A pipe is an *os.File too; and what was opened only for writing can't be checked.
		base, err := target.Seek(0, io.SeekCurrent)
		if err == nil && readable(target, base) {
			return &canvas{rewritable: target, base: base}, nil
		}
	}
	scratch, err := os.CreateTemp(dir, "unreel-*.mp3")
	if err != nil {
		return nil, fmt.Errorf("create temporary file: %w", err)
	}
	return &canvas{rewritable: scratch, sink: sink, scratch: scratch}, nil
}

// readable tells whether from can be read, even if there is nothing.
func readable(from io.ReaderAt, at int64) bool {
	_, err := from.ReadAt(make([]byte, 1), at)
	return err == nil || err == io.EOF
}

// reset empties the canvas for another attempt.
func (c *canvas) reset() error {
	if err := c.Truncate(c.base); err != nil {
		return fmt.Errorf("rewind: %w", err)
	}
	if _, err := c.Seek(c.base, io.SeekStart); err != nil {
		return fmt.Errorf("rewind: %w", err)
	}
	return nil
}

// content reads the first size bytes of the MP3.
func (c *canvas) content(size int64) io.Reader {
	return io.NewSectionReader(c.rewritable, c.base, size)
}

// deliver hands the MP3 to the sink, if it is not there already.
func (c *canvas) deliver(size int64) error {
	if c.sink == nil {
		return nil
	}
	if _, err := io.Copy(c.sink, c.content(size)); err != nil {
		return fmt.Errorf("write MP3: %w", err)
	}
	return nil
}

// close removes what is not the sink's.
func (c *canvas) close() {
	if c.scratch != nil {
		// What was in it is delivered or of no use, and its name is nobody's business.
		_ = c.scratch.Close()
		_ = os.Remove(c.scratch.Name())
	}
}
