package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// session is a log-in that is kept between commands. Its token is for its server and no other.
type session struct {
	Server    string    `json:"server"`
	Email     string    `json:"email"`
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
	// RefreshToken is good once, for the next token; empty if the server has given none.
	RefreshToken string `json:"refresh_token,omitempty"`
}

// sessionPath is where the log-in is kept.
func sessionPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the folder for settings: %w", err)
	}
	return filepath.Join(dir, "unreel", "session.json"), nil
}

// loadSession returns the stored log-in, or an empty one if there is none.
func loadSession() (session, error) {
	path, err := sessionPath()
	if err != nil {
		return session{}, err
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return session{}, nil
	}
	var s session
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		return session{}, fmt.Errorf("the stored log-in cannot be read: %w (log in again: unreel login EMAIL)", err)
	}
	return s, nil
}

func makeSessionDir(path string) error {
	return os.MkdirAll(filepath.Dir(path), 0o700)
}

// forgetSession removes the stored log-in.
func forgetSession() error {
	path, err := sessionPath()
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget the log-in: %w", err)
	}
	return nil
}

// save stores the log-in for its owner's eyes only, in one piece.
func (s session) save() (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("store the log-in: %w", err)
		}
	}()
	path, err := sessionPath()
	if err != nil {
		return err
	}
	if err := makeSessionDir(path); err != nil {
		return err
	}
	raw, err := json.Marshal(s) //nolint:gosec // it is what the file is for
	if err != nil {
		return err
	}
	file, err := newFile(path, 0o600)
	if err != nil {
		return err
	}
	defer file.discard()
	if _, err := file.Write(append(raw, '\n')); err != nil {
		return err
	}
	return file.replace()
}
