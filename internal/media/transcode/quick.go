package transcode

import (
	"io"

	"github.com/unreel/unreel/internal/media/container"
)

// readPlain makes the Source of a file that needs no ffprobe: one that is plain and says all of itself. It
// is what parseProbe would make.
func readPlain(from io.ReaderAt, size int64) (Source, bool) {
	file, ok := container.Read(from, size)
	if !ok {
		return Source{}, false
	}
	source := Source{Format: file.Format, Duration: file.Duration, Tags: Tags(file.Tags)}
	source.plain = source.is("mov")
	for index, stream := range file.Streams {
		switch stream.Kind {
		case container.Picture:
			if !source.pictured {
				source.picture, source.pictured = stream.Start, true
			}
		case container.Sound:
			source.addPlain(index, stream)
		case container.Other:
		}
	}
	return source, true
}

func (s *Source) addPlain(index int, stream container.Stream) {
	track := Track{
		Number: len(s.Tracks) + 1, Codec: stream.Codec, SampleRate: stream.Rate, Channels: stream.Channels, Layout: stream.Layout,
		Default: stream.Default, Duration: stream.Duration,
		index: index, start: stream.Start, exact: stream.Duration > 0, dense: stream.Gap <= buffer,
		frames: stream.Frames,
	}
	if !track.exact {
		track.Duration = s.Duration
	}
	s.Tracks = append(s.Tracks, track)
}
