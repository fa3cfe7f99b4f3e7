package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"time"
)

// uploadInPieces uploads a job by tus, in two pieces at least, until all of it is there. It begins anew when the upload is
// gone, which it is soon where the system is built for faults.
func (c *crashClient) uploadInPieces(ctx context.Context, job outcome) error {
	location := ""
	return c.insist(ctx, "upload "+job.name+" in pieces", func() error {
		if location == "" {
			answer, err := c.tus(ctx, http.MethodPost, "/v1/uploads", nil, "Upload-Length", strconv.Itoa(len(job.video)))
			if err != nil {
				return err
			}
			location = answer.Header.Get("Location")
		}
		err := c.sendPieces(ctx, location, job.video)
		if errors.Is(err, errGone) {
			location = ""
			return errAgain
		}
		if err != nil {
			return err
		}
		id := path.Base(location)
		c.ids = append(c.ids, id)
		return c.oracle.accept(id, job)
	})
}

// errGone says that an upload has expired.
var errGone = errors.New("no such upload")

// sendPieces asks how far an upload has come and sends the rest.
func (c *crashClient) sendPieces(ctx context.Context, location string, video []byte) error {
	answer, err := c.tus(ctx, http.MethodHead, location, nil)
	if err != nil {
		return err
	}
	offset, err := strconv.Atoi(answer.Header.Get("Upload-Offset"))
	if err != nil {
		return err
	}
	for offset < len(video) {
		next := len(video)
		if offset < len(video)/2 {
			next = len(video)/2 + 1
		}
		_, err := c.tus(ctx, http.MethodPatch, location, video[offset:next],
			"Upload-Offset", strconv.Itoa(offset), "Content-Type", "application/offset+octet-stream")
		if err != nil {
			return err
		}
		offset = next
	}
	return nil
}

// tus sends a request and reads of its answer only the head.
func (c *crashClient) tus(ctx context.Context, method, path string, body []byte, header ...string) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Tus-Resumable", "1.0.0")
	request.Header.Set("Authorization", "Bearer "+c.token)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAgain, err)
	}
	response.Body.Close()
	switch status := response.StatusCode; {
	case status < http.StatusMultipleChoices:
		return response, nil
	case status == http.StatusNotFound:
		return nil, errGone
	case status >= 500, status == http.StatusConflict, status == http.StatusLocked:
		return nil, fmt.Errorf("%w: %s %s: %d", errAgain, method, path, status)
	default:
		return nil, fmt.Errorf("%s %s: %d", method, path, status)
	}
}
