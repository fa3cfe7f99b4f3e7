package conversion

import (
	"maps"
	"slices"
)

// Slug is the stable name of a way to fail; a problem's type is "/problems/" and the slug.
type Slug string

// Why a conversion can fail for good.
const (
	NoAudioStream    Slug = "no-audio-stream"
	UnsupportedMedia Slug = "unsupported-media"
	CorruptMedia     Slug = "corrupt-media"
	EncryptedMedia   Slug = "encrypted-media"
	TooLong          Slug = "too-long"
	TooLarge         Slug = "too-large"
	NoSuchTrack      Slug = "no-such-track"
	TimedOut         Slug = "timed-out"
	Internal         Slug = "internal"
)

var titles = map[Slug]string{
	NoAudioStream:    "The video has no sound",
	UnsupportedMedia: "This is not a video or audio file that can be read",
	CorruptMedia:     "The file is damaged",
	EncryptedMedia:   "The file is copy-protected",
	TooLong:          "The video is too long",
	TooLarge:         "The file is too large",
	NoSuchTrack:      "The file has no such audio track",
	TimedOut:         "The conversion took too long",
	Internal:         "Something went wrong on our side",
}

// Slugs has every slug, in the order of the alphabet.
func Slugs() []Slug {
	return slices.Sorted(maps.Keys(titles))
}

// Title is a sentence for people, the same for every failure of this kind.
func (s Slug) Title() string {
	if title, ok := titles[s]; ok {
		return title
	}
	return titles[Internal]
}

// Failure is why a conversion did not end in an MP3 and never will as it is: the lasting kind of error.
// Every other error is a passing one, worth another attempt.
type Failure struct {
	Slug Slug `json:"slug"`
	// Detail tells the owner of this file what is wrong with it and what would help.
	Detail string `json:"detail"`
}

// Fail makes a Failure.
func Fail(slug Slug, detail string) *Failure {
	return &Failure{Slug: slug, Detail: detail}
}

// Error says what failed, for logs.
func (f *Failure) Error() string {
	return string(f.Slug) + ": " + f.Detail
}

// Type is the slug as a problem's type (RFC 9457, section 3.1.1).
func (s Slug) Type() string {
	return "/problems/" + string(s)
}
