// Package file delivers mail into a folder, one .eml file a mail, for a machine that has no mail server:
// any mail program opens such a file as it would have arrived.
package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/unreel/unreel/internal/mail"
	"github.com/unreel/unreel/internal/mail/eml"
)

// Config says where mails are put.
type Config struct {
	Dir  string // made if missing; one process's own
	From string // like "Unreel <unreel@localhost>"
}

// Sender puts mails into a folder.
type Sender struct {
	dir     string
	encoder *eml.Encoder
	mu      sync.Mutex // one mail at a time, so that one Message-ID has one file
}

var _ mail.Sender = (*Sender)(nil)

const (
	// stampLayout begins a file's name, so that a listing is in the order of time.
	stampLayout = "20060102T150405.000Z"
	suffix      = ".eml"
	// temporary begins the name of a file that is not a whole mail yet.
	temporary = ".new-"
)

// New makes the folder if it is missing, and removes what a crash has left in it.
func New(config Config) (*Sender, error) {
	if config.Dir == "" {
		return nil, errors.New("name a folder, like file:/var/lib/unreel/mail")
	}
	encoder, err := eml.NewEncoder(config.From)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make mail folder: %w", err)
	}
	entries, err := os.ReadDir(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("open mail folder: %w", err)
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), temporary) {
			continue
		}
		if err := os.Remove(filepath.Join(config.Dir, entry.Name())); err != nil {
			return nil, fmt.Errorf("clean mail folder: %w", err)
		}
	}
	return &Sender{dir: config.Dir, encoder: encoder}, nil
}

// Check returns nil when the folder is there and can be written.
func (s *Sender) Check(context.Context) error {
	if err := unix.Access(s.dir, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("mail folder %s cannot be used: %w", s.dir, err)
	}
	return nil
}

// Send writes the mail. A Message-ID that was sent before gets the new mail in its old file.
func (s *Sender) Send(ctx context.Context, message mail.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := time.Now().UTC()
	raw, err := s.encoder.Encode(message, now)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name, err := s.name(message.ID, now)
	if err != nil {
		return fmt.Errorf("look into mail folder: %w", err)
	}
	if err := s.write(name, raw); err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	return nil
}

// name returns the file's name: the one that the Message-ID has already, or a new one.
func (s *Sender) name(id string, now time.Time) (string, error) {
	end := "-" + label(id) + suffix
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		if name := entry.Name(); len(name) == len(stampLayout)+len(end) && strings.HasSuffix(name, end) {
			return name, nil
		}
	}
	return now.Format(stampLayout) + end, nil
}

// maxLabel keeps names below the 255 bytes that file systems allow.
const maxLabel = 150

// label makes a part of a file's name from a Message-ID, another for each.
func label(id string) string {
	text := strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '.' || r == '-' || r == '@' || isAlphanumeric(byte(r))) {
			return r
		}
		return '_'
	}, id)
	if text == id && len(text) <= maxLabel {
		return text
	}
	sum := sha256.Sum256([]byte(id))
	return text[:min(len(text), maxLabel)] + "_" + hex.EncodeToString(sum[:8])
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// write makes a whole file appear at once, and last.
func (s *Sender) write(name string, raw []byte) (err error) {
	file, err := os.CreateTemp(s.dir, temporary) // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if removed := os.Remove(file.Name()); err != nil && !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, removed)
		}
	}()
	_, err = file.Write(raw)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), filepath.Join(s.dir, name)); err != nil {
		return err
	}
	return syncFolder(s.dir)
}

func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
