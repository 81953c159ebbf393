package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestStdoutThatTakesNothing: what could not be written is no success.
func TestStdoutThatTakesNothing(t *testing.T) {
	for _, argv := range [][]string{{"--help"}, {"version"}} {
		var errs bytes.Buffer
		if code := run(t.Context(), append([]string{"loadgen"}, argv...), strings.NewReader(""), fullDisk{}, &errs); code != exitFailed || !strings.Contains(errs.String(), "no space left on device") {
			t.Errorf("%q: %d %s", argv, code, errs.String())
		}
		if code := run(t.Context(), append([]string{"loadgen"}, argv...), strings.NewReader(""), io.Discard, &errs); code != exitOK {
			t.Errorf("%q: %d %s", argv, code, errs.String())
		}
	}
}
