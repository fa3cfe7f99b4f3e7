package transcode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/container"
	"github.com/unreel/unreel/internal/media/mp3"
)

// maxProbe is more than ffprobe has to say of 64 streams, in bytes.
const maxProbe = 8 << 20

// Probe reads what a file is: itself where the file is plain, and else by ffprobe. A file that can't be converted
// by anyone is a *conversion.Failure.
func (t *Transcoder) Probe(ctx context.Context, path string) (Source, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Source{}, fmt.Errorf("probe: %w", err)
	}
	file, size, err := openRegular(path)
	if err != nil {
		return Source{}, fmt.Errorf("probe: %w", err)
	}
	defer file.Close()
	if size == 0 {
		return Source{}, conversion.Fail(conversion.UnsupportedMedia,
			"The file is empty: it has no bytes at all. Check that it was saved or copied completely, and send it again.")
	}
	if source, ok := readPlain(file, size); ok {
		source.Path, source.Size = path, size
		return source, nil
	}
	return t.probeForeign(ctx, path, io.NewSectionReader(file, 0, size))
}

// probeForeign asks ffprobe what a file is.
func (t *Transcoder) probeForeign(ctx context.Context, path string, content *io.SectionReader) (Source, error) {
	size := content.Size()
	head, err := io.ReadAll(io.NewSectionReader(content, 0, headSize))
	if err != nil {
		return Source{}, fmt.Errorf("probe: %w", err)
	}
	raw, log, err := t.ffprobeJSON(ctx, path, size)
	if err != nil {
		return Source{}, err
	}
	source, score, err := parseProbe(raw)
	if err != nil || source.Format == "" || score < minScore {
		return Source{}, unreadable(head, log)
	}
	source.Path, source.Size = path, size
	source.cutOff = container.CutOff(content, size)
	if source.is("mp3") {
		source.readOwnInfo(content)
	}
	if log.says("DRM protected") {
		for i := range source.Tracks {
			source.Tracks[i].Encrypted = true
		}
	}
	return source, nil
}

// minScore is below what ffprobe gives to any container whose mark it has found; 1 is a guess from
// the file's name.
const minScore = 5

// headSize is enough to tell what a file wants to be.
const headSize = 4 << 10

// ErrNoFile says that a source is a folder, a device or a pipe. What is probed is read more than once.
var ErrNoFile = errors.New("this is a folder, a device or a pipe: only files can be converted")

func openRegular(path string) (*os.File, int64, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // else a pipe waits for somebody who writes to it
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNoFile
	}
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// readOwnInfo reads the header frame of a source that is an MP3: it knows the duration, ffprobe only guesses.
func (s *Source) readOwnInfo(content io.Reader) {
	frame, err := mp3.NewReader(content).Next()
	if err != nil {
		return
	}
	info, ok := mp3.ParseInfo(frame)
	if !ok {
		return
	}
	s.own = &info
	s.cutOff = int64(info.Bytes) > s.Size
	for i := range s.Tracks {
		s.Tracks[i].exact = info.Frames > 0
	}
}

// ffprobeJSON runs ffprobe. Of the first packets it shows the side data: only there does Common
// Encryption show itself.
func (t *Transcoder) ffprobeJSON(ctx context.Context, path string, size int64) ([]byte, *stderr, error) {
	var raw []byte
	args := append([]string{"-hide_banner", "-loglevel", "level+warning"}, inputOptions()...)
	args = append(args, "-of", "json=compact=1", "-show_packets", "-read_intervals", "%+#40", "-show_entries",
		"format=format_name,duration,probe_score:format_tags:"+
			"stream=index,codec_type,codec_name,codec_tag_string,sample_rate,channels,channel_layout,start_time,duration:"+
			"stream_disposition=default,attached_pic:stream_tags:stream_side_data=side_data_type:"+
			"packet=stream_index:packet_side_data=side_data_type,skip_samples",
		"-i", "file:"+path)
	end, err := process{
		box: t.config.Sandbox, path: t.ffprobe, args: args, reads: []string{path}, deadline: t.config.Grace + readingTime(size),
		output: func(out io.Reader) (err error) {
			raw, err = io.ReadAll(io.LimitReader(out, maxProbe))
			if err == nil && len(raw) == maxProbe {
				err = errVerbose
			}
			return err
		},
	}.run(ctx)
	switch {
	case errors.Is(err, errDeadline):
		return nil, nil, conversion.Fail(conversion.TimedOut, "Reading the file took too long. "+remedyExport)
	case errors.Is(err, errVerbose):
		return nil, nil, conversion.Fail(conversion.UnsupportedMedia, "The file says too much about itself to be a video. "+remedyExport)
	case err != nil:
		return nil, nil, fmt.Errorf("probe: %w", err)
	case end.killed():
		return nil, nil, fmt.Errorf("probe: ffprobe was ended by a %w", end.exit)
	}
	t.config.Logger.DebugContext(ctx, "probed", "file", label(path), "log", end.log.String())
	return raw, end.log, nil
}

var errVerbose = errors.New("ffprobe says too much")

// readingTime is how long a slow disk takes to read a file once.
func readingTime(size int64) time.Duration {
	const slow = 10 << 20 // bytes a second
	return time.Duration(size/slow) * time.Second
}
