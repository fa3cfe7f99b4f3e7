package compat

import (
	"bytes"
	"math"
	"testing"

	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// TestConsumers has a converter and a notifier of the first version in the place of ours.
func TestConsumers(t *testing.T) {
	t.Parallel()
	c := harness.StartCluster(t, harness.Shape{})
	c.Converters[0].Stop(t)
	c.Notifiers[0].Stop(t)
	ada := harness.SignUp(t, c.URL, "ada@example.com")
	p := connect(t, c)
	video := mediatest.Video(t, spec)
	id := ada.Upload(t, harness.File(t, video))

	queued, hint := p.receive("video")
	if fid, there := hint["mp3_fid"]; hint["video_fid"] != id || fid != nil || !there || hint["username"] != "ada@example.com" {
		t.Errorf("video: %s", queued.Body)
	}
	content, err := p.get("videos", hint.text("video_fid"))
	if err != nil || !bytes.Equal(content, mediatest.Bytes(t, spec)) {
		t.Errorf("read %d bytes, %v: not what was uploaded", len(content), err)
	}
	if err := queued.Nack(false, true); err != nil { // it dies with the message in hand
		t.Fatal(err)
	}

	c.Converters[0].Start(t)
	ended, hint := p.receive("mp3")
	if hint["video_fid"] != id || hint["username"] != "ada@example.com" {
		t.Errorf("mp3: %s", ended.Body)
	}
	content, err = p.get("mp3s", hint.text("mp3_fid"))
	if err != nil {
		t.Fatalf("read the MP3 of %s: %v", ended.Body, err)
	}
	wantTone(t, content)
	if got := ada.Get(t, "/download?fid="+hint.text("mp3_fid")); !bytes.Equal(got.Body, content) {
		t.Errorf("the gateway gives another MP3: %d, %d bytes, want %d", got.Status, len(got.Body), len(content))
	}
	if err := ended.Ack(false); err != nil {
		t.Error(err)
	}
}

// spec is a video of several chunks of the driver's size.
var spec = mediatest.Spec{Container: "mkv", Codec: "pcm_s16le", Seconds: 3, Hz: 600}

// wantTone wants an MP3 of it.
func wantTone(t *testing.T, mp3 []byte) {
	t.Helper()
	sound := mediatest.Decode(t, mediatest.File(t, "result.mp3", mp3))
	if hz := sound.Cut(0.2, 2.8).Frequency(0); math.Abs(hz-spec.Hz) > 3 {
		t.Errorf("plays %.1f Hz, want %.1f", hz, spec.Hz)
	}
	if seconds := sound.Duration().Seconds(); math.Abs(seconds-spec.Seconds) > 0.05 {
		t.Errorf("%.2f s long, want %.2f", seconds, spec.Seconds)
	}
}
