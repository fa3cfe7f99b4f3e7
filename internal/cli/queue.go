package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/unreel/unreel/internal/app"
)

// QueueCmd shows and replays what did not go well.
type QueueCmd struct {
	List   QueueListCmd   `cmd:"" help:"List messages that were set aside and conversions that failed."`
	Show   QueueShowCmd   `cmd:"" help:"Show everything that is known of one."`
	Replay QueueReplayCmd `cmd:"" help:"Queue a failed conversion, or send a message that was set aside, once more."`
}

// queueFlags says which database and which queue a command works on.
type queueFlags struct {
	databaseFlags
	app.QueueSettings
}

func (f queueFlags) settings() app.Settings {
	settings := f.databaseFlags.settings()
	settings.QueueSettings = f.QueueSettings
	return settings
}

// QueueListCmd lists what did not go well.
type QueueListCmd struct {
	queueFlags

	Limit int  `default:"50" help:"At most so many of each kind."`
	JSON  bool `name:"json" help:"Print one JSON object a line."`
}

// Run prints one line for each.
func (c *QueueListCmd) Run(ctx context.Context, io *IO) error {
	return app.WithQueue(ctx, c.settings(), io.Err, func(admin *app.QueueAdmin) error {
		dead, err := admin.Dead(ctx, c.Limit)
		if err != nil {
			return err
		}
		failed, err := admin.Failed(ctx, c.Limit)
		if err != nil {
			return err
		}
		if c.JSON {
			return printQueueJSON(io, dead, failed)
		}
		for _, letter := range dead {
			fmt.Fprintf(io.Out, "%-24s  %s  %s.dead  %s\n", letter.ID, stamp(letter.At), letter.Topic, letter.Reason)
		}
		for _, record := range failed {
			fmt.Fprintf(io.Out, "%s  %s  %-18s  %s\n", record.ID, stamp(record.FinishedAt), record.Failure.Slug, record.LastError)
		}
		return nil
	})
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "unknown time       "
	}
	return t.UTC().Format(time.DateTime)
}

func printQueueJSON(io *IO, dead []app.DeadLetter, failed []app.Record) error {
	encoder := json.NewEncoder(io.Out)
	for _, letter := range dead {
		if err := encoder.Encode(newDeadJSON(letter)); err != nil {
			return err
		}
	}
	for _, record := range failed {
		if err := encoder.Encode(failedJSON{
			Kind: "conversion", ID: string(record.ID), Slug: string(record.Failure.Slug), Detail: record.Failure.Detail,
			LastError: record.LastError, Attempts: record.Attempts, At: record.FinishedAt,
		}); err != nil {
			return err
		}
	}
	return nil
}

type deadJSON struct {
	Kind   string    `json:"kind"`
	ID     string    `json:"id"`
	Topic  string    `json:"topic"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Body   string    `json:"body"`
}

func newDeadJSON(letter app.DeadLetter) deadJSON {
	return deadJSON{
		Kind: "message", ID: letter.ID, Topic: string(letter.Topic), Reason: letter.Reason, At: letter.At, Body: string(letter.Body),
	}
}

type failedJSON struct {
	Kind      string    `json:"kind"`
	ID        string    `json:"id"`
	Slug      string    `json:"slug"`
	Detail    string    `json:"detail"`
	LastError string    `json:"last_error"`
	Attempts  int       `json:"attempts"`
	At        time.Time `json:"at"`
}

// QueueShowCmd shows one conversion or message.
type QueueShowCmd struct {
	queueFlags

	ID string `arg:"" help:"A conversion's or a message's id."`
}

// Run prints all there is of it as JSON.
func (c *QueueShowCmd) Run(ctx context.Context, io *IO) error {
	return app.WithQueue(ctx, c.settings(), io.Err, func(admin *app.QueueAdmin) error {
		encoder := json.NewEncoder(io.Out)
		encoder.SetIndent("", "  ")
		return admin.Show(ctx, c.ID,
			func(record app.Record) error { return encoder.Encode(record) },
			func(letter app.DeadLetter) error { return encoder.Encode(newDeadJSON(letter)) })
	})
}

// QueueReplayCmd gives something another chance.
type QueueReplayCmd struct {
	queueFlags

	IDs []string `arg:"" name:"id" help:"Ids of conversions or messages, as list prints them."`
}

// Run replays each; one that cannot be does not keep the others from it.
func (c *QueueReplayCmd) Run(ctx context.Context, io *IO) error {
	return app.WithQueue(ctx, c.settings(), io.Err, func(admin *app.QueueAdmin) error {
		var failed error
		for _, id := range c.IDs {
			if err := admin.Replay(ctx, id); err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s: %w", id, err))
				continue
			}
			fmt.Fprintln(io.Out, id, "queued")
		}
		return failed
	})
}
