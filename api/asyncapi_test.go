package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oasdiff/yaml"
	"github.com/rabbitmq/amqp091-go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/queue/rabbitmq"
	"github.com/unreel/unreel/test/servers"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

// asyncAPI is asyncapi.yaml with its schemas, which are JSON Schema draft 7.
type asyncAPI struct {
	t        *testing.T
	root     any
	compiler *jsonschema.Compiler
}

func loadAsyncAPI(t *testing.T) *asyncAPI {
	t.Helper()
	text, err := os.ReadFile("asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7)
	compiler.AssertFormat()
	if err := compiler.AddResource("asyncapi.json", root); err != nil {
		t.Fatal(err)
	}
	return &asyncAPI{t, root, compiler}
}

// at returns what stands at a path, and follows references on the way.
func (a *asyncAPI) at(path ...string) any {
	a.t.Helper()
	node := a.root
	for _, name := range path {
		object, _ := node.(map[string]any)
		node = object[name]
		if object, ok := node.(map[string]any); ok {
			if reference, ok := object["$ref"].(string); ok {
				node = a.at(strings.Split(strings.TrimPrefix(reference, "#/"), "/")...)
			}
		}
		if node == nil {
			a.t.Fatalf("asyncapi.yaml has no %s", strings.Join(path, " > "))
		}
	}
	return node
}

func (a *asyncAPI) keys(path ...string) []string {
	object, _ := a.at(path...).(map[string]any)
	return slices.Sorted(maps.Keys(object))
}

// validate holds JSON against a message's payload or headers.
func (a *asyncAPI) validate(part, message string, raw []byte) error {
	a.t.Helper()
	schema, err := a.compiler.Compile("asyncapi.json#/components/messages/" + message + "/" + part)
	if err != nil {
		a.t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

func TestAsyncAPINamesEverything(t *testing.T) {
	doc := loadAsyncAPI(t)
	if diff := cmp.Diff([]string{"events", "mp3", "mp3.dead", "video", "video.dead"}, doc.keys("channels")); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
	used := map[string]bool{}
	for _, channel := range doc.keys("channels") {
		for _, message := range doc.keys("channels", channel, "messages") {
			used[message] = true
			doc.at("channels", channel, "messages", message, "payload")
		}
	}
	for _, operation := range doc.keys("operations") {
		doc.at("operations", operation, "channel", "address")
	}
	if diff := cmp.Diff(doc.keys("components", "messages"), slices.Sorted(maps.Keys(used))); diff != "" {
		t.Errorf("messages that no channel has (-want +got):\n%s", diff)
	}
}

func TestAsyncAPIExamples(t *testing.T) {
	doc := loadAsyncAPI(t)
	for _, message := range doc.keys("components", "messages") {
		if message == "setAside" {
			continue // has none: it may be anything
		}
		examples, _ := doc.at("components", "messages", message, "examples").([]any)
		for i, example := range examples {
			object, _ := example.(map[string]any)
			raw, err := json.Marshal(object["payload"])
			if err == nil {
				err = doc.validate("payload", message, raw)
			}
			if err != nil {
				t.Errorf("%s, example %d: %v", message, i, err)
			}
		}
	}
}

func TestAsyncAPIRefuses(t *testing.T) {
	const id = `"6b033c4259dafd7437a38151"`
	doc := loadAsyncAPI(t)
	for _, test := range []struct{ message, body string }{
		{"conversionQueued", `{}`},
		{"conversionQueued", `{"video_fid": "x", "mp3_fid": null, "username": "a@b.c"}`},
		{"conversionQueued", `{"video_fid": ` + id + `, "mp3_fid": ` + id + `, "username": "a@b.c"}`},
		{"conversionQueued", `{"video_fid": ` + id + `, "mp3_fid": null, "username": "a@b.c", "options": {"vbr": 10}}`},
		{"conversionQueued", `{"video_fid": ` + id + `, "mp3_fid": null, "username": "a@b.c", "options": {"abr": 7}}`},
		{"conversionEnded", `{"video_fid": ` + id + `, "mp3_fid": null, "username": "a@b.c", "status": "completed"}`},
		{"conversionEnded", `{"video_fid": ` + id + `, "mp3_fid": null, "username": "a@b.c", "status": "failed"}`},
		{"conversionChanged", `{"id": ` + id + `, "owner": "5f", "status": "receiving", "progress": 0, "at": "2026-01-02T03:04:05Z"}`},
		{"conversionChanged", `{"id": ` + id + `, "owner": "5f", "status": "queued", "progress": 0, "at": "now"}`},
	} {
		if err := doc.validate("payload", test.message, []byte(test.body)); err == nil {
			t.Errorf("%s takes %s", test.message, test.body)
		}
	}
}

// TestAsyncAPIHasTheFields compares the documented fields with those that are sent.
func TestAsyncAPIHasTheFields(t *testing.T) {
	doc := loadAsyncAPI(t)
	hint := append(doc.keys("components", "schemas", "ConversionQueued", "properties"),
		doc.keys("components", "schemas", "ConversionEnded", "properties")...)
	hint = append(hint, doc.keys("components", "schemas", "Hint", "properties")...)
	slices.Sort(hint)
	for name, test := range map[string]struct {
		sent       any
		documented []string
	}{
		"hint":    {queue.Message{}, slices.Compact(hint)},
		"error":   {queue.Error{}, doc.keys("components", "schemas", "Error", "properties")},
		"options": {conversion.Options{}, doc.keys("components", "schemas", "Options", "properties")},
		"event":   {conversion.Event{}, doc.keys("components", "schemas", "ConversionChanged", "properties")},
	} {
		var fields []string
		for field := range reflect.TypeOf(test.sent).Fields() {
			if tag, _, _ := strings.Cut(field.Tag.Get("json"), ","); tag != "-" {
				fields = append(fields, tag)
			}
		}
		slices.Sort(fields)
		if diff := cmp.Diff(fields, test.documented); diff != "" {
			t.Errorf("%s: fields (-sent +documented):\n%s", name, diff)
		}
	}
}

// TestAsyncAPIOfRealMessages holds what comes out of RabbitMQ against the document.
func TestAsyncAPIOfRealMessages(t *testing.T) {
	doc := loadAsyncAPI(t)
	address := servers.RabbitMQ(t)
	q, err := rabbitmq.New(rabbitmq.Config{URL: address}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	connection, err := amqp091.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	channel, err := connection.Channel()
	if err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return q.Check(t.Context()) == nil })
	declaredAlike(t, doc, connection)

	for topic, messages := range hints() {
		name := map[queue.Topic]string{queue.Video: "conversionQueued", queue.MP3: "conversionEnded"}[topic]
		for _, message := range messages {
			if err := q.Publish(t.Context(), topic, message); err != nil {
				t.Fatal(err)
			}
			sent := get(t, channel, string(topic))
			check(t, doc, name, sent)
			checkHeaders(t, doc, name, sent)
			if got, _ := sent.Headers["traceparent"].(string); got != message.Trace {
				t.Errorf("%s: traceparent %q, want %q", name, got, message.Trace)
			}
		}
		setAside(t, q, topic)
		checkHeaders(t, doc, "setAside", get(t, channel, string(topic)+".dead"))
	}

	listener, err := channel.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := channel.QueueBind(listener.Name, "#", "unreel.events", false, nil); err != nil {
		t.Fatal(err)
	}
	for _, event := range events() {
		if err := q.Announce(t.Context(), event); err != nil {
			t.Fatal(err)
		}
		delivery := get(t, channel, listener.Name)
		check(t, doc, "conversionChanged", delivery)
		key := strings.NewReplacer("{status}", string(event.Status), "{id}", string(event.ID)).
			Replace(fmt.Sprint(doc.at("channels", "events", "address")))
		if delivery.RoutingKey != key {
			t.Errorf("the routing key is %s, want %s", delivery.RoutingKey, key)
		}
	}
}

// declaredAlike declares what the document has: the broker refuses what is not as it stands there.
func declaredAlike(t *testing.T, doc *asyncAPI, connection *amqp091.Connection) {
	t.Helper()
	for _, name := range doc.keys("channels") {
		channel, err := connection.Channel() // ends with its connection
		if err != nil {
			t.Fatal(err)
		}
		text := func(part, field string) string {
			value, _ := doc.at("channels", name, "bindings", "amqp", part, field).(string)
			return value
		}
		flag := func(part, field string) bool {
			value, ok := doc.at("channels", name, "bindings", "amqp", part, field).(bool)
			return ok && value
		}
		if name == "events" {
			err = channel.ExchangeDeclare(text("exchange", "name"), text("exchange", "type"),
				flag("exchange", "durable"), flag("exchange", "autoDelete"), false, false, nil)
		} else {
			arguments, _ := doc.at("channels", name, "x-arguments").(map[string]any)
			_, err = channel.QueueDeclare(text("queue", "name"), flag("queue", "durable"),
				flag("queue", "autoDelete"), flag("queue", "exclusive"), false, arguments)
		}
		if err != nil {
			t.Errorf("%s is not as documented: %v", name, err)
		}
	}
}

func hints() map[queue.Topic][]queue.Message {
	id := conversion.NewID(time.Now())
	plain := queue.Message{VideoID: id, Username: "ada@example.com", ID: id, Options: &conversion.Options{}, Attempt: 1}
	plain.Trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	rich := plain
	vbr, loudness, start, end := 0, -16.0, conversion.Time(time.Second), conversion.Time(90*time.Second)
	rich.Options = &conversion.Options{
		VBR: &vbr, Mono: true, SampleRate: 44100, Start: &start, End: &end, Track: 2, Loudness: &loudness,
		Title: "Ünreel <b>", Artist: "A", Album: "B", Year: "2026",
	}
	constant := plain
	constant.Options = &conversion.Options{Bitrate: 128, NoTags: true}
	average := plain
	average.Options = &conversion.Options{ABR: 128}
	first := queue.Message{VideoID: id, Username: "ada@example.com"}
	completed := queue.Message{VideoID: id, MP3ID: &id, Username: "ada@example.com", ID: id, Status: conversion.Completed, Attempt: 2}
	failed := queue.Message{
		VideoID: id, Username: "ada@example.com", ID: id, Status: conversion.Failed, Attempt: 1,
		Error: &queue.Error{Type: conversion.NoAudioStream.Type(), Title: conversion.NoAudioStream.Title(), Detail: "none"},
	}
	return map[queue.Topic][]queue.Message{
		queue.Video: {plain, rich, constant, average, first},
		queue.MP3:   {completed, failed},
	}
}

func events() (events []conversion.Event) {
	for _, status := range []conversion.Status{
		conversion.Queued, conversion.Converting, conversion.Completed, conversion.Failed, conversion.Canceled, conversion.Deleted,
	} {
		events = append(events, conversion.Event{
			ID: conversion.NewID(time.Now()), Owner: "5f0c", Status: status, Progress: 0.5, At: time.Now().UTC(),
		})
	}
	return events
}

// setAside has a hint rejected.
func setAside(t *testing.T, q *rabbitmq.Queue, topic queue.Topic) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	rejected, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- q.Consume(ctx, topic, 1, func(context.Context, queue.Message) error {
			close(rejected)
			return fmt.Errorf("%w: nobody knows it", queue.ErrReject)
		})
	}()
	if err := q.Publish(t.Context(), topic, queue.Message{}); err != nil {
		t.Fatal(err)
	}
	<-rejected
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, channel *amqp091.Channel, name string) (delivery amqp091.Delivery) {
	t.Helper()
	await(t, func() (ok bool) {
		var err error
		if delivery, ok, err = channel.Get(name, true); err != nil {
			t.Fatal(err)
		}
		return ok
	})
	return delivery
}

func check(t *testing.T, doc *asyncAPI, message string, got amqp091.Delivery) {
	t.Helper()
	if err := doc.validate("payload", message, got.Body); err != nil {
		t.Errorf("%s: %s: %v", message, got.Body, err)
	}
	kind := doc.at("components", "messages", message, "bindings", "amqp", "messageType")
	if got.Type != kind || got.ContentType != doc.at("defaultContentType") || got.MessageId == "" || got.Timestamp.IsZero() {
		t.Errorf("%s: type %q, content type %q, id %q, time %v", message, got.Type, got.ContentType, got.MessageId, got.Timestamp)
	}
}

func checkHeaders(t *testing.T, doc *asyncAPI, message string, got amqp091.Delivery) {
	t.Helper()
	if got.Headers == nil {
		got.Headers = amqp091.Table{}
	}
	headers, err := json.Marshal(got.Headers)
	if err == nil {
		err = doc.validate("headers", message, headers)
	}
	if err != nil {
		t.Errorf("headers %s: %v", headers, err)
	}
}

func await(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
		<-time.After(10 * time.Millisecond)
	}
}
