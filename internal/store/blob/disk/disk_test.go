package disk

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/blob/blobtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, config Config) *Store {
	t.Helper()
	if config.Reserve == 0 {
		config.Reserve = 1
	}
	store, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func TestStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return open(t, Config{Dir: t.TempDir()}) })
}

const id conversion.ID = "6b033c4259dafd7437a38151"

func begin(t *testing.T, store *Store) blob.Writer {
	t.Helper()
	w, err := store.Create(t.Context(), blob.Video, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Abort() })
	return w
}

func put(t *testing.T, store *Store, text string) {
	t.Helper()
	w := begin(t, store)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(t.Context(), blob.Meta{}); err != nil {
		t.Fatal(err)
	}
}

// files returns what lies under a folder, with the mode.
func files(t *testing.T, dir string) map[string]fs.FileMode {
	t.Helper()
	found := map[string]fs.FileMode{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		found[name] = info.Mode().Perm()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestLayout(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "blobs")
	put(t, open(t, Config{Dir: dir}), "video")
	want := map[string]fs.FileMode{
		".":                                     0o700,
		"videos":                                0o700,
		"videos/51":                             0o700,
		"videos/51/81":                          0o700,
		"videos/51/81/6b033c4259dafd7437a38151": 0o600,
	}
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestLasts(t *testing.T) {
	dir := t.TempDir()
	first := open(t, Config{Dir: dir})
	put(t, first, "video")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	path, err := open(t, Config{Dir: dir}).Path(blob.Video, id)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); string(got) != "video" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

// TestReplaceWhileRead has a reader keep what it opened, and others never miss the blob.
func TestReplaceWhileRead(t *testing.T) {
	store := open(t, Config{Dir: t.TempDir()})
	put(t, store, "first")
	reader, err := store.Open(t.Context(), blob.Video, id)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()

	stop, stopped := make(chan struct{}), make(chan error)
	go func() { stopped <- openUntil(store, stop) }()
	for range 50 {
		put(t, store, "second")
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Errorf("while the blob was replaced: %v", err)
	}
	if got, err := io.ReadAll(reader); string(got) != "first" || err != nil {
		t.Errorf("the reader got %q, %v", got, err)
	}
}

func openUntil(store *Store, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		path, err := store.Path(blob.Video, id)
		if err != nil {
			return err
		}
		got, err := os.ReadFile(path)
		if err != nil || (string(got) != "first" && string(got) != "second") {
			return errors.Join(errors.New("read "+string(got)), err)
		}
	}
}

// TestLeftover lists what a crash left, but not while any file of its id is new.
func TestLeftover(t *testing.T) {
	dir := t.TempDir()
	store := open(t, Config{Dir: dir})
	put(t, store, "video")
	if _, err := io.WriteString(begin(t, store), "half a vid"); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "videos/51/81/*"))
	if err != nil || len(paths) != 2 {
		t.Fatalf("the folder has %q (%v), want a blob and a staging file", paths, err)
	}
	old, now := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, times := range [][]time.Time{{old, now}, {now, old}, {old, old}} {
		for i, path := range paths {
			if err := os.Chtimes(path, times[i], times[i]); err != nil {
				t.Fatal(err)
			}
		}
		got := list(t, store, old.Add(time.Hour))
		if times[0].Equal(now) || times[1].Equal(now) {
			if len(got) != 0 {
				t.Errorf("an id with a new file is listed as old: %+v", got)
			}
			continue
		}
		if len(got) != 1 || got[0].ID != id || got[0].Size != int64(len("video")+len("half a vid")) {
			t.Errorf("listed %+v, want one blob with all its bytes", got)
		}
	}
}

func list(t *testing.T, store *Store, before time.Time) (infos []blob.Info) {
	t.Helper()
	for info, err := range store.List(t.Context(), blob.Video, before) {
		if err != nil {
			t.Fatal(err)
		}
		infos = append(infos, info)
	}
	return infos
}

