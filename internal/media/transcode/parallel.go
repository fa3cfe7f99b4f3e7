package transcode

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unreel/unreel/internal/media/encode"
	"github.com/unreel/unreel/internal/media/encoder"
)

// allCores is what is known of the parallel encoder.
type allCores struct {
	load   func() (*os.File, error) // the program, once
	worked atomic.Bool
	unable atomic.Bool // for good

	undecoding atomic.Bool // it cannot decode, for good
}

// encoderFailed makes the best of it. Where the encoder cannot start, and never could, it never will.
func (t *Transcoder) encoderFailed(ctx context.Context, reason error) {
	switch {
	case errors.Is(reason, errUnable) && !t.all.worked.Load():
		t.all.unable.Store(true)
		t.config.Logger.WarnContext(ctx, "encoding on one core a file", "reason", reason)
	case errors.Is(reason, errUndecoded):
		t.config.Logger.DebugContext(ctx, "decoding by ffmpeg", "reason", reason)
	default:
		t.config.Logger.WarnContext(ctx, "encoding again on one core", "reason", reason)
	}
}

// worthIt is how long sound must be for more than one core to save time: a second of it is encoded twice.
const worthIt = 20 * time.Second

// parallel tells whether to encode on several cores.
func (p *plan) parallel(cores int) bool {
	return cores > 1 && (p.expected == 0 || p.expected >= worthIt)
}

var (
	// errEncoder says that the parallel encoder has failed, not the source.
	errEncoder = errors.New("the parallel encoder failed")
	// errUnable says that it cannot run on this machine.
	errUnable = fmt.Errorf("%w to start", errEncoder)
)

// encodeOn has ffmpeg decode, and the encoder make the frames on so many cores. The encoder is ready long before ffmpeg
// has anything for it: nothing is to keep ffmpeg waiting.
func (r *run) encodeOn(ctx context.Context, cores int, p *plan, loud *loudness, a *assembly) (ending, error) {
	pcm, err := openPipe()
	if err != nil {
		return ending{}, err
	}
	defer pcm.close()
	widen(pcm.write)
	var (
		decoding  ending
		group, in = errgroup.WithContext(ctx)
	)
	group.Go(func() (err error) {
		decoding, err = r.decode(in, p, r.decodeArgs(p, loud), pcm.write)
		return err
	})
	group.Go(func() error {
		return r.assemble(in, p, a, process{args: encoder.Args(p.encoding(cores)), stdin: pcm.read})
	})
	err = group.Wait()
	return decoding, err
}

// assemble runs the encoder, of which only the input is given, and takes the frames that it has spliced.
func (r *run) assemble(ctx context.Context, p *plan, a *assembly, encoding process) (err error) {
	image, err := r.all.load()
	if err != nil {
		encoding.closeGiven()
		return fmt.Errorf("%w: %w", errUnable, err)
	}
	ctx, end := begin(ctx, "encode")
	defer func() { end(err) }()
	a.progress = r.meter.at
	encoding.box, encoding.path, encoding.image = r.config.Sandbox, encoder.Name, image
	encoding.output, encoding.deadline = splicing(ctx, a.take), p.deadline(r.config.Grace)
	ended, err := encoding.run(ctx)
	switch {
	case errors.Is(err, errStart):
		return fmt.Errorf("%w: %w", errUnable, err)
	case err != nil:
		return r.outside(err)
	case ended.exit != nil:
		return r.encoderEnded(ended)
	default:
		r.all.worked.Store(true)
		return nil
	}
}

// encoderEnded tells what the encoder means by its exit code.
func (r *run) encoderEnded(end ending) error {
	reason := strings.Join(end.log.summary, "; ")
	switch end.exit.ExitCode() {
	case encode.ExitMissing:
		return fmt.Errorf("%w: %s", errUnable, reason)
	case encode.ExitNoDecoder:
		r.all.undecoding.Store(true)
		return fmt.Errorf("%w: %s", errUndecoded, reason)
	case encode.ExitUndecoded:
		return fmt.Errorf("%w: %s", errUndecoded, reason)
	default:
		return fmt.Errorf("%w: %w: %s", errEncoder, end.exit, reason)
	}
}

// splicing makes a span of the time from the first frames to the last: none leave the encoder before it has joined two
// segments, and each of the others comes at a joint.
func splicing(ctx context.Context, take func(io.Reader) error) func(io.Reader) error {
	return func(from io.Reader) error {
		frames := bufio.NewReaderSize(from, 64<<10)
		_, _ = frames.Peek(1) // its error comes again
		_, end := begin(ctx, "splice")
		err := take(frames)
		end(err)
		return err
	}
}

// encoding is what the parallel encoder is asked for.
func (p *plan) encoding(cores int) encode.Config {
	config := encode.Config{
		Format:  encode.Format{Rate: p.rate, Channels: p.channels, Bitrate: p.bitrate, ABR: p.abr},
		Workers: cores,
		Samples: int64(math.Round(p.expected.Seconds() * float64(p.rate))),
	}
	if p.bitrate == 0 && p.abr == 0 {
		config.Format.VBR = float64(p.options.Quality())
	}
	return config
}

// decode runs ffmpeg with its output going to a pipe. How far it is says nothing: the encoder is behind.
func (r *run) decode(ctx context.Context, p *plan, args []string, out *os.File) (_ ending, err error) {
	ctx, ended := begin(ctx, "decode")
	defer func() { ended(err) }()
	decoding := r.over(p, args)
	decoding.stdout, decoding.progress = out, func(report) {}
	return r.finish(ctx, p, decoding)
}
