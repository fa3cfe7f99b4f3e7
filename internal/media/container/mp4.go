package container

import (
	"encoding/binary"
	"slices"
	"time"
)

// movie is an MP4 or MOV while it is read.
type movie struct {
	*source
	file      File
	ticks     uint32 // a second, of the movie's own clock
	quickTime bool
	media     []box           // what holds the samples
	tracks    []*track        // in the order of the file
	chapters  map[uint32]bool // ids of tracks whose text names chapters
}

// brands are the kinds of MP4 whose boxes mean what they mean to everybody.
var brands = []string{
	"isom", "iso2", "iso4", "iso5", "iso6", "mp41", "mp42", "avc1", "M4A ", "M4V ", "M4B ", "3gp4", "3gp5", "3gp6", "MSNV", "qt  ",
}

// adobe is the identity of a box that holds a description in XML, which ffmpeg passes over.
const adobe = "\xBE\x7A\xCF\xCB\x97\xA9\x42\xE8\x9C\x71\x99\x94\x91\xE3\xAF\xAC"

// readMP4 reads the boxes of ISO 14496-12 and of Apple's QuickTime file format.
func readMP4(src *source) (File, error) {
	m := &movie{source: src, chapters: map[uint32]bool{}}
	m.file.Format = "mov,mp4,m4a,3gp,3g2,mj2"
	var head, index box
	err := src.boxes(0, src.size, func(b box) error {
		switch b.kind {
		case "ftyp":
			return once(&head, b)
		case "moov":
			return once(&index, b)
		case "mdat":
			m.media = append(m.media, b)
			return nil
		case "free", "skip", "wide", "beam", "sefd": // WhatsApp's and Samsung's own
			return nil
		case "uuid":
			return m.passOver(b)
		default:
			return errUnsure // fragments, above all
		}
	})
	if err != nil {
		return File{}, err
	}
	if head.from != 8 || index.kind == "" {
		return File{}, errUnsure
	}
	if err := m.readBrand(head); err != nil {
		return File{}, err
	}
	if err := m.readIndex(index); err != nil {
		return File{}, err
	}
	return m.file, m.finish()
}

func (m *movie) passOver(b box) error {
	id, err := m.fields(b, int64(len(adobe)))
	if err != nil || string(id) != adobe {
		return errUnsure
	}
	return nil
}

func (m *movie) readBrand(b box) error {
	brand, err := m.fields(b, 4)
	if err != nil || !slices.Contains(brands, string(brand)) {
		return errUnsure
	}
	m.quickTime = string(brand) == "qt  "
	return nil
}

func (m *movie) readIndex(index box) error {
	var header box
	described := false
	return m.inside(index, func(b box) error {
		if header.kind == "" && b.kind != "mvhd" {
			return errUnsure
		}
		switch b.kind {
		case "mvhd":
			if err := once(&header, b); err != nil {
				return err
			}
			return m.readHeader(b)
		case "trak":
			if described || len(m.tracks) == maxStreams { // pictures in a description count as streams, too
				return errUnsure
			}
			return m.readTrack(b)
		case "udta":
			described = true
			return m.readUserData(b)
		case "meta":
			described = true
			return m.readKeys(b)
		case "iods", "free", "skip", "wide":
			return nil
		default:
			return errUnsure
		}
	})
}

// readHeader reads the movie header: the clock and the duration of the whole.
func (m *movie) readHeader(b box) error {
	ticks, duration, err := m.clock(b, 80)
	if err != nil {
		return err
	}
	m.ticks = ticks
	// ffmpeg brings it to microseconds by integers.
	micros := rescale(duration, 1_000_000, uint64(ticks))
	if micros > uint64(longest/time.Microsecond) {
		return errUnsure
	}
	m.file.Duration = time.Duration(micros) * time.Microsecond
	return nil
}

// clock reads what the headers of movies and of media begin with; n bytes more must follow.
func (m *movie) clock(b box, n int64) (ticks uint32, duration uint64, err error) {
	version, err := m.fields(b, 4)
	if err != nil {
		return 0, 0, err
	}
	long := int64(version[0])
	if long > 1 {
		return 0, 0, errUnsure
	}
	fields, err := m.fields(b, 4+16+12*long+n)
	if err != nil {
		return 0, 0, err
	}
	if long == 1 {
		ticks, duration = binary.BigEndian.Uint32(fields[20:]), binary.BigEndian.Uint64(fields[24:])
	} else {
		ticks, duration = binary.BigEndian.Uint32(fields[12:]), uint64(binary.BigEndian.Uint32(fields[16:]))
	}
	const most = 1 << 40 // far below what overflows
	if ticks == 0 || ticks > 10_000_000 || duration == 0 || duration > most {
		return 0, 0, errUnsure
	}
	return ticks, duration, nil
}

// rescale is value*to/from, to the nearest, halves away from zero, as ffmpeg's av_rescale.
func rescale(value, to, from uint64) uint64 {
	return (value*to + from/2) / from // value < 2^40, to < 2^24
}

// finish makes the streams of the tracks, when all that they refer to is known.
func (m *movie) finish() error {
	for _, t := range m.tracks {
		if m.chapters[t.id] && t.stream.Kind != Other {
			return errUnsure // ffmpeg makes pictures of chapters of them
		}
		m.file.Streams = append(m.file.Streams, t.stream)
	}
	return nil
}

// holds tells whether bytes at a position are among the samples.
func (m *movie) holds(at, length int64) bool {
	return slices.ContainsFunc(m.media, func(b box) bool { return b.from <= at && at <= b.to-length })
}
