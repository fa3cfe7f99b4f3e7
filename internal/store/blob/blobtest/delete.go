package blobtest

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

func testDelete(t *testing.T, store blob.Store) {
	id, data := newID(), content(1, chunk+1)
	put(t, store, blob.Video, id, data)
	for range 2 {
		if err := store.Delete(t.Context(), blob.Video, id); err != nil {
			t.Fatalf("delete: %v", err)
		}
		wantNothing(t, store, blob.Video, id)
	}
	put(t, store, blob.Video, id, data)
	wantContent(t, store, blob.Video, id, data)
}

// testDeleteLeftover leaves a writer as a crash does. Whether a trace of it is seen depends on how much a
// backend holds back; none may be left.
func testDeleteLeftover(t *testing.T, store blob.Store) {
	id, other := newID(), newID()
	put(t, store, blob.Video, other, []byte("other"))
	ctx, cancel := context.WithCancel(t.Context())
	writer, err := store.Create(ctx, blob.Video, id)
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	write(t, writer, content(1, 2*chunk+1))
	cancel()
	if err := store.Delete(t.Context(), blob.Video, id); err != nil {
		t.Fatalf("delete: %v", err)
	}
	wantNothing(t, store, blob.Video, id)
	wantContent(t, store, blob.Video, other, []byte("other"))
	if err := writer.Abort(); err != nil {
		t.Errorf("abort of what has been deleted: %v", err)
	}
	wantNothing(t, store, blob.Video, id)
}

func testList(t *testing.T, store blob.Store) {
	want := map[conversion.ID]int64{}
	for i := range 5 {
		id := newID()
		put(t, store, blob.Video, id, content(byte(i), 10*i))
		want[id] = int64(10 * i)
	}
	put(t, store, blob.MP3, newID(), []byte("of another kind"))
	got := map[conversion.ID]int64{}
	for id, info := range list(t, store, blob.Video, future) {
		got[id] = info.Size
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sizes by id (-want +got):\n%s", diff)
	}
	for _, err := range store.List(t.Context(), blob.Video, future) {
		if err != nil {
			t.Error(err)
		}
		break // must not go on
	}
	for _, err := range store.List(dead(t), blob.Video, future) {
		if err != nil {
			return
		}
	}
	t.Error("listing with a dead context gave no error")
}

func testListBefore(t *testing.T, store blob.Store) {
	id := newID()
	put(t, store, blob.Video, id, []byte("new"))
	if got := list(t, store, blob.Video, past); len(got) != 0 {
		t.Errorf("before 2020 the store lists %v", got)
	}
	modified := list(t, store, blob.Video, future)[id].Modified
	if got := list(t, store, blob.Video, modified); len(got) != 0 {
		t.Errorf("before it was changed, the store lists %v", got)
	}
}

func testListDelete(t *testing.T, store blob.Store) {
	want := map[conversion.ID]bool{}
	for range 6 {
		id := newID()
		put(t, store, blob.Video, id, []byte("x"))
		want[id] = true
	}
	got := map[conversion.ID]bool{}
	for info, err := range store.List(t.Context(), blob.Video, future) {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		if err := store.Delete(t.Context(), blob.Video, info.ID); err != nil {
			t.Fatalf("delete: %v", err)
		}
		got[info.ID] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("listed while deleting (-want +got):\n%s", diff)
	}
	if left := slices.Collect(maps.Keys(list(t, store, blob.Video, future))); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// testBadID hands ids to the store that no parser has seen.
func testBadID(t *testing.T, store blob.Store) {
	ctx := t.Context()
	for _, id := range []conversion.ID{"", "x", "../../../../etc/passwd", "6b033c4259dafd7437a3815/", "."} {
		if writer, err := store.Create(ctx, blob.Video, id); err == nil {
			writer.Abort()
			t.Errorf("create %q gave no error", id)
		}
		if appender, err := store.Append(ctx, blob.Video, id, 1, blob.Mark{}); err == nil {
			appender.Close()
			t.Errorf("append to %q gave no error", id)
		}
		if reader, err := store.Open(ctx, blob.Video, id); err == nil {
			reader.Close()
			t.Errorf("open %q gave no error", id)
		}
		if err := store.Delete(ctx, blob.Video, id); err == nil {
			t.Errorf("delete %q gave no error", id)
		}
	}
	if writer, err := store.Create(ctx, "../videos", newID()); err == nil {
		writer.Abort()
		t.Error("create of an unknown kind gave no error")
	}
}
