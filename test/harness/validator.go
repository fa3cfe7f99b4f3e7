package harness

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/unreel/unreel/api"
)

// validator checks every answer against the specification.
type validator struct {
	t      testing.TB
	router routers.Router
}

func newValidator(t testing.TB, server string) *validator {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		t.Fatal(err)
	}
	spec.Servers = openapi3.Servers{{URL: server}}
	router, err := gorillamux.NewRouter(spec)
	if err != nil {
		t.Fatal(err)
	}
	return &validator{t: t, router: router}
}

// RoundTrip implements http.RoundTripper.
func (v *validator) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil || strings.HasSuffix(request.URL.Path, "/events") {
		return response, err
	}
	route, parameters, err := v.router.FindRoute(request)
	if errors.Is(err, routers.ErrPathNotFound) || errors.Is(err, routers.ErrMethodNotAllowed) {
		return response, nil // not in the specification, such as the page
	}
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: parameters, Route: route},
		Status:                 response.StatusCode,
		Header:                 response.Header,
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: !isText(response)},
	}
	input.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(request.Context(), input); err != nil {
		v.t.Errorf("%s %s answers what the specification does not have: %v", request.Method, request.URL, err)
	}
	return response, nil
}

func isText(response *http.Response) bool {
	return strings.Contains(response.Header.Get("Content-Type"), "json")
}
