package rabbitmq

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/rabbitmq/amqp091-go"

	"github.com/unreel/unreel/internal/queue"
)

const (
	contentType = "application/json"
	// traceHeader carries a trace (https://www.w3.org/TR/trace-context).
	traceHeader = "traceparent"
)

// What a message's type property says.
const (
	typeVideo = "conversion.queued"
	typeMP3   = "conversion.ended"
	typeEvent = "conversion.changed"
)

// types are the topics' types of messages.
var types = map[queue.Topic]string{queue.Video: typeVideo, queue.MP3: typeMP3}

// encode makes the message of a hint, with an id of its own.
func encode(topic queue.Topic, message queue.Message) (amqp091.Publishing, error) {
	body, err := json.Marshal(message)
	if err != nil {
		return amqp091.Publishing{}, err
	}
	var headers amqp091.Table
	if message.Trace != "" {
		headers = amqp091.Table{traceHeader: message.Trace}
	}
	return amqp091.Publishing{
		Headers:      headers,
		DeliveryMode: amqp091.Persistent,
		ContentType:  contentType,
		MessageId:    rand.Text(),
		Type:         types[topic],
		Timestamp:    time.Now(),
		Body:         body,
	}, nil
}

// decode reads a hint. Fields that it does not know are ignored; of those that it knows all may be missing,
// and it is the handler's business to know which it cannot do without.
func decode(body []byte) (message queue.Message, err error) {
	err = json.Unmarshal(body, &message)
	return message, err
}
