package blobtest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"

	"github.com/unreel/unreel/internal/store/blob"
)

func testCommitted(t *testing.T, store blob.Store) {
	id, data := newID(), content(1, 1000)
	put(t, store, blob.Video, id, data)
	wantContent(t, store, blob.Video, id, data)

	info := openReader(t, store, blob.Video, id).Info()
	if info.ID != id || info.Size != int64(len(data)) || info.Modified.IsZero() {
		t.Errorf("info is %+v, want %s with %d bytes and a time", info, id, len(data))
	}
}

func testEmpty(t *testing.T, store blob.Store) {
	id := newID()
	put(t, store, blob.Video, id, nil)
	reader := openReader(t, store, blob.Video, id)
	if size := reader.Info().Size; size != 0 {
		t.Errorf("size is %d, want 0", size)
	}
	if n, err := reader.Read(make([]byte, 10)); n != 0 || err != io.EOF {
		t.Errorf("read: %d, %v; want EOF", n, err)
	}
	if end, err := reader.Seek(0, io.SeekEnd); end != 0 || err != nil {
		t.Errorf("seek to the end: %d, %v", end, err)
	}
}

// testStreams writes and reads in steps that never fit the chunks.
func testStreams(t *testing.T, store blob.Store) {
	id, data := newID(), content(2, 3*chunk+7)
	writer := create(t, store, blob.Video, id)
	for rest := data; len(rest) > 0; {
		step := min(100_003, len(rest))
		write(t, writer, rest[:step])
		rest = rest[step:]
	}
	commit(t, writer)

	var got bytes.Buffer
	reader := openReader(t, store, blob.Video, id)
	if _, err := io.CopyBuffer(&got, struct{ io.Reader }{reader}, make([]byte, 33_333)); err != nil {
		t.Fatalf("read: %v", err)
	}
	if !bytes.Equal(got.Bytes(), data) {
		t.Errorf("read %d bytes that are not the %d bytes written", got.Len(), len(data))
	}
}

func testReader(t *testing.T, store blob.Store) {
	id, data := newID(), content(3, 500)
	put(t, store, blob.MP3, id, data)
	if err := iotest.TestReader(openReader(t, store, blob.MP3, id), data); err != nil {
		t.Error(err)
	}
}

// testSeek reads ranges around the borders of chunks, from one reader, forwards and back.
func testSeek(t *testing.T, store blob.Store) {
	id, data := newID(), content(4, 2*chunk+100)
	put(t, store, blob.Video, id, data)
	reader := openReader(t, store, blob.Video, id)
	ranges := []struct{ offset, length int }{
		{2*chunk - 1, 2},
		{0, 1},
		{chunk - 1, 1},
		{chunk, 1},
		{chunk + 1, 10},
		{chunk - 5, chunk + 10},
		{2 * chunk, 100},
		{len(data) - 1, 1},
		{0, len(data)},
	}
	for _, r := range ranges {
		if at, err := reader.Seek(int64(r.offset), io.SeekStart); at != int64(r.offset) || err != nil {
			t.Fatalf("seek to %d: %d, %v", r.offset, at, err)
		}
		got := make([]byte, r.length)
		if _, err := io.ReadFull(reader, got); err != nil {
			t.Fatalf("read %d bytes at %d: %v", r.length, r.offset, err)
		}
		if !bytes.Equal(got, data[r.offset:r.offset+r.length]) {
			t.Errorf("%d bytes at %d are not what was written", r.length, r.offset)
		}
	}
	if n, err := reader.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read at the end: %d, %v; want EOF", n, err)
	}
	testSeekRelative(t, reader, data)
}

func testSeekRelative(t *testing.T, reader blob.Reader, data []byte) {
	t.Helper()
	if at, err := reader.Seek(-10, io.SeekEnd); at != int64(len(data)-10) || err != nil {
		t.Fatalf("seek 10 before the end: %d, %v", at, err)
	}
	if at, err := reader.Seek(4, io.SeekCurrent); at != int64(len(data)-6) || err != nil {
		t.Fatalf("seek 4 on: %d, %v", at, err)
	}
	got, err := io.ReadAll(reader)
	if err != nil || !bytes.Equal(got, data[len(data)-6:]) {
		t.Errorf("the last 6 bytes: got %d bytes, %v", len(got), err)
	}
}

func testSeekNowhere(t *testing.T, store blob.Store) {
	id := newID()
	put(t, store, blob.Video, id, []byte("0123456789"))
	reader := openReader(t, store, blob.Video, id)
	if at, err := reader.Seek(4, io.SeekStart); at != 4 || err != nil {
		t.Fatalf("seek to 4: %d, %v", at, err)
	}
	if _, err := reader.Seek(-1, io.SeekStart); err == nil {
		t.Error("seek before the start gave no error")
	}
	if _, err := reader.Seek(0, 9); err == nil {
		t.Error("seek from nowhere gave no error")
	}
	if got, err := io.ReadAll(reader); string(got) != "456789" || err != nil {
		t.Errorf("after seeks that failed: read %q, %v; want to stay at 4", got, err)
	}
	if at, err := reader.Seek(99, io.SeekStart); at != 99 || err != nil {
		t.Fatalf("seek beyond the end: %d, %v", at, err)
	}
	if n, err := reader.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read beyond the end: %d, %v; want EOF", n, err)
	}
}

func testNotFound(t *testing.T, store blob.Store) {
	for _, kind := range blob.Kinds {
		wantMissing(t, store, kind, newID())
		for info := range list(t, store, kind, future) {
			t.Errorf("an empty store lists %v", info)
		}
	}
}

// testPath is for backends whose blobs are files.
func testPath(t *testing.T, store blob.Store) {
	local, ok := store.(blob.Local)
	if !ok {
		t.Skip("blobs are not files of this machine")
	}
	id, data := newID(), content(5, 100)
	create(t, store, blob.Video, id)
	if _, err := local.Path(blob.Video, id); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("path before commit: got %v, want ErrNotFound", err)
	}
	put(t, store, blob.Video, id, data)
	path, err := local.Path(blob.Video, id)
	if err != nil {
		t.Fatalf("path: %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the file has %d bytes, %v; want the %d bytes written", len(got), err, len(data))
	}
	if _, err := local.Path(blob.MP3, id); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("path of the other kind: got %v, want ErrNotFound", err)
	}
}
