package golden

import "strings"

// The console text of the reference data, and what of it is not the benchmark's.

// FromRun is the part of the console text that loadgen writes, too.
func FromRun(stdout string) string {
	for _, start := range []string{"Starting initial single prompt", "Skipping initial test run"} {
		if i := strings.Index(stdout, start); i >= 0 {
			return stdout[i:]
		}
	}
	return ""
}

// Debugging reports whether a line is what the original prints of an HTTP error's header.
func Debugging(line string) bool {
	return strings.HasPrefix(line, "HTTP Error") || strings.HasPrefix(line, "<CIMultiDict") || strings.HasPrefix(line, "<ClientResponse")
}

// WithoutDebugging leaves out such lines, and the blank one after each.
func WithoutDebugging(stdout string) string {
	var kept []string
	after := false
	for _, line := range strings.SplitAfter(stdout, "\n") {
		if after = Debugging(line) || after && line == "\n"; !after {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
