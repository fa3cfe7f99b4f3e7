// Package encode makes an MP3 on all cores that is the same as one encoder would have made on one. The sound is
// cut into segments, and each is given to an encoder of its own that begins cold. An encoder goes on behind its
// segment's end until its frames and those of the next segment's encoder have been the same for a while: there the
// stream changes over. Two encoders that read the same samples come to agree, mostly within a second; where
// they don't, the earlier one goes on and the later one's work is thrown away. So what comes out is right by
// comparison, whatever the encoder.
//
// It knows the frames (package mp3), but no files, no processes and no particular encoder.
package encode

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"
)

// Encoder makes one MP3 stream of the samples that it is given, in order. It need not be safe for concurrent use.
type Encoder interface {
	// Encode appends to out the bytes of the MP3 that are ready after these samples: full scale is ±32768.
	// right is nil where the format has one channel.
	Encode(out []byte, left, right []float32) ([]byte, error)
	// Flush appends what is left. After it only Close may be called.
	Flush(out []byte) ([]byte, error)
	Close()
}

// How a program around Run exits.
const (
	ExitMissing   = 3 // it has no encoder, and never will
	ExitNoDecoder = 4 // it cannot decode by itself, and never will
	ExitUndecoded = 5 // it cannot decode this sound
)

// Config is how to encode.
type Config struct {
	Format  Format
	Open    func(Format) (Encoder, error) // makes a fresh encoder; called from several goroutines
	Workers int                           // encoders that run at once; with one, nothing is cut
	// Samples is how many there will be of each channel, as far as it is known: segments are then made of one
	// length. 0: unknown. It need not be right.
	Samples int64
	// Segment is the length of a segment in seconds; 0: a good one.
	Segment float64
}

// Run reads interleaved 32-bit little-endian floats, full scale ±1, to their end, and writes the frames of the MP3
// to out: none where there are no samples. What is not a number becomes silence, and what is far too loud for any
// encoder is clipped.
func Run(ctx context.Context, config Config, pcm io.Reader, out io.Writer) error {
	if err := config.Format.Validate(); err != nil {
		return err
	}
	plan := newPlan(config)
	sample := 4 * config.Format.Channels
	sound, err := newWindow(pcm, sample, plan.samples(config.Format)*sample, plan.ahead)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	defer sound.close()
	if config.Workers <= 1 {
		stop := context.AfterFunc(ctx, func() { sound.fail(context.Cause(ctx)) })
		defer stop()
		err = alone(config, plan, sound, out)
	} else {
		err = together(ctx, config, plan, sound, out)
	}
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	return nil
}

// together has several encoders make it.
func together(ctx context.Context, config Config, plan plan, sound *window, out io.Writer) error {
	group, ctx := errgroup.WithContext(ctx)
	crew := newCrew(config, plan, sound, out)
	stop := context.AfterFunc(ctx, func() { crew.fail(context.Cause(ctx)) })
	defer stop()
	for range config.Workers {
		group.Go(crew.work)
	}
	err := group.Wait()
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
