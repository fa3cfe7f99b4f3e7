// Package mediatest makes videos for tests and listens to what was made of them. Nothing of it is kept in
// the repository: ffmpeg makes the videos at test time, small and short, each once a process.
package mediatest

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Sound is what is heard in a video.
type Sound string

// The sounds. Tone is a sine of Spec.Hz; Speech is syllables of a voice-like buzz with pauses; Bursts are
// half a second of tone in every second.
const (
	Tone    Sound = "tone"
	Noise   Sound = "noise"
	Speech  Sound = "speech"
	Bursts  Sound = "bursts"
	Silence Sound = "silence"
)

// Spec says what a video is like. The zero Spec is an MP4 of two seconds with a picture and a 440 Hz tone in AAC,
// 48 kHz, stereo.
type Spec struct {
	Container string  // the extension: mp4, mkv, webm, avi, mov, ts, 3gp, m4a, mp3, wav, flac, …
	Codec     string  // ffmpeg's encoder; empty: what the container mostly has
	Rate      int     // Hz
	Channels  int     // 1, 2, 6 or 8; the tone is in all of them, unless Only
	Only      string  // the one channel of 5.1 or 7.1 that sounds: FL, FR, FC, LFE, …
	Seconds   float64 // of sound and picture
	Sound     Sound
	Hz        float64
	Bitrate   string // of the sound: 128k
	NoPicture bool
	NoSound   bool
	Tracks    int     // of sound; track n has a tone of n times Hz
	Late      float64 // seconds by which the sound begins after the picture
	// Extra are options of ffmpeg for the output, such as "-movflags +faststart", split at spaces.
	Extra string
}

func (s Spec) withDefaults() Spec {
	s.Container = cmp.Or(s.Container, "mp4")
	s.Codec = cmp.Or(s.Codec, codecs[s.Container], "aac")
	s.Rate = cmp.Or(s.Rate, 48000)
	s.Channels = cmp.Or(s.Channels, 2)
	s.Seconds = cmp.Or(s.Seconds, 2)
	s.Sound = cmp.Or(s.Sound, Tone)
	s.Hz = cmp.Or(s.Hz, 440)
	s.Tracks = cmp.Or(s.Tracks, 1)
	s.NoPicture = s.NoPicture || soundOnly[s.Container]
	return s
}

var codecs = map[string]string{
	"webm": "libopus", "avi": "libmp3lame", "ts": "ac3", "mpg": "mp2", "3gp": "aac", "ogg": "libvorbis",
	"mp3": "libmp3lame", "wav": "pcm_s16le", "flac": "flac", "wmv": "wmav2", "flv": "aac", "ac3": "ac3",
}

var soundOnly = map[string]bool{
	"mp3": true, "wav": true, "flac": true, "m4a": true, "ogg": true, "aac": true, "ac3": true, "opus": true,
}

// pictures are video encoders that every build of ffmpeg has.
var pictures = map[string]string{
	"webm": "libvpx", "ts": "mpeg2video", "mpg": "mpeg2video", "3gp": "mpeg4", "wmv": "wmv2", "flv": "flv",
}

// source is the sound of one track as a filter graph of ffmpeg.
func (s Spec) source(track int) string {
	hz := s.Hz * float64(track+1)
	wave := map[Sound]string{
		Tone:    fmt.Sprintf("0.25*sin(2*PI*%g*t)", hz),
		Noise:   "0.25*(2*random(0)-1)",
		Bursts:  fmt.Sprintf("0.25*sin(2*PI*%g*t)*lt(mod(t,1),0.5)", hz),
		Silence: "0",
		Speech: "0.3*lt(mod(t,0.4),0.3)*sin(PI*mod(t,0.4)/0.3)*" +
			"(sin(2*PI*120*t)+0.6*sin(2*PI*600*t)+0.4*sin(2*PI*1200*t)+0.2*sin(2*PI*2400*t)+0.05*(2*random(0)-1))",
	}[s.Sound]
	layouts := map[int]string{1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
	places := map[int]string{1: "FC", 2: "FL FR", 6: "FL FR FC LFE BL BR", 8: "FL FR FC LFE BL BR SL SR"}[s.Channels]
	var channels []string
	for place := range strings.FieldsSeq(places) {
		if s.Only == "" || s.Only == place {
			channels = append(channels, wave)
		} else {
			channels = append(channels, "0")
		}
	}
	return fmt.Sprintf("aevalsrc=exprs=%s:c=%s:s=%d:d=%g",
		strings.ReplaceAll(strings.Join(channels, "|"), ",", `\,`), layouts[s.Channels], s.Rate, s.Seconds)
}

func (s Spec) args(out string) []string {
	args := []string{"-hide_banner", "-nostdin", "-loglevel", "error", "-y"}
	var maps []string
	inputs := 0
	add := func(options ...string) {
		args = append(args, options...)
		maps = append(maps, "-map", strconv.Itoa(inputs))
		inputs++
	}
	if !s.NoPicture {
		add("-f", "lavfi", "-i", fmt.Sprintf("testsrc=s=176x144:r=25:d=%g", s.Seconds))
	}
	for track := range s.Tracks {
		if s.NoSound {
			break
		}
		if s.Late > 0 {
			args = append(args, "-itsoffset", fmt.Sprint(s.Late))
		}
		add("-f", "lavfi", "-i", s.source(track))
	}
	args = append(args, maps...)
	if !s.NoPicture {
		args = append(args, "-c:v", cmp.Or(pictures[s.Container], "mpeg4"), "-b:v", "100k")
	}
	if !s.NoSound {
		args = append(args, "-c:a", s.Codec, "-strict", "-2")
		if s.Bitrate != "" {
			args = append(args, "-b:a", s.Bitrate)
		}
	}
	args = append(args, strings.Fields(s.Extra)...)
	return append(args, out)
}

// made has the videos of this process by their Spec, so that tests share the cost.
var made = struct {
	sync.Mutex
	videos map[Spec]*video
}{videos: map[Spec]*video{}}

type video struct {
	once  sync.Once
	bytes []byte
	err   error
}

func entry(spec Spec) *video {
	made.Lock()
	defer made.Unlock()
	v, ok := made.videos[spec]
	if !ok {
		v = &video{}
		made.videos[spec] = v
	}
	return v
}

// Video makes a video and returns its path in a directory of the test's own.
func Video(t testing.TB, spec Spec) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "video."+spec.withDefaults().Container)
	if err := os.WriteFile(path, Bytes(t, spec), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Bytes makes a video and returns its content, which must not be changed.
func Bytes(t testing.TB, spec Spec) []byte {
	t.Helper()
	spec = spec.withDefaults()
	v := entry(spec)
	v.once.Do(func() { v.bytes, v.err = spec.make() })
	if v.err != nil {
		t.Fatalf("make %+v: %v", spec, v.err)
	}
	return v.bytes
}

func (s Spec) make() ([]byte, error) {
	dir, err := os.MkdirTemp("", "mediatest-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "video."+s.Container)
	if out, err := exec.Command("ffmpeg", s.args(path)...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return os.ReadFile(path)
}
