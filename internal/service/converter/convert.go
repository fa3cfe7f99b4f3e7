package converter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/transcode"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

// convert makes the MP3 and stores it. Until it returns nil, nothing is seen of it.
func (j *job) convert(ctx context.Context, progress func(transcode.Progress)) (transcode.Result, error) {
	video, remove, err := j.fetch(ctx)
	if err != nil {
		return transcode.Result{}, err
	}
	defer remove()

	output, err := os.CreateTemp(j.config.Scratch, string(j.claim.ID)+"-*.mp3")
	if err != nil {
		return transcode.Result{}, fmt.Errorf("make a scratch file: %w", err)
	}
	defer j.drop(output)

	result, err := j.transcoder.Run(ctx, transcode.Job{Source: video, Options: j.claim.Options, Sink: output}, progress)
	if err != nil {
		return transcode.Result{}, err
	}
	if err := j.store(ctx, output, result.MP3); err != nil {
		return transcode.Result{}, err
	}
	return result, nil
}

// fetch returns a path under which ffmpeg can read the video, and what gives it back.
func (j *job) fetch(ctx context.Context) (path string, release func(), err error) {
	if local, ok := j.blobs.(blob.Local); ok {
		path, err := local.Path(blob.Video, j.claim.ID)
		return path, func() {}, gone(err)
	}
	return j.download(ctx)
}

// gone turns a missing video into a lasting failure: no other attempt will find it.
func gone(err error) error {
	if errors.Is(err, blob.ErrNotFound) {
		return conversion.Fail(conversion.Internal, "The video is no longer there. Please upload it again.")
	}
	return err
}

func (j *job) download(ctx context.Context) (path string, release func(), err error) {
	source, err := j.blobs.Open(ctx, blob.Video, j.claim.ID)
	if err != nil {
		return "", nil, gone(err)
	}
	defer source.Close()
	file, err := os.CreateTemp(j.config.Scratch, string(j.claim.ID)+"-*.video")
	if err != nil {
		return "", nil, fmt.Errorf("make a scratch file: %w", err)
	}
	if _, err := io.Copy(file, source); err != nil {
		j.drop(file)
		return "", nil, fmt.Errorf("fetch the video: %w", err)
	}
	return file.Name(), func() { j.drop(file) }, nil
}

// store copies the finished MP3 into the blob store.
func (j *job) store(ctx context.Context, file *os.File, mp3 conversion.MP3) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind the MP3: %w", err)
	}
	writer, err := j.blobs.Create(ctx, blob.MP3, j.claim.ID)
	if err != nil {
		return fmt.Errorf("store the MP3: %w", err)
	}
	meta := blob.Meta{Owner: j.claim.Owner, ContentType: "audio/mpeg", SHA256: mp3.SHA256, Fence: j.claim.Fence}
	if err := j.copyAndCommit(ctx, writer, file, meta); err != nil {
		return errors.Join(fmt.Errorf("store the MP3: %w", err), writer.Abort())
	}
	return nil
}

// copyAndCommit makes sure of the claim before the MP3 takes the place of another: a converter that was stopped
// for a while may have lost it and not know. If it is stopped again right behind that, the store refuses the MP3 by the
// claim's fence.
func (j *job) copyAndCommit(ctx context.Context, writer blob.Writer, file io.Reader, meta blob.Meta) error {
	if _, err := io.Copy(writer, file); err != nil {
		return err
	}
	if err := j.ledger.Renew(ctx, j.claim.ID, j.claim.Fence, 1); err != nil {
		return err
	}
	err := writer.Commit(ctx, meta)
	if errors.Is(err, blob.ErrSuperseded) {
		return fmt.Errorf("%w: %w", ledger.ErrStale, err)
	}
	return err
}

func (j *job) drop(file *os.File) {
	if err := errors.Join(file.Close(), os.Remove(file.Name())); err != nil {
		j.logger.Error("scratch file not removed", "error", err)
	}
}
