package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
)

// UploadCmd sends videos to be converted.
type UploadCmd struct {
	serverFlags
	optionFlags
	targetFlags
	Files []string `arg:"" name:"file" help:"The videos."`
	Wait  bool     `help:"Wait for the MP3s and download them; -o says so too."`
	JSON  bool     `name:"json" help:"One JSON object a line."`
}

// Run prints one line a video: its id and its status. A video that cannot be sent does not keep the others
// from it.
func (c *UploadCmd) Run(ctx context.Context, io *IO) error {
	options, err := c.options()
	if err != nil {
		return err
	}
	fields, err := formFields(options)
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	r, err := c.connect()
	if err != nil {
		return err
	}
	defer r.Close()
	run := &uploadRun{UploadCmd: c, remote: r, io: io, sender: newSender(r, io, fields)}
	sent, failed := run.sendAll(ctx)
	if ctx.Err() != nil || !run.waits() {
		return errors.Join(failed, ctx.Err())
	}
	return errors.Join(failed, run.fetchAll(ctx, sent))
}

// waits tells whether the MP3s are wanted at once.
func (c *UploadCmd) waits() bool { return c.Wait || c.Output != "" }

// check finds what would otherwise be found after a long upload.
func (c *UploadCmd) check() error {
	_, isFolder := c.folder()
	switch {
	case c.JSON && c.toOutput():
		return UsageError{errors.New("-o - and --json cannot share the output")}
	case len(c.Files) > 1 && !isFolder:
		return UsageError{errors.New("-o: many videos need a folder that exists")}
	}
	for _, path := range c.Files {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a file that can be sent", path)
		}
	}
	return c.targetFlags.check()
}

// uploadRun is one run of the command.
type uploadRun struct {
	*UploadCmd
	remote *remote
	io     *IO
	sender *sender
}

// sendAll sends every video and returns the conversions of those that arrived.
func (u *uploadRun) sendAll(ctx context.Context) ([]api.Conversion, error) {
	var sent []api.Conversion
	var failed []error
	for _, path := range u.Files {
		one, err := u.sender.send(ctx, path)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", printable(path), err))
			if ctx.Err() != nil || concernsAll(err) {
				break
			}
			continue
		}
		sent = append(sent, one)
		if u.waits() {
			fmt.Fprintf(u.io.Err, "%s is sent; its id is %s\n", printable(path), printable(one.ID))
		} else if err := u.print(one, ""); err != nil {
			return sent, err
		}
	}
	return sent, errors.Join(failed...)
}

// concernsAll tells whether the next video would fail in the same way.
func concernsAll(err error) bool {
	_, expired := errors.AsType[*expiredError](err)
	_, unreachable := errors.AsType[*unreachableError](err)
	return expired || unreachable
}

// fetchAll waits for each conversion and downloads its MP3.
func (u *uploadRun) fetchAll(ctx context.Context, sent []api.Conversion) error {
	var failed []error
	for _, one := range sent {
		if err := u.fetch(ctx, one); err != nil {
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

func (u *uploadRun) fetch(ctx context.Context, one api.Conversion) error {
	meter := newMeter(u.io.Err)
	defer meter.clear()
	ended, err := u.remote.follow(ctx, one.ID, func(event api.Event) {
		if event.Status == conversion.Converting {
			meter.show(one.Video.Name, event.Progress)
		}
	})
	if err != nil {
		return fmt.Errorf("wait for %s: %w", printable(one.ID), err)
	}
	path := ""
	if ended.Status == conversion.Completed {
		meter.clear()
		if path, err = u.remote.download(ctx, u.io, ended.ID, u.targetFlags); err != nil {
			return err
		}
	}
	return errors.Join(u.print(ended, path), outcome(ended))
}

// print writes a video's line, unless its MP3 went where the line would go.
func (u *uploadRun) print(one api.Conversion, path string) error {
	switch {
	case u.toOutput():
		return nil
	case u.JSON:
		return writeJSON(u.io.Out, struct {
			api.Conversion
			File string `json:"file,omitempty"` // where the MP3 lies
		}{one, path})
	case path != "":
		one.Video.Name = path
	}
	return writeLine(u.io.Out, one)
}
