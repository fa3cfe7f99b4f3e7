package httpx

import (
	"errors"
	"net/url"
)

// WithoutURL is what a request failed of, without the URL that http.Client puts before it: URLs have secrets, and errors are
// logged.
func WithoutURL(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}
