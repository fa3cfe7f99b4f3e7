package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
)

// stack is what has been opened, to be closed in the opposite order: after a stop, and after a start that
// failed half way.
type stack struct {
	names  []string
	closes []func() error
}

func (s *stack) push(name string, closer func() error) {
	s.names = append(s.names, name)
	s.closes = append(s.closes, closer)
}

// closeAll closes everything, newest first, whatever fails on the way.
func (s *stack) closeAll() error {
	var failed error
	for i, closer := range slices.Backward(s.closes) {
		if err := closer(); err != nil {
			failed = errors.Join(failed, fmt.Errorf("close %s: %w", s.names[i], err))
		}
	}
	s.names, s.closes = nil, nil
	return failed
}

// component is a part that runs until its context ends and then stops in an orderly way.
type component struct {
	name string
	run  func(ctx context.Context) error
}

// runAll runs components until the context ends or one of them fails, then stops them all and waits.
func runAll(ctx context.Context, components []component, logger *slog.Logger) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failures := make([]error, len(components))
	var group sync.WaitGroup
	for i, c := range components {
		group.Go(func() {
			defer stop()
			if err := c.run(ctx); err != nil {
				failures[i] = fmt.Errorf("%s: %w", c.name, err)
			}
			if ctx.Err() == nil {
				logger.ErrorContext(ctx, "part ended early, stopping", "part", c.name, "error", failures[i])
			}
		})
	}
	group.Wait()
	return errors.Join(failures...)
}
