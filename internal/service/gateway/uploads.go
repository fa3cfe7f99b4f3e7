package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

// CreateUpload implements POST /v1/uploads.
func (g *Gateway) CreateUpload(w http.ResponseWriter, r *http.Request, params api.CreateUploadParams) {
	claims, ok := g.tusOwner(w, r)
	if !ok {
		return
	}
	upload, err := g.announced(claims, params)
	var sum *checksum
	if err == nil {
		sum, err = parseChecksum(params.UploadChecksum)
	}
	if err == nil && r.ContentLength != 0 && !isOffsetStream(r) {
		err = errNotOffsetStream
	}
	if err != nil {
		g.fail(w, r, err)
		return
	}
	record, err := g.beginUpload(w, r, upload, sum)
	if err != nil {
		g.failUpload(w, r, err)
		return
	}
	w.Header().Set("Location", "/v1/uploads/"+string(record.ID))
	g.showOffset(w, http.StatusCreated, record)
}

// beginUpload makes the record of an upload and takes the first piece of it, if it came along. A client that gets no
// answer does not know where to go on, so of what fails nothing stays.
func (g *Gateway) beginUpload(w http.ResponseWriter, r *http.Request, upload announced, sum *checksum) (ledger.Record, error) {
	upload.ID = conversion.NewID(time.Now())
	record, err := g.ledger.ReceivePieces(r.Context(), upload.Upload, upload.length, upload.metadata)
	if err != nil || r.ContentLength == 0 {
		return record, err
	}
	accepted, err := g.takePiece(w, r, record, 0, sum)
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), cleanupTime)
		defer cancel()
		if err := g.terminate(ctx, upload.Owner, upload.ID); err != nil {
			g.logger.WarnContext(ctx, "broken upload not removed yet", "conversion", upload.ID, "error", err)
		}
	}
	return accepted, err
}

// GetUpload implements HEAD /v1/uploads/{id}. Who asks for the offset wants to go on, so the piece that is arriving here is
// ended: its line is dead.
func (g *Gateway) GetUpload(w http.ResponseWriter, r *http.Request, text api.ID, _ api.GetUploadParams) {
	record, ok := g.uploadOf(w, r, text)
	if !ok {
		return
	}
	g.arrivals.interrupt(r.Context(), record.ID)
	record, err := g.ledger.GetUpload(r.Context(), record.Owner, record.ID)
	if err != nil {
		g.failUpload(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Upload-Length", strconv.FormatInt(record.Pieces.Length, 10))
	if record.Pieces.Metadata != "" {
		header.Set("Upload-Metadata", record.Pieces.Metadata)
	}
	g.showOffset(w, http.StatusOK, record)
}

// AppendUpload implements PATCH /v1/uploads/{id}.
func (g *Gateway) AppendUpload(w http.ResponseWriter, r *http.Request, text api.ID, params api.AppendUploadParams) {
	record, ok := g.uploadOf(w, r, text)
	if !ok {
		return
	}
	record, err := g.appendUpload(w, r, record, params)
	if err != nil {
		g.failUpload(w, r, err)
		return
	}
	g.showOffset(w, http.StatusNoContent, record)
}

func (g *Gateway) appendUpload(w http.ResponseWriter, r *http.Request, record ledger.Record, params api.AppendUploadParams) (ledger.Record, error) {
	if !isOffsetStream(r) {
		return ledger.Record{}, errNotOffsetStream
	}
	if params.UploadOffset == nil || *params.UploadOffset < 0 {
		return ledger.Record{}, &conversion.OptionError{Field: "Upload-Offset", Detail: "must say where in the video these bytes begin"}
	}
	sum, err := parseChecksum(params.UploadChecksum)
	if err != nil {
		return ledger.Record{}, err
	}
	offset := *params.UploadOffset
	switch {
	case record.Status != conversion.Receiving && offset == record.Pieces.Length && r.ContentLength == 0:
		return record, nil // asked once more for what is there already
	case record.Status != conversion.Receiving:
		return ledger.Record{}, ledger.ErrOffset
	}
	return g.takePiece(w, r, record, offset, sum)
}

// DeleteUpload implements DELETE /v1/uploads/{id}.
func (g *Gateway) DeleteUpload(w http.ResponseWriter, r *http.Request, text api.ID, _ api.DeleteUploadParams) {
	record, ok := g.uploadOf(w, r, text)
	if !ok {
		return
	}
	if err := g.terminate(r.Context(), record.Owner, record.ID); err != nil {
		g.failUpload(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// terminate removes an upload, and with it the conversion, if it has become one. What cannot be removed now, the collector
// removes later.
func (g *Gateway) terminate(ctx context.Context, owner string, id conversion.ID) error {
	record, err := g.ledger.Terminate(ctx, owner, id)
	if err != nil {
		return err
	}
	if record.Pieces.Offset == record.Pieces.Length {
		g.wake()
		g.announce(ctx, record)
		return nil // somebody may be reading it
	}
	g.arrivals.interrupt(ctx, id)
	if err := g.blobs.Delete(ctx, blob.Video, id); err != nil {
		g.logger.WarnContext(ctx, "terminated upload not removed yet", "conversion", id, "error", err)
	}
	return nil
}

// uploadOf authenticates and finds the upload that a path names.
func (g *Gateway) uploadOf(w http.ResponseWriter, r *http.Request, text string) (ledger.Record, bool) {
	claims, ok := g.tusOwner(w, r)
	if !ok {
		return ledger.Record{}, false
	}
	record := ledger.Record{}
	id, err := conversion.ParseID(text)
	if errors.Is(err, conversion.ErrBadID) {
		err = ledger.ErrNotFound
	}
	if err == nil {
		record, err = g.ledger.GetUpload(r.Context(), claims.UserID, id)
	}
	if err != nil {
		g.failUpload(w, r, err)
		return ledger.Record{}, false
	}
	return record, true
}

// failUpload is fail where an upload is meant by what is not found.
func (g *Gateway) failUpload(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, ledger.ErrNotFound) {
		err = httpx.NewProblem(http.StatusNotFound, "not-found", "There is no such upload",
			"You have no upload with this id. It may have expired, as its Upload-Expires said: begin another.")
	}
	g.fail(w, r, err)
}

// showOffset answers with how far an upload has come.
func (g *Gateway) showOffset(w http.ResponseWriter, status int, record ledger.Record) {
	header := w.Header()
	header.Set("Upload-Offset", strconv.FormatInt(record.Pieces.Offset, 10))
	if record.Status == conversion.Receiving {
		header.Set("Upload-Expires", record.WakeDue.UTC().Format(http.TimeFormat))
	}
	w.WriteHeader(status)
}
