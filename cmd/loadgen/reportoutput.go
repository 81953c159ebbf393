package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"loadgen/internal/compare"
	"loadgen/internal/pyjson"
	"loadgen/pkg/report"
)

// checkOutput checks --output, which is text with an object and so leaves no room for another
// format.
func (o *reporting) checkOutput(output string) error {
	if err := checkCompareOutput(output); err != nil {
		return err
	}
	if o.object && (o.format != "text" || filepath.Ext(o.out) == ".parquet") {
		return errors.New("--output: json is one object with all results, so there is no other --format; --format json prints an object for each file")
	}
	return nil
}

// takeObject returns what gets the object, and has the text go to standard error where there
// is one.
func (o *reporting) takeObject(s *streams) io.Writer {
	if !o.object {
		return io.Discard
	}
	object := s.out
	s.out = s.err
	return object
}

// writeObject writes the report as the object that compare writes, too.
func (o *reporting) writeObject(to io.Writer, names []string, failed []error, groups []*report.Group, written, missed []string) error {
	if !o.object {
		return nil
	}
	object, err := comparisonObject(compare.Outcome{Results: names}, failed, groups, written, missed, false)
	if err != nil {
		return err
	}
	_, err = to.Write(append(pyjson.Append(nil, object), '\n'))
	return err
}

// gatesMissed are the gates that are missed, each with the reason. It logs how many hold where
// all do, and the servers that a plan names and that have no results; without the baseline there
// is nothing to compare the others with.
func gatesMissed(s streams, groups []*report.Group, planned []string, gates []report.Gate) (missed []string) {
	if len(groups) == 0 {
		return nil
	}
	for i, name := range planned {
		if hasVariant(groups, name) {
			continue
		}
		fmt.Fprintf(s.err, "loadgen: no results of %s, which the plan names\n", name)
		for _, g := range gates {
			if i == 0 && g.Relative {
				missed = append(missed, fmt.Sprintf("%s: no result for the baseline %q", g.Text, name))
			}
		}
	}
	for _, g := range groups {
		missed = append(missed, g.Missed(gates)...)
	}
	switch {
	case len(missed) > 0:
	case len(gates) == 1:
		fmt.Fprintln(s.err, "loadgen: 1 gate holds")
	case len(gates) > 0:
		fmt.Fprintf(s.err, "loadgen: %d gates hold\n", len(gates))
	}
	return missed
}

// missedError is the error of gates that are missed, nil for none.
func missedError(missed []string) error {
	if len(missed) == 0 {
		return nil
	}
	return gateMissed{"gates missed:\n  " + strings.Join(missed, "\n  ")}
}
