package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// TestUploadByCommandResumes sends a large video by a line that breaks, with a command that is killed and run again.
func TestUploadByCommandResumes(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	line := newLine(t, strings.TrimPrefix(s.URL, "http://"))
	ada := harness.SignUp(t, s.URL, "ada@example.com")
	// Sound that is not compressed, of 18 MB.
	const seconds = 95
	video := mediatest.Video(t, mediatest.Spec{Seconds: seconds, Container: "mov", Codec: "pcm_s16le", Hz: 660})
	home, mp3 := t.TempDir(), filepath.Join(t.TempDir(), "out.mp3")
	var failures bytes.Buffer
	upload := func() *exec.Cmd {
		c := exec.CommandContext(t.Context(), harness.Binary(), "upload", "-o", mp3, video)
		c.Env = append(os.Environ(), "XDG_CONFIG_HOME="+home, "UNREEL_SERVER=http://"+line.Listen, "UNREEL_TOKEN="+ada.AddKey(t).Key)
		c.Stderr = &failures
		return c
	}
	if _, err := line.Toxics.AddToxicJson(strings.NewReader(`{"name":"slow","type":"bandwidth","stream":"upstream","attributes":{"rate":3000}}`)); err != nil {
		t.Fatal(err)
	}
	first := upload()
	token := first.Env[len(first.Env)-1]
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "a part to arrive", func() error { return written(t, s.Process, 3<<20) })
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait() // says only that it was killed

	second := upload()
	second.Env[len(second.Env)-1] = token
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "more to arrive", func() error { return written(t, s.Process, 9<<20) })
	line.Stop()
	if err := line.Start(); err != nil {
		t.Fatal(err)
	}
	if err := second.Wait(); err != nil {
		t.Fatalf("%v: %s", err, failures.String())
	}
	if !strings.Contains(failures.String(), "going on in 1s") {
		t.Errorf("said %q", failures.String())
	}
	got := ada.Get(t, "/v1/conversions")
	var list api.ConversionList
	if got.JSON(t, &list); len(list.Conversions) != 1 {
		t.Fatalf("list: %s", got)
	}
	if size := list.Conversions[0].Video.Size; written(t, s.Process, int(size+size/10)) == nil {
		t.Error("what had arrived was sent again")
	}
	checkTone(t, mp3, 660, seconds, 2)
}
