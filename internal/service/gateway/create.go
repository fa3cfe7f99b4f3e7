package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"reflect"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store/ledger"
)

var (
	// errKeyReused says that an idempotency key came back with another video or other options.
	errKeyReused = errors.New("idempotency key was used for something else")
	// errKeyBusy says that the first request with an idempotency key has not ended.
	errKeyBusy = errors.New("the first request with this idempotency key is still running")
	// errNotMultipart says that a body is not a form with files.
	errNotMultipart = errors.New("body is not multipart/form-data")
)

// maxKey is the longest Idempotency-Key, in bytes.
const maxKey = 255

// formOverhead is how much a form may add to its file, in bytes.
const formOverhead = 1 << 20

// CreateConversion implements POST /v1/conversions.
func (g *Gateway) CreateConversion(w http.ResponseWriter, r *http.Request, params api.CreateConversionParams) {
	claims, ok := g.authenticate(w, r)
	if !ok {
		return
	}
	request := uploadRequest{claims: claims, late: refuseField}
	if params.IdempotencyKey != nil {
		request.key = *params.IdempotencyKey
		if request.key == "" || len(request.key) > maxKey {
			g.problem(w, r, invalid("Idempotency-Key", fmt.Sprintf("must have 1 to %d characters", maxKey)))
			return
		}
	}
	request.field = func(name, value string) error { return parseOption(&request.options, name, value) }
	record, err := g.takeUpload(w, r, &request)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	w.Header().Set("Location", location(record.ID))
	g.show(w, r, http.StatusAccepted, record)
}

func location(id conversion.ID) string {
	return "/v1/conversions/" + string(id)
}

// uploadRequest is what one request with a video asks for.
type uploadRequest struct {
	claims  client.Claims
	options conversion.Options
	key     string                         // Idempotency-Key, or ""
	field   func(name, value string) error // takes a field before the file
	late    func(name, value string) error // takes a field behind the file
}

// takeUpload reads a form with exactly one file, stores it and queues its conversion.
func (g *Gateway) takeUpload(w http.ResponseWriter, r *http.Request, request *uploadRequest) (ledger.Record, error) {
	if r.ContentLength > g.config.MaxUpload+formOverhead {
		return ledger.Record{}, errTooLarge
	}
	leave, err := g.places.take(request.claims.UserID)
	if err != nil {
		return ledger.Record{}, err
	}
	defer leave()
	r.Body = io.NopCloser(httpx.NewRollingReader(w, r, patience))
	reader, err := r.MultipartReader()
	if err != nil {
		return ledger.Record{}, fmt.Errorf("%w: %w", errNotMultipart, err)
	}
	f := &form{reader: reader}
	file, err := f.nextFile(request.field)
	if errors.Is(err, io.EOF) {
		return ledger.Record{}, errFileCount
	}
	if err != nil {
		return ledger.Record{}, err
	}
	if err := request.options.Validate(); err != nil {
		return ledger.Record{}, err
	}
	return g.takeFile(r.Context(), request, f, file)
}

func (g *Gateway) takeFile(ctx context.Context, request *uploadRequest, f *form, file *multipart.Part) (ledger.Record, error) {
	upload := ledger.Upload{
		ID:             conversion.NewID(time.Now()),
		Owner:          request.claims.UserID,
		Username:       request.claims.Username,
		Name:           cleanName(file.FileName()),
		Options:        request.options,
		IdempotencyKey: request.key,
	}
	in, record, err := g.begin(ctx, upload)
	if errors.Is(err, ledger.ErrKeyInUse) {
		return record, g.replay(record, upload, f, file, request.late)
	}
	if err != nil {
		return ledger.Record{}, err
	}
	if err := in.receive(ctx, file); err != nil {
		in.abandon(ctx)
		return ledger.Record{}, err
	}
	if err := f.rest(request.late); err != nil {
		in.abandon(ctx)
		return ledger.Record{}, err
	}
	record, err = in.accept(context.WithoutCancel(ctx), upload.Owner)
	if err != nil {
		in.abandon(ctx)
		return ledger.Record{}, err
	}
	return record, nil
}

// replay answers a request whose idempotency key has been used: with the conversion of then, if the
// request is the same.
func (g *Gateway) replay(record ledger.Record, upload ledger.Upload, f *form, file io.Reader, late func(name, value string) error) error {
	if record.Status == conversion.Receiving {
		return errKeyBusy
	}
	digest := sha256.New()
	size, err := io.Copy(digest, io.LimitReader(file, g.config.MaxUpload+1))
	if err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	if size > g.config.MaxUpload {
		return errTooLarge
	}
	if err := f.rest(late); err != nil {
		return err
	}
	same := size == record.Video.Size && hex.EncodeToString(digest.Sum(nil)) == record.Video.SHA256 &&
		upload.Name == record.Video.Name && reflect.DeepEqual(upload.Options, record.Options)
	if !same {
		return errKeyReused
	}
	return nil
}
