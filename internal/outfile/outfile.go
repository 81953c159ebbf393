// Package outfile is where what loadgen writes goes: files that are written whole or not at
// all, pipes and devices that are written to as they are. It takes paths and functions that
// write; what cannot be written to is found before a run by Prove. It knows nothing of what
// is written, and never waits without end for a pipe that nobody reads.
package outfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ErrLocked is the error of a file that another process has locked.
var ErrLocked = errors.New("another process holds the file")

// Error is the error of a path that cannot be written to.
type Error struct {
	Path string
	// Name is set where the name is at fault, because it is too long or a directory has it,
	// so that another name is needed; else its directory is.
	Name bool
	Err  error
}

func (e *Error) Error() string {
	switch {
	case e.Name && errors.Is(e.Err, syscall.EISDIR):
		return fmt.Sprintf("the result cannot be written: %s is a directory", e.Path)
	case e.Name && errors.Is(e.Err, syscall.ENXIO):
		return fmt.Sprintf("the result cannot be written: %s is a pipe that nobody reads", e.Path)
	case e.Name:
		return fmt.Sprintf("the result cannot be written: %v", e.Err)
	}
	return fmt.Sprintf("the directory for the result is not writable: %v", e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Prove makes the directory of path and proves that a file can be written there, so that a
// run is not lost at its end. A pipe is kept open, or its reader would see an end, until
// release is called. The error is an *Error.
func Prove(path string) (release func(), err error) {
	release = func() {}
	if Special(path) {
		f, err := Open(path)
		if err != nil {
			return release, &Error{Path: path, Name: true, Err: err}
		}
		return func() { f.Close() }, nil
	}
	if err := os.MkdirAll(directory(path), 0o777); err != nil {
		return release, &Error{Path: path, Err: err}
	}
	f, err := createTemporary(path)
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if file := (*fs.PathError)(nil); errors.As(err, &file) { // whose temporary name says nothing to a user
		err = fmt.Errorf("%s: %w", directory(path), file.Err)
	}
	if err != nil {
		return release, &Error{Path: path, Err: err}
	}
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return release, &Error{Path: path, Name: true, Err: syscall.EISDIR}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return release, &Error{Path: path, Name: true, Err: err}
	}
	return release, nil
}

// directory is that of a path as it was given, with its separator: a/../b leads through a,
// which has to be there.
func directory(path string) string {
	if dir, _ := filepath.Split(path); dir != "" {
		return dir
	}
	return "." + string(filepath.Separator)
}

// Special reports whether a path names a pipe, a device or a descriptor, such as
// /dev/stdout: it is written to as it is, and other files cannot go next to it.
func Special(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return false
	}
	name, err := filepath.Abs(path)
	return !info.Mode().IsRegular() || err == nil && (strings.HasPrefix(name, "/dev/std") || strings.HasPrefix(name, "/dev/fd/") || strings.HasPrefix(name, "/proc/"))
}

// Same reports whether two paths name one file, which need not be there.
func Same(a, b string) bool { return target(a) == target(b) }

// target is the absolute path of a file, with no symbolic link in it.
func target(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	} else if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, filepath.Base(path))
	}
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// Open opens what is special. A pipe that nobody reads is the error ENXIO.
func Open(path string) (*os.File, error) {
	flags := os.O_WRONLY | os.O_APPEND
	if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		flags |= syscall.O_NONBLOCK // or the open waits for a reader
	}
	return os.OpenFile(path, flags, 0)
}

// createTemporary creates a new file with a temporary name in the directory of path, with
// the permissions of any new file: those that the kernel leaves of 0666.
func createTemporary(path string) (*os.File, error) {
	for try := 0; ; try++ {
		name := directory(path) + fmt.Sprintf(".loadgen-%x", rand.Uint64())
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) || try > 100 {
			return f, err
		}
	}
}

