package transcode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// ffmpeg runs ffmpeg over the source, and tells how far it is.
func (r *run) ffmpeg(ctx context.Context, p *plan, args []string, output func(io.Reader) error) (ending, error) {
	var skipped time.Duration
	if p.options.Start != nil {
		skipped = time.Duration(*p.options.Start) - p.seek()
	}
	converting := r.over(p, args)
	converting.output = output
	converting.progress = func(now report) { r.meter.at(now.time - skipped) }
	return r.finish(ctx, p, converting)
}

// over is ffmpeg in its box, with nothing to read but the source and no more time than that allows.
func (r *run) over(p *plan, args []string) process {
	return process{
		box: r.config.Sandbox, path: r.Transcoder.ffmpeg, args: args, reads: []string{p.source.Path},
		deadline: p.deadline(r.config.Grace), stall: r.config.Stall + readingTime(p.source.Size),
	}
}

// finish runs ffmpeg and turns what ended it from outside into the right error.
func (r *run) finish(ctx context.Context, p *plan, ffmpeg process) (ending, error) {
	end, err := ffmpeg.run(ctx)
	if err := r.outside(err); err != nil {
		return end, err
	}
	r.config.Logger.DebugContext(ctx, "ffmpeg ended", "file", label(p.source.Path), "log", end.log.String())
	return end, nil
}

// outside turns what ended a process from outside into the right error.
func (r *run) outside(err error) error {
	switch {
	case errors.Is(err, errDeadline), errors.Is(err, errStalled):
		return timedOut(err)
	case errors.Is(err, errTooLong):
		return tooLong(r.config.MaxDuration)
	case err != nil:
		return fmt.Errorf("convert: %w", err)
	default:
		return nil
	}
}

// judge tells a failure by how ffmpeg ended; sound says whether any came out.
func (r *run) judge(p *plan, end ending, sound bool) error {
	switch {
	case end.killed():
		return fmt.Errorf("convert: ffmpeg was ended by a %w", end.exit)
	case end.log.says("Unknown encoder 'libmp3lame'"):
		return withoutLAME(r.Transcoder.ffmpeg)
	case sound && !end.crashed():
		return nil
	case end.log.says("not on whitelist", "Decoder (codec", "Decoding requested, but no decoder"):
		return undecodable(p.track.Codec)
	case p.options.Start != nil && end.exit == nil:
		return startsBehind(time.Duration(*p.options.Start), p.track.Duration)
	case end.log.says("Cannot allocate memory"):
		return fmt.Errorf("convert: ffmpeg ran out of memory: %s", end.log)
	default:
		return nothingDecoded()
	}
}
