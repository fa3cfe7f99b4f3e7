package faults

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/unreel/unreel/test/harness"
)

// TestFullDisk fills the disk under a system in one process: first down to what is kept for the database, then to the
// last byte.
func TestFullDisk(t *testing.T) {
	disk := smallDisk(t, "300m")
	public := harness.FreePort(t)
	alone := &harness.Alone{Data: filepath.Join(disk, "data"), URL: "http://" + public}
	alone.Process = harness.Launch(t, "all", "UNREEL_DATA="+alone.Data, "UNREEL_ADDR="+public,
		"UNREEL_PUBLIC_URL="+alone.URL, "UNREEL_RATE_LIMIT=off", "TMPDIR="+disk)
	alone.Ready(t)
	good := outcomes(t)[0]
	k := killLoop{cluster: &harness.Cluster{URL: alone.URL}, user: harness.SignUp(t, alone.URL, "ada@example.com"), oracle: newOracle(t)}
	upload := func(key string) harness.Answer {
		got := k.user.Create(t, key, harness.Part{Field: "file", File: "good.mkv", Content: string(good.video)})
		if got.Status == http.StatusAccepted {
			var accepted struct{ ID string }
			got.JSON(t, &accepted)
			if err := k.oracle.accept(accepted.ID, good); err != nil {
				t.Fatal(err)
			}
		}
		return got
	}
	if got := upload("before"); got.Status != http.StatusAccepted {
		t.Fatalf("with room: %s", got)
	}
	for name, left := range map[string]int64{"down to the reserve": 200 << 20, "to the last byte": 0} {
		makeRoom := fill(t, disk, left)
		for range 3 {
			if got := upload("full " + name); got.Status != http.StatusInsufficientStorage || got.Header.Get("Retry-After") == "" {
				t.Errorf("filled %s: %s, want 507 and when to come back", name, got)
			}
		}
		makeRoom()
		harness.Eventually(t, "it to work again", func() error {
			if got := upload("after " + name); got.Status != http.StatusAccepted {
				return fmt.Errorf("%s", got)
			}
			return nil
		})
	}
	for id := range k.oracle.accepted {
		if err := k.awaitCompleted(t, id); err != nil {
			t.Error(err)
		} else if err := k.kept(t, id, good, alone.Mails); err != nil {
			t.Error(err)
		}
	}
}

// smallDisk mounts a file system in memory.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=0700"); err != nil {
		t.Fatalf("mount a tmpfs: %v; this test needs root, or CAP_SYS_ADMIN in a container", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves so many bytes of a disk, and returns what gives the others back.
func fill(t *testing.T, disk string, left int64) (makeRoom func()) {
	t.Helper()
	var stat syscall.Statfs_t
	if err := syscall.Statfs(disk, &stat); err != nil {
		t.Fatal(err)
	}
	ballast, err := os.Create(filepath.Join(disk, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer ballast.Close()
	block := make([]byte, 4096)
	for rest := int64(stat.Bavail)*stat.Bsize - left; rest > 0 || left == 0; rest -= int64(len(block)) {
		if _, err := ballast.Write(block); err != nil {
			break // not a byte is left
		}
	}
	return func() {
		if err := os.Remove(ballast.Name()); err != nil {
			t.Fatal(err)
		}
	}
}
