package container

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// table is where numbers of one width lie in the file.
type table struct {
	from, count, width int64 // width and from in bytes
}

func (t table) open(from io.ReaderAt) *entries {
	const buffer = 8 << 10
	return &entries{bufio.NewReaderSize(io.NewSectionReader(from, t.from, t.count*t.width), buffer), t.width}
}

// entries reads a table in order.
type entries struct {
	*bufio.Reader
	width int64
}

// number returns the next entry. Behind the last one is an error: tables are read as far as others say.
func (e *entries) number() (n int64, err error) {
	for range e.width {
		b, err := e.ReadByte()
		if err != nil {
			return 0, fmt.Errorf("%w: %w", ErrFrames, err)
		}
		n = n<<8 | int64(b)
	}
	return n, nil
}

// chunks are the places where frames lie side by side. How many they are is told for runs of chunks.
type chunks struct {
	runs, offsets *entries
	number        int64 // of the chunk before the next one; the first has 1
	run, next     run
}

// run is so many frames in each chunk, from one on.
type run struct {
	first, frames int64
}

func openChunks(runs, offsets *entries) (*chunks, error) {
	c := &chunks{runs: runs, offsets: offsets}
	return c, c.lookAhead()
}

// advance goes to the next chunk, and tells where it is and how many frames it has.
func (c *chunks) advance() (at, frames int64, err error) {
	c.number++
	if c.number == c.next.first {
		c.run = c.next
		if err := c.lookAhead(); err != nil {
			return 0, 0, err
		}
	}
	at, err = c.offsets.number()
	return at, c.run.frames, err
}

// lookAhead reads the run behind the one that begins.
func (c *chunks) lookAhead() error {
	_, err := c.runs.Peek(1)
	if errors.Is(err, io.EOF) {
		c.next = run{}
		return nil
	}
	var fields [3]int64
	for i := range fields {
		if fields[i], err = c.runs.number(); err != nil {
			return err
		}
	}
	c.next = run{fields[0], fields[1]}
	const description = 1 // the only one that a plain track has
	if c.next.first <= c.number || c.next.frames == 0 || fields[2] != description {
		return fmt.Errorf("%w: chunk %d has %d frames of kind %d", ErrFrames, c.next.first, c.next.frames, fields[2])
	}
	return nil
}
