// Command ferretdb serves MongoDB's protocol from SQLite files, so that tests of what is kept in GridFS run on a
// real server wherever Go does. It is a module of its own because nothing of the product needs its dependencies.
//
//	ferretdb 127.0.0.1:27017 DIRECTORY
package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := serve(ctx, logger, os.Args[1:]); err != nil {
		logger.Error("ferretdb ended", "error", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, logger *slog.Logger, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: ferretdb ADDRESS DIRECTORY")
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: args[0]},
		Logger:    logger,
		Handler:   "sqlite",
		SQLiteURL: "file:" + args[1] + "/",
	})
	if err != nil {
		return err
	}
	return server.Run(ctx)
}
