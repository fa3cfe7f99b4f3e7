package container

import (
	"encoding/binary"
	"slices"
)

// tables is what the sample tables of a track say, as far as it is needed.
type tables struct {
	duration  uint64 // of all samples, in ticks
	runs      []durations
	samples   uint32
	reordered bool  // pictures are not decoded in the order in which they are seen
	at, size  int64 // of the first sample
	bytes     int64 // of all samples
	gap       int64 // bytes between two pieces, on average

	sizes, counts, offsets table
}

// readSamples reads as little of the tables as it needs: they grow with the file.
func (t *track) readSamples(b box) error {
	found := map[string]box{}
	err := t.inside(b, func(b box) error {
		switch b.kind {
		case "stsd", "stts", "stsz", "stsc", "stco", "co64", "ctts":
			if _, twice := found[b.kind]; twice {
				return errUnsure
			}
			found[b.kind] = b
			return nil
		case "sgpd", "sbgp":
			return t.readGroup(b)
		case "stss", "stps", "sdtp", "cslg":
			return nil
		default:
			return errUnsure
		}
	})
	if err != nil {
		return err
	}
	if err := t.readTables(found); err != nil {
		return err
	}
	return t.readDescription(found["stsd"])
}

// readGroup admits the groups that say where decoding may begin; others mark what is encrypted.
func (t *track) readGroup(b box) error {
	fields, err := t.fields(b, 8)
	if err != nil || !slices.Contains([]string{"roll", "rap ", "sync", "prol", "tele"}, string(fields[4:])) {
		return errUnsure
	}
	return nil
}

func (t *track) readTables(found map[string]box) error {
	if err := t.readSizes(found["stsz"]); err != nil {
		return err
	}
	if err := t.readPlace(found); err != nil {
		return err
	}
	_, t.tables.reordered = found["ctts"]
	if t.handler != "soun" {
		t.tables.duration = t.duration // of no interest
		return nil
	}
	if t.tables.reordered {
		return errUnsure
	}
	return t.readDurations(found["stts"])
}

// table returns the number of a table's entries and where they begin, once the table is known to be
// just large enough.
func (t *track) table(b box, head, entry int64) (count, from int64, err error) {
	if b.kind == "" {
		return 0, 0, errUnsure
	}
	fields, err := t.full(b, head)
	if err != nil {
		return 0, 0, err
	}
	count, from = int64(binary.BigEndian.Uint32(fields[head-4:])), b.from+4+head
	if count == 0 || b.to-from != count*entry {
		return 0, 0, errUnsure
	}
	return count, from, nil
}

func (t *track) readSizes(b box) error {
	fields, err := t.full(b, 8)
	if err != nil || b.kind == "" {
		return errUnsure
	}
	t.tables.size = int64(binary.BigEndian.Uint32(fields))
	t.tables.samples = binary.BigEndian.Uint32(fields[4:])
	if t.tables.size != 0 { // one size for all, as uncompressed sound has
		return errUnsure
	}
	count, from, err := t.table(b, 8, 4)
	if err != nil {
		return err
	}
	t.tables.sizes = table{from, count, 4}
	first, err := t.read(from, 4)
	if err != nil {
		return err
	}
	t.tables.size = int64(binary.BigEndian.Uint32(first))
	return t.checkSizes(from, b.to)
}

// checkSizes sees that all samples are of sane sizes: behind one that is not, ffmpeg knows of none.
func (t *track) checkSizes(from, to int64) error {
	const piece, largest = 64 << 10, 1 << 26
	for ; from < to; from += piece {
		sizes, err := t.read(from, min(piece, to-from))
		if err != nil {
			return err
		}
		for size := range slices.Chunk(sizes, 4) {
			bytes := binary.BigEndian.Uint32(size)
			if bytes > largest {
				return errUnsure
			}
			t.tables.bytes += int64(bytes)
		}
	}
	return nil
}

// readPlace finds the first sample.
func (t *track) readPlace(found map[string]box) error {
	count, from, err := t.table(found["stsc"], 4, 12)
	if err != nil {
		return err
	}
	t.tables.counts = table{from, 3 * count, 4}
	counts, err := t.read(from, count*12)
	if err != nil {
		return err
	}
	offsets, width := found["stco"], int64(4)
	if offsets.kind == "" {
		offsets, width = found["co64"], 8
	} else if found["co64"].kind != "" {
		return errUnsure
	}
	if count, from, err = t.table(offsets, 4, width); err != nil {
		return err
	}
	t.tables.offsets = table{from, count, width}
	if err := t.checkCounts(counts, count); err != nil {
		return err
	}
	if t.tables.at, err = t.offset(from, width); err != nil {
		return err
	}
	last, err := t.offset(from+(count-1)*width, width)
	if err != nil {
		return err
	}
	if between := last - t.tables.at - t.tables.bytes; count > 1 && between > 0 {
		t.tables.gap = between / (count - 1)
	}
	if t.tables.size == 0 || !t.holds(t.tables.at, t.tables.size) {
		return errUnsure
	}
	return nil
}

// checkCounts sees that the chunks have all samples together, each of the one kind that there is.
func (t *track) checkCounts(entries []byte, chunks int64) error {
	var samples, frames, first int64
	for entry := range slices.Chunk(entries, 12) {
		next := int64(binary.BigEndian.Uint32(entry))
		if first == 0 && next != 1 || next <= first || next > chunks || binary.BigEndian.Uint32(entry[8:]) != 1 {
			return errUnsure
		}
		samples += (next - first) * frames
		first, frames = next, int64(binary.BigEndian.Uint32(entry[4:]))
		if frames == 0 {
			return errUnsure
		}
	}
	samples += (chunks + 1 - first) * frames
	if samples != int64(t.tables.samples) {
		return errUnsure
	}
	return nil
}

// offset reads a place in the file.
func (t *track) offset(from, width int64) (at int64, err error) {
	place, err := t.read(from, width)
	for _, b := range place {
		at = at<<8 | int64(b)
	}
	return at, err
}

// durations are those of so many samples in a row, in ticks.
type durations struct {
	count, each uint64
}

// readDurations reads how long each sample is.
func (t *track) readDurations(b box) error {
	count, from, err := t.table(b, 4, 8)
	if err != nil {
		return err
	}
	entries, err := t.read(from, count*8)
	if err != nil {
		return err
	}
	samples := uint64(0)
	for entry := range slices.Chunk(entries, 8) {
		run := durations{uint64(binary.BigEndian.Uint32(entry)), uint64(binary.BigEndian.Uint32(entry[4:]))}
		if run.count == 0 || run.each == 0 || run.each > 1<<20 {
			return errUnsure
		}
		t.tables.runs = append(t.tables.runs, run)
		samples += run.count
		t.tables.duration += run.count * run.each // fewer than 2^17 entries of less than 2^52 each
		if t.tables.duration > 1<<40 {
			return errUnsure
		}
	}
	if samples != uint64(t.tables.samples) {
		return errUnsure
	}
	return nil
}
