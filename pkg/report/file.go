package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// ProveWritable makes the directory of path and proves that a file can be
// written there, so that a run is not lost at its end.
func ProveWritable(path string) error {
	info, err := os.Stat(path)
	isDir := err == nil && info.IsDir()
	if !isDir && Special(path) {
		return nil // it is written to as it is
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("the directory for the result cannot be made: %w (--result-dir)", err)
	}
	if isDir {
		return fmt.Errorf("the result cannot be written: %s is a directory (--result-filename)", path)
	}
	f, err := os.CreateTemp(dir, ".loadgen-*")
	if err != nil {
		return fmt.Errorf("the directory for the result is not writable: %w (--result-dir)", err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// Special tells whether a path names a pipe, a device or a descriptor, such as
// /dev/stdout: what is written to as it is, and has nothing beside it.
func Special(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	name, err := filepath.Abs(path)
	return !info.Mode().IsRegular() || err == nil && (strings.HasPrefix(name, "/dev/std") || strings.HasPrefix(name, "/dev/fd/") || strings.HasPrefix(name, "/proc/"))
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
	f, err := os.CreateTemp(filepath.Dir(path), ".loadgen-*")
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
		func() error { return f.Chmod(0o666 &^ umask()) },
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
