// Package blobtest is the suite that every blob store passes, so that the services can be tested over one
// backend and run over another. What it stores is small: some servers that it runs against are slow.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

// chunk is the size in bytes at whose multiples a backend may cut a blob: GridFS as Unreel uses it does.
const chunk = 1 << 20

// Run tests a backend. Each call of open returns an empty store, which open also closes when the
// test ends.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	tests := []struct {
		name string
		run  func(t *testing.T, store blob.Store)
	}{
		{"check", testCheck},
		{"committed", testCommitted},
		{"empty", testEmpty},
		{"streams", testStreams},
		{"reader", testReader},
		{"seek", testSeek},
		{"seek nowhere", testSeekNowhere},
		{"invisible before commit", testInvisible},
		{"replace", testReplace},
		{"replace by an earlier claim", testFence},
		{"kinds are apart", testKinds},
		{"abort", testAbort},
		{"abort with a dead context", testAbortDead},
		{"commit with a dead context", testCommitDead},
		{"settled", testSettled},
		{"many writers", testManyWriters},
		{"writers of one id", testOneID},
		{"in pieces", testPieces},
		{"pieces that do not last", testLostPieces},
		{"the mark before the last", testEarlierMark},
		{"pieces after a commit", testPiecesAfterCommit},
		{"pieces of an earlier claim", testSuperseded},
		{"a commit of an earlier claim", testHastyCommit},
		{"pieces of what was deleted", testDeletedPieces},
		{"pieces are listed", testListPieces},
		{"pieces with a dead context", testPiecesDead},
		{"pieces that are settled", testPiecesSettled},
		{"not found", testNotFound},
		{"bad id", testBadID},
		{"delete", testDelete},
		{"delete what a crash left", testDeleteLeftover},
		{"list", testList},
		{"list before a time", testListBefore},
		{"delete while listing", testListDelete},
		{"path", testPath},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

var (
	past   = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	future = time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)
)

func newID() conversion.ID { return conversion.NewID(time.Now()) }

// content returns bytes that look like nothing, the same for the same seed.
func content(seed byte, size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{seed}).Read(data)
	return data
}

func create(t *testing.T, store blob.Store, kind blob.Kind, id conversion.ID) blob.Writer {
	t.Helper()
	writer, err := store.Create(t.Context(), kind, id)
	if err != nil {
		t.Fatalf("create %s %s: %v", kind, id, err)
	}
	t.Cleanup(func() { writer.Abort() })
	return writer
}

func write(t *testing.T, writer io.Writer, data []byte) {
	t.Helper()
	if n, err := writer.Write(data); n != len(data) || err != nil {
		t.Fatalf("write of %d bytes: %d, %v", len(data), n, err)
	}
}

func put(t *testing.T, store blob.Store, kind blob.Kind, id conversion.ID, data []byte) {
	t.Helper()
	writer := create(t, store, kind, id)
	write(t, writer, data)
	commit(t, writer)
}

func commit(t *testing.T, writer blob.Writer) {
	t.Helper()
	if err := writer.Commit(t.Context(), blob.Meta{ContentType: "video/mp4"}); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func openReader(t *testing.T, store blob.Store, kind blob.Kind, id conversion.ID) blob.Reader {
	t.Helper()
	reader, err := store.Open(t.Context(), kind, id)
	if err != nil {
		t.Fatalf("open %s %s: %v", kind, id, err)
	}
	t.Cleanup(func() { reader.Close() })
	return reader
}

func get(t *testing.T, store blob.Store, kind blob.Kind, id conversion.ID) []byte {
	t.Helper()
	reader := openReader(t, store, kind, id)
	data, err := io.ReadAll(reader)
	if err != nil {
		t.Fatalf("read %s %s: %v", kind, id, err)
	}
	if err := reader.Close(); err != nil {
		t.Fatalf("close %s %s: %v", kind, id, err)
	}
	return data
}

func wantContent(t *testing.T, store blob.Store, kind blob.Kind, id conversion.ID, want []byte) {
	t.Helper()
	if got := get(t, store, kind, id); !bytes.Equal(got, want) {
		t.Errorf("%s %s has %d bytes that are not the %d bytes written", kind, id, len(got), len(want))
	}
}

func wantMissing(t *testing.T, store blob.Store, kind blob.Kind, id conversion.ID) {
	t.Helper()
	reader, err := store.Open(t.Context(), kind, id)
	if err == nil {
		reader.Close()
	}
	if !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("open %s %s: got %v, want ErrNotFound", kind, id, err)
	}
}

// list returns what List yields, by id, and fails when an id comes twice.
func list(t *testing.T, store blob.Store, kind blob.Kind, before time.Time) map[conversion.ID]blob.Info {
	t.Helper()
	infos := map[conversion.ID]blob.Info{}
	for info, err := range store.List(t.Context(), kind, before) {
		if err != nil {
			t.Fatalf("list %s: %v", kind, err)
		}
		if _, twice := infos[info.ID]; twice {
			t.Errorf("list %s: %s came twice", kind, info.ID)
		}
		infos[info.ID] = info
	}
	return infos
}

func testCheck(t *testing.T, store blob.Store) {
	if err := store.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
}

func dead(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
