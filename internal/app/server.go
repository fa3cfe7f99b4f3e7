package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// headerTime is how long a client may take to send a request's headers.
	headerTime = 10 * time.Second
	// idleTime is how long a connection may stay open between two requests.
	idleTime = 2 * time.Minute
	// drainTime is how long running requests may take to end when the server stops.
	drainTime = 25 * time.Second
)

// listen opens an address; an error names the setting.
func listen(variable, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, &SettingError{variable, address, "cannot listen there: " + err.Error()}
	}
	return listener, nil
}

// ignoreClosed drops the error of closing what is closed.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// serve is a component that serves HTTP. Bodies have rolling deadlines of their own, so there is no absolute one.
func serve(name string, listener net.Listener, handler http.Handler, logger *slog.Logger) component {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	return component{name: name, run: func(ctx context.Context) error {
		drained := make(chan error, 1)
		go func() {
			<-ctx.Done()
			drained <- drain(ctx, server)
		}()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return <-drained
	}}
}

// drain lets running requests end, and cuts those that take too long.
func drain(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(fmt.Errorf("requests that were still running after %v were cut", drainTime), server.Close())
	}
	return err
}
