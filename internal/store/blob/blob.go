// Package blob is the contract for what keeps the videos and the MP3s. The ledger says what a
// conversion is; a blob is only its bytes, under the conversion's id.
//
// Every backend passes the suite in blobtest.
package blob

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// Kind is which of a conversion's two blobs is meant. Its text names the GridFS database and the folder.
type Kind string

// The kinds.
const (
	Video Kind = "videos"
	MP3   Kind = "mp3s"
)

// Kinds has every kind.
var Kinds = []Kind{Video, MP3}

var (
	// ErrNotFound says that no such blob has been committed.
	ErrNotFound = errors.New("blob not found")
	// ErrFull says that the store has no room for more: nothing was written, try later.
	ErrFull = errors.New("blob store is full")
	// ErrSuperseded says that a blob of a later claim is there already. It stays, and what was written is removed.
	ErrSuperseded = errors.New("blob of a later claim is stored")
)

// Meta is written beside a blob for other programs that read the store; the ledger does not rely on it.
type Meta struct {
	Owner       string // account id
	ContentType string
	SHA256      string // hex
	// Fence is the number of the claim that the blob was made under. A blob of a higher one is never replaced, so that
	// who has lost a claim and does not know cannot undo what its successor did. 0 is for blobs that nobody claims.
	Fence int64
}

// Info describes a committed blob.
type Info struct {
	ID       conversion.ID
	Size     int64 // bytes
	Modified time.Time
}

// Store keeps blobs. All methods may be called concurrently; contexts end the call, not the stored blob.
type Store interface {
	// Create begins a blob. Nothing is seen under the id until Commit.
	Create(ctx context.Context, kind Kind, id conversion.ID) (Writer, error)
	// Append goes on with a blob that is written in pieces, at a mark that an appender of any process has returned; the
	// zero Mark begins the blob. What was written behind the mark is gone, and so is a Commit. Of several appenders that
	// of the highest fence prevails: the others get ErrSuperseded, sooner or later, and change nothing that its marks
	// stand for. ErrNotFound means that what lies before the mark is not there. Writes end with the context.
	Append(ctx context.Context, kind Kind, id conversion.ID, fence int64, from Mark) (Appender, error)
	// Open returns a committed blob, to read from its start or any other offset. The caller closes it.
	Open(ctx context.Context, kind Kind, id conversion.ID) (Reader, error)
	// Delete removes a blob and whatever is left of it by a crash; a blob that is not there is no error.
	Delete(ctx context.Context, kind Kind, id conversion.ID) error
	// List yields the blobs of a kind, committed or left behind by a crash, that were last changed
	// before the given time, in no order. Deleting while ranging is allowed.
	List(ctx context.Context, kind Kind, before time.Time) iter.Seq2[Info, error]
	// Check returns nil when the store can be used, and else says in words why not.
	Check(ctx context.Context) error
}

// Writer takes a blob's bytes. After Create, either Commit or Abort must be called; Abort after Commit
// does nothing, so that it can be deferred.
type Writer interface {
	io.Writer
	// Commit makes what was written durable and visible at once, in place of an earlier blob of this id, or returns
	// ErrSuperseded. A blob of a higher fence that was committed since Create is sure to be noticed.
	Commit(ctx context.Context, meta Meta) error
	// Abort removes what was written. It works although the context of Create is done.
	Abort() error
}

// Reader reads a committed blob. Seek costs nothing until the next Read, which fetches only what it needs.
type Reader interface {
	io.ReadSeekCloser
	Info() Info
}

// Local is what a Store also is when its blobs are files of this machine, so that ffmpeg can read a
// video where it lies instead of from a copy.
type Local interface {
	// Path returns the committed blob's file, to be read only. The error is ErrNotFound if there is none.
	Path(kind Kind, id conversion.ID) (string, error)
}
