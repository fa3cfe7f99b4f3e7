package transcode

import (
	"fmt"
	"os"
)

// pipe is a pipe from a child.
type pipe struct {
	read, write *os.File
}

func openPipe() (pipe, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return pipe{}, fmt.Errorf("open pipe: %w", err)
	}
	return pipe{read, write}, nil
}

// close may be called for what is closed already.
func (p pipe) close() {
	_, _ = p.read.Close(), p.write.Close() // nothing is in it that is still wanted
}

// pipes are what a child writes to beside standard error.
type pipes struct {
	out, progress pipe
}

func openPipes() (*pipes, error) {
	out, err := openPipe()
	if err != nil {
		return nil, err
	}
	progress, err := openPipe()
	if err != nil {
		out.close()
		return nil, err
	}
	return &pipes{out, progress}, nil
}

// closeWriters leaves the child's ends to the child, so that its end is the end of the pipes.
func (p *pipes) closeWriters() {
	_, _ = p.out.write.Close(), p.progress.write.Close() // nothing of ours was in them
}

// close may follow closeWriters.
func (p *pipes) close() {
	p.out.close()
	p.progress.close()
}
