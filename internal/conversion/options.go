package conversion

import (
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"
)

// DefaultVBR is LAME's quality when nothing is asked for: V2, about 190 kbit/s for stereo.
const DefaultVBR = 2

// Options is what the owner asked for. The zero value asks for nothing and means VBR 2, the source's
// rate and channels, its first audio track, all of it.
type Options struct {
	Bitrate    int      `json:"bitrate,omitempty"`     // kbit/s, constant; 0: not asked for
	ABR        int      `json:"abr,omitempty"`         // kbit/s, on average; 0: not asked for
	VBR        *int     `json:"vbr,omitempty"`         // LAME quality, 0 best to 9; nil: DefaultVBR
	Mono       bool     `json:"mono,omitempty"`        // mix down to one channel
	SampleRate int      `json:"sample_rate,omitempty"` // Hz; 0: the source's, or the nearest that MP3 has
	Start      *Time    `json:"start,omitempty"`       // into the source
	End        *Time    `json:"end,omitempty"`         // into the source
	Track      int      `json:"track,omitempty"`       // 1 is the first audio track; 0: the default one
	Loudness   *float64 `json:"loudness,omitempty"`    // target, LUFS
	NoTags     bool     `json:"no_tags,omitempty"`     // write no ID3 tag
	Title      string   `json:"title,omitempty"`
	Artist     string   `json:"artist,omitempty"`
	Album      string   `json:"album,omitempty"`
	Year       string   `json:"year,omitempty"`
}

// Bitrates are the constant bitrates of MPEG-1 and MPEG-2 Layer III in kbit/s (ISO 11172-3 table
// 2.4.2.3, ISO 13818-3), from 32 up.
var Bitrates = []int{32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 192, 224, 256, 320}

// What may be asked for on average, in kbit/s.
const (
	LowestABR  = 8   // the lowest bitrate that Layer III has at any sample rate
	HighestABR = 320 // and the highest
)

// SampleRates are the rates that Layer III has, in Hz; 8000 to 12000 are MPEG 2.5.
var SampleRates = []int{8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000}

// OptionError is an option that cannot be followed.
type OptionError struct {
	Field  string // as in JSON and in forms
	Detail string // what is allowed
}

// Error names the option and the remedy.
func (e *OptionError) Error() string {
	return e.Field + ": " + e.Detail
}

// Validate returns an OptionError for the first option that cannot be followed.
func (o Options) Validate() error {
	for _, check := range []func() error{o.validateKind, o.validateRate, o.validateCut, o.validateSound, o.validateTags} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (o Options) validateKind() error {
	switch {
	case o.Bitrate != 0 && o.ABR != 0:
		return &OptionError{"abr", "give either bitrate or abr, not both"}
	case o.Bitrate != 0 && o.VBR != nil:
		return &OptionError{"vbr", "give either bitrate or vbr, not both"}
	case o.ABR != 0 && o.VBR != nil:
		return &OptionError{"vbr", "give either abr or vbr, not both"}
	}
	return nil
}

func (o Options) validateRate() error {
	switch {
	case o.ABR != 0 && (o.ABR < LowestABR || o.ABR > HighestABR):
		return &OptionError{"abr", fmt.Sprintf("must be from %d to %d kbit/s", LowestABR, HighestABR)}
	case o.Bitrate != 0 && !slices.Contains(Bitrates, o.Bitrate):
		return &OptionError{"bitrate", fmt.Sprintf("must be one of %v kbit/s", Bitrates)}
	case o.VBR != nil && (*o.VBR < 0 || *o.VBR > 9):
		return &OptionError{"vbr", "must be from 0 (best) to 9 (smallest)"}
	case o.SampleRate != 0 && !slices.Contains(SampleRates, o.SampleRate):
		return &OptionError{"sample_rate", fmt.Sprintf("must be one of %v Hz", SampleRates)}
	}
	return nil
}

func (o Options) validateCut() error {
	start := Time(0)
	if o.Start != nil {
		start = *o.Start
	}
	switch {
	case start < 0:
		return &OptionError{"start", "must not be negative"}
	case o.End != nil && *o.End <= start:
		return &OptionError{"end", "must be later than start"}
	}
	return nil
}

func (o Options) validateSound() error {
	switch {
	case o.Track < 0 || o.Track > maxTrack:
		return &OptionError{"track", fmt.Sprintf("must be from 1 (the first) to %d", maxTrack)}
	case o.Loudness != nil && (math.IsNaN(*o.Loudness) || *o.Loudness < -70 || *o.Loudness > -5):
		return &OptionError{"loudness", "must be from -70 to -5 LUFS"}
	}
	return nil
}

// maxTrack is more tracks than any container that people upload has.
const maxTrack = 64

// maxTag is more than players show of a title.
const maxTag = 500

func (o Options) validateTags() error {
	tags := []struct{ field, value string }{
		{"title", o.Title}, {"artist", o.Artist}, {"album", o.Album}, {"year", o.Year},
	}
	for _, tag := range tags {
		if utf8.RuneCountInString(tag.value) > maxTag {
			return &OptionError{tag.field, fmt.Sprintf("must be at most %d characters", maxTag)}
		}
		if !utf8.ValidString(tag.value) {
			return &OptionError{tag.field, "must be UTF-8"}
		}
		if tag.value != "" && o.NoTags {
			return &OptionError{tag.field, "cannot be written with no_tags"}
		}
	}
	return nil
}

// Quality is the VBR quality that these options ask for; it means nothing with a Bitrate or an ABR.
func (o Options) Quality() int {
	if o.VBR == nil {
		return DefaultVBR
	}
	return *o.VBR
}

// WithDefault returns the options with the quality that they mean where no rate is asked for.
func (o Options) WithDefault() Options {
	if o.Bitrate == 0 && o.ABR == 0 {
		quality := o.Quality()
		o.VBR = &quality
	}
	return o
}

// KeepsSound tells whether nothing is asked for that needs the sound decoded, so that MP3 frames in the
// source may be copied as they are.
func (o Options) KeepsSound() bool {
	return o.Bitrate == 0 && o.ABR == 0 && o.VBR == nil && !o.Mono && o.SampleRate == 0 &&
		o.Start == nil && o.End == nil && o.Loudness == nil
}

// Cut returns how much of a source of the given length the options leave.
func (o Options) Cut(length time.Duration) time.Duration {
	if o.End != nil {
		length = min(length, time.Duration(*o.End))
	}
	if o.Start != nil {
		length -= time.Duration(*o.Start)
	}
	return max(length, 0)
}
