package mp3

import (
	"bytes"
	"encoding/binary"
	"math"
)

// DecoderDelay is how many samples every Layer III decoder adds in front of what an encoder was given,
// beside the encoder's own delay.
const DecoderDelay = 529

// Info is what the first frame of an MP3 says about the others: Xing's header with LAME's extension
// (http://gabriel.mp3-tech.org/mp3infotag.html). That frame decodes to nothing.
type Info struct {
	VBR     bool      // "Xing"; else "Info", the name for a constant bitrate
	Frames  uint32    // without this one; 0: not said
	Bytes   uint32    // from this frame's first byte on; 0: not said
	TOC     [100]byte // where in Bytes, in 256ths, each percent of the time begins
	HasTOC  bool
	Quality uint32

	Encoder  string // up to 9 bytes, such as LAME3.100; empty: nothing of what follows is known
	Method   byte   // how the bitrate varies, in LAME's numbers
	Bitrate  int    // kbit/s: the constant, the average that was asked for, or the lowest
	Delay    int    // samples that the encoder put in front; decoders skip DecoderDelay more
	Padding  int    // samples that the encoder put behind the sound
	MusicCRC uint16 // of all bytes after this frame
}

// LAME's numbers for Info.Method.
const (
	MethodCBR byte = 1
	MethodABR byte = 2
	MethodVBR byte = 4 // the one that LAME calls "mtrh", its default
)

// Flags of Xing's header and sizes of its parts, in bytes.
const (
	xingFrames, xingBytes, xingTOC, xingQuality = 1, 2, 4, 8

	xingSize = 4 + 4 + 4 + 4 + 100 + 4
	lameSize = 36
	// delayAt and crcAt are where those fields stand in LAME's extension.
	delayAt, crcAt = 21, 34
)

// maxGap is what the 12 bits for Delay and Padding hold.
const maxGap = 1<<12 - 1

// ParseInfo reads the header frame; false if this frame is an ordinary one.
func ParseInfo(frame Frame) (Info, bool) {
	at := HeaderSize + frame.sideInfoSize()
	if len(frame.Data) < at+8 {
		return Info{}, false
	}
	body := frame.Data[at:]
	info := Info{VBR: bytes.HasPrefix(body, []byte("Xing"))}
	if !info.VBR && !bytes.HasPrefix(body, []byte("Info")) {
		return Info{}, false
	}
	rest, ok := info.parseXing(binary.BigEndian.Uint32(body[4:]), body[8:])
	if ok && len(rest) >= lameSize {
		info.parseLAME(rest)
	}
	return info, ok
}

func (i *Info) parseXing(flags uint32, body []byte) (rest []byte, ok bool) {
	word := func(flag uint32) (value uint32) {
		switch {
		case flags&flag == 0:
		case len(body) < 4:
			ok = false
		default:
			value, body = binary.BigEndian.Uint32(body), body[4:]
		}
		return value
	}
	ok = true
	i.Frames = word(xingFrames)
	i.Bytes = word(xingBytes)
	if flags&xingTOC != 0 && ok {
		if ok = len(body) >= len(i.TOC); ok {
			i.HasTOC = true
			body = body[copy(i.TOC[:], body):]
		}
	}
	i.Quality = word(xingQuality)
	return body, ok
}

func (i *Info) parseLAME(raw []byte) {
	i.Encoder = string(bytes.TrimRight(raw[:9], "\x00 "))
	if i.Encoder == "" {
		return
	}
	i.Method = raw[9] & 15
	i.Bitrate = int(raw[20])
	i.Delay = int(raw[delayAt])<<4 | int(raw[delayAt+1])>>4
	i.Padding = int(raw[delayAt+1]&15)<<8 | int(raw[delayAt+2])
	i.MusicCRC = binary.BigEndian.Uint16(raw[32:])
}

// InfoHeader is the header of the Info frame for an MP3 with frames like this one: of the same bitrate, which
// simple programs take for the whole MP3's, or of the first that has room.
func InfoHeader(like Header) Header {
	h := Header{
		Version: like.Version, RateIndex: like.RateIndex, Mode: like.Mode, Original: like.Original,
		BitrateIndex: max(like.BitrateIndex, 1),
	}
	for h.BitrateIndex < 14 && h.Size() < HeaderSize+h.sideInfoSize()+xingSize+lameSize {
		h.BitrateIndex++
	}
	return h
}

// Frame lays out the header frame of an MP3 with frames like this one. Its length depends on nothing but
// like, so that the frame can be written last over a place that was kept for it.
func (i Info) Frame(like Header) []byte {
	header := InfoHeader(like)
	frame := make([]byte, header.Size())
	raw := header.Bytes()
	at := copy(frame, raw[:]) + header.sideInfoSize()
	i.putXing(frame[at:])
	if i.Encoder == "" {
		return frame
	}
	lame := frame[at+xingSize:]
	i.putLAME(lame)
	crc := updateCRC(0, frame[:at+xingSize+crcAt])
	binary.BigEndian.PutUint16(lame[crcAt:], crc)
	return frame
}

func (i Info) putXing(body []byte) {
	name := "Info"
	if i.VBR {
		name = "Xing"
	}
	copy(body, name)
	binary.BigEndian.PutUint32(body[4:], xingFrames|xingBytes|xingTOC|xingQuality)
	binary.BigEndian.PutUint32(body[8:], i.Frames)
	binary.BigEndian.PutUint32(body[12:], i.Bytes)
	copy(body[16:], i.TOC[:])
	binary.BigEndian.PutUint32(body[116:], i.Quality)
}

func (i Info) putLAME(raw []byte) {
	copy(raw[:9], i.Encoder)
	raw[9] = i.Method & 15
	raw[20] = byte(min(i.Bitrate, math.MaxUint8))
	delay, padding := clampGap(i.Delay), clampGap(i.Padding)
	raw[delayAt] = byte(delay >> 4)
	raw[delayAt+1] = byte(delay<<4 | padding>>8)
	raw[delayAt+2] = byte(padding)
	binary.BigEndian.PutUint32(raw[28:], i.Bytes)
	binary.BigEndian.PutUint16(raw[32:], i.MusicCRC)
}

func clampGap(samples int) int {
	return min(max(samples, 0), maxGap)
}
