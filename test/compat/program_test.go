package compat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/rabbitmq/amqp091-go"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/unreel/unreel/test/harness"
)

// message is all that the first version knows of a message. It reads fields that must be there.
type message map[string]any

func (m message) text(field string) string {
	text, _ := m[field].(string)
	return text
}

// program is a program of the first version.
type program struct {
	*testing.T

	broker *amqp091.Channel
	mongo  *mongo.Client
}

func connect(t *testing.T, c *harness.Cluster) *program {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(c.Blobs.URL()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(t.Context()) })
	return &program{T: t, broker: channel(t, c.AMQP), mongo: client}
}

// channel is a channel of its own connection, until the test ends.
func channel(t *testing.T, url string) *amqp091.Channel {
	t.Helper()
	connection, err := amqp091.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	opened, err := connection.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// receive consumes one message of a queue, which stays in hand.
func (p *program) receive(queue string) (amqp091.Delivery, message) {
	p.Helper()
	const tag = "first"
	deliveries, err := p.broker.Consume(queue, tag, false, false, false, false, nil)
	if err != nil {
		p.Fatal(err)
	}
	select {
	case delivery := <-deliveries:
		if err := p.broker.Cancel(tag, false); err != nil {
			p.Fatal(err)
		}
		var m message
		if err := json.Unmarshal(delivery.Body, &m); err != nil {
			p.Fatalf("%v in %s", err, delivery.Body)
		}
		return delivery, m
	case <-time.After(time.Minute):
		p.Fatalf("nothing comes through %s", queue)
		return amqp091.Delivery{}, nil
	}
}

// send publishes with nothing but the body and delivery_mode 2.
func (p *program) send(queue, body string) {
	p.Helper()
	err := p.broker.PublishWithContext(p.Context(), "", queue, false, false,
		amqp091.Publishing{DeliveryMode: amqp091.Persistent, Body: []byte(body)})
	if err != nil {
		p.Fatal(err)
	}
}

// put stores a file as fs.put does: under an id that the driver makes, with its chunks and without metadata.
func (p *program) put(database string, content []byte) string {
	p.Helper()
	id, err := p.mongo.Database(database).GridFSBucket().UploadFromStream(p.Context(), "", bytes.NewReader(content))
	if err != nil {
		p.Fatal(err)
	}
	return id.Hex()
}

// get reads a file as fs.get(ObjectId(id)) does.
func (p *program) get(database, id string) ([]byte, error) {
	p.Helper()
	key, err := bson.ObjectIDFromHex(id)
	if err != nil {
		return nil, fmt.Errorf("id %q: %w", id, err)
	}
	stream, err := p.mongo.Database(database).GridFSBucket().OpenDownloadStream(p.Context(), key)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	return io.ReadAll(stream)
}
