package container

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"slices"
)

// CutOff tells whether a file of so many bytes lacks its end: whether it says of itself that it has more. ffmpeg plays
// many such files to where they end and calls that a success. False means also that nothing is said, or that the kind
// of file is not known here: neither MPEG-TS nor anything that is meant to be broken off tells its size.
func CutOff(from io.ReaderAt, size int64) bool {
	e := &ending{source{from: from, size: size, bytes: maxBytes, parts: maxEndParts}}
	mark, err := e.read(0, 16)
	if err != nil {
		return false
	}
	switch {
	case string(mark[:4]) == "RIFF":
		return riffCutOff(binary.LittleEndian.Uint32(mark[4:]), size)
	case string(mark[4:8]) == "ftyp":
		return e.boxesCutOff()
	case string(mark[:4]) == "OggS":
		return e.pageCutOff()
	case string(mark[:4]) == "FLV\x01":
		return e.tagCutOff()
	case string(mark) == asfHeader:
		return e.asfCutOff()
	default:
		return false
	}
}

// maxEndParts is how many boxes are passed over on the way to a file's end: a day in fragments of a second.
const maxEndParts = 1 << 18

// ending reads what lies at a file's end, or what its head says of that.
type ending struct{ source }

// riffCutOff is for AVI and WAV (Multimedia Programming Interface and Data Specifications 1.0). Recorders that could not
// know the size leave 0 or the highest number.
func riffCutOff(stated uint32, size int64) bool {
	const header, padding = 8, 1 // not counted in the size that is stated; the last byte
	return stated < math.MaxInt32 && int64(stated)+header > size+padding
}

// kinds are the boxes that a file may end with. Cameras and phones append other things, which look like a box by chance.
var kinds = []string{"free", "mdat", "mfra", "moof", "moov", "sidx", "skip", "styp", "uuid", "wide"}

// boxesCutOff is for MP4 and MOV (ISO 14496-12): the last box reaches beyond the end. A length of 0 means up to it.
func (e *ending) boxesCutOff() bool {
	for at := int64(0); at < e.size; {
		if e.size-at < shortHead {
			return true
		}
		b, length, err := e.head(at)
		switch {
		case err != nil, length == 0:
			return false
		case length > e.size-at:
			return slices.Contains(kinds, b.kind)
		case length < b.from-at:
			return false // nothing that ffmpeg would follow
		}
		at += length
	}
	return false
}

// pageCutOff is for Ogg (RFC 3533, section 6): the last page that begins has fewer bytes than its table says.
func (e *ending) pageCutOff() bool {
	const header, longest = 27, 27 + 255 + 255*255
	tail, err := e.read(max(e.size-longest, 0), min(longest, e.size))
	if err != nil {
		return false
	}
	at := bytes.LastIndex(tail, []byte("OggS"))
	if at < 0 {
		return false
	}
	page := tail[at:]
	if len(page) < header || len(page) < header+int(page[header-1]) {
		return true
	}
	table := page[header : header+int(page[header-1])]
	length := header + len(table)
	for _, segment := range table {
		length += int(segment)
	}
	return length > len(page)
}

// tagCutOff is for FLV (Adobe Flash Video File Format Specification 10.1, annex E.3): the file ends with the size of its
// last tag, which has a size of its own. Some writers leave the 11 bytes of the tag's header out of the former.
func (e *ending) tagCutOff() bool {
	const header, trailer = 11, 4
	tail, err := e.read(e.size-trailer, trailer)
	if err != nil {
		return false
	}
	stated := int64(binary.BigEndian.Uint32(tail))
	for _, length := range []int64{stated, stated + header} {
		tag, err := e.read(e.size-trailer-length, 4)
		if err == nil && length >= header && int64(binary.BigEndian.Uint32(tag)&0xFFFFFF) == length-header {
			return false
		}
	}
	return true
}

// The identities of objects in ASF, as they lie in the file.
const (
	asfHeader     = "\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C"
	asfProperties = "\xA1\xDC\xAB\x8C\x47\xA9\xCF\x11\x8E\xE4\x00\xC0\x0C\x20\x53\x65"
)

// asfCutOff is for Windows Media (Advanced Systems Format Specification 01.20.05, section 3.2): the file's properties
// have its size, unless it was broadcast.
func (e *ending) asfCutOff() bool {
	const objects, head = 30, 24 // bytes of the header object before those in it, and of each of them
	for at := int64(objects); ; {
		object, err := e.read(at, head)
		if err != nil || e.part() != nil {
			return false
		}
		length := int64(binary.LittleEndian.Uint64(object[16:]))
		if string(object[:16]) == asfProperties {
			fields, err := e.read(at+head, 68)
			if err != nil {
				return false
			}
			broadcast := fields[64]&1 != 0
			stated := binary.LittleEndian.Uint64(fields[16:])
			return !broadcast && stated <= math.MaxInt64 && int64(stated) > e.size
		}
		if length < head || length > e.size-at {
			return false
		}
		at += length
	}
}
