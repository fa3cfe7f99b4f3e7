package avcodec_test

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/unreel/unreel/internal/media/avcodec"
	"github.com/unreel/unreel/internal/media/container"
	"github.com/unreel/unreel/internal/media/mediatest"
)

// library is the libavcodec that ffmpeg uses.
func library(t testing.TB) *avcodec.Library {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-hide_banner", "-version").Output()
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`libavcodec +([0-9]+)\.`).FindSubmatch(out)
	if version == nil {
		t.Fatalf("ffmpeg says %s", out)
	}
	library, err := avcodec.Open("libavcodec.so." + string(version[1]))
	if err != nil {
		t.Fatal(err)
	}
	return library
}

// track is a video's sound: its frames, and what decodes them.
func track(t testing.TB, content []byte) (container.Stream, *avcodec.Decoder) {
	t.Helper()
	file, known := container.Read(bytes.NewReader(content), int64(len(content)))
	at := slices.IndexFunc(file.Streams, func(s container.Stream) bool { return s.Frames != nil })
	if !known || at < 0 {
		t.Fatalf("not plain: %+v", file)
	}
	decoder, err := library(t).NewAAC(file.Streams[at].Frames.Config, file.Streams[at].Channels)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(decoder.Close)
	return file.Streams[at], decoder
}

// TestSameAsFFmpeg decodes sample for sample what ffmpeg decodes.
func TestSameAsFFmpeg(t *testing.T) {
	for _, spec := range []mediatest.Spec{
		{Seconds: 5, Sound: mediatest.Speech},
		{Seconds: 5, Sound: mediatest.Noise, Rate: 44100, Channels: 1},
		{Seconds: 5, Sound: mediatest.Bursts, Rate: 32000, Bitrate: "24k"},
		{Seconds: 5, Sound: mediatest.Speech, Channels: 6},
	} {
		content := mediatest.Bytes(t, spec)
		stream, decoder := track(t, content)
		frames, err := stream.Frames.Open(bytes.NewReader(content), 0)
		if err != nil {
			t.Fatal(err)
		}
		samples := stream.Frames.Count*stream.Frames.Samples - stream.Frames.Skip
		got := make([]byte, 4*samples*int64(stream.Channels))
		if _, err := io.ReadFull(avcodec.NewReader(frames.Next, decoder, stream.Frames.Skip, samples), got); err != nil {
			t.Fatal(err)
		}
		want, err := exec.Command("ffmpeg", "-v", "error", "-i", mediatest.File(t, "video.mp4", content), "-vn", "-f", "f32le", "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%+v: %d bytes that are not ffmpeg's %d", spec, len(got), len(want))
		}
	}
}

// TestDamage: frames that are none are errors, and so is an end that comes too soon.
func TestDamage(t *testing.T) {
	content := mediatest.Bytes(t, mediatest.Spec{})
	stream, decoder := track(t, content)
	for name, frame := range map[string][]byte{
		"nothing": {}, "too much": make([]byte, 1<<20), "of another kind": bytes.Repeat([]byte{0xA5}, 300),
	} {
		if _, err := decoder.Decode(frame); !errors.Is(err, avcodec.ErrDecode) {
			t.Errorf("%s: %v", name, err)
		}
	}
	frames, err := stream.Frames.Open(bytes.NewReader(content), 0)
	if err != nil {
		t.Fatal(err)
	}
	more := stream.Frames.Count*stream.Frames.Samples + 1
	if _, err := io.ReadFull(avcodec.NewReader(frames.Next, decoder, 0, more), make([]byte, 8*more)); !errors.Is(err, avcodec.ErrDecode) {
		t.Errorf("a sample more than there is: %v", err)
	}
}

// TestUnknown: a library whose structs nobody has looked at is not opened.
func TestUnknown(t *testing.T) {
	for _, name := range []string{"libavcodec.so." + strconv.Itoa(1000), "libavcodec.so", "/tmp/libavcodec.so.59", "libm.so.6", ""} {
		if _, err := avcodec.Open(name); !errors.Is(err, avcodec.ErrMissing) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// FuzzDecode gives the decoder frames of any content: it ends, and what comes out is whole.
func FuzzDecode(f *testing.F) {
	content := mediatest.Bytes(f, mediatest.Spec{Seconds: 0.3})
	stream, decoder := track(f, content)
	frames, err := stream.Frames.Open(bytes.NewReader(content), 0)
	if err != nil {
		f.Fatal(err)
	}
	for range 5 {
		frame, err := frames.Next()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.Clone(frame))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		planes, err := decoder.Decode(frame)
		if err == nil && (len(planes) != 2 || len(planes[0]) != 1024 || len(planes[1]) != 1024) {
			t.Errorf("got %d planes", len(planes))
		}
	})
}
