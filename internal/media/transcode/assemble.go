package transcode

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/unreel/unreel/internal/media/mp3"
)

// assembly lays an MP3 out in a canvas: tag, a place for the header frame, frames.
type assembly struct {
	canvas *canvas
	tag    []byte
	meter  mp3.Meter
	limit  time.Duration // of the sound; 0: none
	// progress is told how much sound there is, now and then; nil: nobody is.
	progress func(time.Duration)
}

var errTooLong = errors.New("more sound than allowed")

// take reads frames to the end. An error of reading them wraps mp3.ErrCorrupt, any other is the canvas's.
func (a *assembly) take(in io.Reader) error {
	out := bufio.NewWriterSize(a.canvas, 256<<10)
	frames := mp3.NewReader(in)
	for {
		frame, err := frames.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if a.meter.Frames() == 0 {
			if err := a.begin(out, frame.Header); err != nil {
				return err
			}
		}
		if err := a.meter.Add(frame); err != nil {
			return err
		}
		if _, err := out.Write(frame.Data); err != nil {
			return fmt.Errorf("write MP3: %w", err)
		}
		if a.limit > 0 && a.meter.Duration() > a.limit {
			return errTooLong
		}
		a.tell()
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write MP3: %w", err)
	}
	return nil
}

// tell is quiet for most frames: hundreds come at once.
func (a *assembly) tell() {
	const often = 128
	if a.progress != nil && a.meter.Frames()%often == 0 {
		a.progress(a.meter.Duration())
	}
}

// reset makes it empty for another attempt.
func (a *assembly) reset() error {
	a.meter, a.progress = mp3.Meter{}, nil
	return a.canvas.reset()
}

func (a *assembly) begin(out io.Writer, like mp3.Header) error {
	for _, part := range [][]byte{a.tag, mp3.Info{}.Frame(like)} {
		if _, err := out.Write(part); err != nil {
			return fmt.Errorf("write MP3: %w", err)
		}
	}
	return nil
}

// finished is an MP3 that was read back.
type finished struct {
	mp3.Stats
	size   int64
	sha256 string
}

// finish writes the header frame, then reads everything back: what is reported is what is there.
func (a *assembly) finish(info mp3.Info) (finished, error) {
	head := info.Frame(a.meter.Header())
	if _, err := a.canvas.WriteAt(head, a.canvas.base+int64(len(a.tag))); err != nil {
		return finished{}, fmt.Errorf("write MP3: %w", err)
	}
	end, err := a.canvas.Seek(0, io.SeekCurrent)
	if err != nil {
		return finished{}, fmt.Errorf("write MP3: %w", err)
	}
	size := end - a.canvas.base
	hash := sha256.New()
	content := io.TeeReader(a.canvas.content(size), hash)
	stats, err := mp3.Inspect(content)
	if err != nil {
		return finished{}, fmt.Errorf("check MP3: %w", err)
	}
	if stats.Frames != a.meter.Frames() || stats.CRC != info.MusicCRC || stats.Info == nil {
		return finished{}, errors.New("check MP3: what was read back is not what was written")
	}
	return finished{Stats: stats, size: size, sha256: hex.EncodeToString(hash.Sum(nil))}, nil
}
