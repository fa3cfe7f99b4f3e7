package transcode

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/id3"
	"github.com/unreel/unreel/internal/media/mp3"
)

// run is one call of Run.
type run struct {
	*Transcoder
	job    Job
	source Source
	meter  *progressMeter
}

// Shares of the work when loudness is measured before and after.
const measureShare, encodeShare, verifyShare = 0.35, 0.5, 0.15

func (r *run) do(ctx context.Context) (Result, error) {
	p, err := r.makePlan(r.source, r.job.Options)
	if err != nil {
		return Result{}, err
	}
	tag, err := r.tag()
	if err != nil {
		return Result{}, fmt.Errorf("convert: %w", err)
	}
	r.meter.total = p.expected
	out, err := newCanvas(r.job.Sink, r.config.TempDir, r.job.Options.Loudness != nil)
	if err != nil {
		return Result{}, fmt.Errorf("convert: %w", err)
	}
	defer out.close()

	result := Result{Source: r.source, Track: p.track}
	if result.MP3, err = r.convert(ctx, &p, out, tag); err != nil {
		return Result{}, err
	}
	if err := out.deliver(result.MP3.Size); err != nil {
		return Result{}, fmt.Errorf("convert: %w", err)
	}
	r.meter.end(result.MP3.Duration)
	result.Track.Duration = p.found(result.MP3.Duration)
	return result, nil
}

// found is how long the track is, now that all of it was heard: some containers only let that be guessed.
func (p *plan) found(length time.Duration) time.Duration {
	if p.track.exact || p.source.cutOff || p.options.Start != nil || p.options.End != nil {
		return p.track.Duration
	}
	return length - max(p.source.lead(p.track), 0)
}

// tag is what the options say, completed by what the file says of itself.
func (r *run) tag() ([]byte, error) {
	o, own := r.job.Options, r.source.Tags
	if o.NoTags {
		return nil, nil
	}
	return id3.Tag{
		Title:  cmp.Or(o.Title, own.Title),
		Artist: cmp.Or(o.Artist, own.Artist),
		Album:  cmp.Or(o.Album, own.Album),
		Year:   cmp.Or(o.Year, own.Year),
		Cover:  r.job.Cover,
	}.Bytes()
}

// convert copies where it may and comes out right, and else encodes.
func (r *run) convert(ctx context.Context, p *plan, out *canvas, tag []byte) (conversion.MP3, error) {
	if p.copyable() {
		made, err := r.copy(ctx, p, out, tag)
		if err == nil || !errors.Is(err, errNotCopied) {
			return made, err
		}
		r.config.Logger.InfoContext(ctx, "encoding MP3 sound that cannot be copied", "reason", err)
		if err := out.reset(); err != nil {
			return conversion.MP3{}, fmt.Errorf("convert: %w", err)
		}
	}
	return r.encode(ctx, p, out, tag)
}

func (r *run) encode(ctx context.Context, p *plan, out *canvas, tag []byte) (conversion.MP3, error) {
	var loud *loudness
	if p.options.Loudness != nil {
		r.meter.phase(measureShare)
		var err error
		if loud, err = r.measure(ctx, p); err != nil {
			return conversion.MP3{}, err
		}
		if !loud.measurable() {
			p.warnings = append(p.warnings, "the sound is too quiet or too short to measure: its loudness was left as it is")
			loud = nil
		}
		r.meter.phase(encodeShare)
	} else {
		r.meter.phase(1)
	}
	a := &assembly{canvas: out, tag: tag, limit: r.limit()}
	end, err := r.frames(ctx, p, loud, a)
	if err != nil {
		return conversion.MP3{}, err
	}
	if err := r.judge(p, end, a.meter.Frames() > 0); err != nil {
		return conversion.MP3{}, err
	}
	done, err := a.finish(p.encodedInfo(&a.meter, end.log.samples))
	if err != nil {
		return conversion.MP3{}, fmt.Errorf("convert: %w", err)
	}
	made := p.describe(done, end)
	if loud != nil {
		r.meter.phase(verifyShare)
		made.Loudness, err = r.measureMP3(ctx, out.scratch.Name(), done.Duration)
	}
	return made, err
}

