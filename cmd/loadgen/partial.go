package main

import (
	"fmt"

	"loadgen/pkg/report"
)

// withoutPartial are the results of runs that came to their end. The others are not to be
// compared unasked: what they measured is not what was planned.
func withoutPartial(files []*report.Stored) (whole []*report.Stored, refused []error) {
	for _, f := range files {
		if why := f.Partial(); why != "" {
			refused = append(refused, &partialError{f.Name, why})
			continue
		}
		whole = append(whole, f)
	}
	return whole, refused
}

// partialError is the error of a result that is left out, as its run ended early.
type partialError struct{ name, why string }

func (e *partialError) Error() string {
	return fmt.Sprintf("%s is left out of the comparison: %s; --partial compares it even so", e.name, e.why)
}
