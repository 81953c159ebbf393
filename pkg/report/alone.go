package report

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"loadgen/internal/judge"
	"loadgen/internal/plain"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// What a server's runs say where there is none to compare it with: the verdict and the bounds
// of the measurement error, failures, findings.

// nextAlone are the hints for a run's findings, by the finding's code.
var nextAlone = map[string]string{"batch_limited": "raise_batch"}

// answerAlone is what came of a server's runs, how far that can be trusted, and what to do
// next.
func (g *Group) answerAlone() string {
	runs := g.Variants[0].Runs
	var parts []string
	if len(runs) == 1 {
		parts = append(parts, runs[0].outcome()+"; "+runs[0].trust())
	} else {
		parts = append(parts, g.outcomes())
	}
	codes, next := g.codes(), []string{}
	if len(codes) > 0 {
		parts = append(parts, "Findings: "+strings.Join(codes, ", "))
	} else {
		parts = append(parts, "No findings")
	}
	if slices.ContainsFunc(runs, func(s *Stored) bool { v := s.Verdict(); return v != "" && v != string(judge.Clean) }) {
		next = append(next, g.hint("own_core"))
	}
	for _, code := range codes {
		if hint := nextAlone[code]; hint != "" {
			next = append(next, g.hint(hint))
		}
	}
	if len(next) > 0 {
		parts = append(parts, "Next: "+strings.Join(next, "; "))
	}
	return plain.Line(strings.Join(parts, ". ") + ".")
}

// outcome is what came of a run.
func (s *Stored) outcome() string {
	text := s.headline()
	for _, m := range []metrics.Metric{metrics.TTFT, metrics.TPOT} {
		if x := 1e3 * s.Latency("mean", m); !math.IsNaN(x) {
			text += fmt.Sprintf(", mean %s %s ms", strings.ToUpper(m.String()), decimals(x))
		}
	}
	return text
}

// trust is the verdict in a few words.
func (s *Stored) trust() string {
	switch v := s.storedVerdict(); {
	case v.Level == "":
		return "no verdict, as " + s.program() + " does not state its measurement error"
	case len(v.Reasons) > 0:
		var of []string
		for _, r := range s.loadgen().ErrorBudget.Reasons {
			if slices.Contains(metricNames, r.What) {
				r.What = strings.ToUpper(r.What)
			}
			if !slices.Contains(of, r.What) { // of several ranks, perhaps
				of = append(of, r.What)
			}
		}
		return "verdict " + v.Level + " (" + strings.Join(of, ", ") + ")"
	default:
		return "verdict " + v.Level
	}
}

// outcomes sum up several runs.
func (g *Group) outcomes() string {
	completed, asked := 0, 0
	low, high := math.Inf(1), math.Inf(-1)
	verdicts := map[string]int{}
	runs := g.Variants[0].Runs
	for _, s := range runs {
		completed, asked = completed+countOf(s.file.Completed), asked+max(countOf(s.file.NumPrompts), countOf(s.file.Completed))
		if x := valueOf(s.file.OutputThroughput); !math.IsNaN(x) {
			low, high = min(low, x), max(high, x)
		}
		verdicts[s.Verdict()]++
	}
	text := fmt.Sprintf("%d runs at %s %s: %d of %d requests completed", len(runs), g.load, strings.Join(g.Loads, ", "), completed, asked)
	if low <= high {
		text += fmt.Sprintf(", %s to %s output tokens/s", decimals(low), decimals(high))
	}
	var counts []string
	for _, load := range []string{string(judge.Clean), string(judge.Degraded), string(judge.ClientLimited), ""} {
		switch n := verdicts[load]; {
		case n == 0:
		case load == "":
			counts = append(counts, fmt.Sprintf("%d without a verdict", n))
		default:
			counts = append(counts, fmt.Sprintf("%d %s", n, load))
		}
	}
	return text + "; verdicts: " + strings.Join(counts, ", ")
}

