package api

import (
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// Present is a conversion as the API shows it, without its place in the queue.
func Present(c conversion.Conversion) Conversion {
	return Conversion{
		ID:       string(c.ID),
		Status:   c.Status,
		Progress: c.Progress,
		Video: Video{
			Name: c.Video.Name, Size: c.Video.Size, SHA256: c.Video.SHA256,
			Duration: c.Video.Duration.Seconds(), Codec: c.Video.Codec,
		},
		Options:    c.Options.WithDefault(),
		MP3:        PresentMP3(c.MP3),
		Error:      PresentFailure(c.Failure),
		Attempts:   c.Attempts,
		CreatedAt:  c.CreatedAt,
		StartedAt:  optional(c.StartedAt),
		FinishedAt: optional(c.FinishedAt),
		ExpiresAt:  optional(c.ExpiresAt),
	}
}

// PresentMP3 is an MP3 as the API shows it, or nil.
func PresentMP3(mp3 *conversion.MP3) *MP3 {
	if mp3 == nil {
		return nil
	}
	return &MP3{
		Size: mp3.Size, SHA256: mp3.SHA256, Duration: mp3.Duration.Seconds(),
		Bitrate: mp3.Bitrate, SampleRate: mp3.SampleRate, Channels: mp3.Channels,
		Copied: mp3.Copied, Loudness: mp3.Loudness, Warnings: mp3.Warnings,
	}
}

// PresentFailure is a failure as the API shows it, or nil.
func PresentFailure(failure *conversion.Failure) *Failure {
	if failure == nil {
		return nil
	}
	return &Failure{Type: failure.Slug.Type(), Title: failure.Slug.Title(), Detail: failure.Detail}
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