// Write writes a file whole or not at all: to a temporary name, renamed at the end. A file
// that is there is replaced; what is special is appended to.
func Write(path string, write func(w io.Writer) error) error {
	if Special(path) {
		f, err := Open(path)
		if err != nil {
			return err
		}
		return errors.Join(write(patient{f}), f.Close())
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return whole(path, write, func(temporary string) error { return os.Rename(temporary, path) })
}

// WriteNew is Write to a path that no file has: where one has it, -2, -3 and so on stand
// before its extension. The file's name is returned.
func WriteNew(path string, write func(w io.Writer) error) (name string, err error) {
	err = whole(path, write, func(temporary string) error {
		ext := filepath.Ext(path)
		for n := 1; ; n++ {
			if name = path; n > 1 {
				name = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, ext), n, ext)
			}
			if err := renameNew(temporary, name); !errors.Is(err, fs.ErrExist) || n > 10_000 {
				return err
			}
		}
	})
	return name, err
}

// renameNew renames a file to a name that no file has. Where the file system has no hard
// links, the name is taken by an empty file first.
func renameNew(temporary, name string) error {
	err := os.Link(temporary, name)
	switch {
	case err == nil:
		return os.Remove(temporary)
	case errors.Is(err, fs.ErrExist):
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	f.Close()
	return os.Rename(temporary, name)
}

// whole writes to a temporary file beside path, and calls rename when all of it is there.
func whole(path string, write func(w io.Writer) error, rename func(temporary string) error) (err error) {
	f, err := createTemporary(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	buffered := bufio.NewWriterSize(f, 1<<16)
	for _, step := range []func() error{
		func() error { return write(buffered) },
		buffered.Flush,
		f.Close,
		func() error { return rename(f.Name()) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// WriteSpare writes what cannot be written to path to a new file of the directory for
// temporary files, of the same name unless there is one or it cannot be one.
func WriteSpare(path string, write func(w io.Writer) error) (spare string, err error) {
	name := filepath.Base(path)
	f, err := os.OpenFile(filepath.Join(os.TempDir(), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		ext := filepath.Ext(name)
		f, err = os.CreateTemp("", strings.TrimSuffix(name, ext)+"-*"+ext)
	}
	if err != nil {
		f, err = os.CreateTemp("", "loadgen-*.json")
	}
	if err != nil {
		return "", err
	}
	if err = errors.Join(write(f), f.Close()); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// stallLimit is how long a pipe may take for a piece of what is written.
const stallLimit, piece = 10 * time.Second, 64 << 10

// patient writes in pieces, each of which has stallLimit to go.
type patient struct{ f *os.File }

func (p patient) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		_ = p.f.SetWriteDeadline(time.Now().Add(stallLimit)) // files have none
		var m int
		m, err = p.f.Write(b[n:min(n+piece, len(b))])
		n += m
	}
	return n, err
}

// AppendLine adds a line to a file, which is made if need be. Lines of several processes do
// not mix; a last line that was not ended is.
func AppendLine(path string, line []byte) error {
	if Special(path) {
		return Write(path, func(w io.Writer) error { _, err := w.Write(append(line, '\n')); return err })
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	text := append(line[:len(line):len(line)], '\n')
	if last := make([]byte, 1); err == nil && info.Size() > 0 {
		if _, err = f.ReadAt(last, info.Size()-1); last[0] != '\n' {
			text = append([]byte{'\n'}, text...)
		}
	}
	if err == nil {
		_, err = f.Write(text) // in one call
	}
	return errors.Join(err, f.Close())
}

// How long Together waits, and how often it looks.
const (
	togetherMost = 5 * time.Second
	togetherLook = 10 * time.Millisecond
)

// Together holds the directory of a path until release is called: of several processes that write
// files of the same names, one writes all of its own before the next, so that they belong
// together. It waits for another for a while, and not where a file system has no locks.
func Together(path string) (release func()) {
	if Special(path) {
		return func() {}
	}
	f, err := os.Open(directory(path))
	if err != nil {
		return func() {}
	}
	for range togetherMost / togetherLook {
		if !errors.Is(Lock(f), ErrLocked) {
			break
		}
		time.Sleep(togetherLook)
	}
	return func() { f.Close() }
}

// WritePrivate writes a file whole or not at all, for its owner alone, as it holds a secret.
func WritePrivate(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".loadgen-*") // which is made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing once it is renamed
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
