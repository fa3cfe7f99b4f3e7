// Package container reads what an ordinary video says of itself, without starting ffprobe: that costs as much
// as converting a few seconds of sound. It knows only what is plain, and leaves to ffprobe whatever is not:
// Read either says what ffprobe would say, or nothing. It never refuses a file.
//
// The readers are the project's own. They must notice everything that they don't understand, which libraries
// skip or take as it comes, and must read a few hundred bytes of tables that libraries load whole.
//
// A file is hostile. What is read of it is bounded in bytes and in boxes, whatever sizes it states.
package container

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strconv"
	"time"
)

// File is what a container says. Durations are rounded to the microsecond, as ffprobe's are.
type File struct {
	Format   string        // ffmpeg's name
	Duration time.Duration // of the whole
	Streams  []Stream      // in the order of the file: an index counts the same ones as ffmpeg's
	Tags     Tags
}

// Tags is what a file says of its content.
type Tags struct {
	Title, Artist, Album, Year string
}

// Kind is what a stream carries.
type Kind int

// The kinds of streams.
const (
	Other Kind = iota // subtitles, chapters, data
	Sound
	Picture // that moves
)

// Stream is one stream. Of those that are no sound only Start is known, of Other ones nothing.
type Stream struct {
	Kind     Kind
	Start    time.Duration // on the file's clock
	Codec    string        // ffmpeg's name
	Rate     int           // Hz, as decoded
	Channels int
	Layout   string        // ffmpeg's name
	Duration time.Duration // 0: the container doesn't say
	Default  bool
	Gap      int64   // bytes of other streams between two pieces of this one, on average
	Frames   *Frames // nil: not known
}

// maxStreams keeps well below what the engine lets ffmpeg open.
const maxStreams = 32

// errUnsure ends reading: ffprobe is to be asked.
var errUnsure = errors.New("not plain enough")

// Read reads a file of so many bytes. False means that it is not, or not quite, a file of the kinds that are
// known here; that says nothing about whether it can be converted. Errors of reading count as not knowing: who
// opens the file next meets them again.
func Read(from io.ReaderAt, size int64) (File, bool) {
	src := &source{from: from, size: size, bytes: maxBytes, parts: maxParts}
	mark, err := src.read(0, 8)
	if err != nil {
		return File{}, false
	}
	var file File
	switch {
	case string(mark[4:]) == "ftyp":
		file, err = readMP4(src)
	case binary.BigEndian.Uint32(mark) == idEBML:
		file, err = readMatroska(src)
	default:
		return File{}, false
	}
	return file, err == nil
}

// Bounds of what is read of one file.
const (
	maxBytes = 4 << 20
	maxParts = 4 << 10 // boxes
	maxPiece = 1 << 20 // at once
)

// source reads within bounds.
type source struct {
	from  io.ReaderAt
	size  int64
	bytes int64 // that may still be read
	parts int   // that may still be met
}

// read returns n bytes from a position.
func (s *source) read(at, n int64) ([]byte, error) {
	if n < 0 || n > min(maxPiece, s.bytes) || at < 0 || at > s.size-n {
		return nil, errUnsure
	}
	s.bytes -= n
	piece := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(s.from, at, n), piece); err != nil {
		return nil, err
	}
	return piece, nil
}

// part counts a box.
func (s *source) part() error {
	s.parts--
	if s.parts < 0 {
		return errUnsure
	}
	return nil
}

// span is count ticks of a clock, rounded as ffprobe prints it: to six decimals, of a float.
func span(count int64, ticksPerSecond float64) (time.Duration, error) {
	text := strconv.FormatFloat(float64(count)*(1/ticksPerSecond), 'f', 6, 64)
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(seconds) > longest.Seconds() {
		return 0, errUnsure
	}
	return time.Duration(math.Round(seconds * float64(time.Second))), nil
}

// longest is more than anybody records: what is longer is broken, or meant to break something.
const longest = 1000 * time.Hour
