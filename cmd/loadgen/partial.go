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
			refused = append(refused, fmt.Errorf("%s is left out of the comparison: %s; --partial compares it even so", f.Name, why))
			continue
		}
		whole = append(whole, f)
	}
	return whole, refused
}
