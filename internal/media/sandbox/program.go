package sandbox

import (
	"bufio"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// program is what a program needs beside its own file to be started.
type program struct {
	interpreter string   // the loader; empty: it is static
	libraries   []string // files and folders that the loader reads
}

// errNoELF says that a program is a script, which would need a shell.
var errNoELF = errors.New("is not a program in ELF format: the box cannot run scripts")

// inspect reads what the program at path needs. The answer is kept: a program may be replaced by a newer one,
// but not by one of another kind.
func (b *Box) inspect(path string) (program, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if known, ok := b.programs[path]; ok {
		return known, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return program{}, err
	}
	defer file.Close()
	found, err := inspect(file, filepath.Dir(path))
	if err != nil {
		return program{}, fmt.Errorf("%s: %w", path, err)
	}
	b.programs[path] = found
	return found, nil
}

// inspect reads an ELF file; origin is the folder that it calls its own.
func inspect(file io.ReaderAt, origin string) (program, error) {
	image, err := elf.NewFile(file)
	if err != nil {
		return program{}, errNoELF
	}
	var found program
	for _, segment := range image.Progs {
		if segment.Type != elf.PT_INTERP {
			continue
		}
		raw := make([]byte, min(segment.Filesz, 4096))
		if _, err := segment.ReadAt(raw, 0); err != nil {
			return program{}, fmt.Errorf("read the loader's name: %w", err)
		}
		found.interpreter = strings.TrimRight(string(raw), "\x00")
	}
	if found.interpreter == "" {
		return found, nil
	}
	found.libraries = libraries(append(runPaths(image, origin), configuredFolders()...))
	return found, nil
}

// runPaths is where the program says that its own libraries are.
func runPaths(image *elf.File, origin string) []string {
	var paths []string
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		values, _ := image.DynString(tag) // a program without the tag has none
		for _, value := range values {
			value = strings.NewReplacer("$ORIGIN", origin, "${ORIGIN}", origin).Replace(value)
			paths = append(paths, strings.Split(value, ":")...)
		}
	}
	return paths
}

// loaderFiles are what loaders read to find libraries.
var loaderFiles = []string{"/etc/ld.so.cache", "/etc/ld-musl-x86_64.path", "/etc/ld-musl-aarch64.path"}

// configuredFolders is where glibc's and musl's loaders look, by themselves and by configuration.
func configuredFolders() []string {
	folders := []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"}
	files, _ := filepath.Glob("/etc/ld.so.conf.d/*.conf") // the pattern is well formed
	for _, file := range append(files, "/etc/ld.so.conf") {
		folders = append(folders, absoluteLines(file)...)
	}
	return folders
}

func absoluteLines(path string) []string {
	file, err := os.Open(path)
	if err != nil {
		return nil // a machine need not have it
	}
	defer file.Close()
	var lines []string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		if line := strings.TrimSpace(scanner.Text()); filepath.IsAbs(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// libraries makes a short list of folders, none within another, and the loader's own files, of those that exist.
func libraries(folders []string) []string {
	var found []string
	for _, folder := range folders {
		if resolved, err := realFolder(folder); err == nil && resolved != "/" {
			found = append(found, resolved)
		}
	}
	slices.Sort(found)
	outer := found[:0]
	for _, folder := range found {
		if n := len(outer); n == 0 || (folder != outer[n-1] && !strings.HasPrefix(folder, outer[n-1]+"/")) {
			outer = append(outer, folder)
		}
	}
	for _, file := range loaderFiles {
		if _, err := os.Stat(file); err == nil {
			outer = append(outer, file)
		}
	}
	return outer
}

func realFolder(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return "", fs.ErrInvalid
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(resolved)
	if err == nil && !info.IsDir() {
		err = fs.ErrInvalid
	}
	return resolved, err
}
