package container

import (
	"encoding/binary"
	"slices"
)

// What the tracks that are no sound may hold. Only that they are what they are called is of interest.
var (
	pictureEntries = []string{
		"avc1", "avc3", "hvc1", "hev1", "mp4v", "vp09", "av01", "jpeg", "apch", "apcn", "apcs", "apco", "ap4h",
	}
	otherEntries = map[string][]string{
		"text": {"text", "tx3g"}, "sbtl": {"tx3g"}, "subt": {"stpp"}, "tmcd": {"tmcd"}, "meta": {"mebx"}, "clcp": {"c608"},
	}
)

// readDescription reads the one description that all samples of a plain track share.
func (t *track) readDescription(b box) error {
	fields, err := t.full(b, 4)
	if err != nil || b.kind == "" || binary.BigEndian.Uint32(fields) != 1 {
		return errUnsure
	}
	var entry box
	if err := t.boxes(b.from+8, b.to, func(b box) error { return once(&entry, b) }); err != nil {
		return err
	}
	switch {
	case t.handler == "soun":
		t.stream.Kind = Sound
		return t.readSound(entry)
	case t.handler == "vide" && slices.Contains(pictureEntries, entry.kind):
		t.stream.Kind = Picture
		return nil
	case slices.Contains(otherEntries[t.handler], entry.kind):
		return nil
	default:
		return errUnsure
	}
}

// readSound reads a sound sample entry, of the form that QuickTime calls version 0 or 1.
func (t *track) readSound(entry box) error {
	const length = 28
	fields, err := t.fields(entry, length)
	if err != nil {
		return err
	}
	at := entry.from + length
	switch version := binary.BigEndian.Uint16(fields[8:]); {
	case version == 1 && t.quickTime:
		at += 16
	case version != 0:
		return errUnsure
	}
	parts := map[string]box{}
	if err := t.collect(at, entry.to, parts); err != nil {
		return err
	}
	return t.readCodec(entry.kind, parts)
}

// soundParts are the boxes that may be in a sound sample entry.
var soundParts = []string{"esds", "dOps", "dfLa", "alac", "btrt", "chan", "frma", "mp4a"}

// collect keeps the boxes of a sample entry, and those of QuickTime's wave in it, which ends with an empty one.
func (t *track) collect(from, to int64, parts map[string]box) error {
	return t.boxes(from, to, func(b box) error {
		switch _, twice := parts[b.kind]; {
		case twice:
			return errUnsure
		case b.kind == "wave" && t.quickTime:
			parts["wave"] = b
			return t.collect(b.from, b.to, parts)
		case slices.Contains(soundParts, b.kind), b.kind == "\x00\x00\x00\x00" && b.length() == 0:
			parts[b.kind] = b
			return nil
		default:
			return errUnsure
		}
	})
}

func (t *track) readCodec(kind string, parts map[string]box) error {
	_, placed := parts["chan"]
	switch kind {
	case "mp4a":
		return t.readAAC(parts["esds"])
	case "Opus":
		return t.readOpus(parts["dOps"], placed)
	case "fLaC":
		return t.readFLAC(parts["dfLa"], placed)
	case "alac":
		return t.readALAC(parts["alac"], placed)
	default:
		return errUnsure
	}
}

// monoOrStereo sets the layout that every decoder gives to one or two channels.
func (s *Stream) monoOrStereo() error {
	switch s.Channels {
	case 1:
		s.Layout = "mono"
	case 2:
		s.Layout = "stereo"
	default:
		return errUnsure
	}
	return nil
}

// readOpus reads the box of the encapsulation of Opus in ISO BMFF. Opus is decoded at 48 kHz.
func (t *track) readOpus(b box, placed bool) error {
	fields, err := t.fields(b, 11)
	if err != nil || b.kind == "" || placed || b.length() != 11 || fields[0] != 0 || fields[10] != 0 { // family 0: mono, stereo
		return errUnsure
	}
	t.stream.Codec, t.stream.Rate, t.stream.Channels = "opus", 48000, int(fields[1])
	return t.stream.monoOrStereo()
}

// readFLAC reads the box of the encapsulation of FLAC in ISO BMFF: STREAMINFO, and nothing more.
func (t *track) readFLAC(b box, placed bool) error {
	const info = 34
	fields, err := t.full(b, 4+info)
	if err != nil || b.kind == "" || placed || b.length() != 8+info || string(fields[:4]) != "\x80\x00\x00\x22" {
		return errUnsure
	}
	return t.stream.readStreamInfo(fields[4:])
}

// readStreamInfo reads what FLAC (RFC 9639) says of itself.
func (s *Stream) readStreamInfo(info []byte) error {
	packed := binary.BigEndian.Uint64(info[10:])
	s.Codec, s.Rate, s.Channels = "flac", int(packed>>44), int(packed>>41&7)+1
	if s.Rate < 8000 || s.Rate > 192000 {
		return errUnsure
	}
	return s.monoOrStereo()
}

// readALAC reads Apple's ALACSpecificConfig.
func (t *track) readALAC(b box, placed bool) error {
	fields, err := t.full(b, 24)
	if err != nil || b.kind == "" || placed || b.length() != 28 {
		return errUnsure
	}
	s := &t.stream
	s.Codec, s.Rate, s.Channels = "alac", int(binary.BigEndian.Uint32(fields[20:])), int(fields[9])
	if s.Rate < 8000 || s.Rate > 192000 || !slices.Contains([]byte{16, 24}, fields[5]) {
		return errUnsure
	}
	return s.monoOrStereo()
}
