package transcode_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/id3"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/media/transcode"
)

// TestPlaylistsOpenNothing disguises lists of other files and addresses as videos. Nobody may be called, and
// nobody else's sound may come out.
func TestPlaylistsOpenNothing(t *testing.T) {
	var hits atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(server.Close)
	secret := mediatest.Video(t, mediatest.Spec{Container: "ts"})
	hls := "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n%s\n#EXT-X-ENDLIST\n"
	dash := `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S">` +
		`<Period><AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1000"><BaseURL>%s</BaseURL>` +
		`</Representation></AdaptationSet></Period></MPD>`
	sdp := "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n#%s\n"
	for kind, template := range map[string]string{
		"m3u8": hls, "mpd": dash, "sdp": sdp,
		"ffconcat": "ffconcat version 1.0\nfile '%s'\n",
		"m3u":      "#EXTM3U\n#EXTINF:2,\n%s\n",
		"pls":      "[playlist]\nFile1=%s\n",
		"smil":     `<smil><body><audio src="%s"/></body></smil>`,
		"asx":      `<asx version="3.0"><entry><ref href="%s"/></entry></asx>`,
		"svg":      `<svg xmlns="http://www.w3.org/2000/svg"><image href="%s"/></svg>`,
	} {
		for _, target := range []string{secret, server.URL + "/a.ts"} {
			for _, name := range []string{"talk.mp4", "talk.mp3", "talk." + kind} {
				t.Run(fmt.Sprintf("%s/%.5s/%s", kind, target, name), func(t *testing.T) {
					t.Parallel()
					source := mediatest.File(t, name, fmt.Appendf(nil, template, target))
					refuse(t, newTranscoder(t), transcode.Job{Source: source}, conversion.UnsupportedMedia)
				})
			}
		}
	}
	t.Cleanup(func() {
		if n := hits.Load(); n > 0 {
			t.Errorf("the listener was called %d times", n)
		}
	})
}

// TestNamesAreOnlyNames gives videos names that mean something to ffmpeg or to a shell.
func TestNamesAreOnlyNames(t *testing.T) {
	video := mediatest.Bytes(t, mediatest.Spec{})
	for _, name := range []string{
		"concat:a|b.mp4", "http:__x.mp4", "-i.mp4", "%d.mp4", "a b'c\"d.mp4", "$(touch pwned).mp4", "ąę日本.mp4", "a\nb.mp4", "pipe:0",
	} {
		source := mediatest.File(t, name, video)
		result, err := newTranscoder(t).Run(t.Context(), transcode.Job{Source: source, Sink: io.Discard}, nil)
		if err != nil || result.MP3.Duration.Seconds() < 1.9 {
			t.Errorf("%q: %v %+v", name, err, result.MP3)
		}
	}
}

// TestSoundThatIsNoNumber has samples that no encoder takes, and of which LAME aborts the program that it is in.
func TestSoundThatIsNoNumber(t *testing.T) {
	raw := bytes.Clone(mediatest.Bytes(t, mediatest.Spec{Seconds: 6, Container: "wav", Codec: "pcm_f32le", Rate: 44100, Channels: 1}))
	bad := raw[len(raw)-2*44100*4:] // the last two seconds
	for i, number := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e30} {
		binary.LittleEndian.PutUint32(bad[400*i:], math.Float32bits(float32(number)))
	}
	for name, options := range map[string]conversion.Options{
		"constant": {Bitrate: 128}, "variable": {}, "loudness": {Loudness: new(-16.0)},
	} {
		t.Run(name, func(t *testing.T) {
			got, sound := convert(t, transcode.Job{Source: mediatest.File(t, "sound.wav", raw), Options: options, Cores: 1})
			if (got.Duration - 6*time.Second).Abs() > frame(44100) {
				t.Errorf("lasts %s", got.Duration)
			}
			for _, part := range []mediatest.PCM{sound.Cut(0.2, 3.8), sound.Cut(4.5, 5.8)} {
				if share := part.Share(0, 440); share < 0.95 {
					t.Errorf("only %.2f of it is the tone", share)
				}
			}
		})
	}
}

func TestBombs(t *testing.T) {
	tag := append([]byte("ID3\x04\x00\x00\x00\x00\x7F\x7F"), []byte(strings.Repeat("APIC\x00\x00\x00\x01", 2000))...)
	deep := []byte(strings.Repeat("\x00\x00\x00\x08moov", 50_000))
	huge := append([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomiso2"), "\x00\x00\x00\x01moov\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"...)
	for name, raw := range map[string][]byte{"tag.mp3": tag, "deep.mov": deep, "huge.mp4": huge} {
		_, err := newTranscoder(t).Run(t.Context(), transcode.Job{Source: mediatest.File(t, name, raw), Sink: io.Discard}, nil)
		if _, lasting := errors.AsType[*conversion.Failure](err); !lasting {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestPictureBomb has a cover of 30,000 by 30,000 dots in a few bytes: nobody may unpack it.
func TestPictureBomb(t *testing.T) {
	header := []byte("\x00\x00\x75\x30\x00\x00\x75\x30\x08\x06\x00\x00\x00") // width, height, RGBA
	picture := slices.Concat([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", header), chunk("IDAT", deflated(1<<20)), chunk("IEND", nil))
	tag, err := id3.Tag{Title: "bomb", Cover: picture}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "plain.mp3")
	run(t, "-f", "lavfi", "-i", "sine=d=3", "-c:a", "libmp3lame", "-id3v2_version", "0", path)
	frames, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	source := mediatest.File(t, "bomb.mp3", slices.Concat(tag, frames))
	for _, options := range []conversion.Options{{}, {Bitrate: 64}} {
		result, err := newTranscoder(t).Run(t.Context(), transcode.Job{Source: source, Options: options, Sink: io.Discard}, nil)
		if err != nil || result.MP3.Duration.Seconds() < 2.9 {
			t.Errorf("%v %+v", err, result.MP3)
		}
	}
}

func chunk(kind string, content []byte) []byte {
	body := append([]byte(kind), content...)
	out := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	return binary.BigEndian.AppendUint32(append(out, body...), crc32.ChecksumIEEE(body))
}

func deflated(zeros int) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	_, _ = w.Write(make([]byte, zeros)) // to memory
	_ = w.Close()
	return out.Bytes()
}

// TestSilenceBomb has two hours of silence in little more than a hundred thousand bytes, and does not say so.
func TestSilenceBomb(t *testing.T) {
	path := filepath.Join(t.TempDir(), "silence.mkv")
	run(t, "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:d=7200", "-c:a", "flac", "-frame_size", "65535", "-f", "matroska", "-live", "1", path)
	if info, err := os.Stat(path); err != nil || info.Size() > 200_000 {
		t.Fatalf("%v, %v", info, err)
	}
	transcoder, err := transcode.New(transcode.Config{MaxDuration: time.Minute, Sandbox: mediatest.Box(t)})
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, transcoder, transcode.Job{Source: path}, conversion.TooLong)
}
