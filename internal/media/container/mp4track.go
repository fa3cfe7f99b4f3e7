package container

import (
	"encoding/binary"
	"math"
	"slices"
)

// track is a track of an MP4 while it is read.
type track struct {
	*movie
	stream   Stream
	id       uint32
	handler  string
	ticks    uint32 // a second, of its own clock
	duration uint64 // in ticks
	edited   bool   // it has an edit list
	edits    uint64 // duration of all of them, in the movie's ticks
	empty    uint64 // of the one before the sound or picture begins, likewise
	config   []byte // of the decoder, where frames can be given to it one by one
	begin    int64  // where the media begins, in ticks
	tables   tables
}

func (m *movie) readTrack(b box) error {
	t := &track{movie: m}
	m.tracks = append(m.tracks, t)
	parts := map[string]*box{"tkhd": {}, "edts": {}, "tref": {}, "mdia": {}}
	err := m.inside(b, func(b box) error {
		if part, ok := parts[b.kind]; ok {
			return once(part, b)
		}
		switch b.kind {
		case "tapt", "free", "skip": // tapt: the picture's aperture
			return nil
		case "udta":
			return m.readTrackData(b)
		default:
			return errUnsure
		}
	})
	if err != nil {
		return err
	}
	for _, step := range []struct {
		kind   string
		needed bool
		read   func(box) error
	}{{"tkhd", true, t.readHeader}, {"edts", false, t.readEdits}, {"tref", false, t.readReferences}, {"mdia", true, t.readMedia}} {
		part := parts[step.kind]
		switch {
		case part.kind != "":
			err = step.read(*part)
		case step.needed:
			err = errUnsure
		}
		if err != nil {
			return err
		}
	}
	return t.finish()
}

func (t *track) readHeader(b box) error {
	fields, err := t.fields(b, 24)
	if err != nil {
		return err
	}
	switch fields[0] {
	case 0:
		t.id = binary.BigEndian.Uint32(fields[12:])
	case 1:
		t.id = binary.BigEndian.Uint32(fields[20:])
	default:
		return errUnsure
	}
	const enabled = 1
	t.stream.Default = fields[3]&enabled != 0
	return nil
}

// readEdits knows an empty edit, by which a track begins late, and one that plays the whole.
func (t *track) readEdits(b box) error {
	var list box
	err := t.inside(b, func(b box) error {
		if b.kind != "elst" {
			return errUnsure
		}
		return once(&list, b)
	})
	if err != nil || list.kind == "" {
		return errUnsure
	}
	head, err := t.fields(list, 8)
	if err != nil {
		return err
	}
	count, size := int64(binary.BigEndian.Uint32(head[4:])), 12+8*int64(head[0])
	if head[0] > 1 || count < 1 || count > 2 || list.length() != 8+count*size {
		return errUnsure
	}
	entries, err := t.read(list.from+8, count*size)
	if err != nil {
		return err
	}
	if count == 2 {
		first := parseEdit(entries[:size])
		if first.begin != -1 || !first.sane() {
			return errUnsure
		}
		t.empty, entries = first.duration, entries[size:]
	}
	last := parseEdit(entries)
	if last.begin < 0 || !last.sane() {
		return errUnsure
	}
	t.edited, t.begin, t.edits = true, last.begin, t.empty+last.duration
	return nil
}

type edit struct {
	duration uint64
	begin    int64
	rate     uint32
}

func parseEdit(entry []byte) edit {
	if len(entry) == 12 {
		begin := int32(binary.BigEndian.Uint32(entry[4:]))
		return edit{uint64(binary.BigEndian.Uint32(entry)), int64(begin), binary.BigEndian.Uint32(entry[8:])}
	}
	begin := int64(binary.BigEndian.Uint64(entry[8:]))
	return edit{binary.BigEndian.Uint64(entry), begin, binary.BigEndian.Uint32(entry[16:])}
}

func (e edit) sane() bool {
	const normal = 1 << 16
	return e.rate == normal && e.duration > 0 && e.duration < 1<<38 && e.begin < 1<<38
}

