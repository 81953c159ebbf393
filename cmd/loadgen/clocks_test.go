package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"loadgen/internal/lazy"
)

// calendar is what takes a time's monotonic reading away, or reads the calendar as a number: a
// difference of such times is off by every step of the clock in between.
var calendar = lazy.Regexp(`\.(Unix|UnixNano|UnixMilli|UnixMicro)\(\)|\.Round\(0\)|CLOCK_REALTIME`)

// calendars are the files that may: none of them measures how long anything took.
var calendars = []string{
	"internal/certtest/certtest.go",      // a serial number
	"internal/chattemplate/builtins.go",  // a template's strftime
	"internal/health/observe/observe.go", // where steps of the clock are found
	"internal/tokenizer/cache.go",        // the newest of some directories
	"internal/trtsim/events.go",          // when an answer was made, as the server says it
	"internal/trtsim/generate.go",        // the same
	"internal/trtsim/routes.go",          // the same of a model
	"internal/wire/wire.go",              // kernel stamps, which are of the calendar, on the run's clock
	"pkg/dataset/trace.go",               // arrival times that a trace gives as dates
	"pkg/report/hdr.go",                  // the dates of a log
}

// TestDurationsAreMonotonic: only these files turn a time into a number of the calendar.
func TestDurationsAreMonotonic(t *testing.T) {
	t.Parallel()
	var found []string
	for _, root := range []string{"cmd", "internal", "pkg"} {
		err := filepath.WalkDir(filepath.Join("../..", root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			name := filepath.ToSlash(strings.TrimPrefix(path, "../../"))
			if at := calendar.Get().FindIndex(text); at != nil {
				found = append(found, name)
				if !slices.Contains(calendars, name) {
					t.Errorf("%s has %s: durations are differences of monotonic times", name, text[at[0]:at[1]])
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range calendars {
		if !slices.Contains(found, name) {
			t.Errorf("%s needs no exception", name)
		}
	}
}
