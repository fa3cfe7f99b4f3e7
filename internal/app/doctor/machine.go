package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/unreel/unreel/internal/media/sandbox"
	"github.com/unreel/unreel/internal/media/transcode"
	"github.com/unreel/unreel/internal/store/blob/disk"
)

// writable returns nil if files can be made in a folder, or in the nearest one above it that is there.
// It makes one and removes it: rights alone do not tell, for there are file systems that take none from anybody.
func writable(dir string) error {
	for {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			break
		}
		dir = parent(dir)
	}
	probe, err := os.MkdirTemp(dir, ".unreel-doctor-")
	if cause, ok := errors.AsType[*os.PathError](err); ok {
		return fmt.Errorf("%s: %w", dir, cause.Err)
	}
	if err != nil {
		return err
	}
	return os.Remove(probe)
}

// parent is the folder above, and for the first of a relative path the one that the process is in.
func parent(dir string) string {
	dir = strings.TrimRight(dir, "/")
	switch i := strings.LastIndexByte(dir, '/'); {
	case i > 0:
		return dir[:i]
	case i == 0:
		return "/"
	default:
		return "."
	}
}

// Room looks at the free space where a folder is, which must be enough for the largest video and what is kept in
// reserve for the database.
func Room(setting, dir string, largest int64) Check {
	return func(context.Context) []Finding {
		c := &chart{setting: setting}
		free, err := freeSpace(dir)
		switch {
		case err != nil:
			c.fail("make the folder, and let the user that runs the service write there", "%v", err)
		case free < disk.DefaultReserve:
			c.fail("make room on its disk", "%s is free where %s is: nothing is accepted", bytesOf(free), dir)
		case free < disk.DefaultReserve+largest:
			c.warn("make room on its disk, or lower UNREEL_MAX_UPLOAD", "%s is free where %s is, and one video may have %s", bytesOf(free), dir, bytesOf(largest))
		default:
			c.ok("%s is free where %s is", bytesOf(free), dir)
		}
		return c.findings
	}
}

func bytesOf(count int64) string { return humanize.IBytes(uint64(max(count, 0))) }

// freeSpace is what a folder's file system, or that of the nearest folder above it, has for others than root.
func freeSpace(dir string) (int64, error) {
	if err := writable(dir); err != nil {
		return 0, err
	}
	for {
		free, err := disk.Free(dir)
		if !errors.Is(err, os.ErrNotExist) {
			return free, err
		}
		dir = parent(dir)
	}
}

// Sandbox looks whether ffmpeg's box can be made, and whether a probe gets out of it.
func Sandbox(mode sandbox.Mode) Check {
	return func(ctx context.Context) []Finding {
		c := &chart{setting: "UNREEL_SANDBOX"}
		box, err := sandbox.New(mode)
		if err == nil {
			err = box.Check(ctx)
		}
		switch {
		case errors.Is(err, sandbox.ErrFolder):
			c.fail("let TMPDIR be a folder that this process may write to", "%v", err)
		case err != nil && mode == sandbox.Required:
			c.fail("run converters on Linux 5.13 or newer with Landlock and seccomp; or convert only videos that are trusted, with best-effort", "%v", err)
		case err != nil:
			c.warn("convert only videos that are trusted", "%v", err)
		default:
			c.ok("ffmpeg's box is whole: nothing gets out")
		}
		return c.findings
	}
}

// FFmpeg looks at the programs that decode and encode, and has them convert a sample.
func FFmpeg(scratch string) Check {
	return func(ctx context.Context) []Finding {
		c := &chart{setting: "PATH"}
		transcoder, err := makeTranscoder(scratch) //nolint:contextcheck // it asks ffmpeg with a deadline of its own
		if err == nil {
			err = transcoder.Check()
		}
		if err != nil {
			c.fail("install ffmpeg with libmp3lame, as distributions have it (apt-get install ffmpeg)", "%v", err)
			return c.findings
		}
		version := transcoder.Version()
		// Builds from git have a version without numbers.
		if numbers := versionNumbers.FindStringSubmatch(version); numbers != nil && older(numbers, 5, 0) {
			c.warn("use ffmpeg 5.1 or newer", "ffmpeg %s is older than what is tested", version)
			return c.findings
		}
		c.ok("ffmpeg %s, with libmp3lame", version)
		c.convert(ctx, transcoder)
		return c.findings
	}
}

// convert tells whether a sample can be converted, and in the quickest way.
func (c *chart) convert(ctx context.Context, transcoder *transcode.Transcoder) {
	if err := transcoder.Try(ctx); err != nil {
		c.fail("install ffmpeg and libmp3lame anew, as distributions have them", "%v", err)
		return
	}
	if reason := transcoder.Slow(); reason != "" {
		c.warn("use ffmpeg and libmp3lame as distributions have them, and unreel as make build makes it", "conversions take longer than they could: %s", reason)
		return
	}
	c.ok("a sample was converted, without a start of ffmpeg and with it")
}

// makeTranscoder has ffmpeg start as a converter will. Whether its box is whole is another question.
func makeTranscoder(scratch string) (*transcode.Transcoder, error) {
	box, err := sandbox.New(sandbox.BestEffort)
	if err != nil {
		return nil, err
	}
	return transcode.New(transcode.Config{TempDir: scratch, Sandbox: box})
}
