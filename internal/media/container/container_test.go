package container_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/unreel/unreel/internal/media/container"
	"github.com/unreel/unreel/internal/media/mediatest"
)

// counted counts what is read.
type counted struct {
	io.ReaderAt
	bytes int64
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.bytes += int64(n)
	return n, err
}

// TestReadsLittle sees that the samples are not read, nor tables that grow with the file.
func TestReadsLittle(t *testing.T) {
	content := mediatest.Bytes(t, mediatest.Spec{Extra: "-movflags +faststart"})
	from := &counted{ReaderAt: bytes.NewReader(content)}
	file, known := container.Read(from, int64(len(content)))
	if !known || len(file.Streams) != 2 {
		t.Fatalf("got %+v, %t", file, known)
	}
	if from.bytes > 4<<10 {
		t.Errorf("read %d bytes", from.bytes)
	}
}

func TestCutOffIsNotPlain(t *testing.T) {
	content := mediatest.Bytes(t, mediatest.Spec{Extra: "-movflags +faststart", Seconds: 0.5})
	for size := range len(content) {
		if _, known := container.Read(bytes.NewReader(content[:size]), int64(size)); known {
			t.Fatalf("%d of %d bytes are understood", size, len(content))
		}
	}
}

// FuzzRead sees that whatever is read, it is bounded. A panic or an endless loop fails it by itself.
func FuzzRead(f *testing.F) {
	for _, spec := range []mediatest.Spec{
		{Seconds: 0.2},
		{Seconds: 0.2, Codec: "alac", Container: "m4a"},
		{Seconds: 0.2, Codec: "flac", NoPicture: true},
		{Seconds: 0.2, Container: "mov", Extra: "-metadata title=Own"},
		{Seconds: 0.2, Extra: "-metadata title=Own"},
		{Seconds: 0.2, Container: "mkv", Extra: "-metadata title=Own"},
		{Seconds: 0.2, Container: "webm"},
	} {
		f.Add(mediatest.Bytes(f, spec))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		from := &counted{ReaderAt: bytes.NewReader(content)}
		file, known := container.Read(from, int64(len(content)))
		if from.bytes > 4<<20 {
			t.Errorf("read %d bytes", from.bytes)
		}
		if known && (file.Duration <= 0 || len(file.Streams) == 0 || len(file.Streams) > 32) {
			t.Errorf("got %+v", file)
		}
	})
}
