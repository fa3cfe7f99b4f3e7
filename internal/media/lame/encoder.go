package lame

import (
	"fmt"
	"slices"

	"github.com/unreel/unreel/internal/media/encode"
)

// LAME's names for channel modes and kinds of bitrate (lame.h).
const (
	jointStereo, mono               = 1, 3
	averageBitrate, variableBitrate = 3, 4
)

// encoder is one encoder of LAME's.
type encoder struct {
	library *Library
	handle  uintptr
	stereo  bool
}

// New makes an encoder. It may be used by one goroutine at a time.
func (l *Library) New(format encode.Format) (encode.Encoder, error) {
	e := &encoder{library: l, handle: l.create(), stereo: format.Channels == 2}
	if e.handle == 0 {
		return nil, fmt.Errorf("%w: lame_init failed", ErrMissing)
	}
	if err := e.set(format); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// set follows the order of ffmpeg's wrapper.
func (e *encoder) set(format encode.Format) error {
	l, mode := e.library, int32(mono)
	if e.stereo {
		mode = jointStereo
	}
	code := l.setChannels(e.handle, int32(format.Channels))
	code |= l.setMode(e.handle, mode)
	code |= l.setInRate(e.handle, int32(format.Rate))
	code |= l.setOutRate(e.handle, int32(format.Rate))
	switch {
	case format.Bitrate > 0:
		code |= l.setBitrate(e.handle, int32(format.Bitrate))
	case format.ABR > 0:
		code |= l.setVBR(e.handle, averageBitrate)
		code |= l.setMeanBitrate(e.handle, int32(format.ABR))
	default:
		code |= l.setVBR(e.handle, variableBitrate)
		code |= l.setVBRQuality(e.handle, float32(format.VBR))
	}
	code |= l.setWriteTag(e.handle, 0)
	code |= l.setOriginal(e.handle, 1)
	if code == 0 {
		code = l.initParams(e.handle)
	}
	if code != 0 {
		return fmt.Errorf("set up LAME: it refuses %+v with %d", format, code)
	}
	return nil
}

// Encode appends what is ready after these samples, whose full scale is ±32768: ffmpeg's, where LAME's
// own function for floats of ±1 scales by 32767.
func (e *encoder) Encode(out []byte, left, right []float32) ([]byte, error) {
	if len(left) == 0 || e.stereo && len(right) != len(left) {
		return out, fmt.Errorf("encode: %d samples on the left, %d on the right", len(left), len(right))
	}
	var other *float32
	if e.stereo {
		other = &right[0]
	}
	out, room := e.room(out, len(left))
	return e.took(out, e.library.encodeFloat(e.handle, &left[0], other, int32(len(left)), room, int32(cap(out)-len(out))))
}

// Flush appends the last frames.
func (e *encoder) Flush(out []byte) ([]byte, error) {
	out, room := e.room(out, 0)
	return e.took(out, e.library.flushEverything(e.handle, room, int32(cap(out)-len(out))))
}

// room makes as much as lame.h asks for: 1.25 bytes a sample and 7200.
func (e *encoder) room(out []byte, samples int) ([]byte, *byte) {
	out = slices.Grow(out, samples*5/4+7200)
	return out, &out[:cap(out)][len(out)]
}

func (e *encoder) took(out []byte, n int32) ([]byte, error) {
	if n < 0 || int(n) > cap(out)-len(out) {
		return out, fmt.Errorf("encode: LAME ends with %d", n)
	}
	return out[:len(out)+int(n)], nil
}

// Close gives the encoder's memory back.
func (e *encoder) Close() {
	e.library.destroy(e.handle)
}
