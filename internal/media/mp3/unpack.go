package mp3

import (
	"bytes"
	"fmt"
)

// maxReservoir is how far before its slot a frame's main data may begin, in bytes: main_data_begin has
// nine bits in MPEG-1 and eight else.
const maxReservoir = 511

// Unit is a frame together with where its sound is. A frame's main data may begin in the slots of the frames before it
// (the bit reservoir), so that two encoders can describe the same sound in frames that differ.
type Unit struct {
	Frame     // Data is the Unit's own
	Begin int // how many bytes before this frame's slot its main data begins: main_data_begin
	Bits  int // of main data: scale factors and Huffman codes of all granules and channels
	Free  int // bytes between the end of the main data and the end of the slot
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

// Unpacker finds the main data of successive frames. The zero value is ready.
type Unpacker struct {
	unused int // bytes of the slots so far behind the main data of the last frame
}

// Add returns the next frame as a Unit, which keeps the frame's Data. Main data that begins before the first frame,
// or overlaps that of the frame before or exceeds its own slot, is ErrCorrupt.
func (u *Unpacker) Add(frame Frame) (Unit, error) {
	if len(frame.Data) != frame.Size() || len(frame.Data) < frame.slot() {
		return Unit{}, fmt.Errorf("%w: a frame is too short for its side information", ErrCorrupt)
	}
	unit := Unit{Frame: frame, Begin: frame.begin(), Bits: frame.mainBits()}
	if unit.Begin > u.unused {
		return Unit{}, fmt.Errorf("%w: main data begins %d bytes early, where %d are free", ErrCorrupt, unit.Begin, u.unused)
	}
	room := unit.Begin + len(frame.Data) - frame.slot()
	unit.Free = room - unit.size()
	if unit.Free < 0 {
		return Unit{}, fmt.Errorf("%w: %d bytes of main data in %d", ErrCorrupt, unit.size(), room)
	}
	u.unused = min(unit.Free, maxReservoir)
	return unit, nil
}

// size is the length of the main data in bytes; not all bits of the last one need be used.
func (u Unit) size() int {
	return (u.Bits + 7) / 8
}

// Units are successive frames of one encoder, its first one first.
type Units []Unit

// main gathers the main data of frame i; unused bits of the last byte are 0.
func (u Units) main(i int) []byte {
	unit := u[i]
	data := u.before(i, unit.Begin)
	data = append(data, unit.Data[unit.slot():]...)[:unit.size()]
	if spare := len(data)*8 - unit.Bits; spare > 0 {
		data[len(data)-1] &= 0xFF << spare
	}
	return data
}

// before returns the last n bytes of the slots in front of frame i: there are as many, Unpacker has seen to it.
func (u Units) before(i, n int) []byte {
	data := make([]byte, n, n+MaxFrameSize)
	for n > 0 {
		i--
		slot := u[i].Data[u[i].slot():]
		n -= copy(data[max(0, n-len(slot)):n], slot[max(0, len(slot)-n):])
	}
	return data
}

// Sounds tells whether frame i and frame j of v hold the same sound: all that a decoder makes sound of is the same,
// though it may stand elsewhere and in frames of other sizes.
func (u Units) Sounds(i int, v Units, j int) bool {
	a, b := u[i].Header, v[j].Header
	a.BitrateIndex, b.BitrateIndex, a.Padding, b.Padding = 0, 0, false, false
	return a == b && u[i].Bits == v[j].Bits && sameBehind(u[i].side(), v[j].side(), a.beginBits()) &&
		bytes.Equal(u.main(i), v.main(j))
}

// Same tells whether frame i and frame j of v are the same but for stuffing bits, which mean nothing.
func (u Units) Same(i int, v Units, j int) bool {
	return u[i].Header == v[j].Header && u[i].Begin == v[j].Begin && u.Sounds(i, v, j)
}

// sameBehind compares all but the first n bits, 8 or 9.
func sameBehind(a, b []byte, n int) bool {
	mask := byte(0xFF >> (n - 8))
	return len(a) == len(b) && a[1]&mask == b[1]&mask && bytes.Equal(a[2:], b[2:])
}
