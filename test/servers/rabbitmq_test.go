package servers_test

import (
	"strings"
	"testing"

	"github.com/rabbitmq/amqp091-go"

	"github.com/unreel/unreel/test/servers"
)

func TestRabbitMQGivesEveryCallAnEmptyVirtualHost(t *testing.T) {
	first, second := connect(t, servers.RabbitMQ(t)), connect(t, servers.RabbitMQ(t))
	if _, err := first.QueueDeclare("video", true, false, false, false, quorum); err != nil {
		t.Fatal(err)
	}
	if _, err := second.QueueDeclarePassive("video", true, false, false, false, quorum); err == nil {
		t.Error("a queue of one virtual host is in another")
	}
}

func TestRabbitMQKeepsWhatItConfirmedWhenKilled(t *testing.T) {
	server := servers.NewRabbitMQ(t, "consumer_timeout = 60000")
	address := server.VirtualHost(t)
	channel := connect(t, address)
	if _, err := channel.QueueDeclare("video", true, false, false, false, quorum); err != nil {
		t.Fatal(err)
	}
	if err := channel.Confirm(false); err != nil {
		t.Fatal(err)
	}
	confirmation, err := channel.PublishWithDeferredConfirm("", "video", true, false,
		amqp091.Publishing{DeliveryMode: amqp091.Persistent, Body: []byte("hello")})
	if err != nil {
		t.Fatal(err)
	}
	if acked, err := confirmation.WaitContext(t.Context()); err != nil || !acked {
		t.Fatalf("confirmed is %t: %v", acked, err)
	}
	server.Sync(t)
	server.Kill(t)
	if _, err := amqp091.Dial(address); err == nil {
		t.Error("a killed broker answers")
	}
	server.Restart(t)
	message, found, err := connect(t, address).Get("video", true)
	if err != nil || !found || string(message.Body) != "hello" {
		t.Errorf("after a restart: message %q, found %t: %v", message.Body, found, err)
	}
	if environment := server.Control(t, "environment"); !strings.Contains(environment, "{consumer_timeout,60000}") {
		t.Error("the line of configuration has no effect")
	}
}

var quorum = amqp091.Table{"x-queue-type": "quorum"}

func connect(t *testing.T, address string) *amqp091.Channel {
	t.Helper()
	connection, err := amqp091.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	channel, err := connection.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return channel
}
