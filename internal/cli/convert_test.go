package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/cli"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/media/mp3"
)

// unreel runs a command as a person would and returns its exit code and what it printed.
func unreel(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	return unreelUntil(t, t.Context(), args...)
}

func unreelUntil(t *testing.T, ctx context.Context, args ...string) (code int, out, err string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = cli.Main(ctx, args, cli.IO{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

// folder has videos of the given names, and nothing else.
func folder(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		video := mediatest.Bytes(t, mediatest.Spec{Container: strings.TrimPrefix(filepath.Ext(name), ".")})
		if err := os.WriteFile(filepath.Join(dir, name), video, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// list names everything in a folder, hidden files too.
func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func inspect(t *testing.T, path string) mp3.Stats {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stats, err := mp3.Inspect(file)
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

func TestConvertBesideTheVideo(t *testing.T) {
	dir := folder(t, "talk.mp4")
	code, out, err := unreel(t, "convert", filepath.Join(dir, "talk.mp4"))
	if code != 0 || err != "" || !strings.Contains(out, "talk.mp3: ") {
		t.Fatalf("exit code %d, output %q, errors %q", code, out, err)
	}
	if diff := cmp.Diff([]string{"talk.mp3", "talk.mp4"}, list(t, dir)); diff != "" {
		t.Error(diff)
	}
	sound := mediatest.Decode(t, filepath.Join(dir, "talk.mp3"))
	if hz := sound.Frequency(0); math.Abs(hz-440) > 1 || (sound.Duration()-2*time.Second).Abs() > 24*time.Millisecond {
		t.Errorf("%s of %g Hz", sound.Duration(), hz)
	}
}

func TestConvertNeverOverwrites(t *testing.T) {
	dir := folder(t, "talk.mp4", "song.mp3")
	target := filepath.Join(dir, "talk.mp3")
	if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, err := unreel(t, "convert", filepath.Join(dir, "talk.mp4"))
	if kept, _ := os.ReadFile(target); code != 1 || !strings.Contains(err, "--force") || string(kept) != "precious" {
		t.Errorf("exit code %d, errors %q, content %.20q", code, err, kept)
	}
	if code, _, err := unreel(t, "convert", "--force", filepath.Join(dir, "talk.mp4")); code != 0 {
		t.Errorf("with --force: exit code %d, errors %q", code, err)
	}
	inspect(t, target)

	song, before := filepath.Join(dir, "song.mp3"), mediatest.Bytes(t, mediatest.Spec{Container: "mp3"})
	for _, args := range [][]string{{"convert", song}, {"convert", "--force", song}, {"convert", "--force", "-o", song, song}} {
		code, _, err := unreel(t, args...)
		if after, _ := os.ReadFile(song); code != 1 || !strings.Contains(err, "itself") || !bytes.Equal(before, after) {
			t.Errorf("%q: exit code %d, errors %q", args, code, err)
		}
	}
}

func TestConvertOutput(t *testing.T) {
	dir := folder(t, "talk.mp4", "other.mkv")
	talk, other := filepath.Join(dir, "talk.mp4"), filepath.Join(dir, "other.mkv")
	if code, _, err := unreel(t, "convert", "-o", filepath.Join(dir, "named.mp3"), talk); code != 0 {
		t.Errorf("-o FILE: exit code %d, errors %q", code, err)
	}
	code, _, err := unreel(t, "convert", "-o", filepath.Join(dir, "many"), talk, other)
	if diff := cmp.Diff([]string{"other.mp3", "talk.mp3"}, list(t, filepath.Join(dir, "many"))); code != 0 || diff != "" {
		t.Errorf("-o DIR: exit code %d, errors %q, %s", code, err, diff)
	}
	code, out, err := unreel(t, "convert", "-o", "-", talk)
	if stats, bad := mp3.Inspect(strings.NewReader(out)); code != 0 || err != "" || bad != nil || stats.Duration != 2*time.Second {
		t.Errorf("-o -: exit code %d, errors %q, %+v, %v", code, err, stats, bad)
	}
	want := []string{"many", "named.mp3", "other.mkv", "talk.mp4"}
	if diff := cmp.Diff(want, list(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// TestConvertGrowsInPlace has no other folder in which the MP3 could grow first, and be copied from.
func TestConvertGrowsInPlace(t *testing.T) {
	dir := folder(t, "talk.mp4")
	t.Setenv("TMPDIR", filepath.Join(dir, "nowhere"))
	if code, _, err := unreel(t, "convert", filepath.Join(dir, "talk.mp4")); code != 0 {
		t.Errorf("exit code %d, errors %q", code, err)
	}
	if stats := inspect(t, filepath.Join(dir, "talk.mp3")); stats.Duration != 2*time.Second {
		t.Errorf("%+v", stats)
	}
}

func TestConvertOptions(t *testing.T) {
	dir := folder(t, "talk.mp4")
	path := filepath.Join(dir, "out.mp3")
	code, _, bad := unreel(t, "convert", "--bitrate", "64", "--mono", "--sample-rate", "32000", "--start", "0.5", "--end", "0:01.5",
		"--loudness", "-20", "--title", "Née", "--artist", "A", "--album", "B", "--year", "2024", "--jobs", "1", "-o", path,
		filepath.Join(dir, "talk.mp4"))
	if code != 0 {
		t.Fatalf("exit code %d, errors %q", code, bad)
	}
	stats := inspect(t, path)
	if stats.Bitrate != 64000 || stats.Channels != 1 || stats.SampleRate != 32000 || stats.Duration != time.Second {
		t.Errorf("got %+v", stats)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "format_tags=title,artist,album,date", "-of", "csv=p=0", path).Output()
	if got := strings.Split(strings.TrimSpace(string(out)), ","); err != nil || !sameSet(got, []string{"Née", "A", "B", "2024"}) {
		t.Errorf("tags %q, %v", got, err)
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func TestConvertOneFailingFileStopsNoOther(t *testing.T) {
	dir := folder(t, "a.mp4", "z.webm")
	text, gone := mediatest.Text(t), filepath.Join(dir, "gone.mp4")
	code, out, errs := unreel(t, "convert", "--json", "-o", filepath.Join(dir, "out"),
		text, filepath.Join(dir, "a.mp4"), gone, filepath.Join(dir, "z.webm"))
	if code != 1 || !strings.Contains(errs, "2 of 4") {
		t.Errorf("exit code %d, errors %q", code, errs)
	}
	if diff := cmp.Diff([]string{"a.mp3", "z.mp3"}, list(t, filepath.Join(dir, "out"))); diff != "" {
		t.Error(diff)
	}
	got := map[string]string{}
	for lines := json.NewDecoder(strings.NewReader(out)); ; {
		var line struct {
			File  string
			MP3   *struct{ Duration float64 }
			Error *struct{ Type string }
		}
		if err := lines.Decode(&line); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		if line.Error != nil {
			got[filepath.Base(line.File)] = line.Error.Type
		} else if line.MP3 != nil {
			got[filepath.Base(line.File)] = "converted"
		}
	}
	want := map[string]string{
		"a.mp4": "converted", "z.webm": "converted",
		"notes.mp4": "/problems/unsupported-media", "gone.mp4": "/problems/internal",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConvertTellsWhatIsWrong(t *testing.T) {
	code, out, err := unreel(t, "convert", mediatest.Text(t))
	if code != 1 || out != "" || strings.Count(err, "\n") != 1 || !strings.Contains(err, "not a video") {
		t.Errorf("exit code %d, output %q, errors %q", code, out, err)
	}
}

// TestConvertNoFile is given what cannot be read twice. To open the pipe would wait for ever.
func TestConvertNoFile(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.mp4")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{dir, pipe, os.DevNull} {
		code, out, err := unreel(t, "convert", "-o", filepath.Join(dir, "x.mp3"), source)
		if want := "unreel: " + source + ": this is a folder, a device or a pipe: only files can be converted\n"; code != 1 || out != "" || err != want {
			t.Errorf("%s: exit code %d, output %q, errors %q", source, code, out, err)
		}
	}
}

// TestConvertOutputFull has an output that takes no line of JSON.
func TestConvertOutputFull(t *testing.T) {
	dir := folder(t, "talk.mp4")
	var errors bytes.Buffer
	code := cli.Main(t.Context(), []string{"convert", "--json", filepath.Join(dir, "talk.mp4")}, cli.IO{Out: fullOutput{}, Err: &errors})
	if code != 1 || !strings.Contains(errors.String(), syscall.ENOSPC.Error()) {
		t.Errorf("exit code %d, errors %q", code, &errors)
	}
}

type fullOutput struct{}

func (fullOutput) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestConvertUsage(t *testing.T) {
	dir := folder(t, "talk.mp4", "talk.mkv")
	talk := filepath.Join(dir, "talk.mp4")
	for _, args := range [][]string{
		{},
		{"--bitrate", "33", talk},
		{"--bitrate", "128", "--vbr", "2", talk},
		{"--vbr", "10", talk},
		{"--abr", "0", talk},
		{"--abr", "321", talk},
		{"--abr", "128", "--vbr", "2", talk},
		{"--abr", "128", "--bitrate", "128", talk},
		{"--start", "soon", talk},
		{"--start", "2", "--end", "1", talk},
		{"--jobs", "-1", talk},
		{"--cover", filepath.Join(dir, "none.png"), talk},
		{"--cover", talk, talk},
		{"-o", "-", talk, talk},
		{"-o", "-", "--json", talk},
		{"-o", filepath.Join(dir, "one.mp3"), talk, filepath.Join(dir, "other.mp4")},
		{talk, filepath.Join(dir, "talk.mkv")},
		{"--nonsense", talk},
	} {
		if code, _, err := unreel(t, append([]string{"convert"}, args...)...); code != 2 || err == "" {
			t.Errorf("%q: exit code %d, errors %q", args, code, err)
		}
	}
	if diff := cmp.Diff([]string{"talk.mkv", "talk.mp4"}, list(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestConvertInterrupted(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, "long.wav")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=3600:r=8000", "-c:a", "pcm_u8", long).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		look := time.NewTicker(time.Millisecond)
		defer look.Stop()
		for { // until the hidden file beside the target is there
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) > 1 {
				return
			}
		}
	}()
	code, _, err := unreelUntil(t, ctx, "convert", long)
	<-done
	if code != 130 {
		t.Errorf("exit code %d, errors %q", code, err)
	}
	if diff := cmp.Diff([]string{"long.wav"}, list(t, dir)); diff != "" {
		t.Error(diff)
	}
}
