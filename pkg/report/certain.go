package report

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"loadgen/internal/judge"
	"loadgen/internal/lazy"
	"loadgen/internal/pyjson"
)

// Certain asks for metrics of which it is to be certain whether they differ, whatever the number
// of repeats, or are within a margin.
type Certain struct {
	Metrics []string // keys such as mean_ttft_ms or output_throughput
	Margin  float64  // a share of the baseline's value
}

// familywiseError is how often, at most, any of the metrics asked for is decided wrongly.
const familywiseError = 0.05

// CertainMetrics are those that are asked for where none are named.
func CertainMetrics() []string {
	return []string{"mean_ttft_ms", "mean_tpot_ms", "mean_e2el_ms", "output_throughput"}
}

// Check reports what is wrong with what is asked for.
func (c *Certain) Check() error {
	for _, key := range c.Metrics {
		if f, found := judge.QuantityOf(key); !found || f.Statistic.Name == "std" {
			return fmt.Errorf("unknown metric %q; expected a throughput, or a mean, median or percentile of a latency such as p99_ttft_ms", key)
		}
	}
	return nil
}

// certainty is one metric of a server at a concurrency.
type certainty struct {
	load, variant int
	quantity      judge.Quantity
	void          string // why it is not comparable
	judge.Certainty
}

// certainties are all metrics asked for, each at its part of the level.
func (g *Group) certainties() (all []certainty) {
	if g.certain == nil {
		return nil
	}
	for load := range g.Loads {
		for variant := 1; variant < len(g.Variants); variant++ {
			for _, key := range g.certain.Metrics {
				f, _ := judge.QuantityOf(key)
				all = append(all, certainty{load: load, variant: variant, quantity: f})
			}
		}
	}
	for i := range all {
		c := &all[i]
		if r := g.row(c.load, c.variant, c.quantity); r != nil {
			c.void = r.Void
		}
		var base, other []judge.Series
		for _, a := range g.Runs[c.load][0] {
			for _, b := range g.Runs[c.load][c.variant] {
				if a.repeat() == b.repeat() {
					base, other = append(base, a.series(c.quantity)), append(other, b.series(c.quantity))
				}
			}
		}
		c.Certainty = judge.Certain(base, other, g.certain.Margin, familywiseError/float64(len(all)))
	}
	return all
}

var repeatNumber = lazy.Regexp(`_repeat_(\d+)$`)

// repeat is which repeat of its run a result is, from 1.
func (s *Stored) repeat() int {
	m := repeatNumber.Get().FindStringSubmatch(strings.TrimSuffix(filepath.Base(s.Name), ".json"))
	if m == nil {
		return 1
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// Undecided names the metrics asked for that are not decided yet, and those that will not be as
// they are not comparable, with why.
func (g *Group) Undecided() (names, void []string) {
	for _, c := range g.certainties() {
		name := fmt.Sprintf("%s of %s at %s", c.quantity.Key(), g.judged.Labels[c.variant], g.Loads[c.load])
		switch {
		case c.void != "":
			void = append(void, fmt.Sprintf("%s (%s)", name, words(c.void)))
		case !c.Decided():
			names = append(names, name)
		}
	}
	return names, void
}

// words is a code for people.
func words(code string) string { return strings.ReplaceAll(code, "_", " ") }

// certainLines say what is certain of each metric asked for.
func (g *Group) certainLines() (lines []string) {
	for _, c := range g.certainties() {
		text := fmt.Sprintf("At %s: %s of %s vs %s: ", g.Loads[c.load], c.quantity.Key(), g.judged.Labels[c.variant], g.judged.Labels[0])
		ratio := "no interval yet"
		if !math.IsInf(c.High, 1) {
			ratio = fmt.Sprintf("%sx, %s to %s", judge.Digits(c.Ratio), judge.Digits(c.Low), judge.Digits(c.High))
		}
		within := fmt.Sprintf("within %g %%", 100*g.certain.Margin)
		switch {
		case c.void != "":
			text += "not comparable (" + words(c.void) + ")"
		case c.Differs && c.Within:
			text += "differs, but is " + within
		case c.Differs:
			text += "differs"
		case c.Within:
			text += within
		default:
			text += "not decided"
		}
		lines = append(lines, fmt.Sprintf("%s (%s; %d repeats)", text, ratio, c.Repeats))
	}
	if len(lines) > 0 {
		lines = append(lines, fmt.Sprintf("These ratios have %g %% confidence all together, however many repeats there are; the other intervals and asterisks are for a number of repeats that is fixed beforehand", 100*(1-familywiseError)))
	}
	return lines
}

// certainJSON is the same for programs.
func (g *Group) certainJSON() pyjson.Object {
	rows := []pyjson.Object{}
	for _, c := range g.certainties() {
		void := any(nil)
		if c.void != "" {
			void = c.void
		}
		rows = append(rows, pyjson.Object{{Key: "level", Value: g.Loads[c.load]}, {Key: "side", Value: g.judged.Labels[c.variant]}, {Key: "baseline", Value: g.judged.Labels[0]}, {Key: "figure", Value: c.quantity.Key()},
			{Key: "repeats", Value: c.Repeats}, {Key: "ratio", Value: c.Ratio}, {Key: "ratio_low", Value: c.Low}, {Key: "ratio_high", Value: c.High},
			{Key: "differs", Value: c.Differs}, {Key: "within_margin", Value: c.Within}, {Key: "void", Value: void}})
	}
	return pyjson.Object{{Key: "margin", Value: g.certain.Margin}, {Key: "confidence", Value: 1 - familywiseError}, {Key: "rows", Value: rows}}
}