// frames fills the assembly, on all cores that are free where that is faster.
func (r *run) frames(ctx context.Context, p *plan, loud *loudness, a *assembly) (ending, error) {
	cores, giveBack := r.cores.take(r.config.Cores, cmp.Or(r.job.Cores, r.config.Cores))
	defer giveBack()
	able := !r.all.unable.Load()
	if able && p.parallel(cores) {
		end, err := r.encodeOn(ctx, cores, p, loud, a)
		if !errors.Is(err, errEncoder) {
			return end, err
		}
		able = false
		r.encoderFailed(ctx, err)
		if err := a.reset(); err != nil {
			return ending{}, err
		}
	}
	end, err := r.ffmpeg(ctx, p, r.encodeArgs(p, loud), a.take)
	if err != nil || !end.crashed() || !able {
		return end, err
	}
	return r.tamed(ctx, cores, p, loud, a, end)
}

// tamed encodes what ffmpeg has crashed over. LAME aborts on sound beyond all reason and on what is no number, of which
// our encoder makes something that it takes.
func (r *run) tamed(ctx context.Context, cores int, p *plan, loud *loudness, a *assembly, crashed ending) (ending, error) {
	if err := a.reset(); err != nil {
		return ending{}, err
	}
	end, err := r.encodeOn(ctx, cores, p, loud, a)
	if errors.Is(err, errEncoder) {
		r.encoderFailed(ctx, err)
		return crashed, a.reset()
	}
	return end, err
}

// limit is the most sound that may come out, with room for a duration that the file states a little wrong.
func (r *run) limit() time.Duration {
	if r.config.MaxDuration == 0 {
		return 0
	}
	return r.config.MaxDuration + r.config.MaxDuration/100 + 5*time.Second
}

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

// encodedInfo is the header of an MP3 of so many samples: LAME puts 576 in front.
func (p *plan) encodedInfo(meter *mp3.Meter, samples int64) mp3.Info {
	const lameDelay = 576
	info := meter.Info()
	info.Encoder = "LAME3.100"
	info.Delay = lameDelay
	if samples > 0 {
		info.Padding = int(max(meter.Samples()-lameDelay-p.heard(samples), 0))
	}
	switch {
	case p.abr > 0:
		// LAME says so even where all frames came out alike, and its own quality, which nobody asked for.
		info.VBR, info.Method, info.Bitrate, info.Quality = true, mp3.MethodABR, p.abr, 57
	case info.VBR && p.bitrate == 0:
		info.Quality = uint32(100 - 10*p.options.Quality())
	}
	return info
}

// heard is how many of the samples players of the source would play. Where an MP4 says exactly when the sound
// ends, the rest of the last frames of the source's codec lies behind that: less than AAC's longest frame and
// one of an MP3 that was encoded with another's delay.
func (p *plan) heard(samples int64) int64 {
	wanted := int64(math.Round(p.expected.Seconds() * float64(p.rate)))
	if p.track.exact && p.source.is("mov") && samples > wanted && samples-wanted < 2048+1152 {
		return wanted
	}
	return samples
}

// describe is what the owner is told.
func (p *plan) describe(done finished, end ending) conversion.MP3 {
	made := conversion.MP3{
		Size: done.size, SHA256: done.sha256, Duration: done.Duration,
		Bitrate: done.Bitrate, SampleRate: done.SampleRate, Channels: done.Channels,
	}
	made.Warnings = append(made.Warnings, p.warnings...)
	made.Warnings = append(made.Warnings, p.shortfall(done.Duration, end.log)...)
	return made
}

// shortfall says what of the sound is missing.
func (p *plan) shortfall(length time.Duration, log *stderr) []string {
	var warnings []string
	missing := p.expected - length
	cut := p.source.cutOff || log.says("File ended prematurely", "partial file", "Truncat", "truncat")
	tolerated := 500*time.Millisecond + p.expected/1000
	if p.expected > 0 && missing > tolerated && (p.track.exact || cut) {
		warnings = append(warnings, fmt.Sprintf("only %s of %s could be read: the file seems to be cut off",
			clockText(length), clockText(p.expected)))
	}
	if len(warnings) == 0 && p.source.cutOff && p.options.End == nil {
		warnings = append(warnings, "the file is shorter than it says: its end is missing")
	}
	if log.damaged > 0 {
		warnings = append(warnings, fmt.Sprintf("%d damaged pieces of the sound could not be read", log.damaged))
	}
	if len(warnings) == 0 && log.broken {
		warnings = append(warnings, "the file is damaged in places: some of the sound may be missing there")
	}
	return warnings
}
