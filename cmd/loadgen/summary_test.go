package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"loadgen/internal/analysis"
	"loadgen/internal/judge"
	"loadgen/internal/recording"
	"loadgen/pkg/metrics"
)

// summaryOf is what stderr gets of a run with these findings and notes.
func summaryOf(extended bool, findings, notes []judge.Finding) string {
	var out bytes.Buffer
	cfg := newConfig()
	cfg.Extended = extended
	b := &judge.Budget{}
	b.Bounds[metrics.TTFT].Count = 1
	reasons := []judge.Reason{{Text: "the CPU was busy"}, {Text: "loadgen started requests late"}, {Text: "the CPU was busy"}}
	a := &analysis.Analysis{Verdict: judge.Verdict{Level: judge.Degraded, Reasons: reasons}, Budget: b, Findings: findings, Notes: notes}
	(&benchmark{cfg: cfg, s: streams{err: &out}}).summarize(&recording.Recording{}, a)
	return out.String()
}

// TestSummaryFits: whatever is found, stderr fits a terminal, and nothing is said twice.
func TestSummaryFits(t *testing.T) {
	var many []judge.Finding
	for i := range 30 {
		many = append(many, judge.Finding{Code: fmt.Sprintf("found_%d", i), Text: strings.Repeat("many words ", 20)})
	}
	notes := []judge.Finding{{Code: "too_few_samples", Text: "p99 needs more"}, {Code: "rare", Text: "seldom"}}
	text := summaryOf(false, many[:1], notes)
	if strings.Contains(text, "too_few_samples") || !strings.Contains(text, "note rare: seldom\n") || strings.Count(text, "the CPU was busy") != 1 {
		t.Error(text)
	}
	if want := "loadgen: verdict degraded: measurement error at most 0 ms TTFT\nloadgen:   - the CPU was busy\nloadgen:   - loadgen started requests late\nloadgen: finding found_0: many"; !strings.HasPrefix(text, want) {
		t.Errorf("%s\nwant %s", text, want)
	}
	text = summaryOf(false, many, notes)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for _, line := range lines {
		if len(line) > 80 || !strings.HasPrefix(line, "loadgen: ") && !strings.HasPrefix(line, "         ") {
			t.Errorf("%q", line)
		}
	}
	if len(lines) > 24 || !strings.Contains(text, "found_29") {
		t.Errorf("%d lines:\n%s", len(lines), text)
	}
	if text := summaryOf(true, many, notes); strings.Count(text, "loadgen: finding found_") != 30 || !strings.Contains(text, "note too_few_samples") {
		t.Error(text)
	}
}

// TestLongNamesFit: what a run says of its files fits 80 columns, too, with the names that it
// gives them.
func TestLongNamesFit(t *testing.T) {
	const long = "openai-infqps-concurrency64-Meta-Llama-3-8B-Instruct-20261130-035909"
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{"r.json", "r.hlog"}, "loadgen: wrote r.json, r.hlog\nloadgen: next: loadgen report r.json shows the distributions; --extended prints\n         all metrics and notes\n"},
		{[]string{long + ".json", long + ".hlog"}, "loadgen: wrote\n  " + long + ".json\n  " + long + ".hlog\nloadgen: next: loadgen report *20261130-035909.json shows the distributions;\n         --extended prints all metrics and notes\n"},
	} {
		var out bytes.Buffer
		m := &benchmark{cfg: newConfig(), s: streams{err: &out}, saved: c.files[0]}
		m.sayWritten(c.files)
		m.sayNext(&analysis.Analysis{Verdict: judge.Verdict{Level: judge.Clean}})
		if text := out.String(); !strings.HasPrefix(text, c.want) {
			t.Errorf("%s\nwant %s", text, c.want)
		}
		for line := range strings.Lines(out.String()) {
			if len(line) > 81 {
				t.Errorf("%d columns: %s", len(line)-1, line)
			}
		}
	}
	if got := pattern("d/" + long + "-2.json"); got != "d/*20261130-035909-2.json" {
		t.Error(got)
	}
}
