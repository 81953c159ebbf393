package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"loadgen/internal/bench"
	"loadgen/internal/compare"
	"loadgen/internal/outfile"
	"loadgen/internal/plain"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/client"
	"loadgen/pkg/dataset"
)

// jsonLog writes standard error as JSON, an object for each line of text. It is safe for
// concurrent use.
type jsonLog struct {
	w   io.Writer
	now func() time.Time

	mu   sync.Mutex
	rest string // the start of a line
}

// Write takes lines of loadgen's.
func (j *jsonLog) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.rest += string(p)
	for {
		line, rest, whole := strings.Cut(j.rest, "\n")
		if !whole {
			return len(p), nil
		}
		j.rest = rest
		if level, code, message := parsedLine(line); message != "" {
			if err := j.entry(level, code, message, ""); err != nil {
				return 0, err
			}
		}
	}
}

// parsedLine is what a line of text says.
func parsedLine(line string) (level, code, message string) {
	message = strings.TrimSpace(strings.TrimPrefix(line, "loadgen: "))
	kind, rest, _ := strings.Cut(message, " ")
	code, text, isCode := strings.Cut(rest, ": ")
	switch {
	case kind == "finding" && isCode:
		return "warning", code, text
	case kind == "note" && isCode:
		return "info", code, text
	case kind == "verdict" && isCode && code != "clean":
		return "warning", "verdict", message
	case kind == "verdict" && isCode:
		return "info", "verdict", message
	case kind == "-":
		return "warning", "verdict", rest
	}
	return "info", "", message
}

// note is something that the user should know at once.
func (j *jsonLog) note(code, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_ = j.entry("info", code, plain.Line(text), "")
}

// fail is an error.
func (j *jsonLog) fail(code, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	message, hint, _ := strings.Cut(text, "\nhint: ")
	message, hint = plain.Line(message), plain.Line(hint)
	_ = j.entry("error", code, message, hint) // there is nowhere to say that it failed
}

func (j *jsonLog) entry(level, code, message, hint string) error {
	object := pyjson.Object{{Key: "time", Value: j.now().UTC().Format(time.RFC3339Nano)}, {Key: "level", Value: level}}
	for _, m := range []pyjson.Member{{Key: "code", Value: code}, {Key: "message", Value: message}, {Key: "hint", Value: hint}} {
		if m.Value != "" {
			object = append(object, m)
		}
	}
	_, err := j.w.Write(append(pyjson.Append(nil, object), '\n'))
	return err
}

// asJSONLog is standard error where it is JSON, else nil.
func asJSONLog(stderr io.Writer) *jsonLog {
	if st := statusOf(stderr); st != nil {
		j, _ := st.w.(*jsonLog)
		return j
	}
	return nil
}

// fail reports an error on standard error.
func fail(stderr io.Writer, code, text string) {
	if j := asJSONLog(stderr); j != nil {
		j.fail(code, plain.Text(text))
		return
	}
	fmt.Fprintf(stderr, "loadgen: error: %s\n", text)
}

// errorCodes are the codes of errors besides those of the client (client.Problem), which say
// what was wrong with the server or with what the client was given.
var errorCodes = []string{"usage", "plan", "exists", "invalid_setting", "dataset", "gate_missed", "requests_failed", "test_failed", "server_failed", "partial_result", "not_a_result", "no_results", "not_writable", "file", "failed"}

// errorCode is the stable code of an error.
func errorCode(err error) string {
	var problem *client.Problem
	var path *fs.PathError
	switch {
	case errors.As(err, &problem):
		return string(problem.Code)
	case errors.As(err, new(*recording.SettingError)):
		return "invalid_setting"
	case errors.As(err, new(planError)) && errors.As(err, &path):
		return "file"
	case errors.As(err, new(planError)):
		return "plan"
	case errors.As(err, new(*compare.ExistsError)), errors.As(err, new(*existsError)):
		return "exists"
	case errors.As(err, new(*dataset.Error)):
		return "dataset"
	case errors.As(err, new(*outfile.Error)):
		return "not_writable"
	case errors.As(err, new(usageError)):
		return "usage"
	case errors.As(err, new(*compare.ServerError)):
		return "server_failed"
	case errors.Is(err, errReported), errors.Is(err, compare.ErrAllFailed):
		return "requests_failed"
	case errors.As(err, new(*partialError)):
		return "partial_result"
	case errors.As(err, new(noResults)):
		return "no_results"
	case errors.Is(err, result.ErrFormat):
		return "not_a_result"
	case errors.As(err, new(gateMissed)):
		return "gate_missed"
	case errors.As(err, new(*bench.TestFailed)):
		return "test_failed"
	case errors.As(err, &path):
		return "file"
	}
	return "failed"
}

// takeLogFormat takes --log-format out of a command line, where a subcommand does not know
// it, and reports whether it, or the environment, asks for JSON.
func takeLogFormat(argv []string, s streams) (rest []string, json bool, err error) {
	value := s.env(envName(logFormatFlag))
	rest, text, found, err := takeFlag(argv, logFormatFlag)
	if found {
		value = text
	}
	if len(argv) == 0 || strings.HasPrefix(argv[0], "-") { // the benchmark's flags have it
		return argv, value == "json", nil
	}
	if err == nil && !slices.Contains([]string{"", "text", "json"}, value) {
		err = fmt.Errorf("argument %s: invalid choice: '%s' (choose from 'text', 'json')", logFormatFlag, value)
	}
	return rest, value == "json", err
}

// asJSON makes standard error JSON.
func (s streams) asJSON() {
	if st := statusOf(s.err); st != nil && asJSONLog(s.err) == nil {
		st.w, st.width, st.rows = &jsonLog{w: st.w, now: time.Now}, nil, nil
	}
}
