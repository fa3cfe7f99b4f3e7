package queue

import (
	"context"
	"time"
)

// DeadLetters is what a backend offers besides Queue when it keeps messages that were set aside. Alone in one
// process there are none: such a hint is only logged.
type DeadLetters interface {
	// Depths returns how many messages wait in each queue, by its name; those that a consumer has in hand are
	// not counted.
	Depths(ctx context.Context) (map[string]int, error)
	// Dead returns messages of a topic that were set aside, oldest first, at most limit or, if that is 0,
	// all. They stay where they are, though while they are looked at nobody else sees them.
	Dead(ctx context.Context, topic Topic, limit int) ([]DeadLetter, error)
	// Replay sends the messages with these ids, or without any all of them, to their topic once more, and
	// returns how many. A crash in between may send one twice, never lose one.
	Replay(ctx context.Context, topic Topic, ids ...string) (int, error)
}

// DeadLetter is a message that nobody could handle.
type DeadLetter struct {
	ID     string    // the message's id: what Replay is told; "" if another program set it aside without one
	Topic  Topic     // where it was consumed
	Reason string    // why it was set aside; "" if that is not known
	At     time.Time // when it was set aside; zero if that is not known
	Body   []byte    // as it was received, which need not be JSON
}
