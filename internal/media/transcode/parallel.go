package transcode

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unreel/unreel/internal/media/encode"
	"github.com/unreel/unreel/internal/media/encoder"
)

// allCores is the parallel encoder, once it is needed.
type allCores struct {
	once    sync.Once
	program *encoder.Program // nil: there is none
}

// encoder returns the parallel encoder; nil where there is none.
func (t *Transcoder) encoder(ctx context.Context) *encoder.Program {
	t.all.once.Do(func() {
		program, err := encoder.Load(context.WithoutCancel(ctx), t.config.Sandbox)
		if err != nil {
			t.config.Logger.WarnContext(ctx, "encoding on one core a file", "reason", err)
			return
		}
		t.all.program = program
	})
	return t.all.program
}

// worthIt is how long sound must be for more than one core to save time: a second of it is encoded twice.
const worthIt = 20 * time.Second

// parallel tells whether to encode on several cores.
func (p *plan) parallel(cores int) bool {
	return cores > 1 && (p.expected == 0 || p.expected >= worthIt)
}

// errEncoder says that the parallel encoder has failed, not the source.
var errEncoder = errors.New("the parallel encoder failed")

// encodeOn has ffmpeg decode, and the encoder make the frames on so many cores.
func (r *run) encodeOn(ctx context.Context, cores int, program *encoder.Program, p *plan, loud *loudness, a *assembly) (ending, error) {
	pcm, err := openPipe()
	if err != nil {
		return ending{}, err
	}
	defer pcm.close()
	widen(pcm.write)
	a.progress = r.meter.at
	var (
		decoding  ending
		group, in = errgroup.WithContext(ctx)
	)
	group.Go(func() (err error) {
		defer pcm.write.Close()
		decoding, err = r.decode(in, p, r.decodeArgs(p, loud), pcm.write)
		return err
	})
	group.Go(func() error {
		defer pcm.read.Close()
		return r.assemble(in, process{
			box: r.config.Sandbox, path: encoder.Name, image: program.Image(), args: encoder.Args(p.encoding(cores)), stdin: pcm.read,
			output: a.take, deadline: p.deadline(r.config.Grace),
		})
	})
	err = group.Wait()
	return decoding, err
}

// assemble runs the encoder and takes its frames.
func (r *run) assemble(ctx context.Context, p process) (err error) {
	ctx, end := begin(ctx, "encode")
	defer func() { end(err) }()
	encoding, err := p.run(ctx)
	switch {
	case err != nil:
		return r.outside(err)
	case encoding.exit != nil:
		return fmt.Errorf("%w: %w: %s", errEncoder, encoding.exit, encoding.log)
	default:
		return nil
	}
}

// encoding is what the parallel encoder is asked for.
func (p *plan) encoding(cores int) encode.Config {
	config := encode.Config{
		Format:  encode.Format{Rate: p.rate, Channels: p.channels, Bitrate: p.bitrate},
		Workers: cores,
		Samples: int64(math.Round(p.expected.Seconds() * float64(p.rate))),
	}
	if p.bitrate == 0 {
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
