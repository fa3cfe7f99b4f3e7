package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/ledger/sqlledger"
)

// QueueAdmin shows and replays what did not go well: messages that were set aside, and conversions that failed.
type QueueAdmin struct {
	ledger *ledger.Ledger
	dead   queue.DeadLetters // nil where the queue is in another process's memory
}

// DeadLetter is a message that was set aside.
type DeadLetter = queue.DeadLetter

// Record is a conversion as whoever runs the services sees it.
type Record = ledger.Record

// WithQueue opens the settings' queue and ledger for use. The services may run meanwhile.
func WithQueue(ctx context.Context, settings Settings, logs io.Writer, use func(*QueueAdmin) error) (failed error) {
	if err := settings.completeDatabase(); err != nil {
		return err
	}
	fill(&settings.Queue, "local:")
	if err := checkScheme("UNREEL_QUEUE", settings.Queue, []string{"amqp", "amqps", "local"}); err != nil {
		return err
	}
	logger, err := newLogger(settings, logs)
	if err != nil {
		return err
	}
	hints, err := openQueue(settings, logger) //nolint:contextcheck // it is closed below
	if err != nil {
		return err
	}
	defer func() { failed = errors.Join(failed, hints.Close()) }()
	dead, _ := hints.(queue.DeadLetters)
	return withDatabase(ctx, settings, func(db *database.DB) error {
		return use(&QueueAdmin{ledger: ledger.New(sqlledger.New(db), ledger.DefaultConfig()), dead: dead})
	})
}

// Topics are the queues that messages are set aside from.
var Topics = []queue.Topic{queue.Video, queue.MP3}

// Dead returns the messages that were set aside, at most limit of each queue; 0 is all.
func (q *QueueAdmin) Dead(ctx context.Context, limit int) ([]DeadLetter, error) {
	if q.dead == nil {
		return nil, nil
	}
	var all []DeadLetter
	for _, topic := range Topics {
		letters, err := q.dead.Dead(ctx, topic, limit)
		if err != nil {
			return nil, fmt.Errorf("look at %s.dead: %w", topic, err)
		}
		all = append(all, letters...)
	}
	return all, nil
}

// Failed returns the newest conversions that failed, at most limit.
func (q *QueueAdmin) Failed(ctx context.Context, limit int) ([]Record, error) {
	return q.ledger.Failed(ctx, limit)
}

// Show calls back with the conversion or with the message that has an id.
func (q *QueueAdmin) Show(ctx context.Context, id string, record func(Record) error, message func(DeadLetter) error) error {
	if parsed, err := conversion.ParseID(id); err == nil {
		found, err := q.ledger.Peek(ctx, parsed)
		if err == nil {
			return record(found)
		}
		if !errors.Is(err, ledger.ErrNotFound) {
			return err
		}
	}
	letter, err := q.find(ctx, id)
	if err != nil {
		return err
	}
	return message(letter)
}

// Replay queues the conversion or sends the message with this id once more.
func (q *QueueAdmin) Replay(ctx context.Context, id string) error {
	if parsed, err := conversion.ParseID(id); err == nil {
		if _, err := q.ledger.RetryAny(ctx, parsed); !errors.Is(err, ledger.ErrNotFound) {
			return err
		}
	}
	letter, err := q.find(ctx, id)
	if err != nil {
		return err
	}
	_, err = q.dead.Replay(ctx, letter.Topic, id)
	return err
}

// find returns the message with an id that was set aside.
func (q *QueueAdmin) find(ctx context.Context, id string) (DeadLetter, error) {
	letters, err := q.Dead(ctx, 0)
	if err != nil {
		return DeadLetter{}, err
	}
	for _, letter := range letters {
		if letter.ID == id {
			return letter, nil
		}
	}
	return DeadLetter{}, fmt.Errorf("no conversion and no message has the id %s", id)
}
