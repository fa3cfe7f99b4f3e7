package cli

import (
	"context"
	"fmt"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
)

// WatchCmd follows conversions as they go on.
type WatchCmd struct {
	serverFlags
	ID   string `arg:"" optional:"" placeholder:"ID" help:"The conversion's id (default: all of yours, until interrupted)."`
	JSON bool   `name:"json" help:"One JSON object a line."`
}

// Run prints changes. One conversion that fails is an error.
func (c *WatchCmd) Run(ctx context.Context, io *IO) error {
	id := ""
	if c.ID != "" {
		var err error
		if id, err = (idArg{c.ID}).parse(); err != nil {
			return err
		}
	}
	r, err := c.connect()
	if err != nil {
		return err
	}
	defer r.Close()
	printer := newEventPrinter(io, c.JSON)
	if id == "" {
		return r.followAll(ctx, printer.print)
	}
	one, err := r.follow(ctx, id, printer.print)
	printer.meter.clear()
	if err != nil {
		return err
	}
	return outcome(one)
}

// eventPrinter prints events: each as JSON, or for people a line where that says something new and a bar
// for the rest.
type eventPrinter struct {
	io    *IO
	json  bool
	meter *meter
	shown map[string]step
}

// step is what a line says: a state and tenths of progress.
type step struct {
	status conversion.Status
	tenths int
}

func newEventPrinter(io *IO, asJSON bool) *eventPrinter {
	return &eventPrinter{io: io, json: asJSON, meter: newMeter(io.Err), shown: map[string]step{}}
}

// print shows one event. What cannot be written is lost: the exit code tells how it ended.
func (p *eventPrinter) print(event api.Event) {
	if p.json {
		_ = writeJSON(p.io.Out, event)
		return
	}
	now := step{event.Status, int(event.Progress * 10)}
	if p.meter.on {
		now.tenths = 0 // the bar shows them
	}
	if before, known := p.shown[event.ID]; !known || before != now {
		p.shown[event.ID] = now
		p.meter.clear()
		fmt.Fprintln(p.io.Out, eventText(event))
	}
	if event.Status == conversion.Converting {
		p.meter.show(event.ID, event.Progress)
	}
}

func eventText(event api.Event) string {
	text := printable(fmt.Sprintf("%s  %s", event.ID, event.Status))
	if event.Status == conversion.Converting {
		text += "  " + percent(event.Progress)
	}
	return text
}
