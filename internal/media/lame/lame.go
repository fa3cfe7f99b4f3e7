// Package lame encodes with libmp3lame, which it opens at run time, without CGO. A program that imports it is linked
// dynamically: only the encoder, a program of its own, does (cmd/unreel-encoder). LAME may end the process that
// it runs in, by an assertion or by calling exit; that is another reason for a process of its own.
//
// The encoder is set up and fed as ffmpeg does it (libavcodec/libmp3lame.c), so that its frames are the same.
package lame

import (
	"errors"
	"fmt"

	"github.com/unreel/unreel/internal/media/dl"
)

// ErrMissing says that libmp3lame cannot be opened.
var ErrMissing = errors.New("libmp3lame cannot be used")

// Library is libmp3lame (lame.h of version 3.100). A handle is a lame_global_flags pointer.
type Library struct {
	create          func() uintptr
	initParams      func(handle uintptr) int32
	destroy         func(handle uintptr) int32
	setInRate       func(handle uintptr, hz int32) int32
	setOutRate      func(handle uintptr, hz int32) int32
	setChannels     func(handle uintptr, count int32) int32
	setMode         func(handle uintptr, mode int32) int32
	setVBR          func(handle uintptr, kind int32) int32
	setBitrate      func(handle uintptr, kbps int32) int32
	setMeanBitrate  func(handle uintptr, kbps int32) int32
	setVBRQuality   func(handle uintptr, quality float32) int32
	setWriteTag     func(handle uintptr, on int32) int32
	setOriginal     func(handle uintptr, on int32) int32
	encodeFloat     func(handle uintptr, left, right *float32, samples int32, out *byte, size int32) int32
	flushEverything func(handle uintptr, out *byte, size int32) int32
}

// Open finds the library where the system's loader does.
func Open() (*Library, error) {
	library, err := dl.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	l := &Library{}
	err = library.Bind(map[string]any{
		"lame_init":                      &l.create,
		"lame_init_params":               &l.initParams,
		"lame_close":                     &l.destroy,
		"lame_set_in_samplerate":         &l.setInRate,
		"lame_set_out_samplerate":        &l.setOutRate,
		"lame_set_num_channels":          &l.setChannels,
		"lame_set_mode":                  &l.setMode,
		"lame_set_VBR":                   &l.setVBR,
		"lame_set_brate":                 &l.setBitrate,
		"lame_set_VBR_mean_bitrate_kbps": &l.setMeanBitrate,
		"lame_set_VBR_quality":           &l.setVBRQuality,
		"lame_set_bWriteVbrTag":          &l.setWriteTag,
		"lame_set_original":              &l.setOriginal,
		"lame_encode_buffer_float":       &l.encodeFloat,
		"lame_encode_flush":              &l.flushEverything,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	keepMemory(library)
	return l, nil
}

// keepMemory has glibc hold on to what one encoder gives back, for the next one: fetching the same pages from the system
// again and again takes time. Another C library may do as it likes.
func keepMemory(library dl.Library) {
	const trimThreshold, mmapThreshold, arenaMax = -1, -3, -8 // mallopt(3)
	var mallopt func(parameter, value int32) int32
	if err := library.Bind(map[string]any{"mallopt": &mallopt}); err != nil {
		return
	}
	mallopt(arenaMax, 1)
	mallopt(trimThreshold, 256<<20)
	mallopt(mmapThreshold, 32<<20)
}
