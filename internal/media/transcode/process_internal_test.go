package transcode

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/media/sandbox"
)

// TestGivenFilesAreTheProcess looks at what this process has open while another one copies from pipe to pipe.
func TestGivenFilesAreTheProcess(t *testing.T) {
	box, err := sandbox.New(sandbox.BestEffort)
	if err != nil {
		t.Fatal(err)
	}
	in, out := newPipe(t), newPipe(t)
	ended := make(chan error, 1)
	go func() {
		_, err := process{box: box, path: "/bin/cat", deadline: time.Minute, stdin: in.read, stdout: out.write}.run(t.Context())
		ended <- err
	}()
	if _, err := in.write.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out.read, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	awaitClosed(t, in.read)
	awaitClosed(t, out.write)
	if err := in.write.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(out.read); len(rest) != 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func newPipe(t *testing.T) pipe {
	t.Helper()
	p, err := openPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

// awaitClosed waits for what comes right behind the start of the other process.
func awaitClosed(t *testing.T, file *os.File) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if _, err := file.Stat(); errors.Is(err, os.ErrClosed) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal("an end of the pipe stays open here")
		case <-time.After(time.Millisecond):
		}
	}
}
