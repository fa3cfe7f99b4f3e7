package transcode

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mp3"
)

// errNotCopied says that copying would not give the sound that encoding gives.
var errNotCopied = errors.New("not copied")

// copy takes the source's own frames. They must be whole and as many as the source promises: what has gaps or
// damage is decoded instead, which can fill and conceal.
func (r *run) copy(ctx context.Context, p *plan, out *canvas, tag []byte) (conversion.MP3, error) {
	r.meter.phase(0)
	a := &assembly{canvas: out, tag: tag, limit: r.limit()}
	end, err := r.ffmpeg(ctx, p, r.copyArgs(p), a.take)
	switch {
	case errors.Is(err, mp3.ErrCorrupt):
		return conversion.MP3{}, fmt.Errorf("%w: %w", errNotCopied, err)
	case err != nil:
		return conversion.MP3{}, err
	case end.killed():
		return conversion.MP3{}, r.judge(p, end, false)
	case end.exit != nil || a.meter.Frames() == 0:
		return conversion.MP3{}, fmt.Errorf("%w: %s", errNotCopied, end.log)
	}
	if err := p.complete(&a.meter); err != nil {
		return conversion.MP3{}, err
	}
	done, err := a.finish(p.copiedInfo(&a.meter))
	if err != nil {
		return conversion.MP3{}, fmt.Errorf("convert: %w", err)
	}
	made := p.describe(done, end)
	made.Copied = true
	return made, nil
}

// complete compares what was copied with what the container promises: there may be gaps. An MP3 file has no
// clock and thus no gaps; what it lacks is lost.
func (p *plan) complete(meter *mp3.Meter) error {
	const tolerated = 200 * time.Millisecond
	difference := (meter.Duration() - p.track.Duration).Abs()
	if p.track.exact && !p.source.is("mp3") && difference > tolerated {
		return fmt.Errorf("%w: %s of frames for %s of sound", errNotCopied, meter.Duration(), p.track.Duration)
	}
	return nil
}

// copiedInfo takes delay and padding over from the source's own header, or from what its container says.
func (p *plan) copiedInfo(meter *mp3.Meter) mp3.Info {
	info := meter.Info()
	info.Encoder = ""
	if own := p.source.own; own != nil && (own.Frames == 0 || own.Frames == info.Frames) {
		info.Encoder, info.Delay, info.Padding = own.Encoder, own.Delay, own.Padding
		return info
	}
	if p.track.skip < mp3.DecoderDelay {
		return info
	}
	info.Encoder = "Lavf" // players heed the delay only of encoders that they know
	info.Delay = p.track.skip - mp3.DecoderDelay
	all := meter.Samples() - int64(info.Delay)
	info.Padding = int(all - p.heard(all))
	return info
}
