package e2e

import (
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/mail"
	"regexp"
	"strings"
	"testing"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// TestMainJob is the way of the README: sign up, log in, upload, read the mail, download.
func TestMainJob(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ada := harness.SignUp(t, s.URL, "ada@example.com")
	id := ada.Upload(t, harness.File(t, mediatest.Video(t, mediatest.Spec{Seconds: 3, Hz: 523})))
	if !regexp.MustCompile(`^[0-9a-f]{24}$`).MatchString(id) {
		t.Fatalf("id %q", id)
	}

	message := mailAbout(t, s, id)
	link := checkMail(t, message, "ada@example.com", "Your MP3 is ready: video.mp4")
	checkTone(t, ada.MP3(t, id), 523, 3, 2)

	c := ada.Conversion(t, id)
	if c.Status != conversion.Completed || c.Progress != 1 || c.Attempts != 1 || c.Video.Codec != "aac" || c.MP3 == nil {
		t.Fatalf("conversion: %+v", c)
	}
	if c.Options.VBR == nil || *c.Options.VBR != conversion.DefaultVBR {
		t.Errorf("options: %+v", c.Options)
	}
	if math.Abs(c.MP3.Duration-3) > 0.03 || c.MP3.SampleRate != 48000 || c.MP3.Channels != 2 || c.MP3.Copied {
		t.Errorf("MP3: %+v", *c.MP3)
	}

	stranger := harness.Stranger(t, s.URL)
	got := stranger.Get(t, harness.Path(t, link))
	if got.Status != http.StatusOK || int64(len(got.Body)) != c.MP3.Size {
		t.Errorf("the link in the mail gives %d, %d bytes; want %d", got.Status, len(got.Body), c.MP3.Size)
	}
	if got := stranger.Get(t, strings.Replace(harness.Path(t, link), "signature=", "signature=x", 1)); got.Status != http.StatusForbidden {
		t.Errorf("a forged link: %s", got)
	}
}

// checkMail wants a mail in text and HTML with this subject, and returns the link that it gives.
func checkMail(t *testing.T, raw, to, subject string) string {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil || decoded != subject {
		t.Errorf("subject %q, %v; want %q", decoded, err, subject)
	}
	if got := message.Header.Get("To"); !strings.Contains(got, to) {
		t.Errorf("to %s, want %s", got, to)
	}
	body, err := io.ReadAll(message.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"text/plain", "text/html"} {
		if !strings.Contains(string(body), kind) {
			t.Errorf("no %s in the mail", kind)
		}
	}
	// Quoted-printable breaks lines with "=" and writes "=" as "=3D".
	text := strings.NewReplacer("=\r\n", "", "=\n", "", "=3D", "=").Replace(string(body))
	return regexp.MustCompile(`http://[^\s"<>]+/mp3\?[^\s"<>]+`).FindString(text)
}

// checkTone wants an MP3 that plays a tone for this many seconds.
func checkTone(t *testing.T, path string, hz, seconds float64, channels int) {
	t.Helper()
	pcm := mediatest.Decode(t, path)
	if len(pcm.Channels) != channels {
		t.Fatalf("%d channels, want %d", len(pcm.Channels), channels)
	}
	// One frame of MPEG-1 Layer III.
	if frame := 1152 / float64(pcm.Rate); math.Abs(pcm.Duration().Seconds()-seconds) > frame {
		t.Errorf("%v long, want %v s and a frame at most", pcm.Duration(), seconds)
	}
	for channel := range channels {
		if got := pcm.Cut(0.2, seconds-0.2).Frequency(channel); math.Abs(got-hz) > 3 {
			t.Errorf("channel %d plays %.1f Hz, want %.1f", channel, got, hz)
		}
	}
}

// TestFailuresAreTold sends what cannot be converted.
func TestFailuresAreTold(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ada := harness.SignUp(t, s.URL, "ada@example.com")
	for name, test := range map[string]struct {
		path string
		want []conversion.Slug
	}{
		"an empty file":         {mediatest.Empty(t), []conversion.Slug{conversion.UnsupportedMedia, conversion.CorruptMedia}},
		"a text":                {mediatest.Text(t), []conversion.Slug{conversion.UnsupportedMedia}},
		"a video without sound": {mediatest.Video(t, mediatest.Spec{NoSound: true}), []conversion.Slug{conversion.NoAudioStream}},
	} {
		t.Run(name, func(t *testing.T) {
			id := ada.Upload(t, harness.File(t, test.path))
			c := ada.Settled(t, id)
			if c.Status != conversion.Failed || c.Error == nil || c.MP3 != nil {
				t.Fatalf("conversion: %+v", c)
			}
			if !anySlug(test.want, c.Error.Type) || c.Error.Detail == "" {
				t.Errorf("error %+v, want one of %v", *c.Error, test.want)
			}
			if c.Attempts != 1 {
				t.Errorf("%d attempts at what can never succeed", c.Attempts)
			}
			message := mailAbout(t, s, id)
			if !strings.Contains(message, "could not be converted") {
				t.Errorf("mail:\n%s", message)
			}
			if got := ada.Get(t, "/download?fid="+id); got.Status != http.StatusNotFound {
				t.Errorf("download: %s", got)
			}
			if got := ada.Get(t, "/v1/conversions/"+id+"/mp3"); got.Status != http.StatusConflict || got.Problem(t) != "conflict" {
				t.Errorf("mp3: %s", got)
			}
		})
	}
}

func anySlug(slugs []conversion.Slug, kind string) bool {
	for _, slug := range slugs {
		if slug.Type() == kind {
			return true
		}
	}
	return false
}

// TestSources converts what people upload and listens to what comes out.
func TestSources(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ada := harness.SignUp(t, s.URL, "ada@example.com")
	for i, spec := range []mediatest.Spec{
		{Container: "mkv", Codec: "libopus", Channels: 1},
		{Container: "webm", Codec: "libvorbis", Rate: 44100},
		{Container: "avi", Codec: "pcm_s16le", Rate: 8000, Channels: 1},
		{Container: "mov", Codec: "aac", Rate: 96000},
		{Container: "ts", Codec: "ac3", Channels: 6},
		{Container: "3gp", Codec: "aac", Rate: 16000, Channels: 1},
	} {
		t.Run(fmt.Sprintf("%s %s %d Hz %d channels", spec.Container, spec.Codec, spec.Rate, spec.Channels), func(t *testing.T) {
			spec.Hz, spec.Seconds = float64(400+50*i), 2
			c := ada.Settled(t, ada.Upload(t, harness.File(t, mediatest.Video(t, spec))))
			if c.Status != conversion.Completed {
				t.Fatalf("conversion: %+v, %+v", c, c.Error)
			}
			channels := 2
			if spec.Channels == 1 {
				channels = 1
			}
			pcm := mediatest.Decode(t, ada.MP3(t, c.ID))
			if len(pcm.Channels) != channels || math.Abs(pcm.Duration().Seconds()-2) > 0.15 {
				t.Errorf("%d channels, %v", len(pcm.Channels), pcm.Duration())
			}
			if got := pcm.Cut(0.3, 1.7).Frequency(0); math.Abs(got-spec.Hz) > 3 {
				t.Errorf("plays %.1f Hz, want %.1f", got, spec.Hz)
			}
		})
	}
}

// mailAbout waits for the one mail that names an id.
func mailAbout(t *testing.T, s *harness.Alone, id string) string {
	t.Helper()
	var mails []string
	harness.Eventually(t, "a mail about "+id, func() error {
		if mails = s.Mails(t, id); len(mails) != 1 {
			return fmt.Errorf("%d mails", len(mails))
		}
		return nil
	})
	return mails[0]
}
