// Package avcodec decodes with libavcodec, the library that ffmpeg decodes with, which it opens at run time without CGO.
// What comes out is what comes out of ffmpeg, without its start: that costs as much as seconds of sound, most of it for
// libraries that have nothing to do with sound.
//
// A program that imports it is linked dynamically: only cmd/unreel-encoder does. That runs in the box, for what it decodes is
// hostile.
package avcodec

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/unreel/unreel/internal/media/dl"
)

// ErrMissing says that libavcodec cannot be opened, or is none that is known here.
var ErrMissing = errors.New("libavcodec cannot be used")

// Library is libavcodec, and libavutil below it.
type Library struct {
	findDecoder       func(name string) uintptr
	newContext        func(codec uintptr) uintptr
	freeContext       func(context *uintptr)
	openContext       func(context, codec uintptr, options uintptr) int32
	newParameters     func() *parameters
	freeParameters    func(parameters **parameters)
	parametersContext func(context uintptr, parameters *parameters) int32
	newPacket         func() *packet
	freePacket        func(packet **packet)
	newFrame          func() *frame
	freeFrame         func(frame **frame)
	allocate          func(size uintptr) *byte
	release           func(memory *byte)

	send, receive uintptr // called for each frame
}

// The beginnings of structs whose fields are there, in this order, in all versions that are known here (FFmpeg's
// libavcodec/codec_par.h and packet.h, libavutil/frame.h). All are made by the library, which knows how long they are.
type (
	parameters struct {
		kind, codec   int32
		_             uint32
		extradata     *byte
		extradataSize int32
	}
	packet struct {
		_        uintptr
		pts, dts int64
		data     *byte
		size     int32
	}
	frame struct {
		planes  [8]*float32
		_       [8]int32
		_       uintptr
		_, _    int32
		samples int32
		format  int32
	}
)

// versions are those of libavcodec whose structs begin as above: FFmpeg's 4 to 8. Those of 63 do, too, but FFmpeg 9 ends
// a track's sound elsewhere.
var versions = []string{"58", "59", "60", "61", "62"}

func known(name string) bool {
	version, ok := strings.CutPrefix(name, "libavcodec.so.")
	return ok && slices.Contains(versions, version)
}

// Open opens the library of that name where the system's loader finds it.
func Open(name string) (*Library, error) {
	if !known(name) {
		return nil, fmt.Errorf("%w: %q is not known", ErrMissing, name)
	}
	library, err := dl.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	l := &Library{}
	if err := l.bind(library); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	return l, nil
}

func (l *Library) bind(library dl.Library) error {
	var (
		logLevel func(level int32)
		maxAlloc func(bytes uintptr)
	)
	err := library.Bind(map[string]any{
		"avcodec_find_decoder_by_name":  &l.findDecoder,
		"avcodec_alloc_context3":        &l.newContext,
		"avcodec_free_context":          &l.freeContext,
		"avcodec_open2":                 &l.openContext,
		"avcodec_parameters_alloc":      &l.newParameters,
		"avcodec_parameters_free":       &l.freeParameters,
		"avcodec_parameters_to_context": &l.parametersContext,
		"av_packet_alloc":               &l.newPacket,
		"av_packet_free":                &l.freePacket,
		"av_frame_alloc":                &l.newFrame,
		"av_frame_free":                 &l.freeFrame,
		"av_mallocz":                    &l.allocate,
		"av_free":                       &l.release,
		"av_log_set_level":              &logLevel,
		"av_max_alloc":                  &maxAlloc,
	})
	if err != nil {
		return err
	}
	if l.send, err = library.Address("avcodec_send_packet"); err != nil {
		return err
	}
	if l.receive, err = library.Address("avcodec_receive_frame"); err != nil {
		return err
	}
	const quiet, most = -8, 128 << 20 // AV_LOG_QUIET; bytes at once
	logLevel(quiet)
	maxAlloc(most)
	return nil
}
