// Package cli is what a person types: one file a command. It parses, calls and prints; it decides nothing.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"github.com/unreel/unreel/internal/app"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // 128 and SIGINT, as shells have it
)

// IO is where a command reads and writes.
type IO struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// UsageError is a command line that cannot be followed.
type UsageError struct{ Err error }

// Error says what is wrong with it.
func (e UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e UsageError) Unwrap() error { return e.Err }

// commands is every command, in the order of the help.
type commands struct {
	All       AllCmd       `cmd:"" group:"Services" help:"Run every service in one process."`
	Gateway   GatewayCmd   `cmd:"" group:"Services" help:"Run the public door."`
	Auth      AuthCmd      `cmd:"" group:"Services" help:"Run the accounts."`
	Converter ConverterCmd `cmd:"" group:"Services" help:"Run a converter."`
	Notifier  NotifierCmd  `cmd:"" group:"Services" help:"Run a notifier."`
	Migrate   MigrateCmd   `cmd:"" group:"Services" help:"Create or upgrade the SQL tables, then exit."`
	Users     UsersCmd     `cmd:"" group:"Services" help:"Administer accounts."`
	Queue     QueueCmd     `cmd:"" group:"Services" help:"Look at what did not go well, and replay it."`
	Health    HealthCmd    `cmd:"" group:"Services" help:"Exit 0 when a service is ready."`
	Doctor    DoctorCmd    `cmd:"" group:"Services" help:"Look at every setting and server, and say what is wrong."`

	LocalCmds `group:"Here and now"`

	ClientCmds `group:"Client of a server"`

	Version VersionCmd `cmd:"" group:"Others" help:"Print the version."`
}

// LocalCmds are the commands that need no server and no settings.
type LocalCmds struct {
	Convert ConvertCmd `cmd:"" help:"Convert local files, without a server."`
}

// grammar is what the arguments are parsed by. To make that of all commands and settings takes as long as to convert a
// second of sound: who converts a file does not wait for it.
func grammar(args []string) any {
	if len(args) > 0 && args[0] == "convert" {
		return &LocalCmds{}
	}
	return &commands{}
}

// Main runs the command that the arguments name and returns the exit code.
func Main(ctx context.Context, args []string, io IO) int {
	exited := -1
	parser, err := kong.New(grammar(args),
		kong.Name("unreel"),
		kong.Description("Unreel turns videos into MP3s."),
		kong.Writers(io.Out, io.Err),
		kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&io),
	)
	if err != nil {
		fmt.Fprintln(io.Err, "unreel:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return exited // --help was asked for
	}
	if err != nil {
		fmt.Fprintf(io.Err, "unreel: %v (see unreel --help)\n", err)
		return exitUsage
	}
	return exitCode(ctx, parsed.Run(), io)
}

// exitCode says what went wrong, once, and how to exit.
func exitCode(ctx context.Context, err error, io IO) int {
	var usage UsageError
	var setting *app.SettingError
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(io.Err, "unreel: interrupted")
		return exitInterrupted
	}
	fmt.Fprintln(io.Err, "unreel:", err)
	if errors.As(err, &usage) || errors.As(err, &setting) {
		return exitUsage
	}
	return exitFailed
}
