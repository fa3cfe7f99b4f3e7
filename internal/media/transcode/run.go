package transcode

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/id3"
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
	var ways []func() (ending, error) // by our own encoder, the fastest first
	if r.direct(p, loud) {
		ways = append(ways, func() (ending, error) { return r.encodeDirectly(ctx, cores, p, a) })
	}
	if p.parallel(cores) {
		ways = append(ways, func() (ending, error) { return r.encodeOn(ctx, cores, p, loud, a) })
	}
	for _, way := range ways {
		if r.all.unable.Load() {
			break
		}
		end, err := way()
		if !errors.Is(err, errEncoder) {
			return end, err
		}
		r.encoderFailed(ctx, err)
		if err := a.reset(); err != nil {
			return ending{}, err
		}
	}
	end, err := r.ffmpeg(ctx, p, r.encodeArgs(p, loud), a.take)
	if err != nil || !end.crashed() || p.parallel(cores) || r.all.unable.Load() {
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
