package mp3

import (
	"bytes"
	"fmt"
)

// maxReservoir is how far before its slot a frame's main data may begin, in bytes: main_data_begin has
// nine bits in MPEG-1 and eight else.
const maxReservoir = 511

// Unit is a frame together with its sound. A frame's main data may begin in the slots of the frames before it
// (the bit reservoir), so that two encoders can describe the same sound in frames that differ.
type Unit struct {
	Frame        // Data is the Unit's own
	Begin int    // how many bytes before this frame's slot its main data begins: main_data_begin
	Bits  int    // of main data: scale factors and Huffman codes of all granules and channels
	Main  []byte // the main data; unused bits of the last byte are 0
	Free  int    // bytes between the end of the main data and the end of the slot
}

// slot is where in a frame's data main data may stand: behind header, CRC and side information.
func (h Header) slot() int {
	at := HeaderSize + h.sideInfoSize()
	if h.Protected {
		at += 2
	}
	return at
}

// side is the frame's side information (11172-3 2.4.1.7, 13818-3 2.4.1.7).
func (f Frame) side() []byte {
	return f.Data[f.slot()-f.sideInfoSize() : f.slot()]
}

// beginBits is the width of main_data_begin, with which side information starts.
func (h Header) beginBits() int {
	if h.mpeg1() == 1 {
		return 9
	}
	return 8
}

// begin reads main_data_begin.
func (f Frame) begin() int {
	return bitsAt(f.side(), 0, f.beginBits())
}

// mainBits adds up part2_3_length over granules and channels.
func (f Frame) mainBits() int {
	const length = 12
	first, granule, granules := f.beginBits(), 63, 1
	switch {
	case f.mpeg1() == 1 && f.Channels() == 1:
		first, granule, granules = first+5+4, 59, 2
	case f.mpeg1() == 1:
		first, granule, granules = first+3+8, 59, 2
	default:
		first += f.Channels() // private bits
	}
	bits := 0
	for i := range granules * f.Channels() {
		bits += bitsAt(f.side(), first+i*granule, length)
	}
	return bits
}

func bitsAt(raw []byte, at, n int) (value int) {
	for i := at; i < at+n; i++ {
		value = value<<1 | int(raw[i/8]>>(7-i%8)&1)
	}
	return value
}

// Unpacker takes the main data of successive frames out of the bit reservoir. The zero value is ready.
type Unpacker struct {
	tail   []byte // the last bytes of the slots so far
	unused int    // bytes of tail behind the main data of the last frame
}

// Add returns the next frame as a Unit. Main data that begins before the first frame, or overlaps that of
// the frame before or exceeds its own slot, is ErrCorrupt.
func (u *Unpacker) Add(frame Frame) (Unit, error) {
	if len(frame.Data) != frame.Size() || len(frame.Data) < frame.slot() {
		return Unit{}, fmt.Errorf("%w: a frame is too short for its side information", ErrCorrupt)
	}
	unit := Unit{
		Frame: Frame{Header: frame.Header, Data: bytes.Clone(frame.Data)},
		Begin: frame.begin(), Bits: frame.mainBits(),
	}
	slot := unit.Data[frame.slot():]
	size := (unit.Bits + 7) / 8
	if unit.Begin > u.unused {
		return Unit{}, fmt.Errorf("%w: main data begins %d bytes early, where %d are free", ErrCorrupt, unit.Begin, u.unused)
	}
	u.tail = append(u.tail, slot...)
	rest := u.tail[len(u.tail)-len(slot)-unit.Begin:]
	if size > len(rest) {
		return Unit{}, fmt.Errorf("%w: %d bytes of main data in %d", ErrCorrupt, size, len(rest))
	}
	unit.Main = bytes.Clone(rest[:size])
	if spare := size*8 - unit.Bits; spare > 0 {
		unit.Main[size-1] &= 0xFF << spare
	}
	unit.Free = len(rest) - size
	u.unused = min(unit.Free, maxReservoir)
	if keep := len(u.tail) - maxReservoir; keep > 0 {
		u.tail = append(u.tail[:0], u.tail[keep:]...)
	}
	return unit, nil
}

// Sounds tells whether two frames hold the same sound: all that a decoder makes sound of is the same, though it
// may stand elsewhere and in frames of other sizes.
func (u Unit) Sounds(v Unit) bool {
	a, b := u.Header, v.Header
	a.BitrateIndex, b.BitrateIndex, a.Padding, b.Padding = 0, 0, false, false
	return a == b && u.Bits == v.Bits && bytes.Equal(u.Main, v.Main) && sameBehind(u.side(), v.side(), u.beginBits())
}

// Same tells whether two frames are the same but for stuffing bits, which mean nothing.
func (u Unit) Same(v Unit) bool {
	return u.Header == v.Header && u.Begin == v.Begin && u.Sounds(v)
}

// sameBehind compares all but the first n bits, 8 or 9.
func sameBehind(a, b []byte, n int) bool {
	mask := byte(0xFF >> (n - 8))
	return len(a) == len(b) && a[1]&mask == b[1]&mask && bytes.Equal(a[2:], b[2:])
}
