// Package mp3 reads and writes the frames of MPEG audio Layer III: bytes in, bytes out. It knows no
// files, no ffmpeg and no service, so that what comes out of an encoder can be checked, measured and
// given a header by code that is easy to test and safe against hostile input.
//
// Frames are those of ISO/IEC 11172-3 (MPEG-1) and 13818-3 (MPEG-2), and the lower rates that everybody
// calls MPEG 2.5.
package mp3

import (
	"encoding/binary"
	"errors"
)

// ErrCorrupt says that bytes are not the MPEG audio Layer III that they should be.
var ErrCorrupt = errors.New("not MPEG audio Layer III")

// Version is the MPEG version of a frame, in the coding of the header's two bits.
type Version byte

// The versions; 1 is reserved.
const (
	MPEG25 Version = 0
	MPEG2  Version = 2
	MPEG1  Version = 3
)

// Mode is the channel mode of a frame, in the coding of the header's two bits.
type Mode byte

// The channel modes.
const (
	Stereo      Mode = 0
	JointStereo Mode = 1
	DualChannel Mode = 2
	Mono        Mode = 3
)

// HeaderSize is the length of a frame's header in bytes.
const HeaderSize = 4

// MaxFrameSize is the length in bytes of the longest frame that a header can announce: 320 kbit/s at
// 32 kHz, or 160 kbit/s at 8 kHz, padded.
const MaxFrameSize = 1441

// Header is the header of one frame.
type Header struct {
	Version      Version
	Protected    bool // a CRC follows the header
	BitrateIndex int  // 1 to 14
	RateIndex    int  // 0 to 2
	Padding      bool
	Private      bool
	Mode         Mode
	ModeExt      byte // which joint stereo tools are on
	Copyright    bool
	Original     bool
	Emphasis     byte
}

// layer3 is Layer III in the coding of the header's two bits.
const layer3 = 1

// ParseHeader reads a frame's header from the start of raw. Headers that announce a reserved value, no
// length ("free format", which no encoder of this century writes) or another layer are ErrCorrupt.
func ParseHeader(raw []byte) (Header, error) {
	if len(raw) < HeaderSize {
		return Header{}, ErrCorrupt
	}
	bits := binary.BigEndian.Uint32(raw)
	h := Header{
		Version:      Version(bits >> 19 & 3),
		Protected:    bits>>16&1 == 0,
		BitrateIndex: int(bits >> 12 & 15),
		RateIndex:    int(bits >> 10 & 3),
		Padding:      bits>>9&1 == 1,
		Private:      bits>>8&1 == 1,
		Mode:         Mode(bits >> 6 & 3),
		ModeExt:      byte(bits >> 4 & 3),
		Copyright:    bits>>3&1 == 1,
		Original:     bits>>2&1 == 1,
		Emphasis:     byte(bits & 3),
	}
	const sync, reserved = 0x7FF, 1
	if bits>>21 != sync || bits>>17&3 != layer3 || h.Version == reserved ||
		h.BitrateIndex == 0 || h.BitrateIndex == 15 || h.RateIndex == 3 {
		return Header{}, ErrCorrupt
	}
	return h, nil
}

// Bytes is the header as it stands before a frame.
func (h Header) Bytes() [HeaderSize]byte {
	bits := uint32(0x7FF)<<21 | uint32(h.Version)<<19 | layer3<<17 | bit(!h.Protected)<<16 |
		uint32(h.BitrateIndex)<<12 | uint32(h.RateIndex)<<10 | bit(h.Padding)<<9 | bit(h.Private)<<8 |
		uint32(h.Mode)<<6 | uint32(h.ModeExt)<<4 | bit(h.Copyright)<<3 | bit(h.Original)<<2 |
		uint32(h.Emphasis)
	var raw [HeaderSize]byte
	binary.BigEndian.PutUint32(raw[:], bits)
	return raw
}

func bit(on bool) uint32 {
	if on {
		return 1
	}
	return 0
}

// bitrates are in kbit/s, by index: MPEG-1 (11172-3 table 2.4.2.3) and the lower rates (13818-3).
var bitrates = [2][15]int{
	{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
	{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
}

// Bitrate is the frame's bitrate in bit/s.
func (h Header) Bitrate() int {
	return bitrates[h.mpeg1()][h.BitrateIndex] * 1000
}

// SampleRate is the sound's rate in Hz.
func (h Header) SampleRate() int {
	rate := [3]int{44100, 48000, 32000}[h.RateIndex]
	switch h.Version {
	case MPEG2:
		return rate / 2
	case MPEG25:
		return rate / 4
	default:
		return rate
	}
}

// Channels is 1 or 2.
func (h Header) Channels() int {
	if h.Mode == Mono {
		return 1
	}
	return 2
}

// Samples is how many samples of each channel a frame decodes to.
func (h Header) Samples() int {
	return 576 << h.mpeg1()
}

// Size is the frame's length in bytes, its header included.
func (h Header) Size() int {
	return h.Samples()/8*h.Bitrate()/h.SampleRate() + int(bit(h.Padding))
}

// sideInfoSize is the length in bytes of what stands between header (or CRC) and main data.
func (h Header) sideInfoSize() int {
	switch {
	case h.Version == MPEG1 && h.Mode != Mono:
		return 32
	case h.Version == MPEG1 || h.Mode != Mono:
		return 17
	default:
		return 9
	}
}

func (h Header) mpeg1() int {
	return int(bit(h.Version == MPEG1))
}

// Bitrates returns the bitrates that frames of a sample rate can have, in kbit/s, rising; nil for a
// rate that Layer III lacks. Decoders disagree about more than 64 kbit/s at the rates of MPEG 2.5, and
// LAME does not write them.
func Bitrates(sampleRate int) []int {
	switch sampleRate {
	case 32000, 44100, 48000:
		return bitrates[1][1:]
	case 16000, 22050, 24000:
		return bitrates[0][1:]
	case 8000, 11025, 12000:
		return bitrates[0][1:9]
	default:
		return nil
	}
}
