package faults

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/blob/disk"
	"github.com/unreel/unreel/internal/store/blob/gridfs"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/test/harness"
)

// crashSite is a system with one process that is to end at a crash point.
type crashSite struct {
	url    string
	victim *harness.Process
	dsn    string
	blobs  blob.Store
	mails  func(id string) []string

	cluster *harness.Cluster // nil for a system in one process
}

// newCrashAlone is a system in one process that has not been started.
func newCrashAlone(t *testing.T, program string) *crashSite {
	t.Helper()
	public, data := harness.FreePort(t), t.TempDir()
	alone := &harness.Alone{Data: data, URL: "http://" + public}
	alone.Process = harness.Prepare(t, program, "all",
		"UNREEL_DATA="+data, "UNREEL_ADDR="+public, "UNREEL_PUBLIC_URL="+alone.URL, "UNREEL_RATE_LIMIT=off", "UNREEL_CONVERTERS=1")
	files, err := disk.Open(disk.Config{Dir: filepath.Join(data, "blobs")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	return &crashSite{
		url: alone.URL, victim: alone.Process, dsn: "sqlite:" + filepath.Join(data, "unreel.db"), blobs: files,
		mails: func(id string) []string { return alone.Mails(t, id) },
	}
}

// newCrashCluster is a cluster that runs, with one process of each service.
func newCrashCluster(t *testing.T, program string) *crashSite {
	t.Helper()
	cluster := harness.StartClusterOf(t, program, harness.Shape{}, "UNREEL_RATE_LIMIT=off", "UNREEL_CONVERTERS=1")
	files, err := gridfs.Open(gridfs.Config{URL: cluster.Blobs.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	return &crashSite{url: cluster.URL, dsn: cluster.DSN, blobs: files, mails: cluster.Mails, cluster: cluster}
}

// choose makes a service of the cluster the next to end.
func (s *crashSite) choose(service string) {
	s.victim = map[string]*harness.Process{
		"auth": s.cluster.Auths[0], "gateway": s.cluster.Gateways[0],
		"converter": s.cluster.Converters[0], "notifier": s.cluster.Notifiers[0],
	}[service]
}

// stop ends the process that is to begin anew with a crash point, if it runs.
func (s *crashSite) stop(t *testing.T) {
	t.Helper()
	if s.cluster != nil {
		s.victim.Stop(t)
	}
}

// mayMailTwice tells whether one more mail is allowed: a notifier that ends between sending and noting it cannot
// know. Alone it does no harm, for the same mail has the same file.
func (s *crashSite) mayMailTwice() bool {
	return s.cluster != nil && s.victim == s.cluster.Notifiers[0]
}

func (s *crashSite) database(t *testing.T) *database.DB {
	t.Helper()
	db, err := database.Open(s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// awaitFiles waits until there are files of conversions only.
func (s *crashSite) awaitFiles(t *testing.T, videos, mp3s int) {
	t.Helper()
	harness.Within(t, crashPatience, "other files to be collected", func() error {
		return s.wantFiles(context.WithoutCancel(t.Context()), videos, mp3s)
	})
}

// wantFiles counts the ids under which there is anything at all, committed or not.
func (s *crashSite) wantFiles(ctx context.Context, videos, mp3s int) error {
	for kind, want := range map[blob.Kind]int{blob.Video: videos, blob.MP3: mp3s} {
		found := map[conversion.ID]bool{}
		for info, err := range s.blobs.List(ctx, kind, time.Now().Add(time.Hour)) {
			if err != nil {
				return err
			}
			found[info.ID] = true
		}
		if len(found) != want {
			return fmt.Errorf("%d in %s, want %d", len(found), kind, want)
		}
	}
	return nil
}
