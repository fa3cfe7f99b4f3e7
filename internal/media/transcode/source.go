package transcode

import (
	"fmt"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/container"
	"github.com/unreel/unreel/internal/media/mp3"
)

// Source is what a file is, as far as it can be known before it is decoded.
type Source struct {
	Path     string
	Size     int64         // bytes
	Format   string        // ffmpeg's name of the container
	Duration time.Duration // of the file; 0: unknown
	Tracks   []Track       // of sound
	Tags     Tags

	picture  time.Duration // where the moving picture begins, on the file's own clock
	pictured bool          // it has one
	cutOff   bool          // it says that it has more bytes
	plain    bool          // all that ffmpeg must know of it is said at its head
	own      *mp3.Info     // the header frame, if the file is an MP3 and has one
}

// Tags is what a file says of itself.
type Tags struct {
	Title, Artist, Album, Year string
}

// Track is one audio stream.
type Track struct {
	Number     int           // 1 is the first audio track
	Codec      string        // ffmpeg's name; empty: unknown to it
	SampleRate int           // Hz; 0: unknown
	Channels   int           // 0: unknown
	Layout     string        // ffmpeg's name of the channels' places; empty: unknown
	Default    bool          // what players choose
	Encrypted  bool          // by copy protection
	Duration   time.Duration // the file's where the track's is unknown; 0: unknown

	index int           // among all streams of the file
	start time.Duration // on the file's clock
	skip  int           // samples at the start of an MP3 that are not to be heard
	exact bool          // Duration is the track's own, and no estimate
	dense bool          // there is little between two pieces of it, as far as that is known

	frames *container.Frames // nil: they are not known
}

// Track returns the track that options ask for: 1 is the first, 0 the default one. That it does not
// exist, or that there is no sound, is a *conversion.Failure.
func (s Source) Track(number int) (Track, error) {
	count := len(s.Tracks)
	switch {
	case count == 0 && s.cutOff:
		return Track{}, unfinished()
	case count == 0:
		return Track{}, conversion.Fail(conversion.NoAudioStream,
			"This file has no audio track. If the original has sound, export it again with the sound switched on.")
	case number > count:
		return Track{}, conversion.Fail(conversion.NoSuchTrack, fmt.Sprintf(
			"Audio track %d was asked for, but %s.", number, available(count)))
	case number > 0:
		return s.Tracks[number-1], nil
	}
	for _, track := range s.Tracks {
		if track.Default {
			return track, nil
		}
	}
	return s.Tracks[0], nil
}

func available(tracks int) string {
	if tracks == 1 {
		return "the file has only one; leave the track out"
	}
	return fmt.Sprintf("the file has %d; choose from 1 to %d", tracks, tracks)
}

// lead is how much later than the picture the sound of a track begins.
func (s Source) lead(track Track) time.Duration {
	if !s.pictured {
		return 0
	}
	return track.start - s.picture
}
