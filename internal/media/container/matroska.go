package container

import (
	"math"
	"time"
)

// The elements of Matroska (RFC 9559) that are read, or may be passed over.
const (
	idEBML, idDocType, idDocTypeVersion, idDocTypeReadVersion    = 0x1A45DFA3, 0x4282, 0x4287, 0x4285
	idEBMLVersion, idEBMLReadVersion, idMaxIDLength, idMaxLength = 0x4286, 0x42F7, 0x42F2, 0x42F3

	idSegment, idSeekHead, idInfo, idTracks, idTags = 0x18538067, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1254C367
	idCluster, idCues, idChapters                   = 0x1F43B675, 0x1C53BB6B, 0x1043A770
	idVoid, idCRC                                   = 0xEC, 0xBF

	idSeek, idSeekID, idSeekPosition = 0x4DBB, 0x53AB, 0x53AC

	idTimestampScale, idDuration, idTitle = 0x2AD7B1, 0x4489, 0x7BA9
)

// matroska is a Matroska or WebM file while it is read.
type matroska struct {
	*source
	file    File
	segment element
	scale   uint64 // nanoseconds of a tick
	length  float64
	seen    map[uint32]int64 // where the elements are of which there may be but one
	places  map[uint32]int64 // where elements are said to be
	tracks  []*mkvTrack      // in the order of the file
}

// readMatroska reads up to the first pieces of all streams, and the tags, wherever they are.
func readMatroska(src *source) (File, error) {
	m := &matroska{source: src, scale: uint64(time.Millisecond), seen: map[uint32]int64{}, places: map[uint32]int64{}}
	m.file.Format = "matroska,webm"
	header, err := m.element(0, m.size)
	if err != nil {
		return File{}, err
	}
	if err := m.readHeader(header); err != nil {
		return File{}, err
	}
	if m.segment, err = m.element(header.to, m.size); err != nil {
		return File{}, err
	}
	if m.segment.id != idSegment || m.segment.to != m.size {
		return File{}, errUnsure
	}
	if err := m.readSegment(); err != nil {
		return File{}, err
	}
	return m.file, m.finish()
}

func (m *matroska) readHeader(header element) error {
	if header.id != idEBML {
		return errUnsure
	}
	return m.elements(header.from, header.to, func(e element) error {
		switch e.id {
		case idDocType:
			kind, err := m.text(e)
			if err == nil && kind != "matroska" && kind != "webm" {
				return errUnsure
			}
			return err
		case idEBMLVersion, idEBMLReadVersion, idMaxIDLength, idMaxLength, idDocTypeVersion, idDocTypeReadVersion:
			return nil
		default:
			return e.among(filling)
		}
	})
}

// readSegment reads what comes before the clusters, what it leads to, and the first pieces of each stream.
func (m *matroska) readSegment() error {
	var cluster element
	for at := m.segment.from; cluster.id == 0; {
		e, err := m.element(at, m.segment.to) // there must be a cluster
		if err != nil {
			return err
		}
		if e.id == idCluster {
			cluster = e
		} else if err := m.readTop(at, e); err != nil {
			return err
		}
		at = e.to
	}
	if err := m.readPlaces(cluster); err != nil {
		return err
	}
	if m.seen[idInfo] == 0 || m.seen[idTracks] == 0 {
		return errUnsure
	}
	return m.readStarts(cluster)
}

// readPlaces reads what is behind the clusters, and sees that what was read before them is where it is said to be.
func (m *matroska) readPlaces(cluster element) error {
	for id, at := range m.places {
		if at < cluster.from {
			if id != idCluster && m.seen[id] != at {
				return errUnsure
			}
			continue
		}
		e, err := m.element(at, m.segment.to)
		if err == nil && e.id != id {
			err = errUnsure
		}
		if err == nil {
			err = m.readTop(at, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readTop reads an element of the segment that is no cluster.
func (m *matroska) readTop(at int64, e element) error {
	if e.among(filling) == nil {
		return nil
	}
	if m.seen[e.id] != 0 {
		return errUnsure
	}
	m.seen[e.id] = at
	switch e.id {
	case idCues, idChapters:
		return nil
	case idSeekHead:
		return m.readSeekHead(e)
	case idInfo:
		return m.elements(e.from, e.to, m.readInfo)
	case idTracks:
		return m.elements(e.from, e.to, m.readTrack)
	case idTags:
		return m.elements(e.from, e.to, m.readTag)
	default:
		return errUnsure // attachments, above all: some are pictures
	}
}

// readSeekHead notes where other elements are.
func (m *matroska) readSeekHead(head element) error {
	return m.elements(head.from, head.to, func(seek element) error {
		if seek.id != idSeek {
			return seek.among(filling)
		}
		return m.readSeek(seek)
	})
}

func (m *matroska) readSeek(seek element) error {
	var id, at uint64
	err := m.elements(seek.from, seek.to, func(e element) (err error) {
		switch e.id {
		case idSeekID:
			id, err = m.number(e)
		case idSeekPosition:
			at, err = m.number(e)
		default:
			return errUnsure
		}
		return err
	})
	if err != nil || id > math.MaxUint32 || at >= uint64(m.segment.length()) {
		return errUnsure
	}
	if _, twice := m.places[uint32(id)]; twice {
		return errUnsure
	}
	m.places[uint32(id)] = m.segment.from + int64(at)
	return nil
}

// infoPassed is what else is said of the whole: who wrote it, when, and by which name.
var infoPassed = []uint32{idVoid, idCRC, 0x4D80, 0x5741, 0x4461, 0x73A4, 0x7384}

func (m *matroska) readInfo(e element) (err error) {
	switch e.id {
	case idTimestampScale:
		m.scale, err = m.number(e)
		if m.scale == 0 || m.scale > uint64(time.Second) {
			return errUnsure
		}
	case idDuration:
		m.length, err = m.float(e)
	case idTitle:
		m.file.Tags.Title, err = m.text(e)
		if err == nil {
			err = plainText(m.file.Tags.Title)
		}
	default:
		return e.among(infoPassed)
	}
	return err
}

// finish makes the streams of the tracks, when all is known.
func (m *matroska) finish() error {
	// ffmpeg brings it to microseconds by a float, and cuts off the rest.
	micros := m.length * float64(m.scale) * 1000 / 1e6
	if !(micros >= 1) || micros > float64(longest/time.Microsecond) {
		return errUnsure
	}
	m.file.Duration = time.Duration(math.Floor(micros)) * time.Microsecond
	for _, t := range m.tracks {
		m.file.Streams = append(m.file.Streams, t.stream)
	}
	return nil
}
