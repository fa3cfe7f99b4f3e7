// Package transcode turns a video's sound into an MP3. It is what Unreel is for: everything around it
// only carries bytes to it and away from it. It knows no service and no store, so that `unreel convert`
// and the converter run the same engine.
//
// The media is hostile. ffmpeg and ffprobe are started in the box of package sandbox, without a shell, with lists
// of what they may open, and with limits of memory, time and output.
//
// What can never be converted as it is comes back as a *conversion.Failure; every other error is a
// passing one.
package transcode

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/encoder"
	"github.com/unreel/unreel/internal/media/sandbox"
)

// Config is what a Transcoder needs to know.
type Config struct {
	FFmpeg  string // path of the program; empty: found on PATH
	FFprobe string // likewise
	TempDir string // for MP3s whose sink cannot be rewritten; empty: the system's

	MaxDuration time.Duration // of the sound that is asked for (UNREEL_MAX_DURATION); 0: no limit
	// Grace is how long a run may take beside twice its sound's duration; 0: five minutes.
	Grace time.Duration
	// Stall is how long ffmpeg may make no progress; 0: one minute.
	Stall time.Duration
	Cores int // that all runs share; 0: all

	Sandbox *sandbox.Box // what ffmpeg runs in; nil: one that is required to be whole

	Logger *slog.Logger // nil: silent
}

// The defaults of Config.
const (
	defaultGrace = 5 * time.Minute
	defaultStall = time.Minute
)

func (c Config) withDefaults() Config {
	if c.TempDir == "" {
		c.TempDir = os.TempDir()
	}
	if c.Grace == 0 {
		c.Grace = defaultGrace
	}
	if c.Stall == 0 {
		c.Stall = defaultStall
	}
	if c.Cores == 0 {
		c.Cores = runtime.GOMAXPROCS(0)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Transcoder converts. All methods may be called concurrently.
type Transcoder struct {
	config  Config
	ffmpeg  string
	ffprobe string
	build   func() (abilities, error) // asks ffmpeg, once, when it first matters
	library func() string             // libavcodec's name, if it is one of the system's
	cores   cores
	all     allCores
}

// New finds ffmpeg and ffprobe. It starts neither of them: a start costs as much as seconds of sound.
func New(config Config) (*Transcoder, error) {
	config = config.withDefaults()
	if config.Sandbox == nil {
		box, err := sandbox.New(sandbox.Required)
		if err != nil {
			return nil, fmt.Errorf("convert: %w", err)
		}
		config.Sandbox = box
	}
	ffmpeg, err := find(config.FFmpeg, "ffmpeg")
	if err != nil {
		return nil, err
	}
	ffprobe, err := find(config.FFprobe, "ffprobe")
	if err != nil {
		return nil, err
	}
	build := sync.OnceValues(func() (abilities, error) {
		config.Logger.Debug("ffmpeg was asked what it can", "path", ffmpeg)
		return inquire(config.Sandbox, ffmpeg)
	})
	return &Transcoder{
		config: config, ffmpeg: ffmpeg, ffprobe: ffprobe, build: build,
		library: sync.OnceValue(func() string { return decodingLibrary(ffmpeg) }),
		all:     allCores{load: sync.OnceValues(encoder.Load)},
	}, nil
}

// Check starts ffmpeg to see that it is of use: an error wraps ErrNoFFmpeg. A service that will convert much
// does it first.
func (t *Transcoder) Check() error {
	_, err := t.build()
	return err
}

// Version is ffmpeg's own name for its version; empty if it can't be asked.
func (t *Transcoder) Version() string {
	return t.can().version
}

// can is what this build of ffmpeg has beside what every one has. A build that can't be asked has nothing: that it
// is of no use shows when it is used.
func (t *Transcoder) can() abilities {
	can, err := t.build()
	if err != nil {
		t.config.Logger.Warn("ffmpeg does not say what it can", "error", err)
	}
	return can
}

// Job is one video to convert.
type Job struct {
	Source  string // path of a local file, only read; its name is never interpreted
	Options conversion.Options
	Cover   []byte // JPEG or PNG for the tag; nil: none
	Cores   int    // to use at most; 0: as many as nobody else uses
	// Sink takes the MP3 from where it stands. When it can be rewritten (an *os.File opened for
	// reading and writing can) the MP3 grows in it from the start. Any other writer gets the MP3 once it is
	// whole and checked, by way of a file in Config.TempDir. After an error its content is of no use.
	Sink io.Writer
}

// Progress is how far a run is.
type Progress struct {
	Fraction float64       // 0 to 1
	Done     time.Duration // of the sound
	Total    time.Duration // of the sound, as far as it is known before the end; 0: unknown
	Speed    float64       // sound a wall clock's second
}

// Result is what a run has made.
type Result struct {
	Source Source
	Track  Track // the one that was converted
	MP3    conversion.MP3
}

// Run converts. It calls progress, which may be nil, from one goroutine at a time and not after it has
// returned; progress must not block.
func (t *Transcoder) Run(ctx context.Context, job Job, progress func(Progress)) (Result, error) {
	if err := job.Options.Validate(); err != nil {
		return Result{}, fmt.Errorf("convert: %w", err)
	}
	if missing := t.config.Sandbox.Missing(); len(missing) > 0 {
		t.config.Logger.WarnContext(ctx, "ffmpeg runs without its whole box", "missing", missing)
	}
	probing, end := begin(ctx, "probe")
	source, err := t.Probe(probing, job.Source)
	end(err)
	if err != nil {
		return Result{}, err
	}
	r := &run{Transcoder: t, job: job, source: source, meter: newProgressMeter(progress)}
	converting, end := begin(ctx, "convert")
	result, err := r.do(converting)
	end(err)
	return result, err
}
