package transcode

import (
	"context"
	"debug/elf"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/unreel/unreel/internal/media/encoder"
)

// errUndecoded says that the encoder cannot decode a source by itself: ffmpeg is to do it.
var errUndecoded = fmt.Errorf("%w to decode", errEncoder)

// decodingLibrary is the name of the libavcodec that a program is linked to; empty if it brings its own.
func decodingLibrary(program string) string {
	image, err := elf.Open(program)
	if err != nil {
		return "" // of another system, for one
	}
	defer image.Close()
	names, err := image.ImportedLibraries()
	if err != nil {
		return ""
	}
	at := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, "libavcodec.so.") })
	if at < 0 {
		return ""
	}
	return names[at]
}

// direct tells whether the encoder may decode the track itself, without ffmpeg: all that ffmpeg would do is to decode.
func (r *run) direct(p *plan, loud *loudness) bool {
	return p.track.frames != nil && loud == nil && p.mixing() == nil && p.rate == p.track.SampleRate &&
		p.source.lead(p.track) < leastLead && !r.all.undecoding.Load() && r.library() != ""
}

// portion is what of the track is wanted, in samples: all of its frames, unless a start or an end was asked for.
func (p *plan) portion() (start, count int64) {
	at := func(t time.Duration) int64 {
		return int64(math.Round(float64(t.Round(time.Microsecond).Microseconds()) * float64(p.rate) / 1e6))
	}
	end := p.track.frames.Count*p.track.frames.Samples - p.track.frames.Skip
	if p.options.Start != nil {
		start = min(at(time.Duration(*p.options.Start)), end)
	}
	if p.options.End != nil {
		end = max(min(at(time.Duration(*p.options.End)), end), start)
	}
	return start, end - start
}

// encodeDirectly has the encoder decode and encode, on so many cores.
func (r *run) encodeDirectly(ctx context.Context, cores int, p *plan, a *assembly) (ending, error) {
	file, _, err := openRegular(p.source.Path)
	if err != nil {
		return ending{}, fmt.Errorf("convert: %w", err)
	}
	config := p.encoding(cores)
	if !p.parallel(cores) {
		config.Workers = 1
	}
	video := encoder.Video{Library: r.library(), Stream: p.track.index}
	video.Start, config.Samples = p.portion()
	_, decoded := begin(ctx, "decode")
	err = r.assemble(ctx, p, a, process{
		args: encoder.VideoArgs(config, video), stdin: file, closed: func() { decoded(nil) },
	})
	decoded(err) // if it was not before
	return ending{log: &stderr{samples: config.Samples}}, err
}
