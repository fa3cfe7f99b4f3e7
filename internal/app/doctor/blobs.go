package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/blob/disk"
	"github.com/unreel/unreel/internal/store/blob/gridfs"
)

const blobSetting = "UNREEL_BLOBS"

// Blobs looks at where videos and MP3s are kept: it writes a small one of each, reads it and deletes it.
func Blobs(url string) Check {
	return func(ctx context.Context) []Finding {
		c := &chart{setting: blobSetting}
		if dir, isFolder := strings.CutPrefix(url, "file:"); isFolder {
			c.examineFolder(ctx, dir)
		} else {
			c.examineMongoDB(ctx, url)
		}
		return c.findings
	}
}

func (c *chart) examineFolder(ctx context.Context, dir string) {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) && writable(dir) == nil {
		c.ok("%s is made at the first start", dir)
		return
	}
	store, err := disk.Open(disk.Config{Dir: dir})
	if err != nil {
		c.fail("let the user that runs the service make and write the folder", "%v", err)
		return
	}
	defer store.Close()
	if err := tryAll(ctx, store); err != nil {
		remedy := "let the user that runs the service write the folder"
		if errors.Is(err, blob.ErrFull) {
			remedy = "make room on its disk"
		}
		c.fail(remedy, "%v", err)
		return
	}
	c.ok("files can be written, read and deleted in %s", dir)
}

func (c *chart) examineMongoDB(ctx context.Context, url string) {
	store, err := gridfs.Open(gridfs.Config{URL: url, Timeout: patience / 3})
	if err != nil {
		c.fail("write mongodb://user:password@host:27017", "%s", strings.TrimPrefix(err.Error(), blobSetting+": "))
		return
	}
	defer store.Close() //nolint:contextcheck,errcheck // it must be closed, whatever became of the context
	version, err := store.Version(ctx)
	if err == nil {
		c.ok("MongoDB %s", version)
		err = store.Check(ctx)
	}
	if err == nil {
		err = tryAll(ctx, store)
	}
	if err != nil {
		c.refusedByMongoDB(err)
		return
	}
	c.ok("files can be written, read and deleted in the databases videos and mp3s")
}

// Codes of what MongoDB refuses (https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml).
const (
	unauthorized         = 13
	authenticationFailed = 18
)

func (c *chart) refusedByMongoDB(err error) {
	answer, answered := errors.AsType[mongo.ServerError](err)
	text := err.Error()
	switch {
	case answered && answer.HasErrorCode(authenticationFailed), strings.Contains(text, "auth error"), strings.Contains(text, "AuthenticationFailed"):
		c.fail("correct the user, the password and authSource in the URL", "the server does not take the log-in")
	case answered && answer.HasErrorCode(unauthorized):
		c.fail("give the account readWrite on the databases videos and mp3s", "%v", err)
	case errors.Is(err, blob.ErrFull):
		c.fail("make room on the server's disk", "the server is full: %v", err)
	default:
		c.unreachable(err, "look into the server's log")
	}
}

// probeSize is enough for a store to do all that it does, in bytes.
const probeSize = 4 << 10

// tryAll stores a blob of each kind under an id that nobody uses, and removes it, whatever happens.
func tryAll(ctx context.Context, store blob.Store) error {
	for _, kind := range blob.Kinds {
		if err := try(ctx, store, kind); err != nil {
			return err
		}
	}
	return nil
}

func try(ctx context.Context, store blob.Store, kind blob.Kind) (failed error) {
	id := newProbe()
	content := make([]byte, probeSize)
	rand.Read(content)
	writer, err := store.Create(ctx, kind, id)
	if err != nil {
		return fmt.Errorf("write a file of %s: %w", kind, err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		if err := store.Delete(ctx, kind, id); err != nil {
			failed = errors.Join(failed, fmt.Errorf("delete a file of %s: %w", kind, err))
		}
	}()
	if _, err := writer.Write(content); err != nil {
		return errors.Join(fmt.Errorf("write a file of %s: %w", kind, err), writer.Abort())
	}
	if err := writer.Commit(ctx, blob.Meta{ContentType: "application/octet-stream"}); err != nil {
		return errors.Join(fmt.Errorf("write a file of %s: %w", kind, err), writer.Abort())
	}
	reader, err := store.Open(ctx, kind, id)
	if err != nil {
		return fmt.Errorf("read a file of %s: %w", kind, err)
	}
	defer reader.Close()
	got, err := io.ReadAll(reader)
	if err != nil {
		return fmt.Errorf("read a file of %s: %w", kind, err)
	}
	if !bytes.Equal(got, content) {
		return fmt.Errorf("read a file of %s: it is not what was written", kind)
	}
	return nil
}
