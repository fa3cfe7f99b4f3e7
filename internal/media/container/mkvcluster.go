package container

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// The elements of clusters.
const idTimestamp, idSimpleBlock, idBlockGroup, idBlock = 0xE7, 0xA3, 0xA0, 0xA1

// errStarted ends the search for the first pieces: all were found.
var errStarted = errors.New("all streams have begun")

// readStarts looks for the first piece of each stream of sound and pictures.
func (m *matroska) readStarts(cluster element) error {
	for next := cluster; ; {
		if next.id == idCluster {
			err := m.elements(next.from, next.to, m.clusterReader())
			if errors.Is(err, errStarted) {
				break
			}
			if err != nil {
				return err
			}
		}
		var err error
		if next, err = m.element(next.to, m.segment.to); err != nil {
			return err // behind the last one, that one of them has nothing
		}
	}
	for _, t := range m.tracks {
		if err := t.finish(); err != nil {
			return err
		}
	}
	return nil
}

// clusterReader reads what is in a cluster.
func (m *matroska) clusterReader() func(element) error {
	var at uint64 // the cluster's time
	return func(e element) (err error) {
		switch e.id {
		case idTimestamp:
			at, err = m.number(e)
			if at > 1<<40 {
				return errUnsure
			}
			return err
		case idSimpleBlock:
			return m.readBlock(e, int64(at))
		case idBlockGroup:
			return m.elements(e.from, e.to, func(e element) error {
				if e.id != idBlock {
					return nil
				}
				return m.readBlock(e, int64(at))
			})
		default:
			return nil
		}
	}
}

// readBlock reads the head of a block, and of sound whose decoder believes its frames, a frame.
func (m *matroska) readBlock(e element, cluster int64) error {
	const head, frame = 8 + 2 + 1, 512
	raw, err := m.read(e.from, min(e.length(), head+frame))
	if err != nil {
		return err
	}
	id, length, err := vint(raw)
	if err != nil || len(raw) < length+3 {
		return errUnsure
	}
	at := slices.IndexFunc(m.tracks, func(t *mkvTrack) bool { return t.id == uint64(id) })
	if at < 0 {
		return errUnsure
	}
	time, flags := cluster+int64(int16(binary.BigEndian.Uint16(raw[length:]))), raw[length+2]
	if err := m.tracks[at].begin(time, flags, raw[length+3:]); err != nil {
		return err
	}
	if slices.ContainsFunc(m.tracks, func(t *mkvTrack) bool { return !t.started && t.stream.Kind != Other }) {
		return nil
	}
	return errStarted
}

// begin takes a block of the track, and the beginning of what is in it. The first one is the first to be heard or seen: else
// ffmpeg's clock begins with another one.
func (t *mkvTrack) begin(time int64, flags byte, frames []byte) error {
	if t.started {
		if time < t.first {
			return errUnsure
		}
		return nil
	}
	t.started, t.first = true, time
	if t.stream.Codec != "aac" {
		return nil
	}
	at, err := unlace(flags, frames)
	if err != nil {
		return err
	}
	return t.stream.checkAACFrame(frames[at:])
}

// unlace returns where the first of the frames in a block begins (RFC 9559, section 10.3): behind the sizes of all but the last.
func unlace(flags byte, frames []byte) (at int, err error) {
	const lacing, xiph, fixed = 6, 2, 4
	kind := flags & lacing
	if kind == 0 {
		return 0, nil
	}
	if len(frames) == 0 {
		return 0, errUnsure
	}
	at = 1
	for range frames[0] {
		switch kind {
		case xiph:
			for at < len(frames) && frames[at] == 255 {
				at++
			}
			at++
		case fixed:
		default: // as EBML has numbers
			if at < len(frames) {
				at += vintLength(frames[at])
			}
		}
	}
	if at > len(frames) {
		return 0, errUnsure
	}
	return at, nil
}

// finish tells when the stream starts: the codec's delay is not heard.
func (t *mkvTrack) finish() error {
	if t.stream.Kind == Other {
		return nil
	}
	delay := int64(math.Round(float64(t.delay) / float64(t.scale)))
	start, err := span(t.first-delay, 1e9/float64(t.scale))
	t.stream.Start = start
	if err != nil || t.stream.Duration == 0 {
		return err
	}
	t.stream.Duration -= max(start, 0) // the tag tells the end
	if t.stream.Duration <= 0 {
		return errUnsure
	}
	return nil
}
