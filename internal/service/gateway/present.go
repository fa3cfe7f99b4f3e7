package gateway

import (
	"context"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

// present shows records as their owner sees them.
func (g *Gateway) present(ctx context.Context, records ...ledger.Record) ([]api.Conversion, error) {
	places, err := g.ledger.Places(ctx, records...)
	if err != nil {
		return nil, err
	}
	shown := make([]api.Conversion, len(records)) // a list without any is [], not null
	for i, record := range records {
		shown[i] = presentRecord(record, g.hub.progress(record))
		shown[i].QueuePosition = places[record.ID]
	}
	return shown, nil
}

func presentRecord(record ledger.Record, progress float64) api.Conversion {
	return api.Conversion{
		ID:       string(record.ID),
		Status:   record.Status,
		Progress: progress,
		Video: api.Video{
			Name: record.Video.Name, Size: record.Video.Size, SHA256: record.Video.SHA256,
			Duration: record.Video.Duration.Seconds(), Codec: record.Video.Codec,
		},
		Options:    record.Options.WithDefault(),
		MP3:        presentMP3(record.MP3),
		Error:      presentFailure(record.Failure),
		Attempts:   record.Attempts,
		CreatedAt:  record.CreatedAt,
		StartedAt:  optional(record.StartedAt),
		FinishedAt: optional(record.FinishedAt),
		ExpiresAt:  optional(record.ExpiresAt),
	}
}

func presentMP3(mp3 *conversion.MP3) *api.MP3 {
	if mp3 == nil {
		return nil
	}
	return &api.MP3{
		Size: mp3.Size, SHA256: mp3.SHA256, Duration: mp3.Duration.Seconds(),
		Bitrate: mp3.Bitrate, SampleRate: mp3.SampleRate, Channels: mp3.Channels,
		Copied: mp3.Copied, Loudness: mp3.Loudness, Warnings: mp3.Warnings,
	}
}

func presentFailure(failure *conversion.Failure) *api.Failure {
	if failure == nil {
		return nil
	}
	return &api.Failure{Type: failure.Slug.Type(), Title: failure.Slug.Title(), Detail: failure.Detail}
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