// TestStrangers keeps files in the folder that are not the store's.
func TestStrangers(t *testing.T) {
	dir := t.TempDir()
	store := open(t, Config{Dir: dir})
	put(t, store, "video")
	leaf := filepath.Join(dir, "videos", "51", "81")
	strangers := []string{"notes.txt", string(id) + ".bak", "6B033C4259DAFD7437A38151", string(id) + "0"}
	for _, name := range strangers {
		if err := os.WriteFile(filepath.Join(leaf, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "videos", "README"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := list(t, store, time.Now().Add(time.Hour)); len(got) != 1 {
		t.Errorf("listed %+v, want one blob", got)
	}
	if err := store.Delete(t.Context(), blob.Video, id); err != nil {
		t.Fatal(err)
	}
	for _, name := range strangers {
		if _, err := os.Stat(filepath.Join(leaf, name)); err != nil {
			t.Errorf("delete took a stranger's file: %v", err)
		}
	}
}

// TestEscape has a link in the folder that leads out of it.
func TestEscape(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "videos")); err != nil {
		t.Fatal(err)
	}
	store := open(t, Config{Dir: dir})
	if _, err := store.Create(t.Context(), blob.Video, id); err == nil {
		t.Error("create followed a link out of the folder")
	}
	if found := files(t, outside); len(found) != 1 {
		t.Errorf("outside lies %v", found)
	}
}

func TestFullAtCreate(t *testing.T) {
	dir := t.TempDir()
	store := open(t, Config{Dir: dir, Reserve: 1 << 62})
	if _, err := store.Create(t.Context(), blob.Video, id); !errors.Is(err, blob.ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	if found := files(t, dir); len(found) != 1 {
		t.Errorf("something was written: %v", found)
	}
	if err := store.Check(t.Context()); err != nil {
		t.Errorf("a full store can still be read, but check says: %v", err)
	}
}

func TestFullWhileWriting(t *testing.T) {
	dir := t.TempDir()
	store := open(t, Config{Dir: dir, Reserve: 100})
	free := int64(1000)
	store.free = func() (int64, error) { return free, nil }
	w := begin(t, store)
	if _, err := w.Write(bytes.Repeat([]byte{1}, spaceInterval)); err != nil {
		t.Fatal(err)
	}
	free = 99
	for range 2 {
		if _, err := w.Write([]byte{1}); !errors.Is(err, blob.ErrFull) {
			t.Errorf("write: got %v, want ErrFull", err)
		}
	}
	if err := w.Commit(t.Context(), blob.Meta{}); !errors.Is(err, blob.ErrFull) {
		t.Errorf("commit: got %v, want ErrFull", err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Path(blob.Video, id); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("path: got %v, want ErrNotFound", err)
	}
	if got := list(t, store, time.Now().Add(time.Hour)); len(got) != 0 {
		t.Errorf("left: %+v", got)
	}
}

// TestFullInPieces wants what a mark stands for to be there when there is room again.
func TestFullInPieces(t *testing.T) {
	store := open(t, Config{Dir: t.TempDir(), Reserve: 100})
	free := int64(1000)
	store.free = func() (int64, error) { return free, nil }
	first, err := store.Append(t.Context(), blob.Video, id, 1, blob.Mark{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(first, "some "); err != nil {
		t.Fatal(err)
	}
	mark, err := first.Sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Write(bytes.Repeat([]byte{1}, spaceInterval)); err != nil {
		t.Fatal(err)
	}
	free = 99
	for range 2 {
		if _, err := first.Write([]byte{1}); !errors.Is(err, blob.ErrFull) {
			t.Errorf("write: got %v, want ErrFull", err)
		}
	}
	if _, err := first.Sync(t.Context()); !errors.Is(err, blob.ErrFull) {
		t.Errorf("sync: got %v, want ErrFull", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Append(t.Context(), blob.Video, id, 2, mark); !errors.Is(err, blob.ErrFull) {
		t.Errorf("append: got %v, want ErrFull", err)
	}
	free = 1000
	second, err := store.Append(t.Context(), blob.Video, id, 2, mark)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(second, "video"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(second.Commit(t.Context(), blob.Meta{}), second.Close()); err != nil {
		t.Fatal(err)
	}
	path, err := store.Path(blob.Video, id)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); string(got) != "some video" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if len(store.fences.writing) != 0 {
		t.Error("somebody is still said to write")
	}
}

// TestPiecesLast goes on in another process.
func TestPiecesLast(t *testing.T) {
	dir := t.TempDir()
	first := open(t, Config{Dir: dir})
	a, err := first.Append(t.Context(), blob.Video, id, 1, blob.Mark{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(a, "video"); err != nil {
		t.Fatal(err)
	}
	mark, err := a.Sync(t.Context())
	if err := errors.Join(err, a.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	want := "videos/51/81/6b033c4259dafd7437a38151.pieces.part"
	if mode, there := files(t, dir)[want]; !there || mode != 0o600 {
		t.Errorf("%s: %v, %v", want, there, mode)
	}
	b, err := open(t, Config{Dir: dir}).Append(t.Context(), blob.Video, id, 2, mark)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Commit(t.Context(), blob.Meta{}), b.Close()); err != nil {
		t.Fatal(err)
	}
	if _, there := files(t, dir)["videos/51/81/6b033c4259dafd7437a38151"]; !there {
		t.Errorf("files: %v", files(t, dir))
	}
}

func TestOrFull(t *testing.T) {
	for err, want := range map[error]bool{
		&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}: true,
		&fs.PathError{Op: "write", Path: "x", Err: syscall.EDQUOT}: true,
		&fs.PathError{Op: "write", Path: "x", Err: syscall.EIO}:    false,
	} {
		if got := orFull(err); errors.Is(got, blob.ErrFull) != want || !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
}

// TestCommitDeleted commits what was deleted meanwhile, as a converter does that lost its lease.
func TestCommitDeleted(t *testing.T) {
	store := open(t, Config{Dir: t.TempDir()})
	w := begin(t, store)
	if err := store.Delete(t.Context(), blob.Video, id); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(t.Context(), blob.Meta{}); err == nil {
		t.Error("commit gave no error")
	}
	if _, err := store.Path(blob.Video, id); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("path: got %v, want ErrNotFound", err)
	}
}

func TestCheckFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "blobs")
	store := open(t, Config{Dir: dir})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(t.Context()); err == nil {
		t.Error("check of a folder that is gone gave no error")
	}
}

func TestConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]Config{
		"no folder":        {},
		"negative reserve": {Dir: t.TempDir(), Reserve: -1},
		"a file":           {Dir: file},
	} {
		if store, err := Open(config); err == nil {
			store.Close()
			t.Errorf("%s: no error", name)
		}
	}
	if store := open(t, Config{Dir: t.TempDir()}); store.reserve != 1 {
		t.Errorf("reserve is %d", store.reserve)
	}
	store, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if store.reserve != DefaultReserve {
		t.Errorf("default reserve is %d, want %d", store.reserve, DefaultReserve)
	}
}
