package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// PathError is the error of a path that a result cannot be written to.
type PathError struct {
	Path string
	// IsDir is set where the path is a directory, so that another name is needed; else
	// its directory is at fault.
	IsDir bool
	Err   error
}

func (e *PathError) Error() string {
	if e.IsDir {
		return fmt.Sprintf("the result cannot be written: %s is a directory", e.Path)
	}
	return fmt.Sprintf("the directory for the result is not writable: %v", e.Err)
}

func (e *PathError) Unwrap() error { return e.Err }

// ProveWritable makes the directory of path and proves that a file can be
// written there, so that a run is not lost at its end. Its error is a *PathError.
func ProveWritable(path string) error {
	info, err := os.Stat(path)
	isDir := err == nil && info.IsDir()
	if !isDir && Special(path) {
		return nil // it is written to as it is
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return &PathError{Path: path, Err: err}
	}
	if isDir {
		return &PathError{Path: path, IsDir: true}
	}
	f, err := os.CreateTemp(dir, ".loadgen-*")
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return &PathError{Path: path, Err: err}
	}
	return nil
}

// Special reports whether a path names a pipe, a device or a descriptor, such as
// /dev/stdout: it is written to as it is, and other files cannot go next to it.
func Special(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	name, err := filepath.Abs(path)
	return !info.Mode().IsRegular() || err == nil && (strings.HasPrefix(name, "/dev/std") || strings.HasPrefix(name, "/dev/fd/") || strings.HasPrefix(name, "/proc/"))
}

// createTemporary creates a new file with a temporary name in the directory of path, with
// the permissions of any new file: those that the kernel leaves of 0666.
func createTemporary(path string) (*os.File, error) {
	for try := 0; ; try++ {
		name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".loadgen-%x", rand.Uint64()))
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, os.ErrExist) || try > 100 {
			return f, err
		}
	}
}

// WriteFile writes a file whole or not at all: to a temporary name, renamed at
// the end. A file that is there is replaced; what is special is appended to.
func WriteFile(path string, write func(w io.Writer) error) (err error) {
	if Special(path) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
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
		func() error { return os.Rename(f.Name(), path) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// WriteSpare writes what cannot be written to path to a new file of the directory for
// temporary files, of the same name unless there is one.
func WriteSpare(path string, write func(w io.Writer) error) (spare string, err error) {
	name := filepath.Base(path)
	f, err := os.OpenFile(filepath.Join(os.TempDir(), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, os.ErrExist) {
		ext := filepath.Ext(name)
		f, err = os.CreateTemp("", strings.TrimSuffix(name, ext)+"-*"+ext)
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