// readReferences learns which tracks hold chapters.
func (t *track) readReferences(b box) error {
	return t.inside(b, func(b box) error {
		switch b.kind {
		case "chap":
			ids, err := t.content(b)
			if err != nil || len(ids)%4 != 0 {
				return errUnsure
			}
			for id := range slices.Chunk(ids, 4) {
				t.chapters[binary.BigEndian.Uint32(id)] = true
			}
			return nil
		case "tmcd", "cdsc", "folw", "fall", "subt", "forc":
			return nil
		default:
			return errUnsure
		}
	})
}

func (t *track) readMedia(b box) error {
	var header, handler, information box
	err := t.inside(b, func(b box) error {
		switch b.kind {
		case "mdhd":
			return once(&header, b)
		case "hdlr":
			return once(&handler, b)
		case "minf":
			return once(&information, b)
		default:
			return errUnsure
		}
	})
	if err != nil || header.kind == "" || handler.kind == "" || information.kind == "" {
		return errUnsure
	}
	if err := t.readClock(header); err != nil {
		return err
	}
	fields, err := t.fields(handler, 12)
	if err != nil {
		return err
	}
	t.handler = string(fields[8:])
	return t.readInformation(information)
}

func (t *track) readClock(b box) error {
	var err error
	t.ticks, t.duration, err = t.clock(b, 4)
	return err
}

func (t *track) readInformation(b box) error {
	var data, samples box
	err := t.inside(b, func(b box) error {
		switch b.kind {
		case "dinf":
			return once(&data, b)
		case "stbl":
			return once(&samples, b)
		case "hdlr":
			return t.readDataHandler(b)
		case "smhd", "vmhd", "nmhd", "sthd", "gmhd":
			return nil
		default:
			return errUnsure
		}
	})
	if err != nil || data.kind == "" || samples.kind == "" {
		return errUnsure
	}
	if err := t.readReference(data); err != nil {
		return err
	}
	return t.readSamples(samples)
}

// readDataHandler sees that the second handler of QuickTime's tracks says no more than that the data is in a file.
func (t *track) readDataHandler(b box) error {
	fields, err := t.fields(b, 12)
	if err != nil || string(fields[4:8]) != "dhlr" || !slices.Contains([]string{"alis", "url "}, string(fields[8:])) {
		return errUnsure
	}
	return nil
}

// readReference sees that the samples are in this file and in no other.
func (t *track) readReference(b box) error {
	return t.inside(b, func(b box) error {
		fields, err := t.full(b, 16)
		if err != nil || b.kind != "dref" || binary.BigEndian.Uint32(fields) != 1 {
			return errUnsure
		}
		kind, flags := string(fields[8:12]), binary.BigEndian.Uint32(fields[12:])
		if !slices.Contains([]string{"url ", "alis"}, kind) || flags != 1 {
			return errUnsure
		}
		return nil
	})
}

// finish brings the times together as ffmpeg does: an edit list says when the track begins and cuts its end.
func (t *track) finish() error {
	if t.stream.Kind == Other {
		return nil
	}
	duration, start := min(t.duration, t.tables.duration), uint64(0)
	if t.edited {
		start = rescale(t.empty, uint64(t.ticks), uint64(t.movie.ticks))
		duration = min(duration, rescale(t.edits, uint64(t.ticks), uint64(t.movie.ticks)))
		if t.begin >= int64(t.duration) || t.stream.Kind == Sound && t.begin >= int64(t.ticks)/2 {
			return errUnsure
		}
	} else if t.stream.Kind == Picture && t.tables.reordered {
		return errUnsure // its first picture may be late
	}
	if duration == 0 || duration > math.MaxInt64/2 {
		return errUnsure
	}
	var err error
	if t.stream.Start, err = span(int64(start), float64(t.ticks)); err != nil {
		return err
	}
	if t.stream.Kind == Sound {
		t.stream.Gap = t.tables.gap
		t.stream.Frames = t.frames()
		t.stream.Duration, err = span(int64(duration), float64(t.ticks))
	}
	return err
}
