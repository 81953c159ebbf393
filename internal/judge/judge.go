// Package judge decides what measurements mean: whether the client could keep up,
// and what about the server or the load a reader of the figures must know. It
// reads no clock and does no I/O; its thresholds are data.
//
// More than twenty names are exported: each judgement (budget, verdict, findings, comparison,
// workload) has its types, which the result file and the report show field by field.
package judge

import (
	"fmt"
	"time"

	"loadgen/internal/pyjson"
)

// Finding is something that a reader of a result must know, or, as a note, should.
type Finding struct {
	Code string // stable
	Text string // a sentence, or two
	// Hint names what can be done about it, "" for nothing: the command line has the
	// words, as it has the flags.
	Hint string
	// Figures are the evidence; times are in seconds.
	Figures pyjson.Object
}

// find makes a finding; figures are names and values in turn.
func find(code, text string, figures ...any) Finding {
	f := Finding{Code: code, Text: text, Figures: pyjson.Object{}}
	for i := 0; i+1 < len(figures); i += 2 {
		f.Figures = append(f.Figures, pyjson.Member{Key: figures[i].(string), Value: figures[i+1]})
	}
	return f
}

// withHint is the finding with a hint.
func (f Finding) withHint(hint string) Finding {
	f.Hint = hint
	return f
}

// short writes a time with three digits.
func short(seconds float64) string {
	d := time.Duration(seconds * 1e9)
	for unit := time.Second; unit > time.Nanosecond; unit /= 1000 {
		if d.Abs() >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return d.String()
}

func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }
