// Package load uses a cluster as many people at once would, by `make load`: lists, records, downloads, uploads and event
// streams, while the converters have more to do than they can. Its figures stand beside GET /livez in the same run.
package load

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

const (
	// maxDuration is how long everybody's token is good, and something.
	maxDuration = 14 * time.Minute
	// inFlight is how many conversions are under way at once: more than the converters of a small machine have slots
	// for, and never so many that those at the end stay behind.
	inFlight = 12
	// seconds of sound in each video.
	seconds = 30
)

// TestLoad fails when a request, a stream or a conversion does, when a process keeps growing, and when UNREEL_LOAD_P99
// is set and one of a hundred reads takes longer.
func TestLoad(t *testing.T) {
	duration := setting(t, "UNREEL_LOAD_DURATION", 0, time.ParseDuration)
	if duration == 0 {
		t.Skip("`make load` sets UNREEL_LOAD_DURATION")
	}
	if duration > maxDuration {
		t.Fatalf("UNREEL_LOAD_DURATION: at most %v, as long as a token is good", maxDuration)
	}
	users := setting(t, "UNREEL_LOAD_USERS", 200, strconv.Atoi)
	limit := setting(t, "UNREEL_LOAD_P99", 0, time.ParseDuration)

	c := harness.StartCluster(t, harness.Shape{}, "UNREEL_RATE_LIMIT=off", "UNREEL_LOG_LEVEL=warn", "UNREEL_BLOBS="+blobs(t))
	video := mediatest.Video(t, mediatest.Spec{Seconds: seconds, Sound: mediatest.Speech, NoPicture: true, Container: "m4a"})
	crowd := gather(t, c, users, harness.File(t, video))
	crowd.warmUp(t)

	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	memory := watchMemory(ctx, t, c, duration/5)
	var group sync.WaitGroup
	streams := crowd.listen(ctx, &group)
	uploads := crowd.convert(ctx, &group)
	livez, reads, downloads := crowd.attack(duration, c.Gateways[0].Admin+"/livez")
	group.Wait()
	uploads.latency.Close()

	all := []figures{livez, reads, downloads, uploads.latency}
	t.Log("\n" + table(all, streams, uploads, <-memory, duration))
	for _, f := range all {
		if f.Success != 1 {
			t.Errorf("%s: %.2f %% of %d succeeded: %v %v", f.name, 100*f.Success, f.Requests, f.StatusCodes, f.Errors)
		}
	}
	for _, err := range append(streams.failures(), uploads.failures()...) {
		t.Error(err)
	}
	if p99 := reads.Latencies.P99; limit > 0 && p99 > limit {
		t.Errorf("p99 of reads is %v, want at most %v", p99, limit)
	}
	if uploads.completed() == 0 {
		t.Error("nothing was converted")
	}
}

// blobs is where files are: in a folder that the processes share, since what speaks MongoDB's protocol in tests gets
// slow with what it holds; or on a real server.
func blobs(t *testing.T) string {
	if given := os.Getenv("UNREEL_TEST_MONGODB"); given != "" {
		return given
	}
	return "file:" + t.TempDir()
}

// setting reads a variable of the environment.
func setting[T any](t *testing.T, name string, otherwise T, parse func(string) (T, error)) T {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	value, err := parse(text)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", name, err))
	}
	return value
}
