package cli

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/api/client"
)

const (
	// worthPieces is from how many bytes on a video is sent in pieces: less is sent again as quickly.
	worthPieces = 16 << 20
	// tusVersion is what is spoken at /v1/uploads.
	tusVersion = "1.0.0"
	// offsetStream is the type of a body with bytes of a video.
	offsetStream = "application/offset+octet-stream"
	// stillTime is how long a line may stand still while a video goes out: it may be dead for long before anybody knows.
	stillTime = time.Minute
)

var (
	// errNoPieces says that a server takes videos whole only.
	errNoPieces = errors.New("the server does not take videos in pieces")
	// errStill says that nothing moved on a line.
	errStill = errors.New("the connection stands still")
)

// pieces is one video on its way to a server, by tus 1.0.0.
type pieces struct {
	*sender
	file *os.File
	size int64
	note note // remembers the upload beyond this command
	id   string
	sent int64 // bytes that the server is known to have
}

// sendInPieces sends a large video. Where the line breaks, it goes on from what has arrived, and so does the next command
// for the same file.
func (s *sender) sendInPieces(ctx context.Context, path string) (api.Conversion, error) {
	file, err := os.Open(path)
	if err != nil {
		return api.Conversion{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return api.Conversion{}, err
	}
	p := &pieces{sender: s, file: file, size: info.Size(), note: s.noteOf(path, info)}
	p.id = p.note.read()
	one, err := p.sendAll(ctx)
	if err == nil {
		p.note.forget()
		s.remote.met = true
	}
	return one, err
}

// sendAll tries for as long as something arrives, and then some times more.
func (p *pieces) sendAll(ctx context.Context) (api.Conversion, error) {
	for attempt := 0; ; attempt++ {
		before := p.sent
		one, err := p.try(ctx)
		if err == nil || errors.Is(err, errNoPieces) {
			return one, err
		}
		if p.sent > before {
			attempt = 0
		}
		pause, again := againAfter(p.piecePauses, err, attempt)
		if ctx.Err() != nil || !again {
			return one, p.remote.explain(err)
		}
		fmt.Fprintf(p.io.Err, "%s: %v; going on in %s\n", printable(p.file.Name()), p.remote.explain(err), pause)
		if err := sleep(ctx, pause); err != nil {
			return one, err
		}
	}
}

// try finds out where to go on and sends the rest.
func (p *pieces) try(ctx context.Context) (api.Conversion, error) {
	if p.id != "" {
		if err := p.ask(ctx); err != nil {
			return api.Conversion{}, err
		}
	}
	if p.id == "" {
		if err := p.create(ctx); err != nil {
			return api.Conversion{}, err
		}
	}
	if p.sent < p.size {
		if err := p.sendRest(ctx); err != nil {
			return api.Conversion{}, err
		}
	}
	return client.Decode[api.Conversion](p.remote.GetConversion(ctx, p.id))
}

// ask asks how many bytes have arrived. An upload that has expired is begun anew.
func (p *pieces) ask(ctx context.Context) error {
	version := tusVersion
	response, err := client.Check(p.remote.GetUpload(ctx, p.id, &api.GetUploadParams{TusResumable: &version}))
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Problem.Status == http.StatusNotFound {
		p.note.forget()
		p.id, p.sent = "", 0
		return nil
	}
	if err != nil {
		return err
	}
	response.Body.Close()
	p.sent, err = strconv.ParseInt(response.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || response.Header.Get("Upload-Length") != strconv.FormatInt(p.size, 10) {
		return fmt.Errorf("the server has another video under %s", printable(p.id))
	}
	return nil
}

// create announces the video.
func (p *pieces) create(ctx context.Context) error {
	version, metadata := tusVersion, p.metadata()
	params := &api.CreateUploadParams{TusResumable: &version, UploadLength: &p.size, UploadMetadata: &metadata}
	response, err := client.Check(p.remote.CreateUploadWithBody(ctx, params, "", nil))
	if refused, ok := errors.AsType[*client.Error](err); ok && (refused.Problem.Status == http.StatusNotFound || refused.Problem.Status == http.StatusMethodNotAllowed) {
		return errNoPieces
	}
	if err != nil {
		return err
	}
	response.Body.Close()
	location := response.Header.Get("Location")
	p.id = location[strings.LastIndexByte(location, '/')+1:]
	p.note.write(p.id)
	return nil
}

func (p *pieces) metadata() string {
	fields := append([]formField{{"filename", filepath.Base(p.file.Name())}}, p.fields...)
	pairs := make([]string, len(fields))
	for i, field := range fields {
		pairs[i] = field.name + " " + base64.StdEncoding.EncodeToString([]byte(field.value))
	}
	return strings.Join(pairs, ",")
}

// sendRest sends what the server does not have, with a head that lets it refuse before the video is on its way.
func (p *pieces) sendRest(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(stillTime, func() { cancel(errStill) })
	defer watch.Stop()
	meter := newMeter(p.io.Err)
	defer meter.clear()
	rest := func() io.Reader { return io.NewSectionReader(p.file, p.sent, p.size-p.sent) }
	body := &metered{Reader: rest(), meter: meter, label: filepath.Base(p.file.Name()), total: p.size, done: p.sent}
	head := func(_ context.Context, request *http.Request) error {
		request.ContentLength = p.size - p.sent
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(rest()), nil }
		request.Header.Set("Expect", "100-continue")
		return nil
	}
	version := tusVersion
	params := &api.AppendUploadParams{TusResumable: &version, UploadOffset: &p.sent}
	response, err := client.Check(p.remote.AppendUploadWithBody(ctx, p.id, params, offsetStream, &watched{body, watch}, head))
	if errors.Is(context.Cause(ctx), errStill) {
		return &url.Error{Op: http.MethodPatch, URL: p.remote.session.Server, Err: errStill}
	}
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// watched puts a timer off with each part of a body that is wanted, and stops it behind the last: the answer has a time of its
// own.
type watched struct {
	io.Reader
	timer *time.Timer
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil {
		w.timer.Stop()
	} else {
		w.timer.Reset(stillTime)
	}
	return n, err
}
