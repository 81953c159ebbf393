// Package judge decides what measurements mean: whether the client could keep up,
// and what about the server or the load a reader of the figures must know. It
// reads no clock and does no I/O; its thresholds are data.
//
// More than twenty names are exported: each judgement (budget, verdict, findings, comparison,
// workload) has its types, which the result file and the report show field by field.
package judge

import (
	"fmt"
	"math"
	"strconv"
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

// short writes a time with three digits: in milliseconds below a second, as reports do, "0.737 ms".
func short(seconds float64) string {
	unit, scaled := "s", seconds
	if math.Abs(seconds) < 0.9995 {
		unit, scaled = "ms", seconds*1e3
	}
	if math.Abs(scaled) >= 999.5 { // where %g would have an exponent
		return fmt.Sprintf("%.0f %s", scaled, unit)
	}
	return fmt.Sprintf("%s %s", strconv.FormatFloat(threeDigits(scaled), 'f', -1, 64), unit)
}

// spell is short for a time.Duration.
func spell(d time.Duration) string { return short(d.Seconds()) }

// threeDigits rounds to three digits that count.
func threeDigits(x float64) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	return rounded
}

func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }
