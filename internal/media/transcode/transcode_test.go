package transcode_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/encode"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/media/mp3"
	"github.com/unreel/unreel/internal/media/transcode"
)

func TestMain(m *testing.M) {
	if encodes() {
		os.Exit(encode.ExitMissing)
	}
	goleak.VerifyTestMain(m)
}

// shared is a Transcoder with the defaults, found once.
var shared struct {
	sync.Mutex

	transcoder *transcode.Transcoder
}

func newTranscoder(t *testing.T) *transcode.Transcoder {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.transcoder != nil {
		return shared.transcoder
	}
	transcoder, err := transcode.New(transcode.Config{Sandbox: mediatest.Box(t)})
	if err != nil {
		t.Fatal(err)
	}
	shared.transcoder = transcoder
	return transcoder
}

// convert runs a job into a file, checks that the result tells the truth about it, and plays it.
func convert(t *testing.T, job transcode.Job) (conversion.MP3, mediatest.PCM) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.mp3")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	job.Sink = file
	result, err := newTranscoder(t).Run(t.Context(), job, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result.MP3, checkTruth(t, result.MP3, path)
}

func checkTruth(t *testing.T, told conversion.MP3, path string) mediatest.PCM {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	stats, err := mp3.Inspect(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	got := fmt.Sprint(len(raw), hex.EncodeToString(sum[:]), stats.Duration, stats.Bitrate, stats.SampleRate, stats.Channels)
	want := fmt.Sprint(told.Size, told.SHA256, told.Duration, told.Bitrate, told.SampleRate, told.Channels)
	if got != want {
		t.Errorf("told %s, there is %s", want, got)
	}
	pcm := mediatest.Decode(t, path)
	if int64(pcm.Samples()) != stats.Samples {
		t.Errorf("decodes to %d samples, not %d", pcm.Samples(), stats.Samples)
	}
	return pcm
}

// frame is how long a frame of an MP3 lasts.
func frame(sampleRate int) time.Duration {
	samples := time.Duration(1152)
	if sampleRate < 32000 {
		samples = 576
	}
	return samples * time.Second / time.Duration(sampleRate)
}

func TestEverySourceSounds(t *testing.T) {
	tests := []struct {
		spec     mediatest.Spec
		rate     int
		channels int
		copied   bool
	}{
		{mediatest.Spec{}, 48000, 2, false},
		{mediatest.Spec{Rate: 44100, Channels: 1}, 44100, 1, false},
		{mediatest.Spec{Rate: 96000}, 48000, 2, false},
		{mediatest.Spec{Rate: 88200}, 44100, 2, false},
		{mediatest.Spec{Rate: 8000, Channels: 1}, 8000, 1, false},
		{mediatest.Spec{Rate: 22050}, 22050, 2, false},
		{mediatest.Spec{Rate: 7350, Channels: 1}, 8000, 1, false},
		{mediatest.Spec{Channels: 6}, 48000, 2, false},
		{mediatest.Spec{Codec: "ac3", Channels: 6}, 48000, 2, false},
		{mediatest.Spec{Codec: "alac"}, 48000, 2, false},
		{mediatest.Spec{Extra: "-movflags +faststart"}, 48000, 2, false},
		{mediatest.Spec{Extra: "-movflags +frag_keyframe+empty_moov"}, 48000, 2, false},
		{mediatest.Spec{Codec: "libmp3lame", Rate: 44100}, 44100, 2, true},
		{mediatest.Spec{Container: "mkv"}, 48000, 2, false},
		{mediatest.Spec{Container: "mkv", Codec: "flac", Channels: 8}, 48000, 2, false},
		{mediatest.Spec{Container: "mkv", Codec: "libvorbis", Rate: 44100}, 44100, 2, false},
		{mediatest.Spec{Container: "mkv", Codec: "libmp3lame"}, 48000, 2, true},
		{mediatest.Spec{Container: "mkv", Codec: "pcm_f32le"}, 48000, 2, false},
		{mediatest.Spec{Container: "webm"}, 48000, 2, false},
		{mediatest.Spec{Container: "webm", Codec: "libvorbis", Rate: 32000}, 32000, 2, false},
		{mediatest.Spec{Container: "webm", Channels: 6}, 48000, 2, false},
		{mediatest.Spec{Container: "avi"}, 48000, 2, true},
		{mediatest.Spec{Container: "avi", Codec: "pcm_s16le", Rate: 11025, Channels: 1}, 11025, 1, false},
		{mediatest.Spec{Container: "avi", Codec: "adpcm_ms", Rate: 22050}, 22050, 2, false},
		{mediatest.Spec{Container: "mov", Codec: "pcm_s24le", Rate: 96000}, 48000, 2, false},
		{mediatest.Spec{Container: "ts"}, 48000, 2, false},
		{mediatest.Spec{Container: "ts", Codec: "mp2", Rate: 44100}, 44100, 2, false},
		{mediatest.Spec{Container: "ts", Codec: "aac"}, 48000, 2, false},
		{mediatest.Spec{Container: "mpg"}, 48000, 2, false},
		{mediatest.Spec{Container: "3gp", Rate: 16000, Channels: 1}, 16000, 1, false},
		{mediatest.Spec{Container: "flv", Rate: 44100}, 44100, 2, false},
		{mediatest.Spec{Container: "wmv", Rate: 44100}, 44100, 2, false},
		{mediatest.Spec{Container: "ogg", Codec: "libspeex", Rate: 16000, Channels: 1}, 16000, 1, false},
		{mediatest.Spec{Container: "ogg", Codec: "libopus"}, 48000, 2, false},
		{mediatest.Spec{Container: "m4a"}, 48000, 2, false},
		{mediatest.Spec{Container: "wav", Rate: 192000}, 48000, 2, false},
		{mediatest.Spec{Container: "mp3", Rate: 44100}, 44100, 2, true},
		{mediatest.Spec{Container: "mp3", Rate: 16000, Channels: 1}, 16000, 1, true},
	}
	for _, test := range tests {
		name := fmt.Sprintf("%s/%s/%d/%d%s", test.spec.Container, test.spec.Codec, test.spec.Rate, test.spec.Channels, test.spec.Extra)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := mediatest.Video(t, test.spec)
			got, sound := convert(t, transcode.Job{Source: source})
			if got.SampleRate != test.rate || got.Channels != test.channels || got.Copied != test.copied {
				t.Errorf("got %+v", got)
			}
			if len(got.Warnings) > 0 {
				t.Errorf("warns %q", got.Warnings)
			}
			// Where a container can't say which samples are the codec's own filling, decoding gives more than
			// was recorded.
			recorded, decoded := 2*time.Second, mediatest.Decode(t, source).Duration()
			slack := frame(got.SampleRate)
			if got.Duration <= recorded-slack || got.Duration >= max(recorded, decoded)+slack {
				t.Errorf("lasts %s, the source %s to %s", got.Duration, recorded, decoded)
			}
			for channel := range sound.Channels {
				if hz := sound.Frequency(channel); math.Abs(hz-440) > 1 {
					t.Errorf("channel %d sounds at %g Hz", channel, hz)
				}
				if share := sound.Cut(0.2, 1.8).Share(channel, 440); share < 0.95 {
					t.Errorf("channel %d is only %.2f the tone", channel, share)
				}
			}
		})
	}
}

// TestLengthIsFound has a file of which ffprobe can only guess how long it is: by its size, and the rate at its beginning.
func TestLengthIsFound(t *testing.T) {
	tone := mediatest.Bytes(t, mediatest.Spec{Seconds: 4, Container: "aac", NoPicture: true, Extra: "-b:a 24k"})
	noise := mediatest.Bytes(t, mediatest.Spec{Seconds: 4, Container: "aac", NoPicture: true, Sound: mediatest.Noise, Extra: "-b:a 256k"})
	job := transcode.Job{Source: mediatest.File(t, "talk.aac", append(tone, noise...)), Sink: io.Discard}
	source, err := newTranscoder(t).Probe(t.Context(), job.Source)
	if err != nil {
		t.Fatal(err)
	}
	result, err := newTranscoder(t).Run(t.Context(), job, nil)
	if err != nil {
		t.Fatal(err)
	}
	guessed, found := source.Tracks[0].Duration, result.Track.Duration
	if (guessed-8*time.Second).Abs() < time.Second || (found-8*time.Second).Abs() > 100*time.Millisecond || found != result.MP3.Duration {
		t.Errorf("guessed %s, found %s, the MP3 lasts %s", guessed, found, result.MP3.Duration)
	}
}
