package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"loadgen/internal/compare"
	"loadgen/internal/pyjson"
	"loadgen/pkg/report"
)

// comparisonObject is a comparison for programs: what comparison.json has, the files, and what
// went wrong.
func comparisonObject(o compare.Outcome, failed []error, groups []*report.Group, written []string, missed []string, interrupted bool) (pyjson.Object, error) {
	var text bytes.Buffer
	if err := report.JSON(&text, groups); err != nil {
		return nil, err
	}
	parsed, err := pyjson.Parse(text.Bytes())
	object, _ := parsed.(pyjson.Object)
	if err != nil {
		return nil, err
	}
	failures := []pyjson.Object{}
	for _, f := range slices.Concat(o.Failures, failed) {
		failures = append(failures, pyjson.Object{{Key: "code", Value: errorCode(f)}, {Key: "message", Value: f.Error()}})
	}
	return append(object, pyjson.Object{
		{Key: "results", Value: append([]string{}, o.Results...)},
		{Key: "written", Value: append([]string{}, written...)},
		{Key: "failures", Value: failures},
		{Key: "gates_missed", Value: append([]string{}, missed...)},
		{Key: "interrupted", Value: interrupted},
	}...), nil
}

// writePlan prints what a plan would do.
func writePlan(plan *compare.Plan, s streams, asJSON bool) error {
	b := compareBench{s: s}
	if !asJSON {
		return plan.Print(s.out, b)
	}
	steps, err := plan.Steps(b)
	if err != nil {
		return err
	}
	runs, requests := []pyjson.Object{}, 0
	for _, step := range steps {
		requests += step.Requests
		run := pyjson.Object{{Key: "server", Value: step.Server}, {Key: "concurrency", Value: step.Concurrency}, {Key: "repeat", Value: step.Repeat},
			{Key: "requests", Value: step.Requests}, {Key: "start", Value: nil}, {Key: "command", Value: append([]string{"loadgen"}, step.Command...)}}
		if step.Starts {
			run.Set("start", step.Start)
		}
		runs = append(runs, run)
	}
	return writeObject(s, pyjson.Object{{Key: "runs", Value: runs}, {Key: "requests", Value: requests}, {Key: "warmup_requests", Value: plan.Warmup * len(steps)}, {Key: "results", Value: plan.Results}})
}

func writeObject(s streams, o pyjson.Object) error {
	_, err := s.out.Write(append(pyjson.Append(nil, o), '\n'))
	return err
}

// planError is the error of a plan that is wrong.
type planError struct{ error }

func (e planError) Unwrap() error { return e.error }

// asPlanError is the error of a plan that was not read: a usage error, unless the file cannot
// be read.
func asPlanError(err error, file string) error {
	var path *fs.PathError
	if file == "" {
		return err
	}
	if errors.As(err, &path) && path.Path == file {
		err = fmt.Errorf("cannot read the plan: %w\nhint: loadgen compare --init writes one", err)
	} else if f, bad := readFile(file); bad == nil && f.Completed != nil {
		err = fmt.Errorf("%w\nhint: %s is a result: loadgen report FILE... compares results that exist", err, file)
	}
	return usageError{planError{err}}
}

// checkCompareOutput checks --output.
func checkCompareOutput(format string) error {
	if !slices.Contains(outputs, format) {
		return fmt.Errorf("--output: %q is not one of %s", format, strings.Join(outputs, ", "))
	}
	return nil
}

// outputs are what standard output, or standard error, can get.
var outputs = []string{"text", "json"}

// noResults is the error of a report without anything to show.
type noResults string

func (n noResults) Error() string { return string(n) }

// errNoResults is that of results that were all left out.
const errNoResults = noResults("there are no results to report")