// runTable is the table of a single run: a metric a row.
func (s *Stored) runTable() pageTable {
	statistics := s.statistics()
	statistics = append(slices.DeleteFunc(statistics, func(name string) bool { return name == "std" }), "std")
	t := pageTable{Head: append([]string{"ms"}, statistics...)}
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		if math.IsNaN(s.Latency("mean", m)) {
			continue
		}
		row := []pageCell{{Text: strings.ToUpper(m.String())}}
		for _, name := range statistics {
			row = append(row, pageCell{Text: decimals(1e3 * s.Latency(name, m))})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// rates are what a run has beside its latencies, in a sentence.
func (s *Stored) rates() string {
	var parts []string
	for _, x := range []struct {
		value float64
		unit  string
	}{
		{s.throughput(judge.OutputThroughput), "output tokens/s"}, {s.throughput("total_token_throughput"), "tokens/s in all"},
		{s.throughput("request_throughput"), "requests/s"}, {s.throughput(goodput), "requests/s of goodput"},
	} {
		if !math.IsNaN(x.value) {
			parts = append(parts, decimals(x.value)+" "+x.unit)
		}
	}
	if n := s.decoding(); n > 0 {
		parts = append(parts, fmt.Sprintf("%.1f requests were decoding at a time", n))
	}
	if wave := s.firstWave(); wave.N > 0 {
		parts = append(parts, fmt.Sprintf("mean TTFT of the first wave (%d requests) %s ms", wave.N, decimals(1e3*wave.Value)))
	}
	if len(parts) == 0 {
		return ""
	}
	return capital(strings.Join(parts, "; ")) + "."
}

// codes are those of all runs' findings, each once.
func (g *Group) codes() (codes []string) {
	for _, s := range g.Variants[0].Runs {
		findings, _ := s.judge()
		for _, f := range findings {
			if !slices.Contains(codes, f.Code) {
				codes = append(codes, f.Code)
			}
		}
	}
	return codes
}

// storedVerdict is the file's verdict with the bounds of the measurement error; its level is ""
// where the file has none.
func (s *Stored) storedVerdict() Verdict {
	out := Verdict{Level: s.Verdict()}
	budget := s.loadgen().ErrorBudget
	if budget == nil {
		return out
	}
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		if x := budget.Bounds.At(int(m)); x.Count > 0 {
			out.Measured = append(out.Measured, m)
			out.Bounds[m] = x.Bound / 1e3
		}
	}
	for _, r := range budget.Reasons {
		out.Reasons = append(out.Reasons, r.Text)
	}
	return out
}

// failureLines are how many requests failed, by class, and what their errors were; none where
// none failed. Those that loadgen ended itself, as it was to, are not among them.
func (s *Stored) failureLines() (lines []string) {
	f := s.summarized()
	if f.Failed <= 0 && f.Unsent <= 0 {
		return nil
	}
	text := fmt.Sprintf("%d of %d requests failed", max(f.Failed, 0), f.Requests-f.Unsent)
	if of := s.loadgen().Failures; of != nil && len(of.ByClass) > 0 {
		text += ": " + counted(of.ByClass)
	}
	if f.Unsent > 0 {
		text += fmt.Sprintf("; %d more were not sent", f.Unsent)
	}
	lines = append(lines, text)
	messages := map[string]int{}
	for _, e := range s.file.Errors {
		class, _, _ := strings.Cut(e, ":")
		if e = plain.Name(e, longestError); e != "" && class != string(client.Cancelled) && class != string(client.CutAtEnd) {
			messages[e]++
		}
	}
	for i, message := range mostFrequent(messages) {
		if i == mostErrors {
			lines = append(lines, fmt.Sprintf("and %d other messages", len(messages)-i))
			break
		}
		lines = append(lines, fmt.Sprintf("%d with %q", messages[message], message))
	}
	return lines
}

// Of the messages of failures a report has the most frequent ones.
const (
	mostErrors   = 5
	longestError = 200 // characters
)

// mostFrequent are the keys of counts, the greatest first.
func mostFrequent(counts map[string]int) []string {
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	return keys
}

// counted words counts: "2 http_status, 1 timeout".
func counted(counts map[string]int) string {
	var parts []string
	for _, k := range mostFrequent(counts) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[k], plain.Line(k)))
	}
	return strings.Join(parts, ", ")
}

// runNotes are what the runs of a server alone say of themselves.
type runNotes struct {
	trusted                            bool // each verdict is clean
	verdicts, failures, findings, also []pageItem
}

func (g *Group) runNotes() runNotes {
	all := runNotes{trusted: true}
	for load := range g.Loads {
		for i, s := range g.Runs[load][0] {
			where := ""
			if len(g.Variants[0].Runs) > 1 {
				where = g.load + " " + g.Loads[load]
			}
			if len(g.Runs[load][0]) > 1 {
				where += fmt.Sprintf(", run %d", i+1)
			}
			add := func(to *[]pageItem, text string) { *to = append(*to, pageItem{where, text}) }
			v := s.storedVerdict()
			all.trusted = all.trusted && v.Level == string(judge.Clean)
			var text bytes.Buffer
			if WriteVerdict(&text, "", v); text.Len() == 0 {
				fmt.Fprintln(&text, s.trust())
			}
			for _, line := range strings.Split(strings.TrimSpace(text.String()), "\n") {
				line = strings.TrimPrefix(strings.TrimSpace(line), "- ")
				add(&all.verdicts, strings.TrimPrefix(line, "verdict "))
			}
			findings, notes := s.judge()
			for _, line := range s.failureLines() {
				add(&all.failures, line)
			}
			for _, f := range findings {
				if !isFailures(f) {
					add(&all.findings, f.Code+": "+f.Text)
				}
			}
			for _, f := range notes {
				add(&all.also, f.Code+": "+f.Text)
			}
		}
	}
	return all
}
