package mp3

import (
	"fmt"
	"math"
	"time"
)

// Meter measures frames as they pass. The zero value is ready.
type Meter struct {
	first   Header
	frames  int64
	size    int64
	crc     uint16
	lowest  int // bit/s
	highest int
	// marks has the size before every step-th frame: enough for a table of contents, however long.
	marks []int64
	step  int64
}

// maxMarks bounds the memory of a Meter; when they are used up, every other one is dropped.
const maxMarks = 800

// Add counts a frame. A frame that cannot follow the ones before it is ErrCorrupt.
func (m *Meter) Add(frame Frame) error {
	if m.frames == 0 {
		m.first, m.step = frame.Header, 1
		m.lowest, m.highest = frame.Bitrate(), frame.Bitrate()
	}
	if frame.SampleRate() != m.first.SampleRate() || frame.Channels() != m.first.Channels() {
		return fmt.Errorf("%w: frame %d has %d Hz and %d channels, the first has %d Hz and %d", ErrCorrupt,
			m.frames, frame.SampleRate(), frame.Channels(), m.first.SampleRate(), m.first.Channels())
	}
	m.mark()
	m.frames++
	m.size += int64(len(frame.Data))
	m.crc = updateCRC(m.crc, frame.Data)
	m.lowest = min(m.lowest, frame.Bitrate())
	m.highest = max(m.highest, frame.Bitrate())
	return nil
}

func (m *Meter) mark() {
	if m.frames%m.step != 0 {
		return
	}
	if len(m.marks) == maxMarks {
		for i := range maxMarks / 2 {
			m.marks[i] = m.marks[2*i]
		}
		m.marks = m.marks[:maxMarks/2]
		m.step *= 2
	}
	if m.frames%m.step == 0 {
		m.marks = append(m.marks, m.size)
	}
}

// Header is the first frame's; the zero Header before any.
func (m *Meter) Header() Header {
	return m.first
}

// Frames is how many frames have passed.
func (m *Meter) Frames() int64 {
	return m.frames
}

// Samples is how many samples of each channel the frames decode to, encoder's and decoder's delay included.
func (m *Meter) Samples() int64 {
	return m.frames * int64(m.first.Samples())
}

// Duration is the time that Samples take.
func (m *Meter) Duration() time.Duration {
	if m.frames == 0 {
		return 0
	}
	return samplesToTime(m.Samples(), m.first.SampleRate())
}

// Constant tells whether all frames have one bitrate.
func (m *Meter) Constant() bool {
	return m.lowest == m.highest
}

// Bitrate is the frames' mean bitrate in bit/s; for a constant one exactly that.
func (m *Meter) Bitrate() int {
	switch {
	case m.frames == 0:
		return 0
	case m.Constant():
		return m.lowest
	default:
		return int(m.size * 8 * int64(m.first.SampleRate()) / m.Samples())
	}
}

// Info fills in what the frames tell; Encoder, Quality, Delay and Padding are the caller's to add.
func (m *Meter) Info() Info {
	if m.frames == 0 {
		return Info{}
	}
	head := int64(InfoHeader(m.first).Size())
	info := Info{
		VBR:      !m.Constant(),
		Frames:   fit(m.frames),
		Bytes:    fit(m.size + head),
		HasTOC:   true,
		Method:   MethodCBR,
		Bitrate:  m.lowest / 1000,
		MusicCRC: m.crc,
	}
	if info.VBR {
		info.Method = MethodVBR
	}
	for percent := range info.TOC {
		frame := m.frames * int64(percent) / 100
		at := head + m.marks[min(frame/m.step, int64(len(m.marks)-1))]
		info.TOC[percent] = byte(min(at*256/(m.size+head), 255))
	}
	return info
}

// fit returns 0, which is "not said", for what the header's 32 bits cannot hold.
func fit(n int64) uint32 {
	if n > math.MaxUint32 {
		return 0
	}
	return uint32(n)
}

// samplesToTime does not overflow before 29 years of 48 kHz, and rounds to the nearest nanosecond.
func samplesToTime(samples int64, rate int) time.Duration {
	r := int64(rate)
	seconds, rest := samples/r, samples%r
	return time.Duration(seconds)*time.Second + time.Duration((rest*int64(time.Second)+r/2)/r)
}
