package cli

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
)

// targetFlags says where an MP3 goes.
type targetFlags struct {
	Output targetPath `short:"o" placeholder:"FILE|DIR|-" help:"Where the MP3 goes; - is the output (default: here, named after the video)."`
	Force  bool       `help:"Replace a file that exists."`
}

// targetPath is a path, or "-" for the output. It is a type of its own because the parser takes "-" for a flag.
type targetPath string

// Decode reads the next word, whatever it begins with.
func (t *targetPath) Decode(ctx *kong.DecodeContext) error {
	word := ctx.Scan.Pop().String()
	if word == "" || (word != "-" && strings.HasPrefix(word, "-")) {
		return errors.New("needs a file, a folder or -")
	}
	*t = targetPath(word)
	return nil
}

// toOutput tells whether the MP3 goes to the output, where nothing else may go then.
func (f targetFlags) toOutput() bool { return f.Output == "-" }

// folder returns the folder if that is what was named, or if nothing was.
func (f targetFlags) folder() (string, bool) {
	if f.Output == "" {
		return ".", true
	}
	text := string(f.Output)
	info, err := os.Stat(text)
	return text, (err == nil && info.IsDir()) || os.IsPathSeparator(text[len(text)-1])
}

// check finds early what would be found only when the MP3 is there.
func (f targetFlags) check() error {
	if _, isFolder := f.folder(); isFolder || f.toOutput() || f.Force {
		return nil
	}
	return checkFree(string(f.Output))
}

// save writes an MP3 to where it goes and returns the file's path, or "" for the output. A file has its name
// only once it is complete.
func (f targetFlags) save(out io.Writer, body io.Reader, name string) (string, error) {
	if f.toOutput() {
		_, err := io.Copy(out, body)
		return "", err
	}
	path := string(f.Output)
	if folder, isFolder := f.folder(); isFolder {
		path = filepath.Join(folder, name)
	}
	if !f.Force {
		if err := checkFree(path); err != nil {
			return "", err
		}
	}
	file, err := newFile(path, 0o666) // less what the umask takes away
	if err != nil {
		return "", err
	}
	defer file.discard()
	if _, err := io.Copy(file, body); err != nil {
		return "", err
	}
	if f.Force {
		return path, file.replace()
	}
	return path, file.add()
}

// safeName is the file name that a server proposes (RFC 6266), cut down to one that can do no harm here: no
// folders, nothing hidden, nothing that steers a terminal.
func safeName(disposition, otherwise string) string {
	_, parameters, err := mime.ParseMediaType(disposition)
	if err != nil {
		return otherwise
	}
	name := strings.ReplaceAll(parameters["filename"], `\`, "/")
	name = filepath.Base(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return '_'
		}
		return r
	}, name))
	name = strings.TrimLeft(name, ". ")
	if name == "" || name == "/" || len(name) > maxFileName || !filepath.IsLocal(name) {
		return otherwise
	}
	return name
}

// maxFileName is how many bytes a name may have on the file systems that people use.
const maxFileName = 255

// errNoMP3 is an answer that is something else.
func errNoMP3(contentType string) error {
	return fmt.Errorf("the server answered with %q instead of an MP3", printable(contentType))
}
