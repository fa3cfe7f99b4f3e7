package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// noteLife is how long an unfinished upload is remembered: a server forgets it as soon.
const noteLife = 24 * time.Hour

// note is a file that remembers the upload of a video until that is complete. What cannot be remembered is begun anew, so
// that nothing here is an error.
type note string // its path; "" for nowhere

// noteOf is the note about a file as it is now, with these options, for this account.
func (s *sender) noteOf(path string, info fs.FileInfo) note {
	session, err := sessionPath()
	if err != nil {
		return ""
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	about := fmt.Sprintf("%q %q %q %d %d %q",
		s.remote.session.Server, s.remote.session.Email, absolute, info.Size(), info.ModTime().UnixNano(), s.fields)
	if s.remote.fromEnv {
		about += s.remote.session.Token
	}
	name := sha256.Sum256([]byte(about))
	dir := filepath.Join(filepath.Dir(session), "uploads")
	removeOldNotes(dir)
	return note(filepath.Join(dir, hex.EncodeToString(name[:])))
}

// removeOldNotes forgets what servers have forgotten.
func removeOldNotes(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > noteLife {
			_ = os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
}

// read returns the upload's id, or "" if none is known.
func (n note) read() string {
	id, err := os.ReadFile(string(n))
	if err != nil {
		return ""
	}
	return string(id)
}

func (n note) write(id string) {
	if n == "" || os.MkdirAll(filepath.Dir(string(n)), 0o700) != nil {
		return
	}
	_ = os.WriteFile(string(n), []byte(id), 0o600)
}

func (n note) forget() { _ = os.Remove(string(n)) }
