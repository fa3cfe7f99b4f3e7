package cli

import (
	"context"
	"fmt"
	"mime"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/api/client"
)

// DownloadCmd fetches an MP3.
type DownloadCmd struct {
	serverFlags
	targetFlags
	idArg
}

// Run prints the path of the file.
func (c *DownloadCmd) Run(ctx context.Context, io *IO) error {
	id, err := c.parse()
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
	path, err := r.download(ctx, io, id, c.targetFlags)
	if err == nil && path != "" {
		fmt.Fprintln(io.Out, printable(path))
	}
	return err
}

// download fetches an MP3 and returns the path of its file, or "" if it went to the output.
func (r *remote) download(ctx context.Context, io *IO, id string, target targetFlags) (string, error) {
	response, err := client.Check(r.GetMP3(ctx, id, &api.GetMP3Params{}))
	if err != nil {
		return "", r.explain(err)
	}
	defer response.Body.Close()
	if media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); media != "audio/mpeg" {
		return "", errNoMP3(response.Header.Get("Content-Type"))
	}
	name := safeName(response.Header.Get("Content-Disposition"), id+".mp3")
	meter := newMeter(io.Err)
	defer meter.clear()
	body := &metered{Reader: response.Body, meter: meter, label: name, total: response.ContentLength}
	path, err := target.save(io.Out, body, name)
	if err != nil {
		return "", fmt.Errorf("download %s: %w", id, err)
	}
	return path, nil
}
