package container_test

import (
	"bytes"
	"testing"

	"github.com/unreel/unreel/internal/media/container"
	"github.com/unreel/unreel/internal/media/mediatest"
)

// ended are files that say where they end.
var ended = []mediatest.Spec{
	{},
	{Extra: "-movflags +faststart"},
	{Extra: "-movflags +frag_keyframe+empty_moov"},
	{Container: "mov", Codec: "pcm_s16le"},
	{Container: "avi"},
	{Container: "wav"},
	{Container: "ogg", Codec: "libvorbis"},
	{Container: "ogg", Codec: "libopus"},
	{Container: "ogg", Codec: "flac"},
	{Container: "flv", Rate: 44100},
	{Container: "flv", Codec: "libmp3lame", Rate: 44100},
	{Container: "wmv", Rate: 44100},
}

func TestCutOff(t *testing.T) {
	for _, spec := range ended {
		whole := mediatest.Bytes(t, spec)
		size := len(whole)
		if container.CutOff(bytes.NewReader(whole), int64(size)) {
			t.Errorf("%+v: the whole file counts as cut off", spec)
		}
		for _, left := range []int{size / 3, size / 2, size * 9 / 10, size - 100, size - 3} {
			if !container.CutOff(bytes.NewReader(whole[:left]), int64(left)) {
				t.Errorf("%+v: %d of %d bytes count as all", spec, left, size)
			}
		}
	}
}

func TestNothingSaidOfTheEnd(t *testing.T) {
	streamed := bytes.Clone(mediatest.Bytes(t, mediatest.Spec{Container: "wav"}))
	copy(streamed[4:], "\xFF\xFF\xFF\xFF")
	open := append(bytes.Clone(mediatest.Bytes(t, mediatest.Spec{})), "\x00\x00\x00\x00mdat up to the end"...)
	for name, raw := range map[string][]byte{
		"nothing":    {},
		"text":       []byte("this is not a video, whatever it is called"),
		"MPEG-TS":    mediatest.Bytes(t, mediatest.Spec{Container: "ts"}),
		"a pipe's":   streamed,
		"open box":   open,
		"a camera's": append(bytes.Clone(mediatest.Bytes(t, mediatest.Spec{})), "appended by a camera"...),
		"null boxes": append([]byte("\x00\x00\x00\x10ftypisom\x00\x00\x00\x00"), "\x00\x00\x00\x01free\x00\x00\x00\x00\x00\x00\x00\x00"...),
	} {
		if container.CutOff(bytes.NewReader(raw), int64(len(raw))) {
			t.Errorf("%s counts as cut off", name)
		}
	}
}

func FuzzCutOff(f *testing.F) {
	for _, spec := range ended {
		raw := mediatest.Bytes(f, spec)
		f.Add(raw[:min(len(raw), 4<<10)])
		f.Add(append(bytes.Clone(raw[:64]), raw[len(raw)-64:]...))
	}
	f.Fuzz(func(_ *testing.T, raw []byte) {
		container.CutOff(bytes.NewReader(raw), int64(len(raw))) // it ends, and does not panic
	})
}
