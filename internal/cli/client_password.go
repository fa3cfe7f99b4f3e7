package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxPassword is more than any password has, in bytes.
const maxPassword = 4 << 10

var (
	errNoPassword = UsageError{errors.New("no password: type it, write it to the input as one line, or set UNREEL_PASSWORD")}
	errMismatch   = UsageError{errors.New("the two passwords are not the same")}
)

// readPassword takes the password from UNREEL_PASSWORD, from a terminal without showing it, or from one line
// of input. A person who chooses a new one types it twice.
func readPassword(ctx context.Context, io *IO, prompt string, twice bool) (string, error) {
	if password := os.Getenv("UNREEL_PASSWORD"); password != "" {
		return password, nil
	}
	file, onTerminal := terminal(io.In)
	if !onTerminal {
		return await(ctx, func() (string, error) { return readLine(lines(io.In)) })
	}
	if twice {
		return readTwice(ctx, io.Err, file, prompt)
	}
	return readHidden(ctx, io.Err, file, prompt)
}

// readTwice asks for a new password, and once more for the same.
func readTwice(ctx context.Context, out io.Writer, file *os.File, prompt string) (string, error) {
	password, err := readHidden(ctx, out, file, prompt)
	if err != nil {
		return "", err
	}
	again, err := readHidden(ctx, out, file, "Once more: ")
	if err == nil && again != password {
		err = errMismatch
	}
	return password, err
}

// terminal returns the file behind a reader or writer if it is a terminal.
func terminal(stream any) (*os.File, bool) {
	file, ok := stream.(*os.File)
	return file, ok && term.IsTerminal(int(file.Fd()))
}

// readHidden asks on a terminal, and leaves it as it was even when interrupted.
func readHidden(ctx context.Context, out io.Writer, file *os.File, prompt string) (string, error) {
	state, err := term.GetState(int(file.Fd()))
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	fmt.Fprint(out, prompt)
	password, err := await(ctx, func() (string, error) {
		typed, err := term.ReadPassword(int(file.Fd()))
		return string(typed), err
	})
	fmt.Fprintln(out)
	switch {
	case ctx.Err() != nil:
		return "", errors.Join(ctx.Err(), term.Restore(int(file.Fd()), state))
	case err != nil && !errors.Is(err, io.EOF):
		return "", fmt.Errorf("read the password: %w", err)
	case password == "":
		return "", errNoPassword
	}
	return password, nil
}

// lines reads passwords that a script wrote, and no more than those can be.
func lines(in io.Reader) *bufio.Reader {
	return bufio.NewReader(io.LimitReader(in, 2*maxPassword))
}

// readLine reads a password that a script wrote.
func readLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errNoPassword
	}
	return line, nil
}

// await returns what read does, or the context's error as soon as it ends. A read of a terminal cannot be
// called off: it stays behind until the process ends, which it does after an interruption.
func await(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := read()
		answers <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case a := <-answers:
		return a.text, a.err
	}
}
