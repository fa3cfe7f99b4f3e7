package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/id3"
	"github.com/unreel/unreel/internal/media/sandbox"
	"github.com/unreel/unreel/internal/media/transcode"
)

// ConvertCmd converts local files, without a server.
type ConvertCmd struct {
	Files  []string   `arg:"" name:"file" help:"The videos."`
	Output targetPath `short:"o" placeholder:"FILE|DIR|-" help:"Where the MP3 goes; a folder takes many, - is the output (default: beside the video)."`
	optionFlags
	Cover string `placeholder:"FILE" help:"Picture for the tag, a JPEG or PNG."`
	Jobs  int    `placeholder:"N" help:"Cores to use (default: all)."`
	Force bool   `help:"Replace files that exist."`
	JSON  bool   `name:"json" help:"Print one JSON object a line."`

	Sandbox sandbox.Mode `env:"UNREEL_SANDBOX" default:"best-effort" placeholder:"MODE" help:"The box that ffmpeg runs in: best-effort goes without what this machine lacks and says so, required refuses (default: best-effort)."`
}

// Run converts as many files at a time as there are cores to use. One that fails does not stop the others.
func (c *ConvertCmd) Run(ctx context.Context, io *IO) error {
	options, err := c.options()
	if err != nil {
		return err
	}
	cover, err := c.readCover()
	if err != nil {
		return err
	}
	targets, err := c.targets(io)
	if err != nil {
		return err
	}
	box, err := c.box(io)
	if err != nil {
		return err
	}
	transcoder, err := transcode.New(transcode.Config{Cores: c.jobs(), Sandbox: box}) //nolint:contextcheck // it has a deadline of its own
	if err != nil {
		return err
	}
	batch := &convertBatch{
		transcoder: transcoder, options: options, cover: cover, force: c.Force,
		report: newConvertReport(io, c.JSON, targets),
	}
	return batch.run(ctx, targets, c.jobs())
}

// box makes the box for ffmpeg. The files are the person's own, so that a machine which cannot make all of it, as
// none but Linux can, converts them without.
func (c *ConvertCmd) box(io *IO) (*sandbox.Box, error) {
	if err := c.Sandbox.Validate(); err != nil {
		return nil, UsageError{fmt.Errorf("--sandbox (UNREEL_SANDBOX): %q %w", c.Sandbox, err)}
	}
	box, err := sandbox.New(c.Sandbox)
	if err != nil {
		return nil, err
	}
	if missing := box.Missing(); len(missing) > 0 {
		fmt.Fprintf(io.Err, "unreel: ffmpeg runs without its whole box, because this machine lacks %s: convert only files that you trust. "+
			"--sandbox=required refuses instead.\n", strings.Join(missing, " and "))
	}
	return box, nil
}

func (c *ConvertCmd) jobs() int {
	if c.Jobs == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return c.Jobs
}

// maxCover is more than players show, in bytes.
const maxCover = 16 << 20

func (c *ConvertCmd) readCover() ([]byte, error) {
	switch {
	case c.Jobs < 0:
		return nil, UsageError{errors.New("--jobs: must be at least 1")}
	case c.Cover == "":
		return nil, nil
	case c.NoTags:
		return nil, UsageError{errors.New("--cover: cannot be written with --no-tags")}
	}
	info, err := os.Stat(c.Cover)
	if err != nil {
		return nil, UsageError{fmt.Errorf("--cover: %w", err)}
	}
	if !info.Mode().IsRegular() || info.Size() > maxCover {
		return nil, UsageError{fmt.Errorf("--cover: %s must be a file of at most %s", c.Cover, size(maxCover))}
	}
	picture, err := os.ReadFile(c.Cover)
	if err != nil {
		return nil, UsageError{fmt.Errorf("--cover: %w", err)}
	}
	if _, ok := id3.CoverType(picture); !ok {
		return nil, UsageError{fmt.Errorf("--cover: %s must be a JPEG or PNG picture", c.Cover)}
	}
	return picture, nil
}

// convertBatch is all files of one call.
type convertBatch struct {
	transcoder *transcode.Transcoder
	options    conversion.Options
	cover      []byte
	force      bool
	report     *convertReport
}

func (b *convertBatch) run(ctx context.Context, targets []convertTarget, jobs int) error {
	defer b.report.close()
	failed := make([]error, len(targets))
	var group errgroup.Group
	group.SetLimit(jobs)
	for i, target := range targets {
		group.Go(func() error {
			result, err := b.convert(ctx, target, share(jobs, len(targets)-i))
			if failed[i] = err; ctx.Err() == nil {
				b.report.ended(target, result, err)
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in failed
	if err := convertOutcome(ctx, targets, failed); err != nil {
		return err
	}
	return b.report.lost
}

// convertOutcome says nothing again: where there are many files, each one's error was told when it happened.
func convertOutcome(ctx context.Context, targets []convertTarget, failed []error) error {
	count := 0
	for _, err := range failed {
		if err != nil {
			count++
		}
	}
	switch {
	case count == 0:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case len(failed) == 1:
		return failureOf(targets[0], failed[0])
	default:
		return fmt.Errorf("%d of %d files could not be converted", count, len(failed))
	}
}

// share is how many of the cores one of so many files gets: one core a file takes the least time for all of them.
func share(cores, files int) int {
	return cores / min(cores, files)
}

func (b *convertBatch) convert(ctx context.Context, target convertTarget, cores int) (transcode.Result, error) {
	if err := ctx.Err(); err != nil {
		return transcode.Result{}, err
	}
	job := transcode.Job{Source: target.source, Options: b.options, Cover: b.cover, Cores: cores}
	progress := b.report.begin(target)
	if target.out != nil {
		job.Sink = target.out
		return b.transcoder.Run(ctx, job, progress)
	}
	if err := target.check(b.force); err != nil {
		return transcode.Result{}, err
	}
	file, err := newFile(target.path, 0o666) // less what the umask takes away
	if err != nil {
		return transcode.Result{}, err
	}
	defer file.discard()
	job.Sink = file.File
	result, err := b.transcoder.Run(ctx, job, progress)
	switch {
	case err != nil:
		return transcode.Result{}, err
	case b.force:
		return result, file.replace()
	default:
		return result, file.add()
	}
}

// inFolder is a video's MP3 in a folder.
func inFolder(folder, video string) string {
	name := filepath.Base(video)
	return filepath.Join(folder, name[:len(name)-len(filepath.Ext(name))]+".mp3")
}
