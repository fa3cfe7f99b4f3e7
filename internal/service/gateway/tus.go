package gateway

import (
	"encoding/base64"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store/ledger"
)

// What of tus 1.0.0 there is (https://tus.io/protocols/resumable-upload).
const (
	tusVersion    = "1.0.0"
	tusExtensions = "creation,creation-with-upload,termination,expiration,checksum"
	// offsetStream is the type of a body with bytes of a video.
	offsetStream = "application/offset+octet-stream"
)

// maxMetadata is the longest Upload-Metadata, in bytes.
const maxMetadata = 16 << 10

// tus is what all answers and requests of /v1/uploads have in common. A client that cannot send every method says in a
// header which one it means.
func tus(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/uploads" || strings.HasPrefix(r.URL.Path, "/v1/uploads/") {
			w.Header().Set("Tus-Resumable", tusVersion)
			if method := r.Header.Get("X-HTTP-Method-Override"); method != "" {
				r.Method = method
			}
		}
		next.ServeHTTP(w, r)
	})
}

// tusOwner returns whose request this is, or answers that it is nobody's or speaks another version.
func (g *Gateway) tusOwner(w http.ResponseWriter, r *http.Request) (client.Claims, bool) {
	if r.Header.Get("Tus-Resumable") != tusVersion {
		w.Header().Set("Tus-Version", tusVersion)
		g.problem(w, r, httpx.NewProblem(http.StatusPreconditionFailed, "tus-version", "The version of tus is not spoken here",
			"Send the header Tus-Resumable: "+tusVersion+"."))
		return client.Claims{}, false
	}
	return g.authenticate(w, r)
}

// DescribeUploads implements OPTIONS /v1/uploads.
func (g *Gateway) DescribeUploads(w http.ResponseWriter, _ *http.Request) {
	header := w.Header()
	header.Set("Tus-Version", tusVersion)
	header.Set("Tus-Extension", tusExtensions)
	header.Set("Tus-Max-Size", strconv.FormatInt(g.config.MaxUpload, 10))
	header.Set("Tus-Checksum-Algorithm", checksumNames)
	w.WriteHeader(http.StatusNoContent)
}

// announced is an upload as its creation asks for it.
type announced struct {
	ledger.Upload

	length   int64
	metadata string
}

// announce reads what a creation asks for.
func (g *Gateway) announced(claims client.Claims, params api.CreateUploadParams) (announced, error) {
	a := announced{Upload: ledger.Upload{Owner: claims.UserID, Username: claims.Username, Name: cleanName("")}}
	switch {
	case params.UploadDeferLength != nil:
		return a, &conversion.OptionError{Field: "Upload-Defer-Length", Detail: "is not offered: send Upload-Length"}
	case params.UploadLength == nil:
		return a, &conversion.OptionError{Field: "Upload-Length", Detail: "is missing: send how many bytes the video has"}
	case *params.UploadLength <= 0:
		return a, &conversion.OptionError{Field: "Upload-Length", Detail: "must be at least 1: an empty file has no sound"}
	case *params.UploadLength > g.config.MaxUpload:
		return a, errTooLarge
	}
	a.length = *params.UploadLength
	if params.UploadMetadata != nil {
		a.metadata = *params.UploadMetadata
	}
	if err := readMetadata(a.metadata, a.take); err != nil {
		return a, err
	}
	return a, a.Options.Validate()
}

// take takes a value from the metadata. Some keys are those of clients that send them for every file.
func (a *announced) take(key, value string) error {
	switch key {
	case "filename":
		a.Name = cleanName(value)
		return nil
	case "filetype", "name", "type", "relativePath":
		return nil
	default:
		return parseOption(&a.Options, key, value)
	}
}

// readMetadata hands the pairs of an Upload-Metadata to a function.
func readMetadata(header string, take func(key, value string) error) error {
	if len(header) > maxMetadata {
		return &conversion.OptionError{Field: "Upload-Metadata", Detail: fmt.Sprintf("must be at most %d bytes", maxMetadata)}
	}
	if strings.TrimSpace(header) == "" {
		return nil
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(header, ",") {
		key, encoded, _ := strings.Cut(strings.TrimSpace(pair), " ")
		value, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
		switch {
		case key == "":
			return &conversion.OptionError{Field: "Upload-Metadata", Detail: "must be pairs of a key and a value in base64, separated by commas"}
		case err != nil:
			return &conversion.OptionError{Field: key, Detail: "must be written in base64"}
		case seen[key]:
			return &conversion.OptionError{Field: key, Detail: "must be given once"}
		}
		seen[key] = true
		if err := checkLength(key, value); err != nil {
			return err
		}
		if err := take(key, string(value)); err != nil {
			return err
		}
	}
	return nil
}

// isOffsetStream tells whether a body is bytes of a video.
func isOffsetStream(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == offsetStream
}
