package blobtest

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

func testInvisible(t *testing.T, store blob.Store) {
	id, data := newID(), content(1, chunk+1)
	writer := create(t, store, blob.Video, id)
	wantMissing(t, store, blob.Video, id)
	write(t, writer, data)
	wantMissing(t, store, blob.Video, id)
	commit(t, writer)
	wantContent(t, store, blob.Video, id, data)
}

func testReplace(t *testing.T, store blob.Store) {
	id, first, second := newID(), content(1, chunk+500), content(2, 300)
	put(t, store, blob.MP3, id, first)
	writer := create(t, store, blob.MP3, id)
	write(t, writer, second)
	wantContent(t, store, blob.MP3, id, first)
	commit(t, writer)
	wantContent(t, store, blob.MP3, id, second)
	if infos := list(t, store, blob.MP3, future); len(infos) != 1 {
		t.Errorf("the store lists %v, want one blob", infos)
	}
}

// testFence has two converters store the MP3 of one conversion, of which the one with the earlier claim comes last.
func testFence(t *testing.T, store blob.Store) {
	id, first, second, third := newID(), content(1, 300), content(2, 200), content(3, 100)
	late, next := create(t, store, blob.MP3, id), create(t, store, blob.MP3, id)
	write(t, late, first)
	write(t, next, second)
	if err := next.Commit(t.Context(), blob.Meta{SHA256: "second", Fence: 5}); err != nil {
		t.Fatalf("commit: %v", err)
	}
	if err := late.Commit(t.Context(), blob.Meta{SHA256: "first", Fence: 3}); err == nil {
		t.Error("a blob of a later claim was replaced")
	}
	wantContent(t, store, blob.MP3, id, second)
	if infos := list(t, store, blob.MP3, future); len(infos) != 1 {
		t.Errorf("the store lists %v, want one blob", infos)
	}
	again := create(t, store, blob.MP3, id)
	write(t, again, third)
	if err := again.Commit(t.Context(), blob.Meta{SHA256: "third", Fence: 5}); err != nil {
		t.Errorf("commit once more under the same claim: %v", err)
	}
	wantContent(t, store, blob.MP3, id, third)
}

func testKinds(t *testing.T, store blob.Store) {
	id, video, mp3 := newID(), content(1, 200), content(2, 100)
	put(t, store, blob.Video, id, video)
	wantMissing(t, store, blob.MP3, id)
	put(t, store, blob.MP3, id, mp3)
	wantContent(t, store, blob.Video, id, video)
	if err := store.Delete(t.Context(), blob.Video, id); err != nil {
		t.Fatalf("delete: %v", err)
	}
	wantMissing(t, store, blob.Video, id)
	wantContent(t, store, blob.MP3, id, mp3)
}

func testAbort(t *testing.T, store blob.Store) {
	id := newID()
	writer := create(t, store, blob.Video, id)
	write(t, writer, content(1, chunk+1))
	if err := writer.Abort(); err != nil {
		t.Fatalf("abort: %v", err)
	}
	wantNothing(t, store, blob.Video, id)
}

// testAbortDead aborts as a gateway does whose client has gone.
func testAbortDead(t *testing.T, store blob.Store) {
	id := newID()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	writer, err := store.Create(ctx, blob.Video, id)
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	write(t, writer, content(1, chunk+1))
	cancel()
	if err := writer.Abort(); err != nil {
		t.Fatalf("abort: %v", err)
	}
	wantNothing(t, store, blob.Video, id)
}

func testCommitDead(t *testing.T, store blob.Store) {
	id := newID()
	writer := create(t, store, blob.Video, id)
	write(t, writer, content(1, 100))
	if err := writer.Commit(dead(t), blob.Meta{}); err == nil {
		t.Error("commit with a dead context gave no error")
	}
	if err := writer.Abort(); err != nil {
		t.Fatalf("abort: %v", err)
	}
	wantNothing(t, store, blob.Video, id)
	if writer, err := store.Create(dead(t), blob.Video, id); err == nil {
		writer.Abort()
		t.Error("create with a dead context gave no error")
	}
}

// testSettled uses writers that are done with.
func testSettled(t *testing.T, store blob.Store) {
	id, data := newID(), content(1, 100)
	writer := create(t, store, blob.Video, id)
	write(t, writer, data)
	commit(t, writer)
	if err := writer.Commit(t.Context(), blob.Meta{}); err == nil {
		t.Error("a second commit gave no error")
	}
	if _, err := writer.Write(data); err == nil {
		t.Error("a write after commit gave no error")
	}
	if err := writer.Abort(); err != nil {
		t.Errorf("abort after commit: %v", err)
	}
	wantContent(t, store, blob.Video, id, data)

	aborted := create(t, store, blob.Video, id)
	for range 2 {
		if err := aborted.Abort(); err != nil {
			t.Errorf("abort: %v", err)
		}
	}
	if err := aborted.Commit(t.Context(), blob.Meta{}); err == nil {
		t.Error("a commit after abort gave no error")
	}
	wantContent(t, store, blob.Video, id, data)
}

func testManyWriters(t *testing.T, store blob.Store) {
	const writers = 8
	var running sync.WaitGroup
	ids, errs := make([]conversion.ID, writers), make([]error, writers)
	for i := range writers {
		ids[i] = newID()
		running.Go(func() { errs[i] = putSteps(t, store, ids[i], content(byte(i), 200_000)) })
	}
	running.Wait()
	for i, id := range ids {
		if errs[i] != nil {
			t.Errorf("writer %d: %v", i, errs[i])
			continue
		}
		wantContent(t, store, blob.Video, id, content(byte(i), 200_000))
	}
}

// testOneID has several converters write the MP3 of one conversion, as happens when a lease
// was lost: some may be refused, but what is stored is the whole of one that was not.
func testOneID(t *testing.T, store blob.Store) {
	const writers = 4
	var running sync.WaitGroup
	id, errs := newID(), make([]error, writers)
	for i := range writers {
		running.Go(func() { errs[i] = putSteps(t, store, id, content(byte(i), 100_000+i)) })
	}
	running.Wait()
	got := get(t, store, blob.Video, id)
	for i, err := range errs {
		if err == nil && bytes.Equal(got, content(byte(i), 100_000+i)) {
			return
		}
	}
	t.Errorf("%d bytes are stored that are not what one writer committed; commits: %v", len(got), errs)
}

// putSteps writes in several steps, so that writers take turns.
func putSteps(t *testing.T, store blob.Store, id conversion.ID, data []byte) error {
	writer, err := store.Create(t.Context(), blob.Video, id)
	if err != nil {
		return err
	}
	defer writer.Abort()
	for len(data) > 0 {
		n, err := writer.Write(data[:min(10_000, len(data))])
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return writer.Commit(t.Context(), blob.Meta{})
}

// wantNothing checks that an id has neither a blob nor a trace of one.
func wantNothing(t *testing.T, store blob.Store, kind blob.Kind, id conversion.ID) {
	t.Helper()
	wantMissing(t, store, kind, id)
	if info, ok := list(t, store, kind, future)[id]; ok {
		t.Errorf("the store still lists %+v", info)
	}
}
