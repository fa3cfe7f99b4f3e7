package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
)

func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestSpecIsValid(t *testing.T) {
	if err := load(t).Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
}

func TestSpecHasTheRoutes(t *testing.T) {
	want := []string{
		"DELETE /v1/api-keys/{id}",
		"DELETE /v1/conversions/{id}",
		"DELETE /v1/me",
		"DELETE /v1/sessions",
		"DELETE /v1/uploads/{id}",
		"DELETE /v1/webhooks/{id}",
		"GET /.well-known/jwks.json",
		"GET /docs",
		"GET /download",
		"GET /openapi.yaml",
		"GET /v1/api-keys",
		"GET /v1/conversions",
		"GET /v1/conversions/{id}",
		"GET /v1/conversions/{id}/events",
		"GET /v1/conversions/{id}/mp3",
		"GET /v1/events",
		"GET /v1/me",
		"GET /v1/webhooks",
		"HEAD /v1/uploads/{id}",
		"OPTIONS /v1/uploads",
		"PATCH /v1/me",
		"PATCH /v1/uploads/{id}",
		"POST /login",
		"POST /upload",
		"POST /v1/api-keys",
		"POST /v1/conversions",
		"POST /v1/conversions/{id}/cancel",
		"POST /v1/conversions/{id}/links",
		"POST /v1/conversions/{id}/retry",
		"POST /v1/password-resets",
		"POST /v1/password-resets/{token}",
		"POST /v1/sessions",
		"POST /v1/sessions/refresh",
		"POST /v1/uploads",
		"POST /v1/users",
		"POST /v1/verifications/{token}",
		"POST /v1/webhooks",
	}
	var got []string
	for path, item := range load(t).Paths.Map() {
		for method := range item.Operations() {
			got = append(got, method+" "+path)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Every operation needs words for the page, and its own name for the generated code.
func TestOperationsAreDescribed(t *testing.T) {
	for path, item := range load(t).Paths.Map() {
		for method, op := range item.Operations() {
			if op.OperationID == "" || op.Summary == "" || op.Description == "" || len(op.Tags) != 1 {
				t.Errorf("%s %s: operationId, summary, description and one tag are needed", method, path)
			}
			for _, p := range op.Parameters {
				if p.Value.Description == "" {
					t.Errorf("%s %s: parameter %s has no description", method, path, p.Value.Name)
				}
			}
		}
	}
}

func TestSchemasAreDescribed(t *testing.T) {
	for name, schema := range load(t).Components.Schemas {
		if schema.Value.Description == "" {
			t.Errorf("%s has no description", name)
		}
		for field, property := range schema.Value.Properties {
			if property.Value.Description == "" {
				t.Errorf("%s.%s has no description", name, field)
			}
		}
	}
}

// The options are the only schema whose Go type is written by hand, so nothing else would notice.
func TestOptionsHaveTheFieldsOfTheirType(t *testing.T) {
	doc := load(t)
	var want []string
	for field := range reflect.TypeFor[conversion.Options]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		want = append(want, name)
	}
	slices.Sort(want)

	got := slices.Sorted(maps.Keys(doc.Components.Schemas["Options"].Value.Properties))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Options: %s", diff)
	}
	form := maps.Clone(doc.Components.Schemas["ConversionForm"].Value.Properties)
	delete(form, "file")
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(form))); diff != "" {
		t.Errorf("ConversionForm: %s", diff)
	}
}

func TestStatusHasThePublicStates(t *testing.T) {
	var got []string
	for _, value := range load(t).Components.Schemas["Status"].Value.Enum {
		status, _ := value.(string)
		if !conversion.Status(status).Public() {
			t.Errorf("%v is not for the public", value)
		}
		got = append(got, status)
	}
	want := []string{"queued", "converting", "completed", "failed", "canceled"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What the generated types marshal to is what the schema allows: nulls where it says null.
func TestConversionMarshalsAsItsSchema(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	vbr := 2
	queued := api.Conversion{
		ID: "6b033c4259dafd7437a38151", Status: conversion.Queued, QueuePosition: 3, CreatedAt: now,
		Video:   api.Video{Name: "talk.mp4", Size: 1, SHA256: "00"},
		Options: conversion.Options{VBR: &vbr},
	}
	completed := queued
	completed.Status, completed.Progress, completed.QueuePosition = conversion.Completed, 1, 0
	completed.StartedAt, completed.FinishedAt, completed.ExpiresAt = &now, &now, &now
	completed.MP3 = &api.MP3{Size: 1, Duration: 600, Bitrate: 128000, SampleRate: 48000, Channels: 2, SHA256: "00"}
	failed := queued
	failed.Status = conversion.Failed
	failed.Error = &api.Failure{Type: "/problems/no-audio-stream", Title: "a", Detail: "b"}

	schema := load(t).Components.Schemas["Conversion"].Value
	for _, c := range []api.Conversion{queued, completed, failed} {
		t.Run(string(c.Status), func(t *testing.T) {
			raw, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			var value map[string]any
			if err := json.Unmarshal(raw, &value); err != nil {
				t.Fatal(err)
			}
			if err := schema.VisitJSON(value); err != nil {
				t.Errorf("%s: %v", raw, err)
			}
			_, hasPosition := value["queue_position"]
			if want := c.QueuePosition > 0; hasPosition != want {
				t.Errorf("queue_position present: %t, want %t", hasPosition, want)
			}
		})
	}
}

type server struct{ api.ServerInterface }

func (server) GetMP3(w http.ResponseWriter, _ *http.Request, id api.ID, params api.GetMP3Params) {
	if params.Range != nil {
		w.Header().Set("X-Test-Range", *params.Range)
	}
	w.Header().Set("X-Test-Id", id)
}

// HEAD has no operation of its own: net/http gives it to GET.
func TestHeadReachesGet(t *testing.T) {
	req := httptest.NewRequest(http.MethodHead, "/v1/conversions/6B033C4259DAFD7437A38151/mp3", nil)
	req.Header.Set("Range", "bytes=0-1,5-6")
	rec := httptest.NewRecorder()
	api.Handler(server{}).ServeHTTP(rec, req)
	if got := rec.Header().Get("X-Test-Id"); got != "6B033C4259DAFD7437A38151" {
		t.Errorf("id %q", got)
	}
	if got := rec.Header().Get("X-Test-Range"); got != "bytes=0-1,5-6" {
		t.Errorf("range %q", got)
	}
}
