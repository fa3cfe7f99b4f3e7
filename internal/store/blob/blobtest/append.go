package blobtest

import (
	"errors"
	"testing"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

func appendTo(t *testing.T, store blob.Store, id conversion.ID, fence int64, from blob.Mark) blob.Appender {
	t.Helper()
	appender, err := store.Append(t.Context(), blob.Video, id, fence, from)
	if err != nil {
		t.Fatalf("append to %s from %+v: %v", id, from, err)
	}
	t.Cleanup(func() { appender.Close() })
	return appender
}

func markOf(t *testing.T, appender blob.Appender) blob.Mark {
	t.Helper()
	mark, err := appender.Sync(t.Context())
	if err != nil {
		t.Fatalf("sync: %v", err)
	}
	return mark
}

// piece appends under a claim and returns the mark behind.
func piece(t *testing.T, store blob.Store, id conversion.ID, fence int64, from blob.Mark, data []byte) blob.Mark {
	t.Helper()
	appender := appendTo(t, store, id, fence, from)
	write(t, appender, data)
	mark := markOf(t, appender)
	if err := appender.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if want := from.Size + int64(len(data)); mark.Size != want {
		t.Fatalf("mark at %d, want %d", mark.Size, want)
	}
	return mark
}

func finish(t *testing.T, appender blob.Appender) {
	t.Helper()
	if err := appender.Commit(t.Context(), blob.Meta{ContentType: "video/mp4", SHA256: "abc"}); err != nil {
		t.Fatalf("commit: %v", err)
	}
	if err := appender.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// testPieces writes in pieces that end within chunks, at their ends, and with nothing in them.
func testPieces(t *testing.T, store blob.Store) {
	data := content(1, 3*chunk+10)
	for _, cuts := range [][]int{
		{0, 5, chunk - 1, chunk - 1, chunk, 2*chunk + 7},
		{chunk, 2 * chunk, 3 * chunk},
		{2*chunk + 1, 2*chunk + 2, 3*chunk + 9},
		{len(data)},
		{},
	} {
		id := newID()
		mark, fence, at := blob.Mark{}, int64(0), 0
		for _, cut := range cuts {
			fence++
			mark = piece(t, store, id, fence, mark, data[at:cut])
			at = cut
			wantMissing(t, store, blob.Video, id)
		}
		last := appendTo(t, store, id, fence+1, mark)
		write(t, last, data[at:])
		finish(t, last)
		wantContent(t, store, blob.Video, id, data)
		if err := store.Delete(t.Context(), blob.Video, id); err != nil {
			t.Fatalf("delete: %v", err)
		}
		wantNothing(t, store, blob.Video, id)
	}
}

// testLostPieces goes on from a mark although others were written behind it: by a process that died, and by one whose last
// mark nobody has noted.
func testLostPieces(t *testing.T, store blob.Store) {
	id, data, lost := newID(), content(1, 2*chunk+100), content(2, 2*chunk)
	mark := piece(t, store, id, 1, blob.Mark{}, data[:chunk+50])
	dies := appendTo(t, store, id, 2, mark)
	write(t, dies, lost)
	unnoted := appendTo(t, store, id, 3, mark)
	write(t, unnoted, lost[:chunk])
	markOf(t, unnoted)
	last := appendTo(t, store, id, 4, mark)
	write(t, last, data[mark.Size:])
	finish(t, last)
	wantContent(t, store, blob.Video, id, data)
}

// testEarlierMark goes on from the mark before the last, since it is not known whether the last was noted.
func testEarlierMark(t *testing.T, store blob.Store) {
	id, data := newID(), content(1, chunk+300)
	appender := appendTo(t, store, id, 1, blob.Mark{})
	var marks []blob.Mark
	for at := 0; at < 300; at += 100 {
		write(t, appender, data[at:at+100])
		marks = append(marks, markOf(t, appender))
	}
	earlier := marks[len(marks)-2]
	last := appendTo(t, store, id, 2, earlier)
	write(t, last, data[earlier.Size:])
	finish(t, last)
	wantContent(t, store, blob.Video, id, data)
}

// testPiecesAfterCommit goes on from a mark after a commit that nobody has noted, and dies on the way, too.
func testPiecesAfterCommit(t *testing.T, store blob.Store) {
	for _, at := range []int{0, 100, chunk, chunk + 100} {
		id, data := newID(), content(1, chunk+300)
		mark := blob.Mark{}
		if at > 0 {
			mark = piece(t, store, id, 1, mark, data[:at])
		}
		for fence := range int64(3) {
			last := appendTo(t, store, id, 3*fence+2, mark)
			write(t, last, data[at:])
			finish(t, last)
			wantContent(t, store, blob.Video, id, data)
			if fence == 2 {
				break
			}
			dies := appendTo(t, store, id, 3*fence+3, mark)
			write(t, dies, content(2, 150))
			wantMissing(t, store, blob.Video, id)
		}
	}
}

// testSuperseded has an appender go on that does not know of another with a later claim. Whatever it is told, it changes
// nothing.
func testSuperseded(t *testing.T, store blob.Store) {
	id, data, other := newID(), content(1, 3*chunk+100), content(2, 3*chunk+100)
	mark := piece(t, store, id, 1, blob.Mark{}, data[:chunk/2])
	late := appendTo(t, store, id, 2, mark)
	write(t, late, other[mark.Size:chunk+10])
	next := appendTo(t, store, id, 3, mark)
	_, _ = late.Write(other[chunk+10 : 2*chunk]) // ahead of the other
	write(t, next, data[mark.Size:chunk+20])
	mark = markOf(t, next)
	_, _ = late.Write(other[2*chunk:])
	_, _ = late.Sync(t.Context())
	write(t, next, data[mark.Size:2*chunk+30])
	mark = markOf(t, next)
	if err := late.Commit(t.Context(), blob.Meta{SHA256: "other"}); err == nil {
		t.Error("committed under an earlier claim")
	}
	if err := late.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	last := appendTo(t, store, id, 4, mark)
	write(t, last, data[mark.Size:])
	finish(t, last)
	wantContent(t, store, blob.Video, id, data)
}

// testHastyCommit has an appender commit that does not know that another has begun.
func testHastyCommit(t *testing.T, store blob.Store) {
	id, data, other := newID(), content(1, 2*chunk+100), content(2, 2*chunk+100)
	mark := piece(t, store, id, 1, blob.Mark{}, data[:100])
	hasty := appendTo(t, store, id, 2, mark)
	write(t, hasty, other[mark.Size:])
	next := appendTo(t, store, id, 3, mark)
	_ = hasty.Commit(t.Context(), blob.Meta{SHA256: "other"})
	write(t, next, data[mark.Size:])
	finish(t, next)
	wantContent(t, store, blob.Video, id, data)

	id = newID()
	hasty = appendTo(t, store, id, 2, blob.Mark{})
	write(t, hasty, other)
	next = appendTo(t, store, id, 3, blob.Mark{})
	write(t, next, data)
	if err := next.Commit(t.Context(), blob.Meta{SHA256: "abc"}); err != nil {
		t.Fatalf("commit: %v", err)
	}
	if err := hasty.Commit(t.Context(), blob.Meta{SHA256: "other"}); !errors.Is(err, blob.ErrSuperseded) {
		t.Errorf("commit after one of a later claim: %v, want ErrSuperseded", err)
	}
	wantContent(t, store, blob.Video, id, data)
}

func testDeletedPieces(t *testing.T, store blob.Store) {
	id := newID()
	mark := piece(t, store, id, 1, blob.Mark{}, content(1, chunk+10))
	appender := appendTo(t, store, id, 2, mark)
	write(t, appender, content(2, 100))
	if err := store.Delete(t.Context(), blob.Video, id); err != nil {
		t.Fatalf("delete: %v", err)
	}
	wantNothing(t, store, blob.Video, id)
	if err := appender.Commit(t.Context(), blob.Meta{}); err == nil {
		t.Error("committed what was deleted")
	}
	if err := appender.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	wantMissing(t, store, blob.Video, id)
	if _, err := store.Append(t.Context(), blob.Video, id, 3, mark); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("append to what was deleted: %v, want ErrNotFound", err)
	}
	if err := store.Delete(t.Context(), blob.Video, id); err != nil {
		t.Fatalf("delete: %v", err)
	}
	wantNothing(t, store, blob.Video, id)
}

func testListPieces(t *testing.T, store blob.Store) {
	id := newID()
	piece(t, store, id, 1, blob.Mark{}, content(1, chunk+10))
	info, ok := list(t, store, blob.Video, future)[id]
	if !ok {
		t.Fatal("not listed")
	}
	if got := list(t, store, blob.Video, info.Modified); len(got) != 0 {
		t.Errorf("before it was changed, the store lists %v", got)
	}
	if got := list(t, store, blob.MP3, future); len(got) != 0 {
		t.Errorf("of another kind: %v", got)
	}
}

func testPiecesDead(t *testing.T, store blob.Store) {
	id := newID()
	if _, err := store.Append(dead(t), blob.Video, id, 1, blob.Mark{}); err == nil {
		t.Error("append with a dead context gave no error")
	}
	appender := appendTo(t, store, id, 1, blob.Mark{})
	write(t, appender, content(1, 100))
	if _, err := appender.Sync(dead(t)); err == nil {
		t.Error("sync with a dead context gave no error")
	}
	if err := appender.Commit(dead(t), blob.Meta{}); err == nil {
		t.Error("commit with a dead context gave no error")
	}
	wantMissing(t, store, blob.Video, id)
}

func testPiecesSettled(t *testing.T, store blob.Store) {
	id, data := newID(), content(1, 100)
	appender := appendTo(t, store, id, 1, blob.Mark{})
	write(t, appender, data)
	finish(t, appender)
	if _, err := appender.Write(data); err == nil {
		t.Error("a write after commit gave no error")
	}
	if _, err := appender.Sync(t.Context()); err == nil {
		t.Error("a sync after commit gave no error")
	}
	if err := appender.Commit(t.Context(), blob.Meta{}); err == nil {
		t.Error("a second commit gave no error")
	}
	if err := appender.Close(); err != nil {
		t.Errorf("a second close: %v", err)
	}
	wantContent(t, store, blob.Video, id, data)
}
