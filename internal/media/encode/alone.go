package encode

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// alone has one encoder make everything: its frames go out as they come.
func alone(config Config, plan plan, sound *window, to io.Writer) error {
	encoder, err := config.Open(config.Format)
	if err != nil {
		return err
	}
	defer encoder.Close()
	const buffer = 32 << 10 // two seconds of an MP3
	out, samples := bufio.NewWriterSize(to, buffer), newSamples(config.Format.Channels, plan.samples(config.Format))
	var frames []byte
	for i := 0; ; i++ {
		raw, err := sound.at(i)
		ended := errors.Is(err, io.EOF)
		switch {
		case ended && i == 0:
			return nil
		case ended:
			frames, err = encoder.Flush(frames[:0])
		case err == nil:
			chunk := samples.read(raw, config.Format.Channels)
			frames, err = encoder.Encode(frames[:0], chunk[0], chunk[1])
			sound.release(i + 1)
		}
		if err != nil {
			return err
		}
		if _, err := out.Write(frames); err != nil {
			return fmt.Errorf("write frames: %w", err)
		}
		if ended {
			return flush(out)
		}
	}
}
