package transcode

import (
	"fmt"
	"os"
)

// pipe is a pipe from a child.
type pipe struct {
	read, write *os.File
}

// pipes are what a child writes to beside standard error.
type pipes struct {
	out, progress pipe
}

func openPipes() (*pipes, error) {
	var (
		p   pipes
		err error
	)
	if p.out.read, p.out.write, err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("open pipe: %w", err)
	}
	if p.progress.read, p.progress.write, err = os.Pipe(); err != nil {
		p.close()
		return nil, fmt.Errorf("open pipe: %w", err)
	}
	return &p, nil
}

// closeWriters leaves the child's ends to the child, so that its end is the end of the pipes.
func (p *pipes) closeWriters() {
	_, _ = p.out.write.Close(), p.progress.write.Close() // nothing of ours was in them
}

// close may follow closeWriters; closing twice does no harm.
func (p *pipes) close() {
	for _, file := range []*os.File{p.out.read, p.out.write, p.progress.read, p.progress.write} {
		if file != nil {
			_ = file.Close()
		}
	}
}
