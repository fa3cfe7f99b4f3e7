package container_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strconv"
	"testing"

	"github.com/unreel/unreel/internal/media/container"
	"github.com/unreel/unreel/internal/media/mediatest"
)

// packet is where ffprobe finds a frame.
type packet struct {
	Position string `json:"pos"`
	Size     string `json:"size"`
}

// packets are those of the first track of sound.
func packets(t *testing.T, path string) []packet {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "a:0", "-show_entries", "packet=pos,size", "-of", "json", path).Output()
	if err != nil {
		t.Fatalf("ffprobe: %v", err)
	}
	var found struct{ Packets []packet }
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	return found.Packets
}

// sound is the first stream of sound.
func sound(t *testing.T, content []byte) container.Stream {
	t.Helper()
	file, known := container.Read(bytes.NewReader(content), int64(len(content)))
	if !known {
		t.Fatal("not known")
	}
	for _, stream := range file.Streams {
		if stream.Kind == container.Sound {
			return stream
		}
	}
	t.Fatal("no sound")
	return container.Stream{}
}

// TestFrames finds the frames that ffprobe finds, where it finds them.
func TestFrames(t *testing.T) {
	for name, spec := range map[string]mediatest.Spec{
		"with a picture": {Seconds: 7},
		"faststart":      {Seconds: 7, Rate: 44100, Extra: "-movflags +faststart"},
		"sound only":     {Seconds: 30, NoPicture: true, Channels: 1},
		"QuickTime":      {Seconds: 7, Container: "mov"},
		"no edit list":   {Seconds: 7, Extra: "-use_editlist 0"},
		"one frame":      {Seconds: 0.001, NoPicture: true},
	} {
		t.Run(name, func(t *testing.T) {
			content := mediatest.Bytes(t, spec)
			frames := sound(t, content).Frames
			if frames == nil {
				t.Fatal("its frames are not known")
			}
			want := packets(t, mediatest.File(t, "video", content))
			if int(frames.Count) != len(want) {
				t.Errorf("%d frames, want %d", frames.Count, len(want))
			}
			for _, first := range []int{0, len(want) / 3, len(want) - 1} {
				readFrames(t, content, frames, want, first)
			}
		})
	}
}

// readFrames reads the frames from the first one that is wanted on, and nothing of the picture.
func readFrames(t *testing.T, content []byte, frames *container.Frames, want []packet, first int) {
	t.Helper()
	from := &counted{ReaderAt: bytes.NewReader(content)}
	reader, err := frames.Open(from, int64(first))
	if err != nil {
		t.Fatal(err)
	}
	const entries = 4 + 12 + 4 // bytes of a frame's in tables, at the most
	allowed := int64(entries * len(want))
	for i, packet := range want[first:] {
		at, size := integer(t, packet.Position), integer(t, packet.Size)
		frame, err := reader.Next()
		if err != nil || !bytes.Equal(frame, content[at:at+size]) {
			t.Fatalf("frame %d of %d is another one: %v", first+i, len(want), err)
		}
		allowed += int64(size)
	}
	if from.bytes > allowed {
		t.Errorf("%d bytes were read, %d are enough", from.bytes, allowed)
	}
	if _, err := reader.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last frame: %v", err)
	}
}

func integer(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFramesUnknown: a decoder gets no frames of another codec, nor such as are not heard one right after the other.
func TestFramesUnknown(t *testing.T) {
	if frames := sound(t, mediatest.Bytes(t, mediatest.Spec{Codec: "alac"})).Frames; frames != nil {
		t.Errorf("ALAC: %+v", frames)
	}
	content := bytes.Clone(mediatest.Bytes(t, mediatest.Spec{Seconds: 2, NoPicture: true}))
	durations := bytes.Index(content, []byte("stts")) + 12 // the first run: how many, how long
	binary.BigEndian.PutUint32(content[durations+4:], 1060)
	if frames := sound(t, content).Frames; frames != nil {
		t.Errorf("with gaps: %+v", frames)
	}
}

// FuzzFrames reads frames by tables that anything may have been done to: they end, and lie in the file.
func FuzzFrames(f *testing.F) {
	for _, spec := range []mediatest.Spec{{Seconds: 0.3}, {Seconds: 0.3, NoPicture: true}, {Seconds: 0.3, Container: "mov"}} {
		f.Add(mediatest.Bytes(f, spec))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		file, _ := container.Read(bytes.NewReader(content), int64(len(content)))
		for _, stream := range file.Streams {
			if stream.Frames == nil {
				continue
			}
			reader, err := stream.Frames.Open(bytes.NewReader(content), 0)
			for n := int64(0); err == nil; n++ {
				var frame []byte
				if frame, err = reader.Next(); err == nil && (len(frame) == 0 || len(frame) > len(content) || n >= stream.Frames.Count) {
					t.Fatalf("frame %d has %d bytes", n, len(frame))
				}
			}
			if !errors.Is(err, io.EOF) && !errors.Is(err, container.ErrFrames) {
				t.Fatal(err)
			}
		}
	})
}
