package notifier

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/unreel/unreel/internal/conversion"
)

// words is what the templates put into sentences, each fit for people and a single line.
type words struct {
	ID, Name       string
	Home, Download string

	Until, Expires string // of the link and of the files; empty: never

	// Of an MP3.
	Size, Duration, Sound string
	Copied                bool
	Warnings              []string

	// Of a failure.
	Title, Detail, Advice string
}

// The longest texts, in characters. A name that a file system allows, of up to 255 bytes, stays whole.
const (
	maxName   = 255
	maxDetail = 1000
)

func describe(c conversion.Conversion, links Links) words {
	w := words{
		ID:       string(c.ID),
		Name:     oneLine(c.Video.Name, maxName),
		Home:     links.Home,
		Download: links.Download,
		Expires:  formatTime(c.ExpiresAt),
	}
	if w.Name == "" {
		w.Name = "your video"
	}
	if c.ExpiresAt.IsZero() || links.Until.Before(c.ExpiresAt) {
		w.Until = formatTime(links.Until)
	}
	if c.MP3 != nil {
		w.Size, w.Duration, w.Sound = formatSize(c.MP3.Size), formatDuration(c.MP3.Duration), formatSound(*c.MP3)
		w.Copied = c.MP3.Copied
		for _, warning := range c.MP3.Warnings {
			w.Warnings = append(w.Warnings, oneLine(warning, maxDetail))
		}
	}
	if c.Failure != nil {
		w.Title = c.Failure.Slug.Title()
		w.Detail = oneLine(c.Failure.Detail, maxDetail)
		w.Advice = adviceOn(c.Failure.Slug)
	}
	return w
}

// oneLine makes a text that somebody else wrote fit to stand in a line of ours: no line ends, no control
// characters, nothing that turns the direction of what follows, and not too long.
func oneLine(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Bidi_Control, r), r == '\uFEFF':
			return -1
		case unicode.IsControl(r), unicode.IsSpace(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return string(runes)
}

// formatSize writes a number of bytes as people say it, in powers of 1000.
func formatSize(size int64) string {
	if size < 1000 {
		return fmt.Sprintf("%d bytes", size)
	}
	value, units := float64(size)/1000, []string{"kB", "MB", "GB", "TB"}
	for value >= 999.95 && len(units) > 1 {
		value, units = value/1000, units[1:]
	}
	return fmt.Sprintf("%.1f %s", value, units[0])
}

// formatDuration writes 4:05 or 1:04:05.
func formatDuration(d time.Duration) string {
	seconds := int64(d.Round(time.Second) / time.Second)
	if seconds < 3600 {
		return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}

func formatSound(mp3 conversion.MP3) string {
	channels := "stereo"
	if mp3.Channels == 1 {
		channels = "mono"
	}
	return fmt.Sprintf("%d kbit/s, %g kHz, %s", (mp3.Bitrate+500)/1000, float64(mp3.SampleRate)/1000, channels)
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2 January 2006, 15:04 UTC")
}

// advice is what the owner can do after a failure.
var advice = map[conversion.Slug]string{
	conversion.NoAudioStream: "Play the video on your computer: if you hear nothing there either, the sound was " +
		"lost when it was recorded or exported. Export it once more with sound and upload that.",
	conversion.UnsupportedMedia: "Upload a video or sound file, such as MP4, MOV, MKV, WebM, AVI or 3GP. If it is " +
		"one, open it in the program that made it and export it as MP4.",
	conversion.CorruptMedia: "Play the file to its end on your computer. If that works, the upload may have " +
		"been incomplete: upload it again. If not, copy it once more from where it came from.",
	conversion.EncryptedMedia: "Copy protection cannot be removed here. Upload a version of the file without it.",
	conversion.TooLong:        "Cut the video into shorter parts, or choose a part of it by start and end when you upload it.",
	conversion.TooLarge:       "Upload a smaller version, for example with a lower picture quality: the sound stays the same.",
	conversion.NoSuchTrack:    "Upload the video again and choose another audio track, or none to get the default one.",
	conversion.TimedOut:       "Try again later. If it fails again, cut the video into shorter parts.",
	conversion.Internal:       "This was not your fault. Try again later; if it fails again, tell us the id below.",
}

func adviceOn(slug conversion.Slug) string {
	if text, ok := advice[slug]; ok {
		return text
	}
	return advice[conversion.Internal]
}
