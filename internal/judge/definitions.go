package judge

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// definition says how a client defines its latencies; "" where it has none of a name.
type definition struct {
	// name is that of its definitions in loadgen's results.
	name                  string
	ttft, tpot, itl, e2el string
}

func (d *definition) of(metric string) string {
	switch metric {
	case "ttft", FirstWaveTTFT:
		return d.ttft
	case "tpot":
		return d.tpot
	case "itl":
		return d.itl
	}
	return d.e2el
}

// Definitions that several clients share.
const (
	firstChunk   = "the time to the first chunk with choices"
	firstContent = "the time to the first chunk with text"
	betweenAll   = "the time between chunks"
	byToken      = "(E2EL - TTFT) / (tokens - 1) of a request"
	lastChunk    = "the time to the last chunk"
	lastContent  = "the time to the last chunk with text"
)

// definitions are those of the clients whose results can be read, by the name that begins
// Summary.Client.
var definitions = map[string]definition{
	"loadgen":               {"trtllm", firstChunk, byToken, betweenAll, lastChunk},
	"benchmark_serving":     {"trtllm", firstChunk, byToken, betweenAll, lastChunk},
	"vllm":                  {"vllm", firstChunk, byToken, betweenAll, lastChunk},
	"sglang":                {"sglang", firstContent, byToken, "the time between chunks divided by the tokens of a chunk", "the time to the last line"},
	"aiperf":                {"aiperf", firstContent, "", byToken, lastContent},
	"guidellm":              {"guidellm", "the time to the first token", "E2EL / tokens of a request", byToken, "the time to the end of the stream"},
	"inference-perf":        {"inference-perf", firstContent, byToken, "the time between tokens, 0 within a chunk", "the time to the end of the stream"},
	"inference-benchmarker": {"inference-benchmarker", firstContent, "", byToken, "the time to the end of the stream"},
}

// program is the client without its version.
func (f *Summary) program() string {
	name, _, _ := strings.Cut(f.Client, " ")
	return name
}

// definitions finds the metrics that two clients define differently. Where one of them is
// loadgen and its result has them by the other's definitions they are compared by those;
// the others are not compared.
func (at *finder) definitions(c *Comparison, base, f *Summary) {
	a, knownA := definitions[base.program()]
	b, knownB := definitions[f.program()]
	if base.program() == f.program() {
		return
	}
	for _, p := range []struct {
		summary *Summary
		known   bool
	}{{base, knownA}, {f, knownB}} {
		if !p.known {
			c.name("how " + p.summary.program() + " defines its metrics is not known")
		} else if p.summary.program() != "loadgen" {
			c.name(p.summary.program() + " does not state its measurement error")
		}
	}
	if !knownA || !knownB {
		return
	}
	for _, m := range latencies {
		x, y := a.of(m), b.of(m)
		mean := Quantity{Metric: m, Statistic: MeanOf}
		if x == y || m == FirstWaveTTFT && a.ttft == b.ttft || math.IsNaN(base.Value(mean)) || math.IsNaN(f.Value(mean)) {
			continue
		}
		text := fmt.Sprintf("%s is %s in %s, and %s in %s", strings.ToUpper(strings.ReplaceAll(m, "_", " ")), defined(y), f.program(), defined(x), base.program())
		if _, _, by := restated(base, f, mean); by != "" {
			c.name(text + "; compared by the definition of " + by)
			continue
		}
		at.addFor("definitions_differ", text, []string{m})
	}
}

func defined(text string) string {
	if text == "" {
		return "not defined"
	}
	return text
}

// name adds a sentence on the clients' definitions, once.
func (c *Comparison) name(text string) {
	if !slices.Contains(c.Definitions, text) {
		c.Definitions = append(c.Definitions, text)
	}
}

// restated are the series of a quantity of two servers by the same definition, as far as
// they can be: where one client is loadgen, its values become those by the definition of
// the other, by, where its result has them.
func restated(base, other *Summary, f Quantity) (a, b []Series, by string) {
	a, b = base.Series[f], other.Series[f]
	switch x, y := base.program(), other.program(); {
	case x == "loadgen" && y != "loadgen":
		a, by = base.restate(f, y)
	case y == "loadgen" && x != "loadgen":
		b, by = other.restate(f, x)
	}
	return a, b, by
}

// restate scales each run's values to the value by a client's definition, which the
// result has as a summary only.
func (f *Summary) restate(of Quantity, client string) (out []Series, by string) {
	runs := f.runs()
	for i, s := range f.Series[of] {
		v, ok := 0.0, false
		if i < len(runs) {
			v, ok = runs[i].Defined[definitions[client].name][of]
		}
		if !ok || !(v > 0) || !(s.Value > 0) {
			return f.Series[of], ""
		}
		out = append(out, s.scaled(v/s.Value))
	}
	if len(out) == 0 {
		return f.Series[of], ""
	}
	return out, client
}

func (s Series) scaled(by float64) Series {
	s.Value, s.Mean, s.Std, s.Error = by*s.Value, by*s.Mean, by*s.Std, by*s.Error
	all := make([][]float64, len(s.Requests))
	for i, r := range s.Requests {
		all[i] = make([]float64, len(r))
		for k, v := range r {
			all[i][k] = by * v
		}
	}
	if s.Requests != nil {
		s.Requests = all
	}
	return s
}
