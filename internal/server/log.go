//go:build unix

package server

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	tailLines = 20
	tailBytes = 64 << 10 // read from the log's end
	tailWidth = 500      // bytes of a line
)

// createLog creates a log file anew, for its owner alone: servers write their environment and
// command lines into their logs, keys included.
func createLog(path string) (*os.File, error) {
	if path == "" {
		return os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(0o600); err != nil { // it may have been there
		f.Close()
		return nil, err
	}
	return f, nil
}

// tail is the end of the server's log, to follow a message; "" if there is none.
func (s *Server) tail() string {
	if s.cmd == nil || s.o.Log == "" {
		return ""
	}
	lines, err := lastLines(s.o.Log)
	switch {
	case err != nil:
		return fmt.Sprintf("\nits log: %v", err)
	case len(lines) == 0:
		return fmt.Sprintf("\nits log %s is empty", s.o.Log)
	}
	return fmt.Sprintf("\nthe end of its log %s:\n  %s", s.o.Log, strings.Join(lines, "\n  "))
}

// lastLines are the last lines of a file, long ones cut.
func lastLines(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	from := max(size-tailBytes, 0)
	data, err := io.ReadAll(io.NewSectionReader(f, from, size-from))
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(strings.ToValidUTF8(string(data), "?"), " \r\n")
	if text == "" {
		return nil, nil
	}
	lines := strings.Split(text, "\n")
	lines = lines[max(len(lines)-tailLines, 0):]
	for i, line := range lines {
		line = strings.TrimRight(line, "\r")
		line = line[strings.LastIndexByte(line, '\r')+1:] // what a progress bar showed last
		if len(line) > tailWidth {
			line = strings.ToValidUTF8(line[:tailWidth], "") + ".."
		}
		lines[i] = line
	}
	return lines, nil
}
