package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/test/harness"
)

// crashClient is a careful client of a system that may end at any time: it asks again until it has its answer.
type crashClient struct {
	url    string
	email  string
	token  string
	jobs   []outcome
	oracle *oracle
	key    string   // Idempotency-Key of the next requests
	ids    []string // of what was accepted

	finish atomic.Bool // with this round
}

// errAgain is an answer that another try may better.
var errAgain = errors.New("not now")

// work uploads in rounds until it is told to finish.
func (c *crashClient) work(ctx context.Context) error {
	if err := c.arrive(ctx); err != nil {
		return err
	}
	for {
		if err := c.round(ctx); err != nil || c.finish.Load() {
			return err
		}
	}
}

// arrive signs up and logs in.
func (c *crashClient) arrive(ctx context.Context) error {
	credentials := fmt.Sprintf(`{"email":%q,"password":%q}`, c.email, harness.Password)
	err := c.insist(ctx, "sign up", func() error {
		// An account that is there already is that of an answer that was lost.
		_, err := c.send(ctx, http.MethodPost, "/v1/users", "application/json", strings.NewReader(credentials), http.StatusCreated, http.StatusConflict)
		return err
	})
	if err != nil {
		return err
	}
	return c.insist(ctx, "log in", func() error {
		body, err := c.send(ctx, http.MethodPost, "/v1/sessions", "application/json", strings.NewReader(credentials), http.StatusCreated)
		if err != nil {
			return err
		}
		var session struct {
			AccessToken string `json:"access_token"`
		}
		err = json.Unmarshal(body, &session)
		c.token = session.AccessToken
		return err
	})
}

// round uploads every job, one of them in pieces, too, and something that is refused when its bytes are there, and waits for what was accepted.
func (c *crashClient) round(ctx context.Context) error {
	before := len(c.ids)
	for _, job := range c.jobs {
		if err := c.upload(ctx, job); err != nil {
			return err
		}
	}
	if err := c.uploadInPieces(ctx, c.jobs[0]); err != nil {
		return err
	}
	contentType, body := crashForm(c.jobs[0], c.jobs[0])
	if _, err := c.send(ctx, http.MethodPost, "/v1/conversions", contentType, body, http.StatusBadRequest); err != nil && !errors.Is(err, errAgain) {
		return err
	}
	for _, id := range c.ids[before:] {
		if err := c.insist(ctx, "see the end of "+id, func() error { return c.ended(id) }); err != nil {
			return err
		}
	}
	return nil
}

// upload uploads a job until it is accepted.
func (c *crashClient) upload(ctx context.Context, job outcome) error {
	c.key = fmt.Sprintf("%s %d", c.email, len(c.ids))
	defer func() { c.key = "" }()
	return c.insist(ctx, "upload "+job.name, func() error {
		contentType, body := crashForm(job)
		answer, err := c.send(ctx, http.MethodPost, "/v1/conversions", contentType, body, http.StatusAccepted)
		if err != nil {
			return err
		}
		var accepted api.Conversion
		if err := json.Unmarshal(answer, &accepted); err != nil {
			return err
		}
		c.ids = append(c.ids, accepted.ID)
		return c.oracle.accept(accepted.ID, job)
	})
}

// ended returns nil when a conversion has ended, and not because of something that its owner has no part in.
func (c *crashClient) ended(id string) error {
	found, err := lookUp(getter(func() string { return c.url }, c.token), id)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errAgain, err)
	case !found.Status.Terminal():
		return fmt.Errorf("%w: it is %s", errAgain, found.Status)
	case found.Error != nil && found.Error.Type == conversion.Internal.Type():
		return fmt.Errorf("it failed on our side: %s", found.Error.Detail)
	default:
		return nil
	}
}

// deleteAll deletes every conversion.
func (c *crashClient) deleteAll(ctx context.Context) error {
	for _, id := range c.ids {
		err := c.insist(ctx, "delete "+id, func() error {
			_, err := c.send(ctx, http.MethodDelete, "/v1/conversions/"+id, "", nil, http.StatusNoContent, http.StatusNotFound)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// insist tries until it is done, or fails for good.
func (c *crashClient) insist(ctx context.Context, what string, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, crashPatience)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		if !errors.Is(err, errAgain) {
			return fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: given up: %w", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// crashForm is a form with these videos.
func crashForm(jobs ...outcome) (contentType string, body io.Reader) {
	buffer := &bytes.Buffer{}
	form := multipart.NewWriter(buffer)
	for _, job := range jobs {
		part, _ := form.CreateFormFile("file", job.name+".mkv")
		_, _ = part.Write(job.video) // a buffer takes everything
	}
	_ = form.Close()
	return form.FormDataContentType(), buffer
}

// send returns the body of an answer with one of the wanted statuses. Any other that tells of a passing trouble is
// errAgain.
func (c *crashClient) send(ctx context.Context, method, path, contentType string, body io.Reader, want ...int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", contentType)
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.key != "" {
		request.Header.Set("Idempotency-Key", c.key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAgain, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAgain, err)
	}
	switch status := response.StatusCode; {
	case slices.Contains(want, status):
		return answer, nil
	case status >= 500, status == http.StatusConflict, status == http.StatusRequestTimeout:
		return nil, fmt.Errorf("%w: %d %s", errAgain, status, answer)
	default:
		return nil, fmt.Errorf("%d %s", status, answer)
	}
}
